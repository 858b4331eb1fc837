package sensors

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Line is what Watch needs of a GPIO line.
type Line interface {
	// Open takes the line; what it was before does not matter.
	Open() error
	// Lacks tells what an open line does not do of what was asked of it.
	Lacks() *Fault
	// Level reads whether the line is active now.
	Level() (active bool, err error)
	// Wait appends all edges that have come, and returns when there is one, at
	// until, or when ctx ends. Edges that come with an error count.
	Wait(ctx context.Context, until time.Time, edges []Edge) ([]Edge, error)
	// Close lets go of the line.
	Close() error
	String() string
}

// Edge is a change of a line, as the kernel reported it.
type Edge struct {
	Active bool      // what the line was when the kernel looked, right after the change
	At     time.Time // the kernel's time of it, with Go's monotonic time
	Seq    uint32    // counts the line's edges
	Lost   uint32    // edges right before this one that nobody fetched in time
}

const (
	usualBeat   = 30 * time.Second
	firstReopen = time.Second // the pause after a fault; it doubles up to the beat
)

// Watched is a line that is watched as a sensor.
type Watched struct {
	ID   int // the sensor's position in the config
	Line Line
	Beat time.Duration // how often the level is told even if it stays; 0: 30 s
}

// Watch tells the line's level when it starts, at each edge and at each beat,
// until ctx ends; then it returns nil. A fault is told, and the line opened
// again after a pause, for ever. While out is full Watch waits: the kernel
// keeps the edges meanwhile, and says how many it had to drop.
func (w Watched) Watch(ctx context.Context, out chan<- []Reading) error {
	if w.Beat <= 0 {
		w.Beat = usualBeat
	}
	pause := min(firstReopen, w.Beat)
	for {
		began := time.Now()
		err := w.follow(ctx, out)
		if ctx.Err() != nil {
			return nil
		}
		// A line that opens and fails at once must not reset the pause.
		if time.Since(began) >= w.Beat {
			pause = min(firstReopen, w.Beat)
		}
		fault := Reading{Sensor: w.ID, At: time.Now(), Fault: w.fault(err)}
		if !tell(ctx, out, []Reading{fault}) || !rest(ctx, pause) {
			return nil
		}
		pause = min(2*pause, w.Beat)
	}
}

// follow opens the line and tells what it does, until an error or the end of
// ctx. The level is read after each batch of edges: an edge shows a pulse that
// is over, the level shows a change whose edge never came.
func (w Watched) follow(ctx context.Context, out chan<- []Reading) error {
	if err := w.Line.Open(); err != nil {
		return err
	}
	defer w.Line.Close()
	t := track{sensor: w.ID, line: w.Line}
	if lacks := w.Line.Lacks(); lacks != nil {
		t.readings = append(t.readings, Reading{Sensor: w.ID, At: time.Now(), Fault: lacks})
	}
	due := time.Now()
	var edges []Edge
	for {
		active, err := w.Line.Level()
		now := time.Now()
		if err == nil {
			t.level(active, now, !now.Before(due))
		}
		if !tell(ctx, out, t.take()) || err != nil {
			return err
		}
		if !now.Before(due) {
			due = now.Add(w.Beat)
		}
		edges, err = w.Line.Wait(ctx, due, edges[:0])
		for _, e := range edges {
			t.edge(e)
		}
		if err != nil {
			tell(ctx, out, t.take())
			return err
		}
	}
}

// fault makes sure that what readers see is a Fault.
func (w Watched) fault(err error) *Fault {
	if fault, ok := errors.AsType[*Fault](err); ok {
		return fault
	}
	return &Fault{Sentence: fmt.Sprintf("line %v cannot be watched", w.Line), Err: err}
}

// tell hands readings on, none being no reason to wait; false when ctx ends.
func tell(ctx context.Context, out chan<- []Reading, readings []Reading) bool {
	if len(readings) == 0 {
		return ctx.Err() == nil
	}
	select {
	case out <- readings:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// wayBack is how soon after a pulse its second edge may still be reported. The
// kernel does so right after the first; the rest is for a board under load.
const wayBack = 20 * time.Millisecond

// track turns edges and levels into readings. It knows the line as it was told
// last, and never tells an earlier time after a later one.
type track struct {
	sensor   int
	line     fmt.Stringer
	known    bool // active is the state of the line as told last
	active   bool
	told     time.Time // of the last reading
	read     time.Time // when the level was last read
	back     time.Time // until then an edge may be the way back of a pulse already told
	lost     bool      // edges were lost since the level was read
	readings []Reading // to be told
}

// edge takes one edge. The kernel reads the level only after the interrupt, so
// an edge to where the line was already stands for a pulse too short for it:
// there and back. Such a pulse has one edge or two.
func (t *track) edge(e Edge) {
	if e.Lost > 0 {
		t.lose(e)
	}
	switch {
	case !t.known || e.Active != t.active:
		t.back = time.Time{}
		t.say(e.Active, e.At)
	case !e.At.After(t.read): // seen by reading the level, before the edge was fetched
	case e.At.Before(t.back):
		t.back = time.Time{}
	default:
		t.say(!e.Active, e.At)
		t.say(e.Active, e.At)
		t.back = e.At.Add(wayBack)
	}
}

func (t *track) lose(e Edge) {
	t.known, t.lost = false, true
	t.put(Reading{At: e.At, Fault: &Fault{
		Sentence: fmt.Sprintf("line %v changed too fast to follow: %d changes were lost", t.line, e.Lost),
		Remedy:   "Give the sensor a `debounce` (50ms suits most contacts); a wire that hangs in the air needs a `pull`.",
	}})
}

// level takes the line's level as read at an instant; it is told if it is
// news, after a loss, or when asked for.
func (t *track) level(active bool, at time.Time, anyway bool) {
	t.read = at
	if anyway || t.lost || !t.known || active != t.active {
		t.say(active, at)
	}
	t.lost = false
}

func (t *track) say(active bool, at time.Time) {
	t.known, t.active = true, active
	reading := Reading{Quantity: Level, At: at}
	if active {
		reading.Value = 1
	}
	t.put(reading)
}

func (t *track) put(r Reading) {
	if r.At.Before(t.told) {
		r.At = t.told
	}
	t.told, r.Sensor = r.At, t.sensor
	t.readings = append(t.readings, r)
}

// take gives what is to be told; the slice is the receiver's from then on.
func (t *track) take() []Reading {
	readings := t.readings
	t.readings = nil
	return readings
}
