package outbox

import (
	"cmp"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
)

const (
	// maxWaiting is how many events wait before they are condensed.
	maxWaiting = 500
	// maxSealed is how many mails are sealed in one transaction.
	maxSealed = 64
	// maxPutOff is how many mails to the same recipients may be put off, and
	// maxFailing how many may be put off or refused, before what follows waits,
	// to go out together when they get through. Critical does not wait for
	// others until there are so many that it would be lost among them.
	maxPutOff          = 3
	maxFailing         = 20
	maxFailingCritical = 100
	// longPutOff is when a mail that is put off says nothing any more about
	// those that follow.
	longPutOff = 6 * time.Hour
)

// group is waiting events that have the same recipients: what one mail tells.
type group struct {
	to     []string
	events []notify.Event
	worst  notify.Severity
}

// seal makes mails of waiting events, one for each set of recipients, the
// gravest first. It reports whether there is one now. The caller flushes.
func (b *Box) seal(now time.Time, open []passable) bool {
	wall, trust := b.Clock.Time()
	if len(b.waiting) == 0 || trust == clock.Unknown {
		return false
	}
	failing := b.failing(now)
	taken, sealed := map[uint64]bool{}, 0
	for _, g := range b.groups(wall) {
		if failing[strings.Join(g.to, ",")].hold(g.worst) {
			continue
		}
		if _, ok := b.rateOf(g.events, wall); !ok {
			continue // a group before took the rate of a rule that this one tells of, too
		}
		c := b.choose(load{severity: g.worst, recipients: len(g.to)}, open, b.tallies(wall), now)
		if c.road < 0 {
			if c.limit != "" {
				b.held(c.limit, wall.Add(c.again.Sub(now)))
			}
			continue
		}
		b.sealFor(g, wall, trust, c.road)
		for _, ev := range g.events {
			taken[ev.Serial] = true
		}
		if sealed++; sealed == maxSealed {
			break
		}
	}
	b.waiting = slices.DeleteFunc(b.waiting, func(ev notify.Event) bool { return taken[ev.Serial] })
	return sealed > 0
}

func (b *Box) sealFor(g group, wall time.Time, trust clock.Trust, road int) {
	p := &parcel{Handed: 1, Mail: notify.Mail{
		ID: fmt.Sprintf("%d.%s", g.events[0].Serial, b.name()), Sealed: wall.UTC().Truncate(time.Second), Checked: trust == clock.Trusted,
		To: g.to, Events: g.events, Troubles: b.Troubles.List(),
	}}
	for i := range p.Events {
		b.store.put(eventKey(p.Events[i].Serial), nil)
		b.date(&p.Events[i])
	}
	b.mails = append(b.mails, p)
	b.charge(p, road, wall)
	b.store.put(mailKey(p.ID), encode(p))
}

// charge puts a mail's handing over into the ledger.
func (b *Box) charge(p *parcel, road int, wall time.Time) {
	p.charge = &Entry{At: wall.Unix(), Recipients: len(p.To), Road: b.Roads[road].mark()}
	b.ledger = b.ledger.Add(*p.charge)
	b.store.put(ledgerKey, b.ledger.encode())
}

// uncharge takes the entry back of a mail that was not taken. It needs no
// transaction of its own: without one, the ledger errs on the safe side.
func (b *Box) uncharge(p *parcel) {
	if p.charge == nil {
		return
	}
	b.ledger = b.ledger.Without(*p.charge)
	b.store.put(ledgerKey, b.ledger.encode())
	p.charge = nil
}

// held notes the limit that comes to an end first.
func (b *Box) held(limit string, again time.Time) {
	if b.limited == "" || again.Before(b.freeAt) {
		b.limited, b.freeAt = limit, again
	}
}

// failures counts mails that servers have not taken.
type failures struct{ all, putOff int }

func (f failures) hold(worst notify.Severity) bool {
	if worst == notify.Critical {
		return f.all >= maxFailingCritical
	}
	return f.all >= maxFailing || f.putOff >= maxPutOff
}

// failing counts them by recipients.
func (b *Box) failing(now time.Time) map[string]failures {
	n := map[string]failures{}
	for _, p := range b.mails {
		if p.failing.IsZero() {
			continue
		}
		to := strings.Join(p.To, ",")
		f := n[to]
		f.all++
		if p.last().Outcome != notify.Refused && now.Sub(p.failing) < longPutOff {
			f.putOff++
		}
		n[to] = f
	}
	return n
}

// groups gathers what waits by its recipients, without the rules that have
// used up their own rate: the group with the gravest event first, and the one
// that waits longest before others.
func (b *Box) groups(wall time.Time) (groups []group) {
	index := map[string]int{}
	for _, ev := range b.waiting {
		if again, ok := b.rate(&ev, wall); !ok {
			b.held(rateName(&ev)+" of "+ev.Rule, again)
			continue
		}
		key := strings.Join(ev.To, ",")
		i, known := index[key]
		if !known {
			i = len(groups)
			index[key] = i
			groups = append(groups, group{to: ev.To})
		}
		g := &groups[i]
		g.events, g.worst = append(g.events, ev), max(g.worst, ev.Severity)
	}
	for i := range groups {
		slices.SortStableFunc(groups[i].events, func(x, y notify.Event) int { return cmp.Compare(x.Serial, y.Serial) })
	}
	slices.SortStableFunc(groups, func(x, y group) int { return int(y.worst) - int(x.worst) })
	return groups
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

func severest(events []notify.Event) (s notify.Severity) {
	for _, ev := range events {
		s = max(s, ev.Severity)
	}
	return s
}

// name is the store's: 40 random bits, as lower-case letters and digits. They
// are drawn when the first mail needs them: a board that has just started may
// have no randomness for seconds, and its start must not wait for it.
func (b *Box) name() string {
	if b.id == "" {
		var bits [5]byte
		rand.Read(bits[:])
		b.id = strings.ToLower(base32.StdEncoding.EncodeToString(bits[:]))
	}
	return b.id
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
	newer.Terms = slices.Clone(newer.Terms) // the engine's are not ours to change
	for i := range min(len(newer.Terms), len(older.Terms)) {
		widen(&newer.Terms[i], &older.Terms[i])
	}
	b.store.put(eventKey(older.Serial), nil)
	b.store.put(eventKey(newer.Serial), encode(newer))
	if b.Pictures != nil {
		b.Pictures.Forget(older.Serial)
	}
	*older = newer
}

// widen takes the extremes of an earlier term of the same quantity along. Both
// zero are unknown extremes, and no reading of zero.
func widen(t, older *notify.Term) {
	switch {
	case older.Lowest == 0 && older.Highest == 0, t.Sensor != older.Sensor || t.Quantity != older.Quantity:
	case t.Lowest == 0 && t.Highest == 0:
		t.Lowest, t.Highest = older.Lowest, older.Highest
	default:
		t.Lowest, t.Highest = min(t.Lowest, older.Lowest), max(t.Highest, older.Highest)
	}
}
