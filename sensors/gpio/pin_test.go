package gpio

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	pin "periph.io/x/conn/v3/gpio"
)

func TestInAsksForThePullAndTheEdgesOfTheWire(t *testing.T) {
	for _, c := range []struct {
		pull      pin.Pull
		edge      pin.Edge
		activeLow bool
		flags     uint64
	}{
		{pin.PullNoChange, pin.BothEdges, false, flagInput | flagEdges | flagPullDown}, // the Config's
		{pin.PullUp, pin.NoEdge, false, flagInput | flagPullUp},
		{pin.PullDown, pin.RisingEdge, false, flagInput | flagEdgeRising | flagPullDown},
		{pin.Float, pin.FallingEdge, false, flagInput | flagEdgeFalling | flagPullOff},
		{pin.PullUp, pin.RisingEdge, true, flagInput | flagActiveLow | flagEdgeFalling | flagPullUp},
		{pin.PullUp, pin.FallingEdge, true, flagInput | flagActiveLow | flagEdgeRising | flagPullUp},
	} {
		k := newKernel(t)
		k.pi()
		l := k.line(Config{Line: "GPIO17", Pull: PullDown, ActiveLow: c.activeLow})
		if err := l.In(c.pull, c.edge); err != nil {
			t.Fatal(err)
		}
		if got := k.asked[0].Config.Flags; got != c.flags {
			t.Errorf("In(%v, %v), active low %v: flags %#x, want %#x", c.pull, c.edge, c.activeLow, got, c.flags)
		}
		want := c.pull
		if want == pin.PullNoChange {
			want = pin.PullDown
		}
		if got := l.Pull(); got != want {
			t.Errorf("Pull is %v, want %v", got, want)
		}
	}
}

func TestReadIsTheLevelOfTheWire(t *testing.T) {
	for _, activeLow := range []bool{false, true} {
		for _, active := range []bool{false, true} {
			k := newKernel(t)
			k.pi()
			k.active = active
			l := k.line(Config{Line: "gpiochip0:17", ActiveLow: activeLow})
			if err := l.In(pin.PullNoChange, pin.NoEdge); err != nil {
				t.Fatal(err)
			}
			want, function := pin.Level(active != activeLow), "In/Low"
			if want {
				function = "In/High"
			}
			if l.Read() != want || l.Function() != function || l.Number() != 17 {
				t.Errorf("active %v, active low %v: %v, %s, number %d", active, activeLow, l.Read(), l.Function(), l.Number())
			}
		}
	}
}

func TestLineThatCannotBeReadIsLow(t *testing.T) {
	k := newKernel(t)
	k.pi()
	k.levelErr = unix.ENODEV
	l := k.line(Config{Line: "GPIO17", ActiveLow: true})
	check := func(state string, number int) {
		t.Helper()
		if l.Read() != pin.Low || l.Function() != "" || l.Number() != number || l.Pull() != pin.PullNoChange || l.DefaultPull() != pin.PullNoChange {
			t.Errorf("%s: %v, %q, number %d, %v", state, l.Read(), l.Function(), l.Number(), l.Pull())
		}
	}
	check("closed", -1)
	if err := l.In(pin.PullNoChange, pin.NoEdge); err != nil {
		t.Fatal(err)
	}
	check("broken", 17)
}

func TestWaitForEdgeGivesEachEdgeOnce(t *testing.T) {
	k := newKernel(t)
	l := k.open()
	if l.WaitForEdge(0) || l.WaitForEdge(10*time.Millisecond) {
		t.Error("saw an edge that nobody made")
	}
	k.write(bytesOf(rising(1, 0), falling(2, 0), rising(3, 0)))
	for i, timeout := range []time.Duration{0, time.Second, -1} {
		if !l.WaitForEdge(timeout) {
			t.Errorf("edge %d was not seen", i+1)
		}
	}
	if l.WaitForEdge(0) {
		t.Error("saw a fourth edge")
	}
}

func TestWaitForEdgeWaitsForEverUntilHalt(t *testing.T) {
	k := newKernel(t)
	l := k.open()
	time.AfterFunc(20*time.Millisecond, func() { k.events.Write(bytesOf(rising(1, 0))) })
	if !l.WaitForEdge(-1) {
		t.Error("did not wait for the edge")
	}
	time.AfterFunc(20*time.Millisecond, func() { l.Halt() })
	for range 2 { // the second begins on a halted line
		if l.WaitForEdge(-1) {
			t.Error("saw an edge on a halted line")
		}
	}
}

func TestFailedInLeavesNothingOpen(t *testing.T) {
	k := newKernel(t)
	l := k.open()
	k.refuse = func(lineRequest) error { return unix.EBUSY }
	fault := asFault(t, l.In(pin.PullUp, pin.BothEdges))
	if !errors.Is(fault, unix.EBUSY) || l.WaitForEdge(-1) || l.Function() != "" {
		t.Errorf("got %v, and the line is still in use", fault)
	}
}
