package gpio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pinbell/sensors"
)

// plain drops what tests compare elsewhere.
func plain(edges []sensors.Edge) (list []sensors.Edge) {
	for _, e := range edges {
		e.At = time.Time{}
		list = append(list, e)
	}
	return list
}

func equal(x, y []sensors.Edge) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}

func TestEdgesThatCameTogetherAreFetchedTogether(t *testing.T) {
	k := newKernel(t)
	l := k.open()
	k.write(bytesOf(rising(1, 0), falling(2, 0), rising(3, 0)))
	want := []sensors.Edge{{Active: true, Seq: 1}, {Seq: 2}, {Active: true, Seq: 3}}
	if got := plain(fetch(t, l)); !equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	k.write(bytesOf(falling(4, 0)))
	if got := plain(fetch(t, l)); !equal(got, []sensors.Edge{{Seq: 4}}) {
		t.Errorf("then got %v, want edge 4 alone", got)
	}
}

func TestAllThatTheKernelKeepsIsFetchedAtOnce(t *testing.T) {
	k := newKernel(t)
	l := k.open()
	var events []lineEvent
	for seq := range uint32(eventBuffer) {
		events = append(events, rising(seq+1, 0))
	}
	k.write(bytesOf(events...))
	if got := fetch(t, l); len(got) != eventBuffer || got[eventBuffer-1].Seq != eventBuffer {
		t.Errorf("got %d edges, want %d", len(got), eventBuffer)
	}
}

func TestLostEdgesAreCounted(t *testing.T) {
	k := newKernel(t)
	l := k.open()
	k.write(bytesOf(rising(3, 0), falling(4, 0), rising(14, 0)))
	want := []sensors.Edge{{Active: true, Seq: 3, Lost: 2}, {Seq: 4}, {Active: true, Seq: 14, Lost: 9}}
	if got := plain(fetch(t, l)); !equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	l.open.seq = 1<<32 - 1
	k.write(bytesOf(falling(0, 0), rising(2, 0)))
	want = []sensors.Edge{{}, {Active: true, Seq: 2, Lost: 1}}
	if got := plain(fetch(t, l)); !equal(got, want) {
		t.Errorf("where the counter wraps got %v, want %v", got, want)
	}
}

func TestReopenedLineCountsFromOne(t *testing.T) {
	k := newKernel(t)
	l := k.open()
	k.write(bytesOf(rising(1, 0), falling(2, 0)))
	fetch(t, l)
	if err := l.Open(); err != nil {
		t.Fatal(err)
	}
	k.write(bytesOf(rising(1, 0)))
	if got := plain(fetch(t, l)); !equal(got, []sensors.Edge{{Active: true, Seq: 1}}) {
		t.Errorf("got %v, want edge 1 and nothing lost", got)
	}
}

func TestEdgeHasTheKernelsTime(t *testing.T) {
	k := newKernel(t)
	l := k.open()
	const age = 3 * time.Second
	before, stamp := time.Now(), kernelNow(t)
	after := time.Now()
	k.write(bytesOf(rising(1, stamp-uint64(age)), falling(2, stamp), rising(3, stamp+uint64(time.Hour))))
	edges := fetch(t, l)
	const slack = 5 * time.Millisecond // for a task switch while both clocks were read at Open
	for i, want := range []time.Duration{-age, 0} {
		at := edges[i].At
		if at.Before(before.Add(want-slack)) || at.After(after.Add(want+slack)) {
			t.Errorf("edge %d is %v off", i, at.Sub(before)-want)
		}
		if !strings.Contains(at.String(), " m=") {
			t.Errorf("%v has no monotonic time", at)
		}
	}
	if edges[2].At.After(time.Now()) {
		t.Error("an edge is told before it happens")
	}
}

func TestWhatIsNoWholeEventIsAFault(t *testing.T) {
	whole := bytesOf(rising(1, 0))
	for name, c := range map[string]struct {
		data  []byte
		close bool
		edges int
		says  string
	}{
		"short":         {whole[:47], false, 0, "cut an event short: 47 bytes of 48"},
		"one and a bit": {append(bytes.Clone(whole), 0), false, 1, "1 bytes of 48"},
		"unknown kind":  {append(bytes.Clone(whole), bytesOf(lineEvent{ID: 3, LineSeqno: 2})...), false, 1, "unknown kind 3"},
		"end":           {nil, true, 0, "EOF"},
	} {
		k := newKernel(t)
		l := k.open()
		k.write(c.data)
		if c.close {
			k.events.Close()
		}
		edges, err := l.Wait(t.Context(), time.Now().Add(ample), nil)
		if fault := asFault(t, err); !strings.Contains(fault.Error(), c.says) || len(edges) != c.edges {
			t.Errorf("%s: got %d edges and %v; want %d and %q", name, len(edges), fault, c.edges, c.says)
		}
	}
}

