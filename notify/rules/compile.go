package rules

import (
	"slices"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"

	"pinbell/sensors"
)

// SensorEnv is what rules may say of a sensor.
type SensorEnv struct {
	Name       string             // an identifier
	Every      time.Duration      // how often it is read; 0: not told
	Quantities []sensors.Quantity // what it measures
	States     [2]string          // a level's words for inactive and active; empty for none
}

// Env is what rules may speak of.
type Env struct {
	Sensors []SensorEnv // in the order of the config
	Modes   []string    // what mode may be compared with
}

// maxSource bounds an expression: the parser recurses.
const maxSource = 2000

// Compile parses an expression and checks its names and types against the
// sensors. Its error is a *Mistake.
//
// expr-lang/expr parses. The tree is then compiled here, into a form that
// knows three truths and allocates nothing; what the rule language leaves out
// of expr's is refused with its place.
func Compile(source string, env Env) (*Condition, error) {
	c := &compiler{source: source, env: env}
	if len(source) > maxSource {
		return nil, c.mistake(0, "", "the expression is longer than %d characters", maxSource)
	}
	tree, err := parser.ParseWithConfig(source, language())
	if err != nil {
		return nil, c.syntax(err)
	}
	root, kind, m := c.compile(tree.Node)
	if m == nil && kind != isTruth {
		m = c.at(tree.Node, `Compare it with something, as in "freezer.temperature > -15".`,
			"a rule asks a question that is true or false, and this is a %s", kind)
	}
	if m != nil {
		return nil, m
	}
	c.out.root = root
	return &c.out, nil
}

// language switches expr's own functions off: their names are for windows
// over readings, which count and average differently. Some of them are part
// of its grammar, until a function of the same name takes their place.
func language() *conf.Config {
	config := conf.CreateNew()
	for name, f := range config.Builtins {
		config.Disabled[name] = true
		config.Functions[name] = f
	}
	return config
}

type kind string

const (
	isNumber kind = "number"
	isTruth  kind = "truth"
	isText   kind = "text"
	isList   kind = "list"
	isAge    kind = "length of time"
	isDay    kind = "day of the week"
	isMode   kind = "mode"
)

type compiler struct {
	source string
	env    Env
	out    Condition
	within string // the function whose argument is being compiled
}

func (c *compiler) add(n node) int32 {
	c.out.nodes = append(c.out.nodes, n)
	return int32(len(c.out.nodes) - 1)
}

func (c *compiler) compile(n ast.Node) (int32, kind, *Mistake) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return c.add(node{op: opNumber, num: float64(n.Value)}), isNumber, nil
	case *ast.FloatNode:
		return c.add(node{op: opNumber, num: n.Value}), isNumber, nil
	case *ast.BoolNode:
		num := 0.0
		if n.Value {
			num = 1
		}
		return c.add(node{op: opTruth, num: num}), isTruth, nil
	case *ast.StringNode:
		return 0, isText, nil
	case *ast.ArrayNode:
		return 0, isList, nil
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.IdentifierNode:
		return c.variable(n)
	case *ast.CallNode:
		return c.call(n)
	case *ast.BuiltinNode:
		return 0, "", c.unknownFunction(n, n.Name)
	}
	return 0, "", c.at(n, "", "this is not part of the rule language")
}

func (c *compiler) unary(n *ast.UnaryNode) (int32, kind, *Mistake) {
	i, k, m := c.compile(n.Node)
	switch {
	case m != nil:
		return 0, "", m
	case (n.Operator == "not" || n.Operator == "!") && k == isTruth:
		return c.add(node{op: opNot, left: i}), isTruth, nil
	case n.Operator == "-" && k == isNumber:
		if c.out.nodes[i].op == opNumber { // a limit stays one number
			c.out.nodes[i].num = -c.out.nodes[i].num
			return i, isNumber, nil
		}
		return c.add(node{op: opNeg, left: i}), isNumber, nil
	case n.Operator == "+" && k == isNumber:
		return i, isNumber, nil
	}
	return 0, "", c.at(n, "", "%q does not go with a %s", n.Operator, k)
}

// operators gives each binary operator's code, whether its sides are swapped
// (a > b is b < a), and what it takes and gives.
var operators = map[string]struct {
	op          op
	swap        bool
	takes, give kind
}{
	"+":   {opAdd, false, isNumber, isNumber},
	"-":   {opSub, false, isNumber, isNumber},
	"*":   {opMul, false, isNumber, isNumber},
	"/":   {opDiv, false, isNumber, isNumber},
	"<":   {opLess, false, isNumber, isTruth},
	"<=":  {opLessEq, false, isNumber, isTruth},
	">":   {opLess, true, isNumber, isTruth},
	">=":  {opLessEq, true, isNumber, isTruth},
	"==":  {opEq, false, "", isTruth},
	"!=":  {opNotEq, false, "", isTruth},
	"and": {opAnd, false, isTruth, isTruth},
	"&&":  {opAnd, false, isTruth, isTruth},
	"or":  {opOr, false, isTruth, isTruth},
	"||":  {opOr, false, isTruth, isTruth},
}

