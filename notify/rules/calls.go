package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"pinbell/sensors"
)

// functions are the functions of the rule language. It is filled in init,
// because what they do refers to it.
var functions map[string]function

type function struct {
	usage   string
	compile func(*compiler, *ast.CallNode, string) (int32, kind, *Mistake)
}

func init() {
	measured := `It is written as in %s(freezer.temperature, "10m").`
	functions = map[string]function{
		"between": {`It is written as in between("22:00", "06:00").`, (*compiler).between},
		"avg":     {fmt.Sprintf(measured, "avg"), (*compiler).measured},
		"min":     {fmt.Sprintf(measured, "min"), (*compiler).measured},
		"max":     {fmt.Sprintf(measured, "max"), (*compiler).measured},
		"rate":    {`It is the change per hour, written as in rate(freezer.temperature, "1h").`, (*compiler).measured},
		"count":   {`It is how often something became true, written as in count(door.open, "5m").`, (*compiler).asked},
		"held":    {`It is written as in held(door.open, "10m").`, (*compiler).asked},
		"changed": {`It is written as in changed(door.open, "10m"), or changed(door.open) for the newest reading.`, (*compiler).changed},
		"age":     {`It is compared with a length of time, as in age(freezer) > "10m".`, (*compiler).age},
	}
}

const (
	// longestWindow keeps what a restart forgets within reason.
	longestWindow = 7 * 24 * time.Hour
	// shortestRing is where steps of a second begin to show.
	shortestRing = 10 * time.Second
	shortest     = time.Second
)

func (c *compiler) call(n *ast.CallNode) (int32, kind, *Mistake) {
	name, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return 0, "", c.unknownFunction(n, "this")
	}
	f, known := functions[name.Value]
	switch {
	case !known:
		return 0, "", c.unknownFunction(n, name.Value)
	case c.within != "" && name.Value != "between":
		return 0, "", c.at(n, "Use two of them side by side, with and.", "%s cannot stand inside of %s", name.Value, c.within)
	}
	return f.compile(c, n, name.Value)
}

func (c *compiler) between(n *ast.CallNode, name string) (int32, kind, *Mistake) {
	usage := functions[name].usage
	if len(n.Arguments) != 2 {
		return 0, "", c.at(n, usage, "between takes two times of day, not %d", len(n.Arguments))
	}
	var minutes [2]int
	for i, argument := range n.Arguments {
		text, isText := argument.(*ast.StringNode)
		if !isText {
			return 0, "", c.at(argument, usage, "between takes times of day in quotes")
		}
		t, err := time.Parse("15:04", text.Value)
		if err != nil || len(text.Value) != len("15:04") {
			return 0, "", c.at(argument, usage, "%q is not a time of day", text.Value)
		}
		minutes[i] = t.Hour()*60 + t.Minute()
	}
	if minutes[0] == minutes[1] {
		return 0, "", c.at(n, "Leave it out for the whole day.", "this span begins and ends at the same time, so it never holds")
	}
	c.out.clock = true
	return c.add(node{op: opBetween, from: minutes[0], until: minutes[1]}), isTruth, nil
}

// measured compiles avg, min, max and rate.
func (c *compiler) measured(n *ast.CallNode, name string) (int32, kind, *Mistake) {
	length, m := c.arguments(n, name, shortestRing)
	if m != nil {
		return 0, "", m
	}
	i, _, m := c.argument(n, name)
	if m != nil {
		return 0, "", m
	}
	if c.out.nodes[i].op == opLevel {
		return 0, "", c.at(n.Arguments[0], `For a level there are held(door.open, "10m") and count(door.open, "5m").`, "%s takes a measure, and this is true or false", name)
	}
	slot := c.out.nodes[i].slot
	if c.out.nodes[i].op != opSlot {
		return 0, "", c.at(n.Arguments[0], functions[name].usage, "%s takes one quantity of a sensor", name)
	}
	if s := c.env.Sensors[slot.Sensor()]; length < 2*s.Every {
		return 0, "", c.at(n.Arguments[1], fmt.Sprintf("Write %q or more, or read it more often.", brief(2*s.Every)),
			"%s is read every %s, so there are not two readings in %s", s.Name, brief(s.Every), brief(length))
	}
	return c.window(n, Window{Name: name, Length: length, slots: []Slot{slot}}), isNumber, nil
}

