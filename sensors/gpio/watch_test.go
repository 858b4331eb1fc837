package gpio

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pinbell/sensors"
)

var _ sensors.Line = (*Line)(nil)

// next is the next batch that Watch tells.
func next(t *testing.T, out <-chan []sensors.Reading) []sensors.Reading {
	t.Helper()
	select {
	case readings := <-out:
		return readings
	case <-time.After(ample):
		t.Fatal("nothing was told")
		return nil
	}
}

// The whole way from the kernel's bytes to readings, with the real poller.
func TestWatchedLineTellsWhatTheKernelWrites(t *testing.T) {
	k := newKernel(t)
	k.pi()
	l := k.line(Config{Line: "GPIO17"})
	ctx, cancel := context.WithCancel(t.Context())
	out := make(chan []sensors.Reading)
	done := make(chan error, 1)
	go func() { done <- sensors.Watched{ID: 2, Line: l, Beat: time.Hour}.Watch(ctx, out) }()
	if first := next(t, out); len(first) != 1 || first[0].Value != 0 || first[0].Quantity != sensors.Level {
		t.Fatalf("at start told %+v, want level 0", first)
	}

	time.Sleep(time.Millisecond) // the kernel's stamps are to be later than the level at start
	stamp := kernelNow(t)
	k.write(bytesOf(rising(1, stamp), falling(2, stamp+1000)))
	pulse := next(t, out)
	if len(pulse) != 2 || pulse[0].Value != 1 || pulse[1].Value != 0 || pulse[0].Sensor != 2 {
		t.Fatalf("a pulse was told as %+v", pulse)
	}
	if took := pulse[1].At.Sub(pulse[0].At); took != time.Microsecond {
		t.Errorf("a pulse of 1µs was told as %v", took)
	}

	stamp = kernelNow(t)
	k.write(bytesOf(falling(9, stamp)))
	lost := next(t, out)
	if len(lost) != 3 || lost[0].Fault == nil || lost[1].Value != 0 || lost[2].Value != 0 {
		t.Fatalf("a loss was told as %+v, want a fault, the edge, the level", lost)
	}

	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("Watch returned %v", err)
		}
	case <-time.After(ample):
		t.Fatal("Watch did not end")
	}
	if _, err := l.Level(); err == nil {
		t.Error("the line was left open")
	}
}

func TestWatchedLineComesBackAfterItsChip(t *testing.T) {
	k := newKernel(t)
	chip := k.pi()
	chip.err = unix.ENODEV
	l := k.line(Config{Line: "GPIO17"})
	ctx, cancel := context.WithCancel(t.Context())
	out := make(chan []sensors.Reading)
	done := make(chan error, 1)
	go func() { done <- sensors.Watched{Line: l, Beat: 5 * time.Millisecond}.Watch(ctx, out) }()
	fault := next(t, out)
	if len(fault) != 1 || fault[0].Fault == nil || !errors.Is(fault[0].Fault, unix.ENOENT) {
		t.Fatalf("without a chip told %+v", fault)
	}
	// Watch has sent and rests, or tries again: it is stopped before the chip is changed.
	cancel()
	<-done
	chip.err = nil
	ctx, cancel = context.WithCancel(t.Context())
	go func() { done <- sensors.Watched{Line: l, Beat: 5 * time.Millisecond}.Watch(ctx, out) }()
	for range 3 { // at start and at beats
		if level := next(t, out); len(level) != 1 || level[0].Fault != nil {
			t.Fatalf("with the chip back told %+v", level)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Watch returned %v", err)
	}
}
