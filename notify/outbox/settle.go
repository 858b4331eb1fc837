package outbox

import (
	"math/rand/v2"
	"slices"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
)

// errand is a mail and the road that it is to take now.
type errand struct {
	notify.Mail
	road int
}

// next gives the mail that is to be sent now, sealing some if that is allowed.
// If there is none it says until when there will be none, unless Wake is
// signalled first.
func (b *Box) next(now time.Time, open []passable) (e errand, ok bool, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle, b.limited = false, ""
	e, ok, until = b.due(now, open)
	if (!ok || b.waitsGraver(severest(e.Events))) && b.seal(now, open) {
		b.flush()
		e, ok, until = b.due(now, open)
	}
	if ok {
		return e, true, time.Time{}
	}
	if b.burst.n > 0 {
		b.flush()
	}
	b.tellLimit()
	b.idle = !slices.ContainsFunc(open, func(way passable) bool { return now.Before(way.At) })
	return errand{}, false, b.nextSeal(now, open, until)
}

// waitsGraver reports whether an event in no mail yet is graver than that.
func (b *Box) waitsGraver(than notify.Severity) bool {
	return slices.ContainsFunc(b.waiting, func(ev notify.Event) bool { return ev.Severity > than })
}

// due finds the mail to send, the gravest first, or when there may be one.
func (b *Box) due(now time.Time, open []passable) (best errand, ok bool, until time.Time) {
	wall, _ := b.Clock.Time()
	counts := b.tallies(wall)
	until = now.Add(time.Hour)
	worst := notify.Severity(0)
	for _, p := range b.mails {
		c := b.chooseFor(p, open, counts, now)
		if c.road < 0 {
			until = sooner(until, c.again)
			if c.limit != "" {
				b.held(c.limit, wall.Add(c.again.Sub(now)))
			}
			continue
		}
		if l := severest(p.Events); !ok || l > worst {
			best, ok, worst = errand{p.Mail, c.road}, true, l
		}
	}
	return best, ok, until
}

// chooseFor chooses for a sealed mail. One that is in the ledger already, for
// the handing over to come, goes by the road that was chosen then.
func (b *Box) chooseFor(p *parcel, open []passable, counts []tally, now time.Time) choice {
	switch {
	case now.Before(p.next):
		return choice{road: -1, again: p.next}
	case b.pending(p):
		return choice{road: -1, again: now.Add(time.Second)}
	case p.charge == nil:
		return b.chooseAnew(p, open, counts, now)
	}
	wall := counts[len(b.Roads)].now
	for i := range b.Roads {
		if b.Roads[i].mark() == p.charge.Road && !now.Before(open[i].At) && p.charge.isFresh(wall) {
			return choice{road: i}
		}
	}
	b.uncharge(p)
	return b.chooseAnew(p, open, b.tallies(wall), now)
}

func (b *Box) chooseAnew(p *parcel, open []passable, counts []tally, now time.Time) choice {
	return b.choose(p.load(), open, counts, now)
}

// pending reports whether something is still being fetched that goes with a
// mail. That has an end, so the mail does not wait for a broken camera.
func (b *Box) pending(p *parcel) bool {
	return b.Pictures != nil && slices.ContainsFunc(p.Events, func(ev notify.Event) bool { return b.Pictures.Pending(ev.Serial) })
}

