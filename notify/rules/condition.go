package rules

import (
	"slices"

	"pinbell/sensors"
)

// Slot is the place of one sensor's quantity in a View: a sensor's position
// in the config times sensors.Quantities, plus the quantity.
type Slot int

// SlotOf gives the slot of a sensor's quantity.
func SlotOf(sensor int, q sensors.Quantity) Slot {
	return Slot(sensor*int(sensors.Quantities) + int(q))
}

// Sensor is the position of the sensor that the slot belongs to.
func (s Slot) Sensor() int { return int(s) / int(sensors.Quantities) }

// Quantity is what the slot holds.
func (s Slot) Quantity() sensors.Quantity { return sensors.Quantity(int(s) % int(sensors.Quantities)) }

// View is what a condition is asked about: the newest values, what windows
// over them come to, and the time of day. The zero View knows nothing.
type View struct {
	Slots   []Cell
	Windows []Range // in the order of Condition.Windows, or of the engine that binds it
	// Minute is the minute of the day and Weekday the day of the week (0 is
	// Sunday) in the device's time zone; they count only when MinuteKnown.
	Minute      int
	Weekday     int
	MinuteKnown bool
	Mode        string // empty: unknown
}

// Cell is a slot's newest value. It is not Known before the first reading and
// when the newest one is no longer fresh.
type Cell struct {
	Value float64
	Known bool
}

// Range is what a window comes to: a number that lies between Low and High,
// which are equal when it is known exactly. A question's answer is 0 or 1.
type Range struct {
	Low, High float64
	Known     bool
}

// Truth is three-valued: what no sensor tells is neither true nor false.
type Truth uint8

// The truths.
const (
	Unknown Truth = iota
	False
	True
)

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

func (t Truth) not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return Unknown
}

// Condition is a compiled expression: a tree in one slice, evaluated without
// allocation.
type Condition struct {
	nodes   []node
	root    int32
	slots   []Slot
	compare []comparison
	windows []Window
	clock   bool // asks for the time of day or the day
	mode    bool // asks for the mode
}

type op uint8

const (
	opNumber op = iota // num
	opSlot             // slot, a number
	opWindow           // left: which window; a number
	opAdd
	opSub
	opMul
	opDiv
	opNeg
	opTruth // num: 0 or 1
	opLevel // slot, a level: true when it equals num
	opPast  // left: which window; a truth
	opLess
	opLessEq
	opEq
	opNotEq
	opAnd
	opOr
	opNot
	opBetween // from, until: minutes of the day
	opWeekday // from: a bit for each day, Sunday first
	opMode    // text
)

type node struct {
	op          op
	left, right int32
	num         float64
	slot        Slot
	from, until int
	text        string
}

// Slots lists what the condition depends on, each once.
func (c *Condition) Slots() []Slot { return c.slots }

// Windows lists the windows that the condition asks, each once.
func (c *Condition) Windows() []Window { return c.windows }

// AsksTime reports whether the condition may change with the time of day or
// with the day.
func (c *Condition) AsksTime() bool { return c.clock }

// AsksMode reports whether the condition may change with the mode.
func (c *Condition) AsksMode() bool { return c.mode }

// Eval asks the condition about a view.
func (c *Condition) Eval(v *View) Truth { return c.truth(v, c.root) }

func (c *Condition) truth(v *View, i int32) Truth {
	n := &c.nodes[i]
	switch n.op {
	case opTruth:
		return truth(n.num != 0)
	case opLevel:
		cell := v.Slots[n.slot]
		if !cell.Known {
			return Unknown
		}
		return truth(cell.Value == n.num)
	case opNot:
		return c.truth(v, n.left).not()
	case opAnd, opOr:
		return c.junction(v, n)
	case opPast:
		w := v.Windows[n.left]
		if !w.Known {
			return Unknown
		}
		return truth(w.Low != 0)
	case opBetween, opWeekday, opMode:
		return n.calendar(v)
	}
	return c.relation(v, n)
}

// junction is and, or: an unknown side matters only where the other one does
// not decide alone.
func (c *Condition) junction(v *View, n *node) Truth {
	decides := truth(n.op == opOr)
	left := c.truth(v, n.left)
	if left == decides {
		return left
	}
	right := c.truth(v, n.right)
	if right == decides || left != Unknown {
		return right
	}
	return Unknown
}

func (c *Condition) isTruth(i int32) bool { return c.nodes[i].op >= opTruth }

func (c *Condition) relation(v *View, n *node) Truth {
	if c.isTruth(n.left) {
		return c.equivalence(v, n)
	}
	a, b := c.number(v, n.left), c.number(v, n.right)
	switch n.op {
	case opLess:
		return decided(a.high < b.low, a.low >= b.high)
	case opLessEq:
		return decided(a.high <= b.low, a.low > b.high)
	case opEq:
		return a.equals(b)
	}
	return a.equals(b).not()
}

// equivalence compares two truths: door.open == window.open.
func (c *Condition) equivalence(v *View, n *node) Truth {
	a, b := c.truth(v, n.left), c.truth(v, n.right)
	if a == Unknown || b == Unknown {
		return Unknown
	}
	return truth((a == b) == (n.op == opEq))
}

// calendar answers what no sensor is asked for. between is true from the
// first minute up to, not including, the last; a span whose end is before its
// start goes over midnight.
func (n *node) calendar(v *View) Truth {
	switch {
	case n.op == opMode && v.Mode == "", n.op != opMode && !v.MinuteKnown:
		return Unknown
	case n.op == opMode:
		return truth(v.Mode == n.text)
	case n.op == opWeekday:
		return truth(n.from>>v.Weekday&1 != 0)
	case n.from <= n.until:
		return truth(n.from <= v.Minute && v.Minute < n.until)
	}
	return truth(v.Minute >= n.from || v.Minute < n.until)
}

// bound is the condition with its windows numbered as in another list, which
// holds all of them.
func (c *Condition) bound(number func(Window) int32) *Condition {
	if c == nil || len(c.windows) == 0 {
		return c
	}
	b := *c
	b.nodes, b.compare = slices.Clone(c.nodes), slices.Clone(c.compare)
	for i := range b.nodes {
		if n := &b.nodes[i]; n.op == opWindow || n.op == opPast {
			n.left = number(c.windows[n.left])
		}
	}
	for i := range b.compare {
		if w := &b.compare[i].window; *w != noWindow {
			*w = number(c.windows[*w])
		}
	}
	return &b
}
