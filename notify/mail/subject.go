package mail

import (
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"pinbell/notify"
	"pinbell/sensors"
)

// tag is how the device stands before a subject, in runes.
const maxTag = 24

// subject says the mail in a line, in pinbell's own words.
func (l letter) subject() string {
	tag := "[" + headerText(l.Device, maxTag) + "] "
	blocks := l.blocks()
	switch {
	case len(blocks) == 0:
		return tag + "Nothing to tell"
	case len(blocks) > 1:
		return tag + headerText(summary(blocks), maxSubject)
	}
	b := blocks[0]
	if b.flapping() {
		return tag + headerText(flapHeadline(b)+l.stamp(b.last().At), maxSubject)
	}
	s := headline(b.last()) + l.stamp(b.last().At)
	if n := b.count(); n > 1 {
		s += fmt.Sprintf(", %d events", n)
	}
	return tag + headerText(s, maxSubject)
}

// flapHeadline says a rule that went up and down.
func flapHeadline(b block) string {
	s := title(b.last()) + " flapping, " + b.flaps()
	if b.over() {
		return "Over: " + s
	}
	return alarm(b.worst()) + s
}

// headline says one event.
func headline(e notify.Event) string {
	title := title(e)
	switch e.Kind {
	case notify.Raised:
		return alarm(e) + title + reading(e) + lasting(e)
	case notify.Reminder:
		return still(e) + title + reading(e) + lasting(e)
	case notify.Cleared:
		return "Over: " + title + value(e) + spanned(", lasted ", between(e.Began, e.At))
	case notify.Lost:
		return alarm(e) + title + ": no reading" + spanned(" for ", between(e.Since, e.At))
	case notify.Returned:
		return title + ": reading again" + spanned(" after ", silence(e))
	}
	return "Test mail from pinbell"
}

func title(e notify.Event) string {
	for _, name := range []string{e.Title, e.Rule, e.Sensor} {
		if name = oneLine(name, maxTitle); name != "" {
			return name
		}
	}
	return e.Kind.String()
}

func alarm(e notify.Event) string {
	if e.Severity == notify.Critical {
		return "CRITICAL: "
	}
	return ""
}

func still(e notify.Event) string {
	if e.Severity == notify.Critical {
		return "Still CRITICAL: "
	}
	return "Still: "
}

// lasting is for how long it has been so: the condition, or the silence.
func lasting(e notify.Event) string {
	return spanned(" for ", between(e.Since, e.At))
}

// silence is for how long there was no reading. Since is the last one before
// it or the first one after it.
func silence(e notify.Event) time.Duration {
	return max(between(e.Since, e.At), between(e.Began, e.At))
}

// spanned is a duration after a word, or nothing if there is none to speak of.
func spanned(word string, d time.Duration) string {
	if d < time.Second {
		return ""
	}
	return word + notify.Span(d)
}

// reading is the telling measure with its limit. A level's title says it all.
func reading(e notify.Event) string {
	s := value(e)
	if s == "" {
		return ""
	}
	return s + " (limit " + limit(e.Terms[0].Limit) + ")"
}

func value(e notify.Event) string {
	if len(e.Terms) == 0 || !e.Terms[0].Known() || isLevel(e.Terms[0].Fact) {
		return ""
	}
	return ": " + text(e.Terms[0].Fact)
}

func isLevel(f notify.Fact) bool { return f.Quantity == sensors.Level }

// text is a fact's value; a state's word is the owner's.
func text(f notify.Fact) string { return oneLine(f.Text(), maxTitle) }

// limit is a number as its owner wrote it.
func limit(v float64) string {
	if a := math.Abs(v); a != 0 && (a >= 1e9 || a < 1e-6) {
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// summary says several alerts, the most severe first.
func summary(blocks []block) string {
	return fmt.Sprintf("%d alerts: ", len(blocks)) + names(blocks)
}

// names says what the blocks are, and leaves to the text what is too much.
func names(blocks []block) (s string) {
	const enough = 80 // runes
	for i, b := range blocks {
		name := alarmed(b) + b.name()
		if i > 0 {
			if utf8.RuneCountInString(s)+utf8.RuneCountInString(name) > enough {
				return s + " …"
			}
			s += ", "
		}
		s += name
	}
	return s
}

func alarmed(b block) string {
	if !b.over() && b.worst().Severity == notify.Critical {
		return "CRITICAL "
	}
	return ""
}
