package outbox

import (
	"cmp"
	"crypto/rand"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
)

// maxWaiting is how many events wait before they are condensed.
const maxWaiting = 500

// seal makes one mail of waiting events: of all that have the same
// recipients, the gravest first. It reports whether there is one now. The
// caller flushes.
func (b *Box) seal() bool {
	b.limited = ""
	now, trust := b.Clock.Time()
	if len(b.waiting) == 0 || trust == clock.Unknown {
		return false
	}
	for _, to := range b.groups() {
		ok, again, limit := b.ledger.Allows(b.Limits, now, severest(b.to(to)), len(to))
		if !ok {
			b.held(limit, again)
			continue
		}
		b.sealFor(to, now, trust)
		return true
	}
	return false
}

func (b *Box) sealFor(to []string, now time.Time, trust clock.Trust) {
	p := &parcel{Mail: notify.Mail{
		ID: newID(), Sealed: now.UTC().Truncate(time.Second), Checked: trust == clock.Trusted,
		To: to, Events: b.to(to), Troubles: b.Troubles.List(),
	}}
	slices.SortStableFunc(p.Events, func(x, y notify.Event) int { return cmp.Compare(x.Serial, y.Serial) })
	for i := range p.Events {
		b.store.put(eventKey(p.Events[i].Serial), nil)
		b.date(&p.Events[i])
	}
	b.waiting = slices.DeleteFunc(b.waiting, func(ev notify.Event) bool { return slices.Equal(ev.To, to) })
	b.mails = append(b.mails, p)
	b.ledger = b.ledger.Add(Entry{At: now.Unix(), Recipients: len(to)})
	b.store.put(mailKey(p.ID), encode(p.Mail))
	b.store.put(ledgerKey, b.ledger.encode())
}

// held notes the limit that comes to an end first.
func (b *Box) held(limit string, again time.Time) {
	if b.limited == "" || again.Before(b.freeAt) {
		b.limited, b.freeAt = limit, again
	}
}

// date gives an event's moments the time that is known by now.
func (b *Box) date(ev *notify.Event) {
	for _, m := range []*notify.Moment{&ev.At, &ev.Since, &ev.Began} {
		if !m.IsZero() {
			*m = b.Clock.Date(*m)
		}
	}
	for i := range ev.Others {
		if m := &ev.Others[i].Since; !m.IsZero() {
			*m = b.Clock.Date(*m)
		}
	}
}

// dateWaiting dates waiting events from before the time was trusted.
func (b *Box) dateWaiting() (changed bool) {
	if _, trust := b.Clock.Time(); trust != clock.Trusted {
		return false
	}
	for i := range b.waiting {
		ev := &b.waiting[i]
		if ev.At.Trusted || ev.At.Undated {
			continue
		}
		b.date(ev)
		b.store.put(eventKey(ev.Serial), encode(*ev))
		changed = true
	}
	return changed
}

// groups lists the recipients of waiting events, each set once, the one with
// the gravest event first and the one that waits longest before others.
func (b *Box) groups() (groups [][]string) {
	for _, ev := range b.waiting {
		if !slices.ContainsFunc(groups, func(to []string) bool { return slices.Equal(to, ev.To) }) {
			groups = append(groups, ev.To)
		}
	}
	slices.SortStableFunc(groups, func(x, y []string) int {
		return int(severest(b.to(y))) - int(severest(b.to(x)))
	})
	return groups
}

// to lists the waiting events for a set of recipients.
func (b *Box) to(to []string) (events []notify.Event) {
	for _, ev := range b.waiting {
		if slices.Equal(ev.To, to) {
			events = append(events, ev)
		}
	}
	return events
}

func severest(events []notify.Event) (s notify.Severity) {
	for _, ev := range events {
		s = max(s, ev.Severity)
	}
	return s
}

// newID makes a mail's ID: 100 random bits, as lower-case letters and digits.
func newID() string {
	var bits [13]byte
	rand.Read(bits[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(bits[:])[:20])
}

// condense keeps the queue bounded: of each rule's and sensor's events beyond
// the first and the last only the count and the extremes go on.
func (b *Box) condense() {
	if len(b.waiting) <= maxWaiting {
		return
	}
	kept := b.waiting[:0:0]
	last := map[string]int{} // by subject: where in kept its newest event is
	seen := map[string]int{}
	for _, ev := range b.waiting {
		subject := ev.Rule + "\x00" + ev.Sensor + "\x00" + strings.Join(ev.To, ",")
		if seen[subject]++; seen[subject] > 2 {
			b.merge(&kept[last[subject]], ev)
			continue
		}
		last[subject] = len(kept)
		kept = append(kept, ev)
	}
	b.waiting = kept
}

// merge puts a newer event in the place of an older one, and counts it.
func (b *Box) merge(older *notify.Event, newer notify.Event) {
	newer.Merged += older.Merged + 1
	for i := range newer.Terms {
		if t := &newer.Terms[i]; i < len(older.Terms) {
			t.Lowest = min(t.Lowest, older.Terms[i].Lowest)
			t.Highest = max(t.Highest, older.Terms[i].Highest)
		}
	}
	b.store.put(eventKey(older.Serial), nil)
	b.store.put(eventKey(newer.Serial), encode(newer))
	*older = newer
}
