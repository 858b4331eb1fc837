package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Problem is one thing that is wrong in a config, said so that its owner can
// put it right. It never holds a password.
type Problem struct {
	File     string `json:"file"`              // as the owner named it
	Line     int    `json:"line,omitempty"`    // from 1; 0 when the file could not be read
	Column   int    `json:"column,omitempty"`  // from 1, in characters; 0 when the line says enough
	Key      string `json:"key,omitempty"`     // "rule.for"; empty for the file as a whole
	Sentence string `json:"sentence"`          // what is wrong: lower case, no full stop
	Snippet  string `json:"snippet,omitempty"` // an expression's line and a caret under the place
	Hint     string `json:"hint,omitempty"`    // what would be right: whole sentences
	Warning  bool   `json:"warning,omitempty"` // pinbell can work with it
}

// String is the problem as people read it, on one line; an expression's
// snippet follows on lines of its own.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Column > 0 {
		fmt.Fprintf(&b, ":%d", p.Column)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Sentence + ".")
	if p.Hint != "" {
		b.WriteString(" " + p.Hint)
	}
	if p.Snippet != "" {
		b.WriteString("\n    " + strings.ReplaceAll(p.Snippet, "\n", "\n    "))
	}
	return b.String()
}

// finding is a problem and the path of the key that it is about.
type finding struct {
	Problem
	path string
}

// check is one reading of one file: what stands where, and what is wrong.
type check struct {
	file      string
	places    map[string]place
	found     []finding
	meant     map[string]bool     // keys that a misspelt one was probably meant to be
	first     map[string]string   // what must be unique → the path where it stands first
	scenarios map[string]scenario // those that have been read, by path
}

// wrong notes a problem with the key at path. The hint may be empty.
func (c *check) wrong(path, hint, format string, args ...any) *Problem {
	c.found = append(c.found, finding{path: path, Problem: Problem{
		File: c.file, Line: c.where(path).line, Key: keyName(path),
		Sentence: fmt.Sprintf(format, args...), Hint: hint,
	}})
	return &c.found[len(c.found)-1].Problem
}

func (c *check) warn(path, hint, format string, args ...any) {
	c.wrong(path, hint, format, args...).Warning = true
}

// written reports whether the owner wrote the key, right or wrong.
func (c *check) written(path string) bool {
	_, ok := c.places[path]
	return ok
}

// missing reports whether the owner neither wrote the key nor tried to.
func (c *check) missing(path string) bool { return !c.written(path) && !c.meant[path] }

// where finds the place of a key, or of the nearest table around it.
func (c *check) where(path string) place {
	for path != "" {
		if p, ok := c.places[path]; ok {
			return p
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return place{line: 1, column: 1}
}

// told reports whether the key itself has a problem that is not just a
// warning, as a section of which no key could be read.
func (c *check) told(path string) bool {
	return slices.ContainsFunc(c.found, func(f finding) bool { return f.path == path && !f.Warning })
}

// broken reports whether the key, or anything in it, has a problem that is
// not just a warning.
func (c *check) broken(path string) bool {
	return slices.ContainsFunc(c.found, func(f finding) bool {
		rest, ok := strings.CutPrefix(f.path, path)
		return ok && !f.Warning && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// problems lists what was found in the order of the file.
func (c *check) problems() []Problem {
	var list []Problem
	for _, f := range c.found {
		list = append(list, f.Problem)
	}
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(list)
}

func fatal(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning })
}

var position = regexp.MustCompile(`\[\d+\]`)

// keyName is a path as people say it: the line tells which of several it is.
func keyName(path string) string { return position.ReplaceAllString(path, "") }

// leaf is the last part of a path as it is written in front of the "=".
func leaf(path string) string {
	name := keyName(path)
	return name[strings.LastIndexByte(name, '.')+1:]
}