func FuzzDecodeTakesWholeEventsOrSaysWhy(f *testing.F) {
	f.Add(bytesOf(rising(1, 5), falling(2, 6)))
	f.Add(bytesOf(rising(7, 1<<63))[:50%eventSize])
	f.Add([]byte{})
	c, err := newClock()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := stream{clock: c}
		now := time.Now()
		edges, err := s.decode(data, now, nil)
		if err == nil && len(edges)*eventSize != len(data) || len(edges) > len(data)/eventSize {
			t.Fatalf("%d edges of %d bytes, %v", len(edges), len(data), err)
		}
		for _, e := range edges {
			if e.At.After(now) {
				t.Fatalf("edge at %v, after now %v", e.At, now)
			}
		}
	})
}

func TestWaitEndsAtItsDeadlineWithoutAnError(t *testing.T) {
	l := newKernel(t).open()
	until := time.Now().Add(20 * time.Millisecond)
	edges, err := l.Wait(t.Context(), until, nil)
	if len(edges) != 0 || err != nil || time.Now().Before(until) {
		t.Errorf("got %v, %v, %v early", edges, err, time.Until(until))
	}
}

func TestWaitIntoThePastTakesWhatIsThere(t *testing.T) {
	k := newKernel(t)
	l := k.open()
	for _, until := range []time.Time{past, time.Now()} {
		if edges, err := l.Wait(t.Context(), until, nil); len(edges) != 0 || err != nil {
			t.Errorf("with nothing there got %v, %v", edges, err)
		}
	}
	k.write(bytesOf(rising(1, 0)))
	if edges, err := l.Wait(t.Context(), past, nil); len(edges) != 1 || err != nil {
		t.Errorf("got %v, %v; want the edge", edges, err)
	}
}

func TestEndOfContextEndsAWaitAndTheLineStaysUsable(t *testing.T) {
	k := newKernel(t)
	l := k.open()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	for range 2 { // the second begins when ctx has already ended
		if edges, err := l.Wait(ctx, time.Time{}, nil); len(edges) != 0 || err != nil {
			t.Errorf("got %v, %v; want nothing", edges, err)
		}
	}
	k.write(bytesOf(rising(1, 0)))
	if edges := fetch(t, l); len(edges) != 1 {
		t.Errorf("got %v; want the edge", edges)
	}
}

func TestCloseEndsAWaitWithAFault(t *testing.T) {
	l := newKernel(t).open()
	time.AfterFunc(10*time.Millisecond, func() { l.Close() })
	_, err := l.Wait(t.Context(), time.Time{}, nil)
	if fault := asFault(t, err); !errors.Is(fault, os.ErrClosed) || fault.Sentence != "line GPIO17 is not open" {
		t.Errorf("got %v", fault)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestWaitingLinesCostNoThreads(t *testing.T) {
	threads := func() int {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Skip(err)
		}
		return len(tasks)
	}
	const lines = 100
	var open []*Line
	for range lines {
		open = append(open, newKernel(t).open())
	}
	before := threads()
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	for _, l := range open {
		waiting.Go(func() { l.Wait(ctx, time.Time{}, nil) })
	}
	for range 1000 {
		runtime.Gosched()
	}
	if more := threads() - before; more > lines/4+runtime.GOMAXPROCS(0) { // those that run goroutines at all
		t.Errorf("%d lines wait with %d more threads", lines, more)
	}
	cancel()
	waiting.Wait()
}

func TestLevelIsTheKernelsOrAFault(t *testing.T) {
	k := newKernel(t)
	l := k.open()
	for _, active := range []bool{true, false} {
		k.active = active
		if got, err := l.Level(); got != active || err != nil {
			t.Errorf("got %v, %v; want %v", got, err, active)
		}
	}
	k.active, k.levelErr = true, unix.ENODEV
	active, err := l.Level()
	if fault := asFault(t, err); active || !errors.Is(fault, unix.ENODEV) || fault.Sentence != "line GPIO17 is gone: its GPIO chip was removed" {
		t.Errorf("got %v, %v", active, fault)
	}
	k.levelErr = io.ErrUnexpectedEOF
	_, err = l.Level()
	if fault := asFault(t, err); fault.Sentence != "line GPIO17 cannot be read" || !errors.Is(fault, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", fault)
	}
}

func TestClosedLineGivesFaultsOnly(t *testing.T) {
	l := New(Config{Line: "GPIO17"})
	_, levelErr := l.Level()
	_, waitErr := l.Wait(t.Context(), time.Time{}, nil)
	for _, err := range []error{levelErr, waitErr} {
		if fault := asFault(t, err); fault.Sentence != "line GPIO17 is not open" {
			t.Errorf("got %v", fault)
		}
	}
	if l.Lacks() != nil {
		t.Error("lacks something before it was opened")
	}
}