func (c *compiler) binary(n *ast.BinaryNode) (int32, kind, *Mistake) {
	o, known := operators[n.Operator]
	if !known && n.Operator != "in" {
		return 0, "", c.at(n, "There are and, or, not, in, < <= > >= == != + - * /.", "%q is not part of the rule language", n.Operator)
	}
	left, leftKind, m := c.compile(n.Left)
	if m != nil {
		return 0, "", m
	}
	right, rightKind, m := c.compile(n.Right)
	if m != nil {
		return 0, "", m
	}
	if choosable(leftKind) || choosable(rightKind) || n.Operator == "in" {
		return c.choice(n, leftKind, rightKind)
	}
	if leftKind == isAge || rightKind == isAge {
		return c.older(n, leftKind)
	}
	if m := c.sides(n, o.takes, leftKind, rightKind); m != nil {
		return 0, "", m
	}
	from := node{op: o.op, left: left, right: right}
	if o.swap {
		from.left, from.right = right, left
	}
	i := c.add(from)
	c.remember(i, n.Operator, left, right)
	return i, o.give, nil
}

// sides checks what stands left and right of an operator that takes one kind,
// or, when takes is empty, two of the same.
func (c *compiler) sides(n *ast.BinaryNode, takes, left, right kind) *Mistake {
	if takes == "" {
		if left == right && left != isText && left != isList {
			return nil
		}
		return c.at(n, "", "a %s and a %s cannot be compared", left, right)
	}
	for _, side := range []struct {
		node ast.Node
		kind kind
		name string
	}{{n.Left, left, "left"}, {n.Right, right, "right"}} {
		if side.kind != takes {
			return c.at(side.node, "", "%q takes a %s on its %s, and this is a %s", n.Operator, takes, side.name, side.kind)
		}
	}
	return nil
}

var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

// remember notes a comparison of a slot, or of a window, with something else,
// for the mail.
func (c *compiler) remember(at int32, operator string, left, right int32) {
	flipped, compares := mirrored[operator]
	if !compares {
		return
	}
	if !c.compares(at, left, operator, right) {
		c.compares(at, right, flipped, left)
	}
}

func (c *compiler) compares(at, side int32, operator string, limit int32) bool {
	switch n := c.out.nodes[side]; n.op {
	case opSlot:
		c.out.compare = append(c.out.compare, comparison{n.slot, noWindow, operator, limit, at})
	case opWindow:
		c.out.compare = append(c.out.compare, comparison{c.out.windows[n.left].slots[0], n.left, operator, limit, at})
	default:
		return false
	}
	return true
}

func (c *compiler) member(n *ast.MemberNode) (int32, kind, *Mistake) {
	name, isName := n.Node.(*ast.IdentifierNode)
	property, isProperty := n.Property.(*ast.StringNode)
	if !isName || !isProperty || n.Optional {
		return 0, "", c.at(n, `A sensor's quantity is written as in "freezer.temperature".`, "this is not part of the rule language")
	}
	i := c.sensor(name.Value)
	if i < 0 {
		return 0, "", c.noSensor(name)
	}
	sensor := c.env.Sensors[i]
	for value, state := range sensor.States {
		if state != "" && state == property.Value {
			return c.level(SlotOf(i, sensors.Level), float64(value)), isTruth, nil
		}
	}
	q, known := sensors.ParseQuantity(property.Value)
	if !known || !slices.Contains(sensor.Quantities, q) {
		return 0, "", c.noQuantity(n, sensor, property.Value)
	}
	if q == sensors.Level {
		return c.level(SlotOf(i, q), 1), isTruth, nil
	}
	c.uses(SlotOf(i, q))
	return c.add(node{op: opSlot, slot: SlotOf(i, q)}), isNumber, nil
}

func (c *compiler) sensor(name string) int {
	return slices.IndexFunc(c.env.Sensors, func(s SensorEnv) bool { return s.Name == name })
}

func (c *compiler) level(slot Slot, value float64) int32 {
	c.uses(slot)
	limit := c.add(node{op: opNumber, num: value})
	i := c.add(node{op: opLevel, slot: slot, num: value})
	c.out.compare = append(c.out.compare, comparison{slot, noWindow, "==", limit, i})
	return i
}

func (c *compiler) uses(slot Slot) {
	if !slices.Contains(c.out.slots, slot) {
		c.out.slots = append(c.out.slots, slot)
	}
}
