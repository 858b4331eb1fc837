package mail

import (
	"fmt"
	"strings"
	"time"

	"pinbell/notify"
)

const (
	maxFacts    = 40
	maxTroubles = 20
	maxTerms    = 10
)

// Text is the mail's text as people read it, with lines that end in "\n". Its
// first line says what happened and when.
func Text(m notify.Mail, h Letterhead) string {
	l := letter{m, h}
	p := new(page)
	switch blocks := l.blocks(); {
	case len(blocks) == 0:
		p.line("Nothing to tell.")
	case len(l.Events) == 1:
		l.single(p, l.Events[0])
	default:
		l.digest(p, blocks)
	}
	l.others(p)
	l.troubles(p)
	l.notes(p)
	l.footer(p)
	return p.String()
}

// page is a text under way.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) {
	fmt.Fprintf(p, format, args...)
	p.WriteByte('\n')
}

// row is a line of the table; without a value there is none.
func (p *page) row(label, value string) {
	if value != "" {
		p.line("  %-8s %s", label, value)
	}
}

// paragraph is text after a blank line, or nothing.
func (p *page) paragraph(s string) {
	if s != "" {
		p.line("\n%s", s)
	}
}

func (l letter) single(p *page, e notify.Event) {
	p.line("%s %s %s.", opening(e), happened[e.Kind], l.when(e.At))
	p.paragraph(paragraphs(message(e), maxMessage))
	table := new(page)
	l.table(table, e)
	p.paragraph(strings.TrimSuffix(table.String(), "\n"))
	p.paragraph(next(e))
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
		return title(e) + " gives readings again" + spanned(", after ", silence(e)) + " without."
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
	return fmt.Sprintf("%s (%s) %s%s", name(t.Fact), t.Quantity, verb, asked(t))
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
	s := operators[t.Op] + limit(t.Limit)
	if unit := t.Quantity.Unit(); unit != "" {
		s += " " + unit
	}
	return s
}

// table is what an event has in numbers.
func (l letter) table(p *page, e notify.Event) {
	for i, t := range e.Terms[:min(len(e.Terms), maxTerms)] {
		if i > 0 {
			p.row("and", name(t.Fact)+": "+text(t.Fact)+bounds(t))
			continue
		}
		p.row(l.nowOrThen(e), telling(t.Fact)+"     "+l.clock(e.At))
	}
	l.began(p, e)
	if len(e.Terms) > 0 && !isLevel(e.Terms[0].Fact) {
		t := e.Terms[0]
		if t.Lowest != 0 || t.Highest != 0 {
			p.row("highest", t.Quantity.Format(t.Highest)+"     lowest "+t.Quantity.Format(t.Lowest))
		}
		p.row("limit", asked(t)+spanned(" for ", e.For))
	}
	if e.Kind == notify.Raised || e.Kind == notify.Reminder {
		p.row("clears", clears(e))
	}
	p.row("cause", oneLine(e.Cause, maxText))
	p.row("remedy", oneLine(e.Remedy, maxText))
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
func (l letter) began(p *page, e notify.Event) {
	switch {
	case e.Kind == notify.Cleared && !e.Began.IsZero() && !e.Began.Undated:
		p.row("raised", l.clock(e.Began))
	case e.Since.IsZero() || e.Since.Undated:
	case e.Kind == notify.Lost:
		p.row("last", l.clock(e.Since))
	case e.Kind != notify.Returned:
		p.row("since", l.clock(e.Since))
	}
}

func clears(e notify.Event) string {
	if e.Clears == "" {
		return ""
	}
	return "when " + oneLine(e.Clears, maxText)
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

// others says what else the board saw at the last event.
func (l letter) others(p *page) {
	if len(l.Events) == 0 {
		return
	}
	var facts []string
	all := l.Events[len(l.Events)-1].Others
	for _, f := range all[:min(len(all), maxFacts)] {
		facts = append(facts, l.fact(f))
	}
	if len(facts) > 0 {
		p.paragraph("Also on this board: " + strings.Join(facts, " · ") + more(len(all), maxFacts))
	}
}

func (l letter) fact(f notify.Fact) string {
	switch {
	case !f.Known():
		return name(f) + ": no reading" + spanned(" for ", f.Silent)
	case f.Since.IsZero() || f.Since.Undated:
		return name(f) + " " + text(f)
	}
	return name(f) + " " + text(f) + " (since " + l.brief(f.Since) + ")"
}

func more(n, shown int) string {
	if n <= shown {
		return ""
	}
	return fmt.Sprintf(" · and %d more", n-shown)
}

// troubles tells along what kept pinbell from its promise. When it began is
// left out: that is by the board's own clock.
func (l letter) troubles(p *page) {
	for i, t := range l.Troubles[:min(len(l.Troubles), maxTroubles)] {
		if i == 0 {
			p.paragraph("What keeps pinbell from its work:")
		}
		p.line("  - %s", joined(t.Sentence, t.Doing, t.Remedy))
	}
	if n := len(l.Troubles); n > maxTroubles {
		p.line("  - And %d more.", n-maxTroubles)
	}
}

func joined(sentences ...string) string {
	var list []string
	for _, s := range sentences {
		if s = oneLine(s, maxText); s != "" {
			list = append(list, s)
		}
	}
	return strings.Join(list, " ")
}

func (l letter) notes(p *page) {
	if !l.Checked {
		p.paragraph("The times in this mail are by the board's own clock. No time server has checked it.")
	} else if waited := l.waited(); waited >= late {
		p.paragraph("This mail was written " + notify.Span(waited) + " after the event, at " + l.when(notify.Moment{Wall: l.Sealed, Trusted: true}) + ".")
	}
}

// waited is how long the mail's only event lay before it was written.
func (l letter) waited() time.Duration {
	if len(l.Events) != 1 || l.Events[0].At.Undated || l.Events[0].At.IsZero() {
		return 0
	}
	return l.Sealed.Sub(l.Events[0].At.Wall)
}

func (l letter) footer(p *page) {
	parts := []string{oneLine(l.Device, maxName), "pinbell " + oneLine(l.Version, maxName)}
	if rules := l.rules(); rules != "" {
		parts = append(parts, "rule "+rules)
	}
	parts = append(parts, "event "+serials(l.Events))
	p.paragraph("How it is now: pinbell status (on the board)")
	p.line("%s", strings.Join(parts, " · "))
}
