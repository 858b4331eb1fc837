package outbox

import (
	"fmt"
	"net/mail"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"pinbell/notify"
	"pinbell/notify/rules"
)

// arrival is a mail that a server took, or may have taken.
type arrival struct {
	at         time.Time
	id         string
	road       int
	recipients int
	rules      map[string]bool
	critical   bool
}

// TestNoWindowHasMoreMailsThanTheBudgetAndEveryEventIsTold drives a box through
// days of random alarms, roads that fail, servers that put off and lose
// receipts, and power cuts.
func TestNoWindowHasMoreMailsThanTheBudgetAndEveryEventIsTold(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		g := newBudget(r) // all is drawn before: rapid's panics cannot leave a bubble
		synctest.Test(t, g.play)
		if g.fault != "" {
			r.Fatal(g.fault)
		}
	})
}

type budget struct {
	t        *testing.T
	dir      string
	box      *Box
	limits   Limits
	roads    []Road
	ways     []passable
	atMost   notify.Rate
	steps    []budgetStep
	arrivals []arrival
	told     map[uint64]string
	raised   uint64
	fault    string // the first one
}

// budgetStep is what happens next: of what it has, kind uses a part.
type budgetStep struct {
	kind     int
	rule     string
	severity notify.Severity
	to       []string
	way      int
	fails    bool
	wait     time.Duration
	outcome  notify.Outcome
}

func newBudget(r *rapid.T) *budget {
	g := &budget{told: map[uint64]string{}}
	g.limits = Limits{
		PerHour: rapid.IntRange(1, 8).Draw(r, "per hour"), PerDay: rapid.IntRange(4, 30).Draw(r, "per day"),
		Reserve: rapid.SampledFrom([]float64{0, 0.2, 0.5}).Draw(r, "reserve"),
	}
	for i := range rapid.IntRange(1, 3).Draw(r, "roads") {
		g.roads = append(g.roads, Road{
			Name: fmt.Sprint("road", i), From: mail.Address{Address: fmt.Sprintf("g@r%d.org", i)}, After: 15 * time.Minute,
			Limits: Limits{PerDay: rapid.IntRange(2, 20).Draw(r, "cap"), Recipients: rapid.IntRange(6, 40).Draw(r, "recipients")},
		})
	}
	g.ways = make([]passable, len(g.roads))
	if rapid.Bool().Draw(r, "rated") {
		g.atMost = notify.Rate{Mails: rapid.IntRange(1, 3).Draw(r, "at most"), Per: rapid.SampledFrom([]time.Duration{time.Hour, 6 * time.Hour}).Draw(r, "window")}
	}
	g.steps = rapid.SliceOfN(rapid.Custom(drawBudgetStep), 5, 80).Draw(r, "steps")
	return g
}

func drawBudgetStep(r *rapid.T) budgetStep {
	return budgetStep{
		kind:     rapid.IntRange(0, 9).Draw(r, "kind"),
		rule:     rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "rule"),
		severity: rapid.SampledFrom([]notify.Severity{notify.Info, notify.Critical}).Draw(r, "severity"),
		to:       rapid.SampledFrom([][]string{{"a@x.org"}, {"b@x.org"}, {"a@x.org", "b@x.org", "c@x.org"}}).Draw(r, "to"),
		way:      rapid.IntRange(0, 2).Draw(r, "way"),
		fails:    rapid.Bool().Draw(r, "fails"),
		wait:     time.Duration(rapid.IntRange(1, 300).Draw(r, "minutes")) * time.Minute,
		outcome:  rapid.SampledFrom([]notify.Outcome{notify.Accepted, notify.Accepted, notify.Deferred, notify.Refused, notify.Unknown, notify.Down}).Draw(r, "outcome"),
	}
}

func (g *budget) start() {
	g.box = open(g.t, g.dir, g.limits, newClock(g.t, true))
	g.box.Roads = g.roads
	g.box.store.db.NoSync = true // the file is closed and opened, and no power fails
}

func (g *budget) play(t *testing.T) {
	g.t, g.dir = t, t.TempDir()
	g.start()
	for _, s := range g.steps {
		switch s.kind {
		case 0, 1, 2, 3:
			g.raise(s)
		case 4:
			cut(g.box)
			g.start()
		case 5:
			g.ways[s.way%len(g.ways)] = passable{}
			if s.fails {
				g.ways[s.way%len(g.ways)] = passable{At: time.Now().Add(time.Hour), Since: time.Now()}
			}
		case 6:
			time.Sleep(s.wait)
		default:
			g.send(s.outcome)
		}
	}
	clear(g.ways)
	for range 3000 {
		if !g.send(notify.Accepted) {
			break
		}
	}
	cut(g.box)
	g.judge()
}