// nextSeal is when next should be asked again: when a mail is due, or when what
// waits in no mail may go into one.
func (b *Box) nextSeal(now time.Time, open []passable, until time.Time) time.Time {
	if b.limited != "" {
		wall, _ := b.Clock.Time()
		until = sooner(until, now.Add(max(b.freeAt.Sub(wall), time.Second)))
	}
	if len(b.waiting) == 0 {
		return until
	}
	for i, way := range open {
		if now.Before(way.At) {
			until = sooner(until, way.At)
		}
		if i > 0 && !open[i-1].Since.IsZero() {
			if turn := open[i-1].Since.Add(b.Roads[i].After); turn.After(now) {
				until = sooner(until, turn)
			}
		}
	}
	return until
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// begin makes the handing over of a mail durable before it is done, and gives
// the mail with what is attached; false: it was dropped meanwhile.
func (b *Box) begin(e errand) (m notify.Mail, ok bool) {
	if m, ok = b.charged(e); !ok || b.Pictures == nil {
		return m, ok
	}
	for _, ev := range m.Events {
		if len(ev.Attach) > 0 { // from the card, and so without the lock
			m.Files = append(m.Files, b.Pictures.Files(ev)...)
		}
	}
	return m, true
}

func (b *Box) charged(e errand) (m notify.Mail, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.parcel(e.ID)
	if p == nil {
		return m, false
	}
	p.sending = true
	wall, _ := b.Clock.Time()
	if p.charge == nil || p.charge.Road != b.Roads[e.road].mark() || !p.charge.isFresh(wall) {
		b.uncharge(p)
		b.charge(p, e.road, wall)
		p.Handed++
		b.store.put(mailKey(p.ID), encode(p))
		b.flush()
	}
	return p.Mail, true
}

func (b *Box) parcel(id string) *parcel {
	if i := slices.IndexFunc(b.mails, func(p *parcel) bool { return p.ID == id }); i >= 0 {
		return b.mails[i]
	}
	return nil
}

// settle takes the verdict of an attempt at a mail. A verdict about the session
// (Down) does not make it wait.
func (b *Box) settle(e errand, v notify.Verdict, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.parcel(e.ID)
	if p == nil {
		return
	}
	wall, _ := b.Clock.Time()
	p.Attempts = tried(p.Attempts, Attempt{At: wall.UTC(), Road: b.Roads[e.road].Name, Verdict: v})
	p.sending = false
	switch v.Outcome {
	case notify.Accepted:
		b.accepted(p, e.road, v, now)
		return
	case notify.Unknown:
		p.charge = nil // it may have been taken, so the entry stays
		p.putOff(b.Roads, e.road, now, backoff(p.count(), 5*time.Second, 10*time.Minute))
		return
	}
	b.uncharge(p)
	switch {
	case v.Outcome == notify.Down:
		if v.Wait > 0 && slices.Contains([]string{"rcpt", "data", "dot"}, v.Step) && len(b.Roads) == 1 {
			p.next = now.Add(v.Wait + time.Minute) // another mail first: the reply may have been about this one
		}
	case tooLarge(v) && p.slim():
		b.store.put(mailKey(p.ID), encode(p))
	case v.Outcome == notify.Refused:
		// For good, says the server; but a spam filter's mood and an owner's
		// repair both undo that, and an event must not be lost to either.
		p.putOff(b.Roads, e.road, now, max(v.Wait, backoff(2*p.count(), 30*time.Second, day)))
	default:
		p.putOff(b.Roads, e.road, now, max(v.Wait, backoff(p.count(), 15*time.Second, 30*time.Minute)))
	}
}

func tooLarge(v notify.Verdict) bool { return v.Trouble != nil && v.Trouble.Code == "mail.size" }

// slim leaves out of a mail what weighs most and matters least, and reports
// whether there was anything.
func (p *parcel) slim() bool {
	attached := slices.ContainsFunc(p.Events, func(ev notify.Event) bool { return len(ev.Attach) > 0 })
	switch {
	case p.Slim == notify.Whole && attached:
		p.Slim = notify.NoAttachments
	case p.Slim < notify.TextOnly:
		p.Slim = notify.TextOnly
	default:
		return false
	}
	return true
}

func (p *parcel) count() int { p.tries++; return p.tries }

// putOff says when a mail is tried again that a road has not taken: after the
// wait, or by the next road when that has its turn.
func (p *parcel) putOff(roads []Road, road int, now time.Time, wait time.Duration) {
	if p.failing.IsZero() {
		p.failing = now
	}
	p.next, p.from, p.home = now.Add(wait), 0, time.Time{}
	if road+1 == len(roads) {
		return
	}
	if turn := p.failing.Add(roads[road+1].patience(p.load())); turn.Before(p.next) {
		p.next, p.from, p.home = later(now, turn), road+1, p.next
	}
}

// accepted moves a mail to the log. Recipients that were put off get the same
// mail later.
func (b *Box) accepted(p *parcel, road int, v notify.Verdict, now time.Time) {
	wall, trust := b.Clock.Time()
	if trust == clock.Trusted {
		b.store.put(floorKey, encodeUint(uint64(wall.Unix())))
	}
	r := p.record(wall)
	b.last = &r
	b.store.record(encode(r))
	p.charge = nil
	if p.To = putOffOf(v.Rejected); len(p.To) > 0 {
		p.putOff(b.Roads, road, now, max(v.Wait, backoff(p.count(), 15*time.Second, 30*time.Minute)))
		b.store.put(mailKey(p.ID), encode(p))
	} else {
		b.count(p.Events, wall.Unix())
		b.remove(p)
	}
	b.flushSoon(now)
}

// remove takes a settled mail out of the box.
func (b *Box) remove(p *parcel) {
	b.mails = slices.DeleteFunc(b.mails, func(q *parcel) bool { return q == p })
	b.store.put(mailKey(p.ID), nil)
	for _, ev := range p.Events {
		if b.Pictures != nil && len(ev.Attach) > 0 {
			b.Pictures.Forget(ev.Serial)
		}
	}
}

// putOffOf lists the recipients that were refused for now.
func putOffOf(rejected []notify.Rejection) (to []string) {
	for _, r := range rejected {
		if !r.Permanent {
			to = append(to, r.To)
		}
	}
	return to
}

// backoff doubles from first to most, and strays by a fifth, so that boards
// which lost one power line do not come back in step.
func backoff(tries int, first, most time.Duration) time.Duration {
	wait := most
	if tries < 30 {
		wait = min(first<<max(tries-1, 0), most)
	}
	return time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64()))
}
