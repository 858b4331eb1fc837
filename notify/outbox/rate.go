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
	ownRate   = "at_most"
	fairShare = "an hour's share"
)

func rateName(ev *notify.Event) string {
	if ev.AtMost.Mails > 0 {
		return ownRate
	}
	return fairShare
}

// rate reports whether an event's rule may have one more mail now; if not,
// from when on.
func (b *Box) rate(ev *notify.Event, wall time.Time) (again time.Time, ok bool) {
	rate := b.rateFor(ev)
	told := within(b.rates[ev.Rule], wall, rate.Per)
	if rate.Mails == 0 || len(told) < rate.Mails {
		return time.Time{}, true
	}
	return time.Unix(told[len(told)-rate.Mails].At, 0).Add(rate.Per + fresh + time.Second), false
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

// count adds a mail to the rate of each rule that it tells of, or with a
// negative n takes that back.
func (b *Box) count(events []notify.Event, at int64, n int) {
	counted := map[string]bool{}
	for i := range events {
		ev := &events[i]
		rate := b.rateFor(ev)
		if rate.Mails == 0 || counted[ev.Rule] {
			continue
		}
		counted[ev.Rule] = true
		l := within(b.rates[ev.Rule], time.Unix(at, 0), rate.Per)
		if n < 0 {
			l = l.Without(Entry{At: at})
		} else {
			l = append(l, Entry{At: at})
		}
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