func (g *budget) raise(s budgetStep) {
	g.raised++
	ev := notify.Event{
		Serial: g.box.NextSerial(), Kind: notify.Raised, Rule: s.rule, Title: s.rule, At: g.box.Clock.At(time.Now()),
		Severity: s.severity, To: s.to,
	}
	if s.rule == "a" {
		ev.AtMost = g.atMost
	}
	g.box.Commit([]rules.Transition{{Key: "rule/" + s.rule, Event: ev}})
}

func (g *budget) fail(format string, args ...any) {
	if g.fault == "" {
		g.fault = fmt.Sprintf(format, args...)
	}
}

// send hands over one mail, or waits for one; false: there is none for ever.
func (g *budget) send(outcome notify.Outcome) bool {
	now := time.Now()
	for i := range g.ways {
		if !now.Before(g.ways[i].At) {
			g.ways[i] = passable{}
		}
	}
	e, ok, until := g.box.next(now, g.ways)
	if !ok {
		if !g.box.Due() {
			return false
		}
		time.Sleep(max(time.Until(until), time.Second))
		return true
	}
	m, _ := g.box.begin(e)
	a := arrival{at: time.Now(), id: m.ID, road: e.road, recipients: len(m.To), rules: map[string]bool{}, critical: severest(m.Events) == notify.Critical}
	for _, ev := range m.Events {
		a.rules[ev.Rule] = true
		if id := g.told[ev.Serial]; id != "" && id != m.ID {
			g.fail("event %d is in mails %s and %s", ev.Serial, id, m.ID)
		}
		if outcome == notify.Accepted {
			g.told[ev.Serial] = m.ID
		}
	}
	if outcome == notify.Accepted || outcome == notify.Unknown {
		g.arrivals = append(g.arrivals, a)
	}
	g.box.settle(e, notify.Verdict{Outcome: outcome, Step: "dot"}, time.Now())
	return true
}

func (g *budget) judge() {
	for serial := uint64(1); serial <= g.raised; serial++ {
		if g.told[serial] == "" {
			g.fail("event %d of %d is in no accepted mail", serial, g.raised)
		}
	}
	for i := range g.arrivals {
		upTo := g.arrivals[:i+1]
		end := g.arrivals[i].at
		g.atMostIn(upTo, end, time.Hour, g.limits.PerHour, "an hour", func(arrival) bool { return true })
		g.atMostIn(upTo, end, day, g.limits.PerDay, "a day", func(arrival) bool { return true })
		for road := range g.roads {
			by := func(a arrival) bool { return a.road == road }
			g.atMostIn(upTo, end, day, g.roads[road].Limits.PerDay, g.roads[road].Name, by)
			recipients := 0
			for _, a := range upTo {
				if by(a) && a.at.After(end.Add(-day)) {
					recipients += a.recipients
				}
			}
			if recipients > g.roads[road].Limits.Recipients {
				g.fail("%d recipients by %s within a day, cap %d", recipients, g.roads[road].Name, g.roads[road].Limits.Recipients)
			}
		}
		if g.atMost.Mails > 0 {
			g.atMostIn(upTo, end, g.atMost.Per, g.atMost.Mails, ownRate, func(a arrival) bool { return a.rules["a"] })
		}
	}
}

// ownRate counts mails, and a mail that is sent again is still one.
const ownRate = "the rule's own rate"

func (g *budget) atMostIn(all []arrival, end time.Time, window time.Duration, most int, what string, counts func(arrival) bool) {
	n, seen := 0, map[string]bool{}
	for _, a := range slices.Backward(all) {
		if a.at.After(end.Add(-window)) && counts(a) && !(what == ownRate && seen[a.id]) {
			n++
		}
		seen[a.id] = true
	}
	if n > most {
		g.fail("%d mails within %v, limit %d (%s)", n, window, most, what)
	}
}

func TestFlappingRuleBecomesOneMailAndHoldsNoOtherUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), Limits{PerHour: 20, PerDay: 200}, newClock(t, true))
		b.Next(time.Now())
		mails := 0
		for range 25 {
			raise(b, "loose", notify.Warning)
			mails += len(accept(b))
			time.Sleep(time.Minute)
		}
		if mails != leastShare {
			t.Errorf("%d mails of a rule that flaps", mails)
		}
		raise(b, "calm", notify.Warning)
		if got := accept(b); len(got) != 1 || len(got[0]) != 1 {
			t.Errorf("another rule: %v", got)
		}
		for i := range 8 {
			raise(b, "fire", notify.Critical)
			if got := accept(b); len(got) != 1 {
				t.Errorf("critical %d: %v", i, got)
			}
		}
		time.Sleep(36 * time.Minute)
		if got := accept(b); len(got) != 1 || len(got[0]) != 19 {
			t.Errorf("after the hour: %v", got)
		}
	})
}
