package config

import (
	"errors"
	"regexp"
	"strings"

	"pinbell/notify/mail"
)

// templates checks the owner's templates.
func (c *check) templates(t Templates) {
	c.template("mail.templates.subject", t.Subject)
	c.template("mail.templates.body", t.Body)
}

// template tells a mistake in a template, with its line in the file where the
// text stands there as it is.
func (c *check) template(path, text string) {
	if text == "" {
		return // not written, or told
	}
	subject, body := text, ""
	if leaf(path) == "body" {
		subject, body = "", text
	}
	_, err := mail.ParseTemplates(subject, body)
	for _, m := range templateFaults(err) {
		sentence, hint := plainTemplate(m.Sentence)
		p := c.wrong(path, hint, "%s", sentence)
		if at := c.where(path); at.verbatim && m.Line >= 1 {
			p.Line = at.textLine + min(m.Line-1, strings.Count(text, "\n"))
		}
	}
}

// templateFaults are those that an error joins.
func templateFaults(err error) (all []*mail.Mistake) {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			all = append(all, templateFaults(one)...)
		}
		return all
	}
	if m, ok := errors.AsType[*mail.Mistake](err); ok {
		all = append(all, m)
	}
	return all
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
	return "the template does not work: " + shownLine(message), ""
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
