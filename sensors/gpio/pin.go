package gpio

import (
	"context"
	"time"

	pin "periph.io/x/conn/v3/gpio"
)

var _ pin.PinIn = (*Line)(nil)

// In takes the line as an input, letting go of it first if it is open. Levels
// and edges are those of the wire, whatever ActiveLow says. PullNoChange keeps
// the pull of the Config. Its error is a *sensors.Fault.
func (l *Line) In(pull pin.Pull, edge pin.Edge) error {
	c := l.config
	switch pull {
	case pin.PullUp:
		c.Pull = PullUp
	case pin.PullDown:
		c.Pull = PullDown
	case pin.Float:
		c.Pull = PullOff
	}
	return l.take(c, l.edgeFlags(edge))
}

// edgeFlags are in the kernel's terms, where rising is towards active.
func (l *Line) edgeFlags(edge pin.Edge) uint64 {
	switch {
	case edge == pin.BothEdges:
		return flagEdges
	case edge == pin.NoEdge:
		return 0
	case (edge == pin.RisingEdge) != l.config.ActiveLow:
		return flagEdgeRising
	}
	return flagEdgeFalling
}

// Read gives the level of the wire; Low if it cannot be read, which Level
// tells apart.
func (l *Line) Read() pin.Level {
	active, err := l.Level()
	return pin.Level(err == nil && active != l.config.ActiveLow)
}

// WaitForEdge waits for one edge of those that In asked for: for ever with a
// negative timeout, not at all with 0. It returns false when the time is over,
// when the line is let go of, and when it cannot be read.
func (l *Line) WaitForEdge(timeout time.Duration) bool {
	s, err := l.current()
	if err != nil {
		return false
	}
	if len(s.ahead) == 0 {
		var until time.Time
		if timeout >= 0 {
			until = time.Now().Add(timeout)
		}
		s.ahead, _ = s.wait(context.Background(), until, s.ahead)
	}
	if len(s.ahead) == 0 {
		return false
	}
	s.ahead = s.ahead[1:]
	return true
}

// Pull gives the pull that pinbell set; PullNoChange where it set none.
func (l *Line) Pull() pin.Pull {
	s, err := l.current()
	if err != nil {
		return pin.PullNoChange
	}
	switch s.pull {
	case PullUp:
		return pin.PullUp
	case PullDown:
		return pin.PullDown
	case PullOff:
		return pin.Float
	}
	return pin.PullNoChange
}

// DefaultPull is not known to the kernel.
func (l *Line) DefaultPull() pin.Pull { return pin.PullNoChange }

// Halt is Close.
func (l *Line) Halt() error { return l.Close() }

// Name is String.
func (l *Line) Name() string { return l.config.Line }

// Number is the line's offset on its chip; -1 before it was found.
func (l *Line) Number() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last.chip.Name == "" {
		return -1
	}
	return l.last.offset
}

// Function is "In/High" or "In/Low" while the line is open, else empty.
func (l *Line) Function() string {
	active, err := l.Level()
	switch {
	case err != nil:
		return ""
	case active != l.config.ActiveLow:
		return string(pin.IN_HIGH)
	}
	return string(pin.IN_LOW)
}
