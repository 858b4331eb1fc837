package rules

import (
	"math"
	"time"
)

// Window is what a condition asks of a sensor's past. Two that look at the
// same thing in the same way over the same length share their memory.
//
// All begin empty at a start, and none is known while its sensor is silent,
// save age. Then each is known as soon as it can be answered for:
//
//	avg, rate      when the sensor was known for half of the length, and was
//	               read twice: one reading raises no alarm, and half the time
//	               after a start suffices
//	min, max       at once as a bound, which is enough for max(…) > 60; exactly
//	               when the sensor was known for nine tenths of the length
//	count          likewise: what became true three times did so at least
//	               three times, and that it never did is known only later
//	held, changed  when it was seen to become true, or for as long as asked
//	age            at once; of a sensor never read, more than since the start
type Window struct {
	Name   string        // the function
	Length time.Duration // how far it looks back; 0: changed(…), the newest reading alone

	key         string
	slots       []Slot
	clock, mode bool
	of          *Condition // the tree of the question that root begins; nil for a slot
	root        int32
}

// past is a window at work.
type past struct {
	Window
	*ring  // avg, min, max, rate, count
	now    Truth
	seen   bool      // now was seen to begin, at since
	since  time.Time // when now began, or the sensor was known again
	begun  time.Time // when there were values without interruption
	value  float64   // newest value of a slot
	before float64   // the one that it was changed from
	ever   bool
	next   time.Time // when it changes by time alone; zero: never
}

func newPast(w Window, epoch time.Time) past {
	p := past{Window: w, since: epoch}
	switch w.Name {
	case "avg", "min", "max", "rate", "count":
		p.ring = newRing(w.Length, epoch)
	}
	return p
}

// take tells the window that one of its slots was read, has fallen silent, or
// that the time of day or the mode is another one.
func (p *past) take(v *View, at time.Time, read bool) {
	switch p.Name {
	case "age":
		if read && (!p.ever || at.After(p.since)) {
			p.since, p.ever = at, true
		}
	case "held", "count":
		p.question(p.of.truth(v, p.root), at)
	case "changed", "before":
		p.change(v.Slots[p.slots[0]], at)
	default:
		p.reach(at)
		cell := v.Slots[p.slots[0]]
		p.know(cell.Known)
		if read && cell.Known && !math.IsNaN(cell.Value) && !math.IsInf(cell.Value, 0) {
			p.measure(p.put(at), cell.Value)
		}
	}
}

// measure adds a value to the bucket that counted its reading already.
func (p *past) measure(b *bucket, value float64) {
	switch {
	case b == nil:
	case b.readings == 1:
		b.value = value
	case p.Name == "min":
		b.value = min(b.value, value)
	case p.Name == "max":
		b.value = max(b.value, value)
	default: // so that a value that never changes has itself as its mean
		b.value += (value - b.value) / float64(b.readings)
	}
}

func (p *past) question(t Truth, at time.Time) {
	if p.ring != nil {
		p.reach(at)
		p.know(t != Unknown)
		if p.now == False && t == True {
			p.put(at)
		}
	}
	if t != p.now {
		p.since, p.seen = at, p.now == False && t == True
		p.now = t
	}
}

func (p *past) change(c Cell, at time.Time) {
	switch {
	case !c.Known:
		p.now, p.begun, p.seen = Unknown, time.Time{}, false
	case p.begun.IsZero():
		p.begun = at
	default:
		p.now = truth(c.Value != p.value)
		if p.now == True {
			p.since, p.seen, p.before = at, true, p.value
		}
	}
	p.value = c.Value
}

// look gives what the window comes to at an instant, and notes when that
// changes next by time alone.
func (p *past) look(now time.Time) Range {
	p.next = time.Time{}
	switch p.Name {
	case "held":
		return p.held(now)
	case "age":
		return p.reached(now, p.since, !p.ever)
	case "changed":
		return p.changed(now)
	case "before":
		return Range{p.before, p.before, p.seen}
	}
	p.reach(now)
	return p.sum()
}

// reached is true from the length after an instant on. Before that it is
// false, or unknown where the instant may have been an earlier one.
func (p *past) reached(now, since time.Time, doubt bool) Range {
	if end := since.Add(p.Length); now.Before(end) {
		p.next = end
		return Range{Known: !doubt}
	}
	return Range{1, 1, true}
}

func (p *past) held(now time.Time) Range {
	if p.now == True {
		return p.reached(now, p.since, !p.seen)
	}
	return Range{Known: p.now == False}
}

func (p *past) changed(now time.Time) Range {
	switch {
	case p.begun.IsZero():
		return Range{}
	case p.Length == 0:
		return answer(p.now)
	case p.seen && now.Before(p.since.Add(p.Length)):
		p.next = p.since.Add(p.Length)
		return Range{1, 1, true}
	case now.Before(p.begun.Add(p.Length)):
		p.next = p.begun.Add(p.Length)
		return Range{}
	}
	return Range{Known: true}
}

func answer(t Truth) Range {
	if t == True {
		return Range{1, 1, true}
	}
	return Range{Known: t == False}
}

const (
	half = 5 // tenths of a window
	most = 9
)

// sum is what the ring comes to.
func (p *past) sum() Range {
	enough := half
	if p.Name != "avg" && p.Name != "rate" {
		enough = most
	}
	covered := p.covers(enough)
	p.next = p.ring.next(covered)
	n := p.total()
	switch {
	case !p.live || n == 0 && p.Name != "count":
		return Range{}
	case p.Name == "count":
		return p.bounded(float64(n), covered, 1)
	case p.Name == "min":
		return p.bounded(p.extreme(1), covered, -1)
	case p.Name == "max":
		return p.bounded(p.extreme(-1), covered, 1)
	case !covered || n < 2:
		return Range{}
	case p.Name == "avg":
		mean := p.mean()
		return Range{mean, mean, true}
	}
	if slope, known := p.slope(); known {
		return Range{slope, slope, true}
	}
	return Range{}
}

// bounded is a value that is exact if the window is covered, and else at least
// (sign 1) or at most (sign -1) that.
func (p *past) bounded(v float64, covered bool, sign int) Range {
	switch {
	case covered:
		return Range{v, v, true}
	case sign > 0:
		return Range{v, math.Inf(1), true}
	}
	return Range{math.Inf(-1), v, true}
}
