package mail

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	tree "text/template/parse"
)

// inspect refuses what a run on samples would not show: fields that do not
// exist in a branch that no sample takes, and what could run without end.
func inspect(name, source string, t *template.Template) error {
	i := inspection{name: name, source: source}
	if len(t.Templates()) > 1 {
		return &Mistake{name, 1, "define and block are not for mails; write what they hold where it is needed"}
	}
	i.list(t.Root)
	return errors.Join(i.wrong...)
}

type inspection struct {
	name, source string
	ranges       int // around the node
	wrong        []error
}

func (i *inspection) mistake(n tree.Node, format string, args ...any) {
	at := min(int(n.Position()), len(i.source))
	line := 1 + strings.Count(i.source[:at], "\n")
	i.wrong = append(i.wrong, &Mistake{i.name, line, fmt.Sprintf(format, args...)})
}

func (i *inspection) list(l *tree.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		i.node(n)
	}
}

func (i *inspection) node(n tree.Node) {
	switch n := n.(type) {
	case *tree.ActionNode:
		i.pipe(n.Pipe)
	case *tree.IfNode:
		i.branch(&n.BranchNode)
	case *tree.WithNode:
		i.branch(&n.BranchNode)
	case *tree.RangeNode:
		if i.ranges > 0 || !isOverEvents(n.Pipe) {
			i.mistake(n, "range is for .Events, and not within another range")
		}
		i.ranges++
		i.branch(&n.BranchNode)
		i.ranges--
	case *tree.TemplateNode:
		i.mistake(n, "template is not for mails; write what it holds where it is needed")
	}
}

func (i *inspection) branch(b *tree.BranchNode) {
	i.pipe(b.Pipe)
	i.list(b.List)
	i.list(b.ElseList)
}

func isOverEvents(p *tree.PipeNode) bool {
	if len(p.Cmds) != 1 || len(p.Cmds[0].Args) != 1 {
		return false
	}
	switch n := p.Cmds[0].Args[0].(type) {
	case *tree.FieldNode:
		return slices.Equal(n.Ident, []string{"Events"})
	case *tree.VariableNode:
		return slices.Equal(n.Ident, []string{"$", "Events"})
	}
	return false
}

func (i *inspection) pipe(p *tree.PipeNode) {
	for _, command := range p.Cmds {
		for _, arg := range command.Args {
			i.argument(arg)
		}
	}
}

func (i *inspection) argument(arg tree.Node) {
	switch n := arg.(type) {
	case *tree.PipeNode:
		i.pipe(n)
	case *tree.FieldNode:
		i.fields(n, n.Ident)
	case *tree.VariableNode:
		i.fields(n, n.Ident[1:])
	case *tree.ChainNode:
		i.argument(n.Node)
		i.fields(n, n.Field)
	}
}

func (i *inspection) fields(n tree.Node, names []string) {
	for _, name := range names {
		if !slices.Contains(known, name) {
			i.mistake(n, "there is no .%s; there are .%s", name, strings.Join(known, ", ."))
		}
	}
}

// known are the names of what a template sees.
var known = func() (names []string) {
	for _, t := range []reflect.Type{reflect.TypeFor[EventWords](), reflect.TypeFor[Words]()} {
		for f := range t.Fields() {
			if !f.Anonymous {
				names = append(names, f.Name)
			}
		}
	}
	return names
}()

// said is how text/template reports a mistake: name, line, perhaps a column,
// and what it is.
var said = regexp.MustCompile(`(?s)^template: (?:subject|body):(\d+):(?:\d+:)? ?(.*)$`)

// started is where it says that something begins that has no end.
var started = regexp.MustCompile(`started at (?:subject|body):(\d+)$`)

// doing is what a template's run is said to be doing, and ours is the package of
// a type: neither helps anybody.
var (
	doing = regexp.MustCompile(`^executing "[^"]*" at (<.*?>): `)
	ours  = strings.NewReplacer("in type *mail.", "in ", "in type mail.", "in ")
)

func mistake(name string, err error) *Mistake {
	m := &Mistake{Template: name, Line: 1, Sentence: strings.TrimPrefix(err.Error(), "template: ")}
	if found := said.FindStringSubmatch(err.Error()); found != nil {
		m.Line, _ = strconv.Atoi(found[1])
		m.Sentence = ours.Replace(doing.ReplaceAllString(found[2], "$1: "))
	}
	if begun := started.FindStringSubmatch(err.Error()); begun != nil {
		m.Line, _ = strconv.Atoi(begun[1])
	}
	m.Sentence = strings.Join(strings.Fields(m.Sentence), " ")
	return m
}
