package mail

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"pinbell/notify"
)

// Templates are the owner's own words for subject and body, in the language of
// text/template. One that is nil leaves pinbell's words as they are.
type Templates struct{ Subject, Body *template.Template }

const (
	maxSource     = 16_000 // bytes of a template
	maxOutSubject = 2_000  // bytes that a template may write
	maxOutBody    = 60_000
	maxEvents     = 50 // events that a template sees
)

// Words is what a template sees: the event that matters most, and all of them
// in Events.
type Words struct {
	EventWords
	Device  string       // the board's name
	Subject string       // the subject in pinbell's words
	Body    string       // the text in pinbell's words, without what is said of the mail itself
	Count   int          // how many events the mail tells
	Events  []EventWords // of each, oldest first, at most 50 of them
}

// EventWords is what a template sees of an event. What does not apply is empty.
type EventWords struct {
	Kind     string // raised, reminder, cleared, lost, returned, test
	Severity string // info, warning, critical
	Over     bool   // cleared, or returned
	Title    string // "Freezer warm"
	Rule     string // "freezer-warm"
	Sensor   string // of the telling measure, or of the sensor that was lost: "freezer"
	Value    string // "-14.2 °C", "open"
	Number   float64
	Limit    string // "above -15 °C"
	Highest  string // since the condition became true: "-14.1 °C"
	Lowest   string
	Since    string // when the condition became true: "Sat 14 Nov 22:36:07 GMT"
	At       string // when it happened
	Clock    string // the same, shortly: "22:41"
	Lasted   string // from Since to At: "5 min"
	Message  string // the owner's message of the rule
	Cause    string // why a sensor has no reading
	Remedy   string
}

// Mistake is what is wrong with a template.
type Mistake struct {
	Template string // "subject" or "body"
	Line     int    // from 1
	Sentence string
}

func (m *Mistake) Error() string {
	return fmt.Sprintf("%s template, line %d: %s", m.Template, m.Line, m.Sentence)
}

// ParseTemplates compiles the owner's templates; an empty one is none. It tries
// them on mails of every kind, so that a word that does not exist is found
// before an alarm needs it. Errors are of type *Mistake, joined.
//
// What could run for ever or fill the memory is refused: a template inside a
// template, a range within a range or over anything but .Events.
func ParseTemplates(subject, body string) (Templates, error) {
	s, err1 := compile("subject", subject)
	b, err2 := compile("body", body)
	t := Templates{s, b}
	if err := errors.Join(err1, err2); err != nil {
		return Templates{}, err
	}
	if err := errors.Join(t.try("subject", s, maxOutSubject), t.try("body", b, maxOutBody)); err != nil {
		return Templates{}, err
	}
	return t, nil
}

func compile(name, source string) (*template.Template, error) {
	if source == "" {
		return nil, nil
	}
	if len(source) > maxSource {
		return nil, &Mistake{name, 1, fmt.Sprintf("it has %d bytes, and %d are enough", len(source), maxSource)}
	}
	t, err := template.New(name).Parse(source)
	if err != nil {
		return nil, mistake(name, err)
	}
	if err := inspect(name, source, t); err != nil {
		return nil, err
	}
	return t, nil
}

// try runs a template on the samples.
func (t Templates) try(name string, part *template.Template, most int) error {
	if part == nil {
		return nil
	}
	for _, m := range samples() {
		l := letter{m, Letterhead{Device: "board", Version: "0"}}
		var wrong *Mistake
		if _, err := execute(name, part, l.seen(), most); errors.As(err, &wrong) {
			wrong.Sentence += fmt.Sprintf(" (on a mail that tells %q)", l.Events[0].Kind)
			return wrong
		}
	}
	return nil
}

// execute runs a template. Output beyond most bytes stops it, and so do
// functions that make more than their allowance.
func execute(name string, t *template.Template, w Words, most int) (text string, err error) {
	defer func() {
		if fault := recover(); fault != nil { // text/template hands on what goes wrong inside it
			text, err = "", &Mistake{name, 1, fmt.Sprint(fault)}
		}
	}()
	own, err := t.Clone() // a run has an allowance of its own
	if err != nil {
		return "", mistake(name, err)
	}
	out, left := bounded{most: most}, allowance(maxMade)
	if err := own.Funcs(left.functions()).Execute(&out, w); err != nil {
		return "", mistake(name, err)
	}
	if strings.TrimSpace(out.String()) == "" {
		return "", &Mistake{name, 1, "it gives no text"}
	}
	return out.String(), nil
}

