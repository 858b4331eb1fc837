package mail

import (
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/sensors"
)

func TestSpanBetweenMomentsNeedsNoRightClock(t *testing.T) {
	boot := func(id string, wall, up time.Duration) notify.Moment {
		return notify.Moment{Wall: noon.Add(wall), Boot: id, Up: up}
	}
	gone := boot("x", 0, 0)
	gone.Undated = true
	for name, c := range map[string]struct {
		from, to notify.Moment
		want     time.Duration
	}{
		"same boot, clock set meanwhile": {boot("x", 0, time.Minute), boot("x", 50*time.Hour, 2*time.Minute), time.Minute},
		"two boots":                      {boot("x", 0, time.Hour), boot("y", time.Hour, time.Second), time.Hour},
		"two boots, clock set back":      {boot("x", time.Hour, time.Hour), boot("y", 0, time.Second), 0},
		"an undated one":                 {gone, boot("y", time.Hour, time.Second), 0},
		"one not set":                    {notify.Moment{}, boot("y", time.Hour, time.Second), 0},
	} {
		if got := between(c.from, c.to); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestShortTimesAreClearOnTheDayOfTheMail(t *testing.T) {
	l := letter{notify.Mail{Sealed: noon}, head}
	for want, d := range map[string]time.Duration{
		"11:00": -time.Hour, "Fri 13:00": -23 * time.Hour, "Mon 12:00": -5 * 24 * time.Hour,
		"4 Nov 12:00": -10 * 24 * time.Hour, "14 Nov 2025": -365 * 24 * time.Hour,
	} {
		if got := l.brief(at(d)); got != want {
			t.Errorf("%v before: %q, want %q", -d, got, want)
		}
	}
}

func TestRemindersAreAnnounced(t *testing.T) {
	for want, waits := range map[string][]time.Duration{
		"": nil,
		"Next reminder in 15 min, then every 15 min, until it clears.":                    {15 * time.Minute},
		"Next reminder in 15 min, then daily, until it clears.":                           {15 * time.Minute, 24 * time.Hour},
		"Next reminder in 15 min, then after 1 h, 6 h, then every 12 h, until it clears.": {15 * time.Minute, time.Hour, 6 * time.Hour, 12 * time.Hour},
	} {
		if got := next(notify.Event{Kind: notify.Raised, Next: waits}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	lost := notify.Event{Kind: notify.Lost, Next: []time.Duration{time.Hour}}
	if got := next(lost); !strings.HasSuffix(got, "until it gives readings again.") {
		t.Errorf("got %q", got)
	}
}

func TestRuleOverSeveralSensorsShowsEach(t *testing.T) {
	e := freezer(notify.Raised)
	e.Terms = append(e.Terms, door().Terms[0], notify.Term{
		Fact: notify.Fact{Title: "Cellar", Quantity: sensors.Humidity, Value: 81}, Op: ">=", Limit: 80.5})
	got := Text(letterOf(e), head)
	for _, want := range []string{"\n  and      Garage door: open\n", "\n  and      Cellar: 81.0 %RH (at or above 80.5 %RH)\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestSeverityIsInTheSubjectOnlyWhileItLasts(t *testing.T) {
	for kind, want := range map[notify.Kind]string{
		notify.Raised:   "[garage] CRITICAL: Freezer warm",
		notify.Reminder: "[garage] Still CRITICAL: Freezer warm",
		notify.Cleared:  "[garage] Over: Freezer warm",
	} {
		e := freezer(kind)
		e.Severity = notify.Critical
		if got := Subject(letterOf(e), head); !strings.HasPrefix(got, want) {
			t.Errorf("%v: %q, want %q", kind, got, want)
		}
	}
}

func TestManyAlertsNameTheMostSevereFirst(t *testing.T) {
	var events []notify.Event
	for i, severity := range []notify.Severity{notify.Info, notify.Warning, notify.Critical} {
		e := door()
		e.Rule, e.Title, e.Severity = "r"+severity.String(), strings.Repeat(severity.String()+" ", 4+i), severity
		events = append(events, e)
	}
	over := freezer(notify.Cleared)
	over.Severity = notify.Critical
	got := Subject(letterOf(append(events, over)...), head)
	want := "[garage] 4 alerts: CRITICAL critical critical critical critical critical critical …"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMomentWithoutTrustInACheckedMailIsMarked(t *testing.T) {
	m := letterOf(door())
	m.Events[0].At.Trusted = false
	if got := Text(m, head); !strings.Contains(got, "22:41:07 GMT (unchecked).") {
		t.Errorf("got %q", got)
	}
}

func TestLimitsAreAsTheOwnerWroteThem(t *testing.T) {
	for want, v := range map[string]float64{"-15": -15, "0": 0, "2.5": 2.5, "1013.25": 1013.25, "1e+12": 1e12, "1e-09": 1e-9} {
		if got := limit(v); got != want {
			t.Errorf("limit(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestEventWithoutNumbersStillReads(t *testing.T) {
	e := notify.Event{Serial: 3, Kind: notify.Reminder, Rule: "odd", At: at(night), Severity: notify.Info}
	m := letterOf(e)
	mustBeSound(t, m, head)
	if got := Subject(m, head); got != "[garage] Still: odd" {
		t.Errorf("subject %q", got)
	}
	if got := Text(m, head); !strings.HasPrefix(got, "odd: it is still so. Reminder of Sat 14 Nov 2026 22:41:07 GMT.\n") {
		t.Errorf("text %q", got)
	}
	e.At, e.Kind = notify.Moment{}, notify.Raised
	m.Events = []notify.Event{e}
	if got := Text(m, head); !strings.HasPrefix(got, "odd. Raised at an unknown time.\n") {
		t.Errorf("text %q", got)
	}
}

func TestNothingToTellIsSaidAndNotCrashed(t *testing.T) {
	m := notify.Mail{ID: "x", Sealed: noon, Checked: true}
	if got := Subject(m, head); got != "[garage] Nothing to tell" {
		t.Errorf("subject %q", got)
	}
	if got := Text(m, head); !strings.HasPrefix(got, "Nothing to tell.\n") {
		t.Errorf("text %q", got)
	}
}

func TestReturnWithoutAKnownSilenceIsAWholeSentence(t *testing.T) {
	back := notify.Event{Kind: notify.Returned, Title: "Cellar"}
	if got := opening(back); got != "Cellar gives readings again." {
		t.Errorf("got %q", got)
	}
}

func TestWindowIsSaidBesideItsQuantity(t *testing.T) {
	tank := notify.Fact{Sensor: "tank", Title: "Tank", Quantity: sensors.Temperature, Value: 2.5}
	for _, c := range []struct {
		window notify.Window
		want   []string
	}{
		{notify.Window{}, []string{"Tank (temperature) is above 2 °C.", "limit    above 2 °C"}},
		{notify.Window{Kind: "avg", Length: 10 * time.Minute}, []string{"Tank (temperature, average of 10 min) is above 2 °C."}},
		{notify.Window{Kind: "rate", Length: time.Hour}, []string{
			"Tank (temperature, change over 1 h) is above 2 °C per hour.", "now      2.5 °C per hour", "limit    above 2 °C per hour", "lowest 1.0 °C per hour",
		}},
	} {
		tank.Window = c.window
		e := notify.Event{
			Serial: 7, Incident: 7, Kind: notify.Raised, Rule: "tank", Title: "Tank", To: []string{"alex@icloud.com"}, At: at(0), Since: at(0),
			Terms: []notify.Term{{Fact: tank, Op: ">", Limit: 2, Lowest: 1, Highest: 3}},
		}
		text := Text(notify.Mail{ID: "7.abc", To: e.To, Sealed: noon, Checked: true, Events: []notify.Event{e}}, head)
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%+v: the mail does not say %q:\n%s", c.window, want, text)
			}
		}
	}
}
