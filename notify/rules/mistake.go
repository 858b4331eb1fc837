package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"pinbell/sensors"
)

// Mistake is what is wrong with an expression, and where.
type Mistake struct {
	Line, Column int    // in the expression, from 1
	Sentence     string // what is wrong
	Snippet      string // the line and a caret under the place, joined by a line break
	Hint         string // what would be right; may be empty
}

func (m *Mistake) Error() string { return m.Sentence }

func (c *compiler) at(n ast.Node, hint, format string, args ...any) *Mistake {
	return c.mistake(n.Location().From, hint, format, args...)
}

// mistake points at the rune offset from.
func (c *compiler) mistake(from int, hint, format string, args ...any) *Mistake {
	e := (&file.Error{Location: file.Location{From: from}}).Bind(file.NewSource(c.source))
	return &Mistake{Line: e.Line, Column: e.Column + 1, Sentence: fmt.Sprintf(format, args...), Snippet: c.caret(e.Line, e.Column), Hint: hint}
}

func (c *compiler) caret(line, column int) string {
	lines := strings.Split(c.source, "\n")
	return strings.ReplaceAll(lines[line-1], "\t", " ") + "\n" + strings.Repeat(" ", column) + "^"
}

// syntax tells the parser's error in a sentence of ours where it has a common
// cause, and else in its own.
func (c *compiler) syntax(err error) *Mistake {
	e, ok := err.(*file.Error)
	if !ok {
		return c.mistake(0, "", "%v", err)
	}
	sentence, hint := e.Message, ""
	if strings.Contains(sentence, "EOF") {
		sentence, hint = "the expression ends too early", "Something is missing behind it."
		if strings.TrimSpace(c.source) == "" {
			sentence, hint = "the expression is empty", `Write a condition, as in "freezer.temperature > -15".`
		}
	} else if strings.Contains(sentence, `Operator("=")`) {
		sentence, hint = "a single = compares nothing", "Write == to compare."
	}
	return c.mistake(e.From, hint, "%s", sentence)
}

// aQuantity is for a sensor's name that stands alone.
func (c *compiler) aQuantity(n ast.Node, s SensorEnv) *Mistake {
	return c.at(n, "Write "+strings.Join(words(s), " or ")+".", "%s is a sensor, and a rule asks for one of its quantities", s.Name)
}

func (c *compiler) noSensor(n *ast.IdentifierNode) *Mistake {
	names := make([]string, len(c.env.Sensors))
	for i, s := range c.env.Sensors {
		names[i] = s.Name
	}
	hint := "There is no sensor yet: add a [[sensor]]."
	if near, ok := Nearest(n.Value, append(c.words(), names...)); ok {
		hint = fmt.Sprintf("Did you mean %s?", near)
	} else if len(names) > 0 {
		hint = "The sensors are " + strings.Join(names, ", ") + "."
	}
	return c.at(n, hint, "there is no sensor named %q", n.Value)
}

func (c *compiler) noQuantity(n ast.Node, s SensorEnv, property string) *Mistake {
	all := words(s)
	hint := "It has " + strings.Join(all, ", ") + "."
	if near, ok := Nearest(s.Name+"."+property, all); ok {
		hint = fmt.Sprintf("Did you mean %s? %s", near, hint)
	}
	return c.at(n, hint, "sensor %q has no %q", s.Name, property)
}

func (c *compiler) unknownFunction(n ast.Node, name string) *Mistake {
	names := slices.Sorted(maps.Keys(functions))
	hint := "There are " + strings.Join(names, ", ") + "."
	if near, ok := Nearest(name, names); ok {
		hint = "Did you mean " + near + "? " + functions[near].usage
	} else if same := synonyms[strings.ToLower(name)]; same != "" {
		hint = functions[same].usage
	}
	return c.at(n, hint, "%s is not a function of the rule language", name)
}

// synonyms are what other languages call the functions.
var synonyms = map[string]string{
	"mean": "avg", "average": "avg", "lowest": "min", "minimum": "min", "highest": "max", "maximum": "max",
	"change": "changed", "delta": "rate", "derivative": "rate", "since": "age", "silent": "age", "for": "held", "times": "count",
}

// words lists what may be asked of a sensor: its states, or its quantities.
func words(s SensorEnv) []string {
	var all []string
	for _, state := range s.States {
		if state != "" {
			all = append(all, s.Name+"."+state)
		}
	}
	for _, q := range s.Quantities {
		if q != sensors.Level || len(all) == 0 {
			all = append(all, s.Name+"."+q.String())
		}
	}
	return all
}

// words are those that stand alone, beside the sensors' names.
func (c *compiler) words() []string {
	if len(c.env.Modes) > 0 {
		return []string{"weekday", "mode"}
	}
	return []string{"weekday"}
}
