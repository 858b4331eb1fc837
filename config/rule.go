package config

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"pinbell/notify/rules"
)

// env is what rules may say of the sensors, and what is in doubt about them.
type env struct {
	rules.Env
	incomplete bool             // a sensor may be missing by a mistake that is told
	doubtful   []*regexp.Regexp // the names of sensors whose quantities may be
}

// env lists every sensor.
func (c *check) env(list []Sensor) env {
	e := env{incomplete: c.meant["sensor"] || c.told("sensor")}
	for i, s := range list {
		path := entry("sensor", i)
		e.Sensors = append(e.Sensors, rules.SensorEnv{Name: s.Name, Every: s.Every, Quantities: s.Quantities, States: s.States})
		doubt := slices.ContainsFunc([]string{"name", "driver", "states", "path", "quantity"}, func(key string) bool {
			return c.broken(path+"."+key) || c.meant[path+"."+key]
		})
		if doubt && s.Name != "" {
			e.doubtful = append(e.doubtful, regexp.MustCompile(`(^|\W)`+regexp.QuoteMeta(s.Name)+`(\W|$)`))
		}
		e.incomplete = e.incomplete || !word.MatchString(s.Name)
	}
	return e
}

var asked = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_]*)\s*\.\s*[A-Za-z_]|\bage\(\s*([A-Za-z_][A-Za-z0-9_]*)`)

// follows reports whether a mistake in an expression may be no mistake at all
// once the sensors are put right.
func (e env) follows(source string) bool {
	if slices.ContainsFunc(e.doubtful, func(name *regexp.Regexp) bool { return name.MatchString(source) }) {
		return true
	}
	return e.incomplete && slices.ContainsFunc(asked.FindAllStringSubmatch(source, -1), func(m []string) bool {
		return !slices.ContainsFunc(e.Sensors, func(s rules.SensorEnv) bool { return s.Name == m[1]+m[2] })
	})
}

var ruleName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// rule checks one [[rule]] and compiles it.
func (c *check) rule(i int, r *Rule, config *Config, e env) rules.Rule {
	path := entry("rule", i)
	if r.Name != "" {
		c.ruleName(path+".name", r.Name)
	}
	if r.Title == "" {
		r.Title = titled(r.Name)
	}
	to := config.Mail.To
	if c.written(path + ".to") {
		to = c.recipients(path+".to", r.To)
	}
	c.rarer(path+".repeat", r)
	when := c.condition(path+".when", r.When, e)
	until := c.condition(path+".until", r.Until, e)
	c.meaning(path, r, when, until)
	c.attachments(path+".attach", r.Attach)
	return rules.Rule{
		Name: r.Name, Title: r.Title, Message: r.Message, When: when, Until: until,
		For: r.For, Severity: r.Severity, Repeat: r.Repeat, To: to, WhenText: r.When, UntilText: r.Until,
		AtMost: r.AtMost, Attach: r.Attach,
	}
}

func (c *check) ruleName(path, name string) {
	if !ruleName.MatchString(name) {
		hint := "Use letters, digits and hyphens, beginning with a letter."
		if better := strings.ReplaceAll(repaired(name), "_", "-"); better != "" {
			hint = `Try "` + better + `".`
		}
		c.wrong(path, hint, "%s cannot be the name of a rule: commands use it", shown(name))
		return
	}
	c.once(path, "name of a rule", name)
}

// rarer warns of reminders that do not grow rarer.
func (c *check) rarer(path string, r *Rule) {
	if !slices.IsSorted(r.Repeat) && !c.broken(path) {
		c.warn(path, "The last wait is the one that goes on: put the longest last.", "these reminders grow more frequent")
	}
}

// condition compiles an expression and points at the mistake in it.
func (c *check) condition(path, source string, e env) *rules.Condition {
	if source == "" {
		return nil // not written, or told as empty
	}
	condition, err := rules.Compile(source, e.Env)
	if err == nil {
		return condition
	}
	if e.follows(source) {
		return nil
	}
	mistake, ok := errors.AsType[*rules.Mistake](err)
	if !ok {
		c.wrong(path, "", "%v", err)
		return nil
	}
	p := c.wrong(path, mistake.Hint, "%s", mistake.Sentence)
	p.Snippet = mistake.Snippet
	at := c.where(path)
	switch {
	case at.verbatim && mistake.Line == 1:
		p.Line, p.Column = at.textLine, at.textColumn+mistake.Column-1
	case at.verbatim && mistake.Line > 1:
		p.Line, p.Column = at.textLine+mistake.Line-1, mistake.Column
	}
	return nil
}

// meaning notes conditions that compile and cannot do what they are for.
func (c *check) meaning(path string, r *Rule, when, until *rules.Condition) {
	if when != nil && len(when.Slots()) == 0 {
		c.wrong(path+".when", `Compare a sensor's value, as in "freezer.temperature > -15".`, "there is no sensor in this condition, so nothing that is measured can make it true")
	}
	if until != nil && len(until.Slots()) == 0 && !until.AsksTime() {
		c.wrong(path+".until", "Leave it out for the opposite of when.", "there is no sensor in this condition, so it is always the same")
	}
	if until != nil && spaceless(r.When) == spaceless(r.Until) {
		c.wrong(path+".until", "Leave it out for the opposite of when, or move its limit.", "until says the same as when, so the rule would end as soon as it begins")
	}
}

func spaceless(text string) string { return strings.Join(strings.Fields(text), "") }
