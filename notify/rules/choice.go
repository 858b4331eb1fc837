package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// weekdays in the order of time.Weekday.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// variable compiles a name that stands alone.
func (c *compiler) variable(n *ast.IdentifierNode) (int32, kind, *Mistake) {
	if i := c.sensor(n.Value); i >= 0 {
		return 0, "", c.aQuantity(n, c.env.Sensors[i])
	}
	switch n.Value {
	case "weekday":
		return 0, isDay, nil
	case "mode":
		if len(c.env.Modes) > 0 { // else there is nothing to be chosen, and it is as unknown as any word
			return 0, isMode, nil
		}
	}
	return 0, "", c.noSensor(n)
}

func choosable(k kind) bool { return k == isDay || k == isMode }

// choice compiles weekday and mode against a text or a list of texts.
func (c *compiler) choice(n *ast.BinaryNode, left, right kind) (int32, kind, *Mistake) {
	what, texts := left, n.Right
	if !choosable(left) && n.Operator != "in" {
		what, texts = right, n.Left
	}
	usage := `Write weekday == "sat", or weekday in ["sat", "sun"].`
	if what == isMode {
		usage = `Write mode == "away", or mode in ["away", "night"].`
	}
	if !choosable(what) {
		return 0, "", c.at(n, `It is written as in weekday in ["sat", "sun"].`, "in goes with weekday, not with a %s", what)
	}
	nodes := []ast.Node{texts}
	switch list, isList := texts.(*ast.ArrayNode); {
	case n.Operator == "in" && isList && len(list.Nodes) > 0:
		nodes = list.Nodes
	case n.Operator == "in" || n.Operator != "==" && n.Operator != "!=":
		return 0, "", c.at(n, usage, "a %s is asked for with ==, !=, or in and a list", what)
	}
	var words []string
	for _, node := range nodes {
		text, m := c.chosen(node, what, usage)
		if m != nil {
			return 0, "", m
		}
		words = append(words, text)
	}
	i := c.among(what, words)
	if n.Operator == "!=" {
		i = c.add(node{op: opNot, left: i})
	}
	return i, isTruth, nil
}

// chosen checks one text that weekday or mode is held against.
func (c *compiler) chosen(n ast.Node, what kind, usage string) (string, *Mistake) {
	text, isText := n.(*ast.StringNode)
	if !isText {
		return "", c.at(n, usage, "a %s stands in quotes", what)
	}
	all := weekdays
	if what == isMode {
		all = c.env.Modes
	}
	if slices.Contains(all, text.Value) {
		return text.Value, nil
	}
	hint := "There are " + strings.Join(all, ", ") + "."
	near, ok := Nearest(text.Value, all)
	if lower := strings.ToLower(text.Value); what == isDay && len(lower) > 3 && slices.Contains(all, lower[:3]) {
		near, ok = lower[:3], true
	}
	if ok {
		hint = fmt.Sprintf("Did you mean %q?", near)
	}
	return "", c.at(n, hint, "%q is not a %s", text.Value, what)
}

// among makes the node that is true for any of the words.
func (c *compiler) among(what kind, words []string) int32 {
	if what == isDay {
		c.out.clock = true
		bits := 0
		for _, day := range words {
			bits |= 1 << slices.Index(weekdays, day)
		}
		return c.add(node{op: opWeekday, from: bits})
	}
	c.out.mode = true
	i := c.add(node{op: opMode, text: words[0]})
	for _, mode := range words[1:] {
		i = c.add(node{op: opOr, left: i, right: c.add(node{op: opMode, text: mode})})
	}
	return i
}
