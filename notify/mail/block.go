package mail

import (
	"cmp"
	"fmt"
	"slices"

	"pinbell/notify"
)

// block is all that a mail tells of one rule or sensor, oldest first. It has
// at least one event.
type block struct{ events []notify.Event }

func (b block) first() notify.Event { return b.events[0] }
func (b block) last() notify.Event  { return b.events[len(b.events)-1] }

// count is how many events there were, with those that others stand for.
func (b block) count() int {
	n := len(b.events)
	for _, e := range b.events {
		n += e.Merged
	}
	return n
}

// worst is the event that matters most, the latest of equals.
func (b block) worst() notify.Event {
	worst := b.first()
	for _, e := range b.events {
		if e.Severity >= worst.Severity {
			worst = e
		}
	}
	return worst
}

// over reports whether the last word is that all is well.
func (b block) over() bool {
	return b.last().Kind == notify.Cleared || b.last().Kind == notify.Returned
}

// tone is how it looks: by the worst while it lasts.
func (b block) tone() tone {
	switch {
	case b.over():
		return toneOver
	case b.last().Kind == notify.Test:
		return toneInfo
	}
	return toneOf(b.worst().Severity)
}

// name says what it is and how it stands, in a few words.
func (b block) name() string {
	last := b.last()
	s := title(last)
	if b.flapping() {
		s += fmt.Sprintf(" flapping (%d times)", b.rises())
	}
	switch {
	case b.over():
		return s + " over"
	case last.Kind == notify.Lost:
		return s + ": no reading"
	}
	return s
}

// flappings is how often a rule goes up, or a sensor away, before a digest
// calls it flapping.
const flappings = 3

// rises is how often it went up, or away. Of the events that others stand for,
// every second one is taken for a rise: the rest are their ends.
func (b block) rises() (n int) {
	for _, e := range b.events {
		if e.Kind == notify.Raised || e.Kind == notify.Lost {
			n++
		}
		n += e.Merged / 2
	}
	return n
}

func (b block) flapping() bool { return b.rises() >= flappings }

// flaps says how often it went up, and in what span.
func (b block) flaps() string {
	about := ""
	for _, e := range b.events {
		if e.Merged > 0 {
			about = "about "
		}
	}
	return about + fmt.Sprintf("%d times", b.rises()) + spanned(" in ", between(b.first().At, b.last().At))
}

// extremes are the lowest and highest values of the telling measure.
func (b block) extremes() (lowest, highest float64, known bool) {
	for _, e := range b.events {
		for _, v := range values(e, b.last()) {
			if !known {
				lowest, highest, known = v, v, true
			}
			lowest, highest = min(lowest, v), max(highest, v)
		}
	}
	return lowest, highest, known
}

// values are those of an event's telling term, if it measures what last does.
func values(e, last notify.Event) (list []float64) {
	if len(e.Terms) == 0 || len(last.Terms) == 0 || isLevel(e.Terms[0].Fact) {
		return nil
	}
	t, like := e.Terms[0], last.Terms[0]
	if t.Sensor != like.Sensor || t.Quantity != like.Quantity {
		return nil
	}
	if t.Known() {
		list = append(list, t.Value)
	}
	if t.Lowest != 0 || t.Highest != 0 {
		list = append(list, t.Lowest, t.Highest)
	}
	return list
}

// blocks gathers the events by what they are about: first what is not over,
// and there the most severe.
func (l letter) blocks() []block {
	type about struct {
		rule, sensor string
		test         bool
	}
	place := map[about]int{}
	var list []block
	for _, e := range l.Events {
		key := about{rule: e.Rule, test: e.Kind == notify.Test}
		if e.Rule == "" {
			key.sensor = e.Sensor
		}
		i, known := place[key]
		if !known {
			i = len(list)
			place[key] = i
			list = append(list, block{})
		}
		list[i].events = append(list[i].events, e)
	}
	slices.SortStableFunc(list, func(a, b block) int {
		return cmp.Compare(rank(b), rank(a))
	})
	return list
}

func rank(b block) int {
	rank := int(b.worst().Severity)
	if !b.over() {
		rank += 10
	}
	return rank
}