// bounded refuses what would make it longer than most bytes.
type bounded struct {
	bytes.Buffer
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.most {
		return 0, fmt.Errorf("it gives more than %d bytes", b.most)
	}
	return b.Buffer.Write(p)
}

// words are the subject and the document, in the owner's words where there are
// templates, and in pinbell's where there are none or they fail.
func (l letter) words() (string, document) {
	subject, d := l.subject(), l.document()
	if l.Templates == (Templates{}) {
		return subject, d
	}
	seen := l.seenWith(subject, d)
	if t := l.Templates.Subject; t != nil {
		text, err := execute("subject", t, seen, maxOutSubject)
		if line := headerText(text, maxSubject); err == nil && line != "" {
			subject = line
		} else {
			d.frame = append(d.frame, failed("subject", err))
		}
	}
	if t := l.Templates.Body; t != nil {
		text, err := execute("body", t, seen, maxOutBody)
		if own := laidOut(text, maxOutBody); err == nil && own != "" {
			d.story = d.retold(own)
		} else {
			d.frame = append(d.frame, failed("body", err))
		}
	}
	return subject, d
}

// retold is the story in the owner's words, with the charts.
func (d document) retold(text string) []node {
	nodes := []node{para(text)}
	for _, n := range d.story {
		var p picture
		switch n := n.(type) {
		case picture:
			p = n
		case section:
			if n.chart != nil {
				p = *n.chart
			}
		}
		if p.alt != "" {
			p.told = strings.Contains(text, p.alt)
			nodes = append(nodes, p)
		}
	}
	return nodes
}

func failed(name string, err error) node {
	if err == nil {
		err = &Mistake{name, 1, "it gives no text"}
	}
	return para("Your template did not work here, and these are pinbell's own words: " +
		strings.TrimSuffix(oneLine(err.Error(), maxText), ".") + ". `pinbell check` tries templates.")
}

func (l letter) seen() Words { return l.seenWith(l.subject(), l.document()) }

func (l letter) seenWith(subject string, d document) Words {
	w := Words{Device: oneLine(l.Device, maxName), Subject: subject, Body: plain(d.story)}
	blocks := l.blocks()
	w.Count = total(blocks)
	if len(blocks) > 0 {
		w.EventWords = l.wordsOf(blocks[0].last())
	}
	for _, e := range l.Events[:min(len(l.Events), maxEvents)] {
		w.Events = append(w.Events, l.wordsOf(e))
	}
	return w
}

func (l letter) wordsOf(e notify.Event) EventWords {
	w := EventWords{
		Kind: e.Kind.String(), Severity: e.Severity.String(), Over: block{[]notify.Event{e}}.over(),
		Title: title(e), Rule: oneLine(e.Rule, maxName), Sensor: oneLine(e.Sensor, maxName),
		At: l.clock(e.At), Clock: l.short(e.At), Lasted: notify.Span(between(e.Since, e.At)),
		Message: paragraphs(e.Message, maxMessage), Cause: oneLine(e.Cause, maxText), Remedy: oneLine(e.Remedy, maxText),
	}
	if !e.Since.IsZero() {
		w.Since = l.clock(e.Since)
	}
	if len(e.Terms) == 0 {
		return w
	}
	t := e.Terms[0]
	w.Sensor, w.Value = oneLine(t.Sensor, maxName), text(t.Fact)
	if t.Known() {
		w.Number = t.Value
	}
	if !isLevel(t.Fact) {
		w.Limit = asked(t)
		if t.Lowest != 0 || t.Highest != 0 {
			w.Highest, w.Lowest = t.Window.Format(t.Quantity, t.Highest), t.Window.Format(t.Quantity, t.Lowest)
		}
	}
	return w
}
