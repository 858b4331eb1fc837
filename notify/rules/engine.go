// Package rules decides what is told.
//
// It promises that a rule whose condition has held for as long as its owner
// asked becomes exactly one raised event, that it is reminded of and cleared,
// and that an event is durable before anything else is done with it. Unknown
// is neither true nor false: a sensor without a fresh reading neither raises
// nor clears a rule, and its silence is an event of its own.
//
// For the chart in a mail it keeps the course of each number that a rule
// compares, 1 KB for each, in memory only: after a restart a chart begins anew,
// and an event whose quantity has hardly been read has none.
//
// Windows over readings (avg, count, held and their like) are kept in memory
// only, at most 2 KB for each that differs from all others; see Window for what
// they know when. They begin empty at every start, count by monotonic time, and
// wake the loop when time alone changes them: held, changed and age at that
// instant, the others at their next step, which all of them make together.
//
// The decision itself is pure (Step). The Engine is the one loop that owns the
// state of all rules and sensors; it never waits for the network.
package rules

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/sensors"
)

// Sensor is what the engine knows of a sensor.
type Sensor struct {
	SensorEnv
	Title       string
	SilentAfter time.Duration // without a reading for this long it is lost
}

// Transition is a step that must not be forgotten: the new state of a rule or
// sensor under its key, and the event that it is told by.
type Transition struct {
	Key   string
	State []byte
	Event notify.Event
}

// Store keeps transitions. Commit returns when they are as safe as they can
// be made; it cannot fail, because an alarm goes on without a disk.
type Store interface {
	NextSerial() uint64
	Commit([]Transition)
	State(key string) []byte // nil: none
}

// Config is what an Engine works with.
type Config struct {
	Rules    []Rule
	Sensors  []Sensor
	To       []string // who is told of sensors that fall silent
	Location *time.Location
	Mode     string // which one it begins in; empty: home
	Clock    *clock.Clock
	Store    Store
	Troubles *notify.Troubles
	Log      *slog.Logger
}

// Engine owns the state of all rules and sensors.
type Engine struct {
	Config
	view    View
	rules   []rule
	sensors []sensor
	readers [][]int   // by slot: the rules that depend on it
	timely  []int     // the rules that ask for the time of day
	minute  time.Time // when the next one begins
	batch   []Transition
	asks    chan func()

	passage
	histories []*history // by slot; nil: no chart shows it
}

// rule is a Rule with what the engine keeps for it.
type rule struct {
	*Rule
	state    State
	incident incident
	wake     time.Time
	stepped  time.Time // the newest instant that it was stepped at
}

// sensor is a Sensor with what the engine keeps for it.
type sensor struct {
	*Sensor
	last     time.Time // newest good reading; at start, the start
	read     bool      // last is a reading
	fault    *sensors.Fault
	stale    bool // silent for too long: its cells are unknown
	lost     bool // and that was told
	incident incident
	changed  [sensors.Quantities]time.Time // a level: since when it is so; zero: unknown
}

// incident is what the events of one alarm share.
type incident struct {
	Serial uint64        `json:"serial"`
	Since  notify.Moment `json:"since"`
	Began  notify.Moment `json:"began"`
}

// New makes an engine with the state that the store has; it starts nothing.
func New(c Config) *Engine {
	slots := len(c.Sensors) * int(sensors.Quantities)
	e := &Engine{
		Config:  c,
		view:    View{Slots: make([]Cell, slots), Mode: cmp.Or(c.Mode, "home")},
		readers: make([][]int, slots),
		asks:    make(chan func()),
		passage: passage{epoch: time.Now(), feeds: make([][]int, slots), touched: make([]bool, len(c.Rules))},

		histories: histories(c.Rules, c.Sensors),
	}
	for i := range c.Sensors {
		e.sensors = append(e.sensors, sensor{Sensor: &e.Config.Sensors[i]})
	}
	for i, r := range c.Rules {
		e.bind(i, &r)
		e.rules = append(e.rules, rule{Rule: &r})
		for _, slot := range r.slots() {
			e.readers[slot] = append(e.readers[slot], i)
		}
		if r.asksTime() {
			e.timely = append(e.timely, i)
		}
	}
	e.view.Windows = make([]Range, len(e.windows))
	return e
}

