package mail

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
)

// rules is a mail that tells so many rules.
func rules(n int) notify.Mail {
	var events []notify.Event
	for i := range n {
		e := freezer(notify.Raised)
		if i < 5 {
			trace(&e)
		}
		e.Rule, e.Title = fmt.Sprintf("rule-%d", i), fmt.Sprintf("Rule %d", i)
		e.Serial, e.At = uint64(i+1), at(night+time.Duration(i)*time.Second)
		events = append(events, e)
	}
	return letterOf(events...)
}

// mustFit checks that nothing of a mail's HTML is hidden by Gmail.
func mustFit(t *testing.T, name string, m notify.Mail, h Letterhead) Letter {
	t.Helper()
	c := mustCompose(t, stationery{m, h})
	if n := len(c.HTML); n > maxHTML {
		t.Errorf("%s: %d bytes of HTML", name, n)
	}
	mustBeSafeHTML(t, c)
	return c
}

func TestLargeDigestIsNotClippedByGmail(t *testing.T) {
	for _, n := range []int{35, 100, 130} {
		c := mustFit(t, fmt.Sprint(n, " rules"), rules(n), head)
		shown := strings.Count(c.HTML, "border-left:")
		if n == 35 {
			if shown != n || strings.Contains(c.HTML, "more, which") {
				t.Errorf("%d of %d rules are shown", shown, n)
			}
			continue
		}
		want := fmt.Sprintf("And %d more, which the text form of this mail shows.", min(n, maxBlocks)-shown)
		if shown < 36 || !strings.Contains(c.HTML, want) || !strings.Contains(c.HTML, "Also on this board: ") {
			t.Errorf("%d of %d rules are shown, without %q", shown, n, want)
		}
		if got := strings.Count(c.Text, "Rule "); got < min(n, maxBlocks) {
			t.Errorf("the text names %d of %d rules", got, n)
		}
	}
}

func TestNothingThatOthersWroteIsClippedByGmail(t *testing.T) {
	for name, piece := range map[string]string{
		"quotes": `"" `, "lines": "a\n", "paragraphs": "a\n\n", "spaces": strings.Repeat(" ", 30) + ".\n", "letters": "üü ", "words": "&  ",
	} {
		s := strings.Repeat(piece, 5000/len(piece))
		m := rules(60)
		for i := range m.Events {
			e := &m.Events[i]
			e.Trace, e.Title, e.Message, e.Cause, e.Remedy = nil, s, s, s, s
		}
		for i := range maxFiles {
			m.Troubles = append(m.Troubles, notify.Trouble{Code: fmt.Sprint(i), Sentence: s, Doing: s, Remedy: s})
			m.Files = append(m.Files, notify.Attachment{Name: s, Type: "image/gif", Data: pixel, Taken: m.Sealed})
		}
		mustFit(t, name, m, head)
		m.Events = m.Events[:1]
		mustFit(t, name+", one event", m, head)
		h := head
		h.Templates.Body = unchecked(t, strings.Repeat(s, 11)+"x{{.Title}}")
		if c := mustFit(t, name+", template", m, h); name == "quotes" && !strings.Contains(c.HTML, "the text form of this mail has all of it") {
			t.Errorf("%s: the HTML does not say that it was cut", name)
		}
	}
}
