package config

import (
	"regexp"
	"strconv"
	"strings"
	"text/template"
)

// templates checks the owner's templates.
func (c *check) templates(t Templates) {
	c.template("mail.templates.subject", t.Subject)
	c.template("mail.templates.body", t.Body)
}

// parseTemplate tries one template, by its key. Its error is one of
// text/template, which names a line and, of an execution, a column.
func parseTemplate(key, text string) error {
	_, err := template.New(key).Parse(text)
	return err
}

// templateError is how text/template writes its errors.
var templateError = regexp.MustCompile(`(?s)template: ?[^:]*:([0-9]+):(?:([0-9]+):)? (?:executing "[^"]*" at )?(.*)$`)

// started is where it says that something begins that has no end.
var started = regexp.MustCompile(`started at [^:]*:([0-9]+)$`)

// template tells a mistake in a template, with its line in the file where the
// text stands there as it is.
func (c *check) template(path, text string) {
	if text == "" {
		return // not written, or told
	}
	err := parseTemplate(leaf(path), text)
	if err == nil {
		return
	}
	m := templateError.FindStringSubmatch(err.Error())
	if m == nil {
		c.wrong(path, "", "this is not a template: %v", err)
		return
	}
	sentence, hint := plainTemplate(m[3])
	p := c.wrong(path, hint, "%s", sentence)
	line, _ := strconv.Atoi(m[1])
	if begin := started.FindStringSubmatch(m[3]); begin != nil {
		line, _ = strconv.Atoi(begin[1])
	}
	if at := c.where(path); at.verbatim && line >= 1 {
		p.Line = at.textLine + min(line-1, strings.Count(text, "\n"))
	}
}

// templateMistakes are what text/template says, by words that tell its
// messages apart, and what is said instead.
var templateMistakes = []struct{ words, sentence, hint string }{
	{"unclosed action", "a {{ has no }}", "Close it."},
	{"unexpected EOF", "an {{if}}, {{range}} or {{with}} has no {{end}}", "Add {{end}} where it ends."},
	{"unexpected {{end}}", "there is an {{end}} too many", "Take it out."},
	{"unexpected {{else}}", "there is an {{else}} without an {{if}}", "Take it out."},
	{"missing value for command", "there is nothing between {{ and }}", "Take it out, or name a value."},
	{"unclosed comment", "a {{/* has no */}}", "Close it."},
	{"unterminated quoted string", "a text in a template ends without its closing quote", "Close it."},
	{"comment ends before closing delimiter", "a comment in a template is written as in {{/* this */}}", ""},
}

var noFunction = regexp.MustCompile(`^function "(.*)" not defined$`)

func plainTemplate(message string) (sentence, hint string) {
	if m := noFunction.FindStringSubmatch(message); m != nil {
		return "there is no function " + shown(m[1]) + " in templates", "A value of the mail begins with a dot, and plain text comes after a }}."
	}
	for _, m := range templateMistakes {
		if strings.Contains(message, m.words) {
			return m.sentence, m.hint
		}
	}
	return "this is not a template: " + shownLine(message), ""
}

// shownLine keeps a foreign message on one line.
func shownLine(text string) string {
	return strings.Map(func(r rune) rune {
		if hidden(r, false) {
			return ' '
		}
		return r
	}, text)
}
