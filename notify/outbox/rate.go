package outbox

import (
	"slices"
	"time"

	"pinbell/notify"
)

// A rule's own rate (at_most) counts the mails that tell of it, in a ledger of
// its own under "rate/…". What exceeds it waits in no mail, and goes out
// together in the next one that the rate allows.

// rate reports whether an event's rule may have one more mail now; if not,
// from when on.
func (b *Box) rate(ev *notify.Event, wall time.Time) (again time.Time, ok bool) {
	if ev.AtMost.Mails == 0 {
		return time.Time{}, true
	}
	told := within(b.rates[ev.Rule], wall, ev.AtMost.Per)
	if len(told) < ev.AtMost.Mails {
		return time.Time{}, true
	}
	return time.Unix(told[len(told)-ev.AtMost.Mails].At, 0).Add(ev.AtMost.Per + time.Second), false
}

// rated counts a sealed mail for each rule in it that has a rate.
func (b *Box) rated(events []notify.Event, wall time.Time) {
	counted := map[string]bool{}
	for i := range events {
		ev := &events[i]
		if ev.AtMost.Mails == 0 || counted[ev.Rule] {
			continue
		}
		counted[ev.Rule] = true
		b.rates[ev.Rule] = append(within(b.rates[ev.Rule], wall, ev.AtMost.Per), Entry{At: wall.Unix()})
		b.store.put(rateKey(ev.Rule), b.rates[ev.Rule].encode())
	}
}

// within is the part of a ledger in the window that ends now, oldest first.
// What lies further ahead than the window's length was written by a clock that
// was wrong.
func within(l Ledger, now time.Time, window time.Duration) Ledger {
	return slices.DeleteFunc(slices.Clone(l), func(e Entry) bool {
		return e.At <= now.Add(-window).Unix() || e.At > now.Add(window).Unix()
	})
}
