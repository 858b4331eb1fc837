package mail

import (
	"fmt"
	"strings"
	"time"

	"pinbell/notify"
)

const maxTerms = 10

// single tells one event. Its first line says what happened and when.
func (l letter) single(e notify.Event) []node {
	nodes := []node{
		lead(fmt.Sprintf("%s %s %s.", opening(e), happened[e.Kind], l.when(e.At))),
		para(paragraphs(message(e), maxMessage)),
		l.table(e),
	}
	if chart := l.chart(e); chart != nil {
		nodes = append(nodes, *chart)
	}
	return append(nodes, para(next(e)))
}

// message is the owner's own words, which are about the alarm: at its end they
// would send somebody out for nothing.
func message(e notify.Event) string {
	if e.Kind == notify.Cleared || e.Kind == notify.Returned {
		return ""
	}
	return e.Message
}

// happened is the word before an event's time.
var happened = map[notify.Kind]string{
	notify.Raised: "Raised", notify.Reminder: "Reminder of", notify.Cleared: "Cleared",
	notify.Lost: "Noticed", notify.Returned: "Back since", notify.Test: "Asked for",
}

// opening says in a sentence what has happened.
func opening(e notify.Event) string {
	switch e.Kind {
	case notify.Raised:
		verb, span := "is ", lasting(e)
		if span != "" {
			verb = "has been "
		}
		return condition(e, verb) + span + "."
	case notify.Reminder:
		return condition(e, "is still ") + spanned(", after ", between(e.Since, e.At)) + "."
	case notify.Cleared:
		return title(e) + " is over" + spanned(", after ", between(e.Began, e.At)) + "."
	case notify.Lost:
		return title(e) + " has given no reading" + lasting(e) + "."
	case notify.Returned:
		span := spanned(", after ", silence(e))
		if span != "" {
			span += " without"
		}
		return title(e) + " gives readings again" + span + "."
	}
	return "This is a test: mail from this board reaches you."
}

// condition says the telling term, or the rule's title where that is a level's
// or there is none: "Freezer (temperature) has been above -15 °C".
func condition(e notify.Event, verb string) string {
	if len(e.Terms) == 0 || isLevel(e.Terms[0].Fact) || !e.Terms[0].Known() {
		if e.Kind == notify.Reminder {
			return title(e) + ": it " + strings.TrimSpace(verb) + " so"
		}
		return title(e)
	}
	t := e.Terms[0]
	return fmt.Sprintf("%s (%s) %s%s", name(t.Fact), measure(t.Fact), verb, asked(t))
}

// measure is what is measured: "temperature", "temperature, average of 10 min".
func measure(f notify.Fact) string {
	if over := f.Window.String(); over != "" {
		return f.Quantity.String() + ", " + over
	}
	return f.Quantity.String()
}

func name(f notify.Fact) string {
	if s := oneLine(f.Title, maxTitle); s != "" {
		return s
	}
	return oneLine(f.Sensor, maxTitle)
}

var operators = map[string]string{
	">": "above ", ">=": "at or above ", "<": "below ", "<=": "at or below ", "==": "", "!=": "other than ",
}

// asked is what a term compares with: "above -15 °C".
func asked(t notify.Term) string {
	return operators[t.Op] + limited(t)
}

// limited is the limit with its unit: "-15 °C", "2 °C per hour".
func limited(t notify.Term) string {
	s := limit(t.Limit)
	if unit := t.Quantity.Unit(); unit != "" {
		s += " " + unit
	}
	if isRate(t.Fact) {
		s += " per hour"
	}
	return s
}

func isRate(f notify.Fact) bool { return f.Window.Kind == "rate" }

// table is what an event has in numbers.
func (l letter) table(e notify.Event) (rows columns) {
	for i, t := range e.Terms[:min(len(e.Terms), maxTerms)] {
		if i > 0 {
			rows.add("and", name(t.Fact)+": "+text(t.Fact)+bounds(t), "")
			continue
		}
		rows.add(l.nowOrThen(e), telling(t.Fact), l.clock(e.At))
	}
	rows.add(l.began(e))
	if len(e.Terms) > 0 && !isLevel(e.Terms[0].Fact) {
		t := e.Terms[0]
		if t.Lowest != 0 || t.Highest != 0 {
			rows.add("highest", t.Window.Format(t.Quantity, t.Highest), "lowest "+t.Window.Format(t.Quantity, t.Lowest))
		}
		rows.add("limit", asked(t)+spanned(" for ", e.For), "")
	}
	if e.Kind == notify.Raised || e.Kind == notify.Reminder {
		rows.words("clears", clears(e))
	}
	rows.words("cause", e.Cause)
	rows.words("remedy", e.Remedy)
	if l.isLate(e.At) {
		rows.add("at most", rate(e.AtMost), "")
	}
	return rows
}

// telling is the first term's fact. A measure is named in the sentence above.
func telling(f notify.Fact) string {
	if isLevel(f) {
		return name(f) + " " + text(f)
	}
	return text(f)
}

// bounds is what a further term compares with. A level's state says it.
func bounds(t notify.Term) string {
	if isLevel(t.Fact) {
		return ""
	}
	return " (" + asked(t) + ")"
}

func (l letter) nowOrThen(e notify.Event) string {
	if l.isLate(e.At) {
		return "then"
	}
	return "now"
}

// began is the table's line on when it started: the condition, its end's
// beginning, or the silence.
func (l letter) began(e notify.Event) (label, value, aside string) {
	switch {
	case e.Kind == notify.Cleared && !e.Began.IsZero() && !e.Began.Undated:
		return "raised", l.clock(e.Began), ""
	case e.Since.IsZero() || e.Since.Undated:
	case e.Kind == notify.Lost:
		return "last", l.clock(e.Since), ""
	case e.Kind != notify.Returned:
		return "since", l.clock(e.Since), ""
	}
	return "", "", ""
}

func clears(e notify.Event) string {
	if e.Clears == "" {
		return ""
	}
	return "when " + e.Clears
}

// next says when the reminders come, the last wait repeating.
func next(e notify.Event) string {
	var waits []string
	for _, d := range e.Next {
		waits = append(waits, notify.Span(d))
	}
	if len(waits) == 0 || e.Kind == notify.Cleared || e.Kind == notify.Returned {
		return ""
	}
	until := ", until it clears."
	if e.Kind == notify.Lost {
		until = ", until it gives readings again."
	}
	s, last := "Next reminder in "+waits[0], len(waits)-1
	if last > 1 {
		s += ", then after " + strings.Join(waits[1:last], ", ")
	}
	return s + ", then " + every(e.Next[last]) + until
}

func every(d time.Duration) string {
	if d == 24*time.Hour {
		return "daily"
	}
	return "every " + notify.Span(d)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
