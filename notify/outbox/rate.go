package outbox

import (
	"slices"
	"time"

	"pinbell/notify"
)

// A rule's own rate (at_most) counts the mails that tell of it, in a ledger of
// its own under "rate/…". What exceeds it waits in no mail, and goes out
// together in the next one that the rate allows: a rule that flaps becomes one
// mail that says so. A rule without a rate has a fair share of the hour's
// mails, so that one loose contact does not use up what all rules have.
// Critical rules have no share: who must act at once must hear at once.

// leastShare is how many mails an hour of one rule are no flapping, however low
// the limit of the hour.
const leastShare = 6

// rateFor is how many mails of an event's rule are sent at most.
func (b *Box) rateFor(ev *notify.Event) notify.Rate {
	switch {
	case ev.AtMost.Mails > 0:
		return ev.AtMost
	case ev.Rule == "" || ev.Severity == notify.Critical || b.Limits.PerHour == 0:
		return notify.Rate{}
	}
	return notify.Rate{Mails: max(leastShare, b.Limits.PerHour/3), Per: time.Hour}
}

// The names of the limits in status.
const (
	ruleRate  = "at_most"
	fairShare = "an hour's share"
)

func rateName(ev *notify.Event) string {
	if ev.AtMost.Mails > 0 {
		return ruleRate
	}
	return fairShare
}

// rate reports whether an event's rule may have one more mail now; if not,
// from when on.
func (b *Box) rate(ev *notify.Event, wall time.Time) (again time.Time, ok bool) {
	rate := b.rateFor(ev)
	if rate.Mails == 0 {
		return time.Time{}, true
	}
	told := within(b.rates[ev.Rule], wall, rate.Per)
	over := len(told) + b.underWay(ev.Rule) - rate.Mails
	switch {
	case over < 0:
		return time.Time{}, true
	case over >= len(told): // what is under way decides, and wakes us when it ends
		return wall.Add(time.Minute), false
	}
	return time.Unix(told[over].At, 0).Add(rate.Per + fresh + time.Second), false
}

// underWay is how many sealed mails tell of a rule. They keep their place in
// its rate until they are accepted, so that none waits for its own entry: not
// after a restart, and not when its receipt was lost.
func (b *Box) underWay(rule string) (n int) {
	for _, p := range b.mails {
		if slices.ContainsFunc(p.Events, func(ev notify.Event) bool { return ev.Rule == rule }) {
			n++
		}
	}
	return n
}

// rateOf is rate for all the rules that a mail tells of.
func (b *Box) rateOf(events []notify.Event, wall time.Time) (again time.Time, ok bool) {
	for i := range events {
		if at, free := b.rate(&events[i], wall); !free {
			again = later(again, at)
		}
	}
	return again, again.IsZero()
}

// count adds an accepted mail to the rate of each rule that it tells of.
func (b *Box) count(events []notify.Event, at int64) {
	counted := map[string]bool{}
	for i := range events {
		ev := &events[i]
		rate := b.rateFor(ev)
		if rate.Mails == 0 || counted[ev.Rule] {
			continue
		}
		counted[ev.Rule] = true
		l := append(within(b.rates[ev.Rule], time.Unix(at, 0), rate.Per), Entry{At: at})
		b.rates[ev.Rule] = l
		b.store.put(rateKey(ev.Rule), l.encode())
	}
}

// within is the part of a ledger in the window that ends now, oldest first.
// What lies further ahead than the window's length was written by a clock that
// was wrong.
func within(l Ledger, now time.Time, window time.Duration) Ledger {
	return slices.DeleteFunc(slices.Clone(l), func(e Entry) bool {
		return e.At < now.Add(-window-fresh).Unix() || e.At > now.Add(window).Unix()
	})
}
