package rules

import (
	"slices"

	"pinbell/notify"
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

// View is what a condition is asked about: the newest values and the time of
// day. The zero View knows nothing.
type View struct {
	Slots []Cell
	// Minute is the minute of the day in the device's time zone; it counts
	// only when MinuteKnown.
	Minute      int
	MinuteKnown bool
}

// Cell is a slot's newest value. It is not Known before the first reading and
// when the newest one is no longer fresh.
type Cell struct {
	Value float64
	Known bool
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
	clock   bool // asks for the time of day
}

// comparison is a place in the tree where a sensor's quantity is held against
// a number, or a level against one of its states.
type comparison struct {
	slot  Slot
	op    string
	limit int32 // node of the other side
}

type op uint8

const (
	opNumber op = iota // num
	opTruth            // num: 0 or 1
	opSlot             // slot, a number
	opLevel            // slot, a level: true when it equals num
	opAdd
	opSub
	opMul
	opDiv
	opNeg
	opLess
	opLessEq
	opEq
	opNotEq
	opAnd
	opOr
	opNot
	opBetween // from, until: minutes of the day
)

type node struct {
	op          op
	left, right int32
	num         float64
	slot        Slot
	from, until int
}

// Slots lists what the condition depends on, each once.
func (c *Condition) Slots() []Slot { return c.slots }

// AsksTime reports whether the condition may change with the time of day.
func (c *Condition) AsksTime() bool { return c.clock }

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
	case opBetween:
		return n.between(v)
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

func (c *Condition) relation(v *View, n *node) Truth {
	if t, isTruth := c.equivalence(v, n); isTruth {
		return t
	}
	a, okA := c.number(v, n.left)
	b, okB := c.number(v, n.right)
	if !okA || !okB {
		return Unknown
	}
	switch n.op {
	case opLess:
		return truth(a < b)
	case opLessEq:
		return truth(a <= b)
	case opEq:
		return truth(a == b)
	}
	return truth(a != b)
}

// equivalence compares two truths: door.open == window.open.
func (c *Condition) equivalence(v *View, n *node) (Truth, bool) {
	if !c.isTruth(n.left) {
		return Unknown, false
	}
	a, b := c.truth(v, n.left), c.truth(v, n.right)
	if a == Unknown || b == Unknown {
		return Unknown, true
	}
	return truth((a == b) == (n.op == opEq)), true
}

func (c *Condition) isTruth(i int32) bool {
	switch c.nodes[i].op {
	case opNumber, opSlot, opAdd, opSub, opMul, opDiv, opNeg:
		return false
	}
	return true
}

// number gives a node's value; false when any part of it is unknown or the
// arithmetic has no result.
func (c *Condition) number(v *View, i int32) (float64, bool) {
	n := &c.nodes[i]
	switch n.op {
	case opNumber:
		return n.num, true
	case opSlot:
		cell := v.Slots[n.slot]
		return cell.Value, cell.Known
	case opNeg:
		a, ok := c.number(v, n.left)
		return -a, ok
	}
	a, okA := c.number(v, n.left)
	b, okB := c.number(v, n.right)
	if !okA || !okB || n.op == opDiv && b == 0 {
		return 0, false
	}
	switch n.op {
	case opAdd:
		return a + b, true
	case opSub:
		return a - b, true
	case opMul:
		return a * b, true
	}
	return a / b, true
}

// between is true from the first minute up to, not including, the last; a
// span whose end is before its start goes over midnight.
func (n *node) between(v *View) Truth {
	if !v.MinuteKnown {
		return Unknown
	}
	if n.from <= n.until {
		return truth(n.from <= v.Minute && v.Minute < n.until)
	}
	return truth(v.Minute >= n.from || v.Minute < n.until)
}

// terms describes the condition's comparisons as they stand, those that hold
// first, for the text of an event. names gives a slot's fact.
func (c *Condition) terms(v *View, fact func(Slot) notify.Fact) []notify.Term {
	var hold, rest []notify.Term
	for _, cmp := range c.compare {
		limit, ok := c.number(v, cmp.limit)
		if !ok {
			continue
		}
		term := notify.Term{Fact: fact(cmp.slot), Op: cmp.op, Limit: limit}
		if cell := v.Slots[cmp.slot]; cell.Known && holds(cell.Value, cmp.op, limit) {
			hold = append(hold, term)
		} else {
			rest = append(rest, term)
		}
	}
	return slices.Concat(hold, rest)
}

func holds(a float64, op string, b float64) bool {
	switch op {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	case ">=":
		return a >= b
	case "!=":
		return a != b
	}
	return a == b
}