// asked compiles count and held, whose argument is a question.
func (c *compiler) asked(n *ast.CallNode, name string) (int32, kind, *Mistake) {
	least := shortest
	if name == "count" {
		least = shortestRing
	}
	length, m := c.arguments(n, name, least)
	if m != nil {
		return 0, "", m
	}
	outer, compared := c.out, len(c.out.compare)
	c.out.slots, c.out.clock, c.out.mode = nil, false, false
	i, k, m := c.argument(n, name)
	w := Window{Name: name, Length: length, slots: c.out.slots, clock: c.out.clock, mode: c.out.mode, of: &c.out, root: i}
	c.out.slots, c.out.clock, c.out.mode = outer.slots, outer.clock || w.clock, outer.mode || w.mode
	switch {
	case m != nil:
		return 0, "", m
	case k != isTruth:
		return 0, "", c.at(n.Arguments[0], fmt.Sprintf("Compare it, as in %s(%s > 5, %q).", name, n.Arguments[0], brief(length)),
			"%s takes what is true or false, and this is a %s", name, k)
	case len(w.slots) == 0:
		return 0, "", c.at(n.Arguments[0], functions[name].usage, "there is no sensor in what %s looks at", name)
	}
	for _, slot := range w.slots {
		c.uses(slot)
	}
	if name == "count" { // what it looks at now is not what the mail is about
		c.out.compare = c.out.compare[:compared]
		return c.window(n, w), isNumber, nil
	}
	return c.window(n, w), isTruth, nil
}

func (c *compiler) changed(n *ast.CallNode, name string) (int32, kind, *Mistake) {
	var length time.Duration
	var m *Mistake
	if len(n.Arguments) != 1 {
		if length, m = c.arguments(n, name, shortest); m != nil {
			return 0, "", m
		}
	}
	i, _, m := c.argument(n, name)
	if m != nil {
		return 0, "", m
	}
	argument := c.out.nodes[i]
	if argument.op != opSlot && argument.op != opLevel {
		return 0, "", c.at(n.Arguments[0], functions[name].usage, "changed takes one quantity or state of a sensor")
	}
	w := Window{Name: name, Length: length, slots: []Slot{argument.slot}}
	past := c.window(n, w)
	if argument.op == opSlot {
		w.Name = "before"
		c.out.compare = append(c.out.compare, comparison{argument.slot, noWindow, "!=", c.window(n, w), past})
	}
	return past, isTruth, nil
}

// age finds the sensor; older then makes a window of the comparison.
func (c *compiler) age(n *ast.CallNode, name string) (int32, kind, *Mistake) {
	if len(n.Arguments) != 1 {
		return 0, "", c.at(n, functions[name].usage, "age takes one sensor, not %d", len(n.Arguments))
	}
	sensor, isName := n.Arguments[0].(*ast.IdentifierNode)
	if !isName {
		return 0, "", c.at(n.Arguments[0], functions[name].usage, "age takes a sensor by its name alone")
	}
	i := c.sensor(sensor.Value)
	if i < 0 {
		return 0, "", c.noSensor(sensor)
	}
	return int32(i), isAge, nil
}

var ages = map[string]struct{ op, swapped string }{"<": {"<", ">"}, "<=": {"<=", ">="}, ">": {">", "<"}, ">=": {">=", "<="}}

