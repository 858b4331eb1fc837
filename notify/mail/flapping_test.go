package mail

import (
	"strings"
	"testing"
	"time"

	"pinbell/notify"
)

// upsAndDowns are so many rises of the freezer, each with its end but the last
// one where it is still up.
func upsAndDowns(rises int, up bool) (events []notify.Event) {
	for i := range 2 * rises {
		e := freezer(notify.Raised)
		if i%2 == 1 {
			e = freezer(notify.Cleared)
		}
		e.Serial, e.At = uint64(40+i), at(night+time.Duration(i)*10*time.Minute)
		e.Incident, e.Began = uint64(40+i-i%2), at(night+time.Duration(i-1)*10*time.Minute)
		e.Since = e.At
		events = append(events, e)
	}
	if up {
		return events[:len(events)-1]
	}
	return events
}

func TestRuleThatGoesUpAndDownIsSaidToFlap(t *testing.T) {
	condensed := upsAndDowns(2, false)
	condensed[3].Merged = 16 // eight rises and their ends
	lost := []notify.Event{cellar(notify.Lost), cellar(notify.Returned), cellar(notify.Lost), cellar(notify.Returned), cellar(notify.Lost)}
	for name, c := range map[string]struct {
		events        []notify.Event
		subject, text string // empty: it does not flap
	}{
		"up twice":          {upsAndDowns(2, true), "", ""},
		"up three times":    {upsAndDowns(3, true), "[garage] Freezer warm flapping, 3 times in 40 min", "It flaps: it was raised 3 times in 40 min."},
		"and down again":    {upsAndDowns(3, false), "[garage] Over: Freezer warm flapping, 3 times in 50 min", "It flaps: it was raised 3 times in 50 min."},
		"condensed":         {condensed, "[garage] Over: Freezer warm flapping, about 10 times in 30 min", "It flaps: it was raised about 10 times in 30 min."},
		"a sensor's wire":   {lost, "[garage] Cellar flapping, 3 times", "It flaps: it fell silent 3 times. A loose wire"},
		"one for all of it": {[]notify.Event{with(condensed[3], 16)}, "[garage] Over: Freezer warm flapping, about 8 times", "about 8 times"},
	} {
		m := letterOf(c.events...)
		mustBeSound(t, m, head)
		subject, text := Subject(m, head), Text(m, head)
		if c.subject == "" && (strings.Contains(subject, "flap") || strings.Contains(text, "flap")) {
			t.Errorf("%s: %q\n%s", name, subject, text)
		}
		if c.subject != "" && (subject != c.subject || !strings.Contains(text, c.text)) {
			t.Errorf("%s: %q, want %q\n%s", name, subject, c.subject, text)
		}
	}
}

func with(e notify.Event, merged int) notify.Event {
	e.Merged = merged
	return e
}

func TestFlappingIsNamedAmongOtherAlerts(t *testing.T) {
	m := letterOf(append(upsAndDowns(3, true), cellar(notify.Lost))...)
	if got, want := Subject(m, head), "[garage] 2 alerts: Freezer warm flapping (3 times), Cellar: no reading"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A rule of a level has no limit that an until could be further from.
func TestAdviceOnFlappingFitsTheRule(t *testing.T) {
	open := door()
	m := letterOf(open, open, open)
	if got := Text(m, head); !strings.Contains(got, `It flaps: it was raised 3 times. A longer "for" calms the rule.`) {
		t.Errorf("got\n%s", got)
	}
}

func TestRulesOwnLimitIsSaidWhereItsEventsWaited(t *testing.T) {
	for want, r := range map[string]notify.Rate{
		"\n  at most  3 mails per hour of this rule\n":   {Mails: 3, Per: time.Hour},
		"\n  at most  1 mail per day of this rule\n":     {Mails: 1, Per: 24 * time.Hour},
		"\n  at most  2 mails per 90 min of this rule\n": {Mails: 2, Per: 90 * time.Minute},
	} {
		if r.Per == 90*time.Minute {
			want = strings.ReplaceAll(want, "90 min", "1 h 30 min")
		}
		events := upsAndDowns(2, true)
		for i := range events {
			events[i].AtMost = r
		}
		if got := Text(letterOf(events...), head); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
		late := letterOf(events[0])
		if got := Text(late, head); strings.Contains(got, "at most") {
			t.Errorf("a mail in time speaks of the limit:\n%s", got)
		}
		late.Sealed = late.Sealed.Add(time.Hour)
		if got := Text(late, head); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
