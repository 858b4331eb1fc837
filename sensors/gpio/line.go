// Package gpio watches single input lines of the GPIO character device, uAPI
// v2 (Linux 5.10 and later).
//
// It promises that every edge that the kernel saw is handed on, with the
// kernel's time of it, or that their loss is told by number; that a failed
// read is a Fault which keeps its errno and names what to do; and that a
// waiting line costs no thread. It never touches /sys/class/gpio or /dev/mem,
// never drives a line, and opens nothing before Open or In.
//
// A Line is closed (as New makes it, and after Close, Halt or a failed Open)
// or open (after Open or In). Open again looks for the line anew. One
// goroutine uses a Line; Close and Halt may come from another one and end its
// wait.
package gpio

import (
	"context"
	"os"
	"sync"
	"time"

	"pinbell/sensors"
)

// Config is what the owner says of a line.
type Config struct {
	Line      string // as ParseLine reads it
	Pull      Pull
	ActiveLow bool // the line is active while its level is low
	// Debounce, up to an hour, is how long a level must hold before the kernel
	// reports it; the edge then has the time at which it had held that long.
	Debounce time.Duration
}

// Line is one GPIO line, for sensors.Watched and as periph's gpio.PinIn.
type Line struct {
	config Config
	board  board

	mu   sync.Mutex // guards open and last against Close from elsewhere
	open *stream    // nil while closed
	last grant      // of the last Open that succeeded
}

// New makes a closed Line.
func New(c Config) *Line { return &Line{config: c, board: thisBoard} }

// Open takes the line for edges in both directions. Its error is a
// *sensors.Fault.
func (l *Line) Open() error { return l.take(l.config, flagEdges) }

func (l *Line) take(c Config, edges uint64) error {
	l.Close()
	granted, fault := l.board.request(c, edges)
	if fault != nil {
		return fault
	}
	s, err := newStream(granted, l.board.ioctl)
	if err != nil {
		return broken(c.Line, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open, l.last = s, granted
	return nil
}

func (l *Line) current() (*stream, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		return nil, os.ErrClosed
	}
	return l.open, nil
}

// Lacks tells what the kernel refused when the line was last opened although
// the line works: a pull or a debounce. It is nil when nothing is missing.
func (l *Line) Lacks() *sensors.Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last.lacks
}

// Level reads whether the line is active now. Its error is a *sensors.Fault.
func (l *Line) Level() (active bool, err error) {
	s, err := l.current()
	if err == nil {
		active, err = s.level()
	}
	if err != nil {
		return false, broken(l.config.Line, err)
	}
	return active, nil
}

// Wait appends the edges that have come to edges, all that the kernel has. It
// returns when there is at least one, at until, or when ctx ends: then without
// an error. A zero until is never, one that has passed asks without waiting.
// Its error is a *sensors.Fault; the edges before it count.
func (l *Line) Wait(ctx context.Context, until time.Time, edges []sensors.Edge) ([]sensors.Edge, error) {
	s, err := l.current()
	if err == nil {
		edges, err = s.wait(ctx, until, edges)
	}
	if err != nil {
		return edges, broken(l.config.Line, err)
	}
	return edges, nil
}

// Close lets go of the line and ends a Wait. It may be called at any time.
func (l *Line) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		return nil
	}
	err := l.open.file.Close()
	l.open = nil
	return err
}

// String gives the line as the config names it.
func (l *Line) String() string { return l.config.Line }