func (r *Rule) slots() []Slot {
	all := r.When.Slots()
	if r.Until == nil {
		return all
	}
	seen := make(map[Slot]bool, len(all))
	for _, s := range all {
		seen[s] = true
	}
	for _, s := range r.Until.Slots() {
		if !seen[s] {
			all = append(all[:len(all):len(all)], s)
		}
	}
	return all
}

func (r *Rule) asksTime() bool {
	return r.When.AsksTime() || r.Until != nil && r.Until.AsksTime()
}

// Run takes readings until ctx ends.
func (e *Engine) Run(ctx context.Context, in <-chan []sensors.Reading) error {
	e.restore(time.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timed := e.Clock.Changed()
		select {
		case <-ctx.Done():
			return nil
		case readings := <-in:
			e.take(readings)
		case now := <-timer.C:
			e.tick(now)
		case <-timed:
			e.tick(time.Now())
		case ask := <-e.asks:
			ask()
		}
		e.commit()
		timer.Reset(time.Until(e.wake()))
	}
}

// Alive asks the loop for a sign of life.
func (e *Engine) Alive(ctx context.Context) bool {
	return e.inside(ctx, func() {}) == nil
}

// SetMode switches the mode that conditions ask for.
func (e *Engine) SetMode(ctx context.Context, mode string) error {
	return e.inside(ctx, func() { e.mode(mode) })
}

// inside runs f in the loop and returns when it has.
func (e *Engine) inside(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case e.asks <- func() { f(); close(done) }:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-done
	return nil
}

func (e *Engine) take(readings []sensors.Reading) {
	for i := range readings {
		e.reading(&readings[i])
	}
	for i := range readings {
		e.returned(readings[i].Sensor)
	}
}

// reading steps the rules that depend on one reading, so that even a level
// that came and went within a batch is seen.
func (e *Engine) reading(r *sensors.Reading) {
	s := &e.sensors[r.Sensor]
	if r.Fault != nil {
		e.faulty(s, r.Fault)
		return
	}
	slot := SlotOf(r.Sensor, r.Quantity)
	if cell := e.view.Slots[slot]; !cell.Known || cell.Value != r.Value {
		s.changed[r.Quantity] = time.Time{}
		if cell.Known { // seen to change, so the instant is known
			s.changed[r.Quantity] = r.At
		}
	}
	e.advance(r.At)
	e.pass()
	e.view.Slots[slot] = Cell{Value: r.Value, Known: true}
	if h := e.histories[slot]; h != nil {
		h.add(r.At, r.Value)
	}
	e.fresh(s, r.At)
	e.calendar(e.now)
	e.feed(slot, r.At, true)
	for _, i := range e.readers[slot] {
		e.touched[i] = false
		e.step(i, r.At)
	}
	e.settle()
}

// tick does what is due without a reading.
func (e *Engine) tick(now time.Time) {
	e.advance(now)
	for i := range e.sensors {
		e.silence(i, now)
	}
	e.pass()
	e.calendar(e.now)
	e.settle()
	for i := range e.rules {
		if wake := e.rules[i].wake; !wake.IsZero() && !now.Before(wake) {
			e.step(i, now)
		}
	}
}

// wake is the next instant at which tick has something to do.
func (e *Engine) wake() time.Time {
	next := time.Now().Add(time.Hour)
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	for i := range e.rules {
		sooner(e.rules[i].wake)
	}
	for i := range e.sensors {
		if s := &e.sensors[i]; !s.stale {
			sooner(s.last.Add(s.SilentAfter))
		}
	}
	sooner(e.minute)
	sooner(e.next)
	return next
}

func (e *Engine) step(i int, now time.Time) {
	r := &e.rules[i]
	if now.Before(r.stepped) { // a line's event, dated by the kernel, after a tick
		now = r.stepped
	}
	before := r.state
	r.stepped = now
	var kind notify.Kind
	r.state, kind = r.Step(r.state, &e.view, now)
	r.wake = r.Wake(r.state)
	if kind != 0 {
		e.transition(r, before, kind, now)
	}
}

func (e *Engine) commit() {
	if len(e.batch) == 0 {
		return
	}
	e.Store.Commit(e.batch)
	for i := range e.batch {
		ev := &e.batch[i].Event
		e.Log.Info("event", "kind", ev.Kind, "serial", ev.Serial, "rule", ev.Rule, "sensor", ev.Sensor, "title", ev.Title)
	}
	e.batch = e.batch[:0]
}
