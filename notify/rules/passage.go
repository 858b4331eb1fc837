package rules

import (
	"slices"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/sensors"
)

// passage is the engine's windows, and what the passing of time does to them.
type passage struct {
	epoch   time.Time
	now     time.Time // the newest instant that was looked at: it never goes back
	windows []past    // in the order of View.Windows
	feeds   [][]int   // by slot: the windows that look at it
	asking  [][]int   // by window: the rules that ask it
	next    time.Time // when the first window changes by time alone; zero: none
	touched []bool    // by rule: a window that it asks has changed
}

// bind gives each window of a rule its place among the engine's.
func (e *Engine) bind(i int, r *Rule) {
	bound := func(w Window) int32 {
		at := slices.IndexFunc(e.windows, func(p past) bool { return p.key == w.key })
		if at < 0 {
			at = len(e.windows)
			e.windows = append(e.windows, newPast(w, e.epoch))
			e.asking = append(e.asking, nil)
			for _, slot := range w.slots {
				e.feeds[slot] = append(e.feeds[slot], at)
			}
		}
		if !slices.Contains(e.asking[at], i) {
			e.asking[at] = append(e.asking[at], i)
		}
		return int32(at)
	}
	r.When, r.Until = r.When.bound(bound), r.Until.bound(bound)
}

// advance is the instant to look at the world at: a line's event, dated by the
// kernel, may come after a tick that was later.
func (e *Engine) advance(now time.Time) time.Time {
	if now.After(e.now) {
		e.now = now
	}
	return e.now
}

// feed tells the windows over a slot what became of it.
func (e *Engine) feed(slot Slot, at time.Time, read bool) {
	for _, i := range e.feeds[slot] {
		e.windows[i].take(&e.view, at, read)
		e.look(i)
	}
}

// ask tells windows of something that is no reading.
func (e *Engine) ask(which func(*past) bool) {
	for i := range e.windows {
		if which(&e.windows[i]) {
			e.windows[i].take(&e.view, e.now, false)
			e.look(i)
		}
	}
}

// look puts into the view what a window comes to now, and marks the rules
// that ask it if that is something else than before.
func (e *Engine) look(i int) {
	p := &e.windows[i]
	r := p.look(e.now)
	if !p.next.IsZero() && (e.next.IsZero() || p.next.Before(e.next)) {
		e.next = p.next
	}
	if r == e.view.Windows[i] {
		return
	}
	e.view.Windows[i] = r
	for _, rule := range e.asking[i] {
		e.touched[rule] = true
	}
}

// pass does what time alone does to windows up to e.now.
func (e *Engine) pass() {
	if e.next.IsZero() || e.now.Before(e.next) {
		return
	}
	e.next = time.Time{}
	for i := range e.windows {
		switch p := &e.windows[i]; {
		case p.next.IsZero():
		case !e.now.Before(p.next):
			e.look(i)
		case e.next.IsZero() || p.next.Before(e.next):
			e.next = p.next
		}
	}
}

// settle steps the rules whose windows have changed, after all windows have.
func (e *Engine) settle() {
	for i, touched := range e.touched {
		if touched {
			e.touched[i] = false
			e.step(i, e.now)
		}
	}
}

// calendar puts the minute and the day into the view. If they are others than
// before, all that ask for them look again. A clock that is plainly wrong
// gives none.
func (e *Engine) calendar(now time.Time) {
	if len(e.timely) == 0 {
		return
	}
	minute, day, known := e.view.Minute, e.view.Weekday, e.view.MinuteKnown
	wall, trust := e.Clock.Time()
	wall = wall.Add(-time.Since(now)).In(e.Location)
	e.view.Minute, e.view.Weekday, e.view.MinuteKnown = wall.Hour()*60+wall.Minute(), int(wall.Weekday()), trust != clock.Unknown
	e.minute = now.Add(time.Minute - time.Duration(wall.Second())*time.Second - time.Duration(wall.Nanosecond()))
	if minute == e.view.Minute && day == e.view.Weekday && known == e.view.MinuteKnown {
		return
	}
	e.ask(func(p *past) bool { return p.clock })
	for _, i := range e.timely {
		e.touched[i] = true
	}
}

// mode puts the mode into the view, and has all look again that ask for it.
func (e *Engine) mode(mode string) {
	if e.view.Mode == mode {
		return
	}
	e.view.Mode = mode
	e.advance(time.Now())
	e.pass()
	e.ask(func(p *past) bool { return p.mode })
	for i := range e.rules {
		if r := e.rules[i].Rule; r.When.AsksMode() || r.Until != nil && r.Until.AsksMode() {
			e.touched[i] = true
		}
	}
	e.settle()
}

// compared is what a comparison is about, as people are told of it.
func (e *Engine) compared(c comparison, now time.Time) notify.Fact {
	s := &e.sensors[c.slot.Sensor()]
	if c.window == noWindow {
		return e.fact(c.slot, now)
	}
	w, r := &e.windows[c.window], e.view.Windows[c.window]
	f := notify.Fact{Sensor: s.Name, Title: s.Title, Quantity: c.slot.Quantity(), Value: r.Low}
	switch w.Name {
	case "age": // the sensor may have several quantities, and none is silent alone
		f.Quantity, f.Value, f.State = sensors.Level, 0, "last read "+notify.Span(now.Sub(s.last))+" ago"
		if !s.read {
			f.State = "not read since the start"
		}
		return f
	case "count":
		f.Quantity, f.State = sensors.Level, times(r.Low)+" in "+notify.Span(w.Length)
	case "min":
		f.Value = r.High
	}
	f.Window = notify.Window{Kind: w.Name, Length: w.Length}
	if !r.Known {
		f.Silent = max(now.Sub(s.last), time.Second)
	}
	return f
}

func times(n float64) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return sensors.Value.Format(n) + " times"
}
