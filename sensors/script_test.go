package sensors

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// scriptLine is a line that does what a test has laid out.
type scriptLine struct {
	mu       sync.Mutex // guards all but steps
	active   bool
	openErr  error
	levelErr error
	lacks    *Fault
	steps    chan step // what Wait finds

	opened, closed int
	isOpen         bool
	openedAt       []time.Time
}

type step struct {
	edges []Edge
	err   error
}

func newScript() *scriptLine { return &scriptLine{steps: make(chan step, 100)} }

// set changes the line while it is watched.
func (l *scriptLine) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func (l *scriptLine) Open() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.openedAt = append(l.openedAt, time.Now())
	if l.openErr != nil {
		return l.openErr
	}
	l.opened++
	l.isOpen = true
	return nil
}

func (l *scriptLine) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed++
	l.isOpen = false
	return nil
}

func (l *scriptLine) Level() (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.active && l.levelErr == nil, l.levelErr
}

func (l *scriptLine) Lacks() *Fault  { return l.lacks }
func (l *scriptLine) String() string { return "GPIO17" }

func (l *scriptLine) Wait(ctx context.Context, until time.Time, edges []Edge) ([]Edge, error) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case s := <-l.steps:
		return append(edges, s.edges...), s.err
	case <-timer.C:
	case <-ctx.Done():
	}
	return edges, nil
}

// watching is a running Watch. The test's clock is zero when it starts.
type watching struct {
	t     *testing.T
	line  *scriptLine
	out   chan []Reading
	start time.Time
	stop  func()
	done  chan error
}

func watch(t *testing.T, line *scriptLine, room int) *watching {
	ctx, cancel := context.WithCancel(t.Context())
	w := &watching{t: t, line: line, out: make(chan []Reading, room), start: time.Now(), stop: cancel, done: make(chan error, 1)}
	go func() { w.done <- Watched{ID: 3, Line: line}.Watch(ctx, w.out) }()
	synctest.Wait()
	return w
}

// end stops Watch and checks what it promises about its end.
func (w *watching) end() {
	w.t.Helper()
	now := time.Now()
	w.stop()
	if err := <-w.done; err != nil {
		w.t.Errorf("Watch returned %v, want nil", err)
	}
	if time.Since(now) != 0 {
		w.t.Errorf("Watch took %v to end", time.Since(now))
	}
	if w.line.isOpen {
		w.t.Error("the line was left open")
	}
}

// edges gives edges that the kernel saw at this instant.
func (w *watching) edges(edges ...Edge) {
	for i := range edges {
		edges[i].At = time.Now()
	}
	w.line.steps <- step{edges: edges}
	synctest.Wait()
}

// told drains what was told since, as "1s 0" or "1s fault sentence"; batches
// are joined by "; ".
func (w *watching) told() (list []string) {
	w.t.Helper()
	for {
		select {
		case batch := <-w.out:
			var words []string
			for _, r := range batch {
				words = append(words, w.words(r))
			}
			list = append(list, strings.Join(words, "; "))
		default:
			return list
		}
	}
}

func (w *watching) words(r Reading) string {
	w.t.Helper()
	at := r.At.Sub(w.start)
	switch {
	case r.Sensor != 3:
		w.t.Errorf("%+v is of another sensor", r)
	case r.Fault != nil:
		if r.Quantity != None || r.Value != 0 {
			w.t.Errorf("%+v has a fault and a value", r)
		}
		return fmt.Sprintf("%v fault %s", at, r.Fault.Sentence)
	case r.Quantity != Level:
		w.t.Errorf("%+v is no level", r)
	}
	return fmt.Sprintf("%v %v", at, r.Value)
}

func (w *watching) want(claim string, want ...string) {
	w.t.Helper()
	if got := w.told(); !slices.Equal(got, want) {
		w.t.Errorf("%s:\ngot  %q\nwant %q", claim, got, want)
	}
}
