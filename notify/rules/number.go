package rules

import "math"

// interval is what is known of a number: it lies between low and high. A
// number that is known exactly has both equal, and one of which nothing is
// known has both infinite; so what is true of every number in between is
// true, what is true of none is false, and the rest is unknown.
type interval struct{ low, high float64 }

var anything = interval{math.Inf(-1), math.Inf(1)}

func exactly(v float64) interval { return interval{v, v} }

func (a interval) exact() bool { return a.low == a.high }

// decided is for comparisons that say when they hold and when they do not.
func decided(holds, fails bool) Truth {
	switch {
	case holds:
		return True
	case fails:
		return False
	}
	return Unknown
}

func (a interval) equals(b interval) Truth {
	return decided(a.exact() && a == b, a.high < b.low || a.low > b.high)
}

// number gives what is known of a node's value.
func (c *Condition) number(v *View, i int32) interval {
	n := &c.nodes[i]
	switch n.op {
	case opNumber:
		return exactly(n.num)
	case opSlot:
		if cell := v.Slots[n.slot]; cell.Known {
			return exactly(cell.Value)
		}
		return anything
	case opWindow:
		if w := v.Windows[n.left]; w.Known {
			return interval{w.Low, w.High}
		}
		return anything
	case opNeg:
		a := c.number(v, n.left)
		return interval{-a.high, -a.low}
	}
	return compute(n.op, c.number(v, n.left), c.number(v, n.right))
}

// compute is arithmetic on what is known. What has no result, as a division by
// nothing, is unknown.
func compute(o op, a, b interval) interval {
	switch {
	case o == opAdd:
		return result(a.low+b.low, a.high+b.high)
	case o == opSub:
		return result(a.low-b.high, a.high-b.low)
	case o == opDiv && (b.low == 0 || !b.exact()):
		return anything
	case o == opDiv:
		return scaled(a.low/b.low, a.high/b.low)
	case b.exact():
		return scaled(a.low*b.low, a.high*b.low)
	case a.exact():
		return scaled(b.low*a.low, b.high*a.low)
	}
	return anything
}

// scaled puts the ends in order, which a negative factor swaps.
func scaled(x, y float64) interval { return result(min(x, y), max(x, y)) }

func result(low, high float64) interval {
	if math.IsNaN(low) || math.IsNaN(high) {
		return anything
	}
	return interval{low, high}
}
