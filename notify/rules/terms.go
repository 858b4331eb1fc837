package rules

import (
	"slices"

	"pinbell/notify"
)

// comparison is a place in the tree where a sensor's quantity, or a window
// over it, is held against a number, or a level against one of its states.
type comparison struct {
	slot   Slot
	window int32 // noWindow: the newest reading
	op     string
	limit  int32 // node of the other side
	node   int32 // the comparison itself
}

const noWindow int32 = -1

// terms describes the condition's comparisons as they stand, those that hold
// first, for the text of an event.
func (c *Condition) terms(v *View, fact func(comparison) notify.Fact) []notify.Term {
	var hold, rest []notify.Term
	for _, cmp := range c.compare {
		limit := c.number(v, cmp.limit)
		if !limit.exact() {
			continue
		}
		term := notify.Term{Fact: fact(cmp), Op: cmp.op, Limit: limit.low}
		if c.truth(v, cmp.node) == True {
			hold = append(hold, term)
		} else {
			rest = append(rest, term)
		}
	}
	return slices.Concat(hold, rest)
}

// telling is the value of the first comparison.
func (c *Condition) telling(v *View) (float64, bool) {
	if len(c.compare) == 0 {
		return 0, false
	}
	if w := c.compare[0].window; w != noWindow {
		return v.Windows[w].Low, v.Windows[w].Known && v.Windows[w].Low == v.Windows[w].High
	}
	cell := v.Slots[c.compare[0].slot]
	return cell.Value, cell.Known
}