// older compiles age(freezer) > "10m" and its kin: the answer changes at one
// instant only, which is that of the reading plus the length.
func (c *compiler) older(n *ast.BinaryNode, left kind) (int32, kind, *Mistake) {
	usage := functions["age"].usage
	call, text, operator := n.Left, n.Right, ages[n.Operator].op
	if left != isAge {
		call, text, operator = n.Right, n.Left, ages[n.Operator].swapped
	}
	if operator == "" {
		return 0, "", c.at(n, "Compare it with < <= > or >=.", "an age grows all the time, so %q does not go with it", n.Operator)
	}
	length, m := c.length(text, "age", usage, shortest)
	if m != nil {
		return 0, "", m
	}
	i, _, _ := c.compile(call)
	w := Window{Name: "age", Length: length}
	if operator == ">" || operator == "<=" {
		w.Length++ // the first instant at which it is more
	}
	for _, q := range c.env.Sensors[i].Quantities {
		if q != sensors.None {
			w.slots = append(w.slots, SlotOf(int(i), q))
			c.uses(SlotOf(int(i), q))
		}
	}
	past := c.window(call, w)
	limit := c.add(node{op: opNumber, num: length.Seconds()})
	whole := past
	if operator[0] == '<' {
		whole = c.add(node{op: opNot, left: past})
	}
	c.out.compare = append(c.out.compare, comparison{SlotOf(int(i), sensors.None), c.out.nodes[past].left, operator, limit, whole})
	return whole, isTruth, nil
}

// arguments checks their number, and gives the length that the second one is.
func (c *compiler) arguments(n *ast.CallNode, name string, least time.Duration) (time.Duration, *Mistake) {
	if len(n.Arguments) != 2 {
		return 0, c.at(n, functions[name].usage, "%s takes two things, what it looks at and a length of time, not %d", name, len(n.Arguments))
	}
	return c.length(n.Arguments[1], name, functions[name].usage, least)
}

// length reads how far a window looks back.
func (c *compiler) length(n ast.Node, name, usage string, least time.Duration) (time.Duration, *Mistake) {
	text, isText := n.(*ast.StringNode)
	if !isText {
		return 0, c.at(n, usage, "the length of time of %s stands in quotes, with its unit", name)
	}
	length, err := time.ParseDuration(text.Value)
	switch {
	case err != nil:
		return 0, c.at(n, `Write it as in "90s", "10m" or "24h".`, "%q is not a length of time", text.Value)
	case length < least:
		return 0, c.at(n, "", "%s is too short for %s, the least is %s", text.Value, name, brief(least))
	case length > longestWindow:
		return 0, c.at(n, "", "%s is too long for %s, the most is %s", text.Value, name, brief(longestWindow))
	}
	return length, nil
}

// argument compiles what a window looks at.
func (c *compiler) argument(n *ast.CallNode, name string) (int32, kind, *Mistake) {
	c.within = name
	defer func() { c.within = "" }()
	return c.compile(n.Arguments[0])
}

// window adds a window that no other one is like, and a node that asks it.
func (c *compiler) window(n ast.Node, w Window) int32 {
	argument := fmt.Sprint(w.slots)
	if w.of != nil {
		argument = n.(*ast.CallNode).Arguments[0].String()
	}
	w.key = fmt.Sprintf("%s %s %d", w.Name, argument, w.Length)
	i := slices.IndexFunc(c.out.windows, func(o Window) bool { return o.key == w.key })
	if i < 0 {
		i = len(c.out.windows)
		c.out.windows = append(c.out.windows, w)
	}
	switch w.Name {
	case "held", "changed", "age":
		return c.add(node{op: opPast, left: int32(i)})
	}
	return c.add(node{op: opWindow, left: int32(i)})
}

// brief is a length without the units that say nothing: "10m", not "10m0s".
func brief(d time.Duration) string {
	text := strings.TrimSuffix(d.String(), "m0s")
	if text != d.String() {
		text += "m"
	}
	if hours := strings.TrimSuffix(text, "h0m"); hours != text {
		text = hours + "h"
	}
	return text
}
