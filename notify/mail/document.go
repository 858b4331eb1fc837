package mail

import (
	"pinbell/notify"
)

// document is what a mail says, before it is written as text and as HTML.
type document struct {
	band  band
	story []node   // what happened
	frame []node   // what goes with every mail: troubles, what is attached, notes
	foot  []string // lines at the end
}

// node is a piece of a document. It says the same in both forms.
type node interface {
	text(*page)
	html(*sheet)
}

// band is what is seen first in HTML. A text has the subject and the lead.
type band struct {
	tone   tone
	state  string // "CRITICAL", "STILL WARNING", "OVER"
	device string
	title  string
	figure string // "-14.2 °C"
	detail string // "limit -15 °C, for 5 min"
}

// tone is how urgent something looks.
type tone uint8

const (
	toneInfo tone = iota
	toneWarning
	toneCritical
	toneOver
)

// The pieces of a document.
type (
	lead    string   // the first sentence: what and when
	para    string   // a paragraph, which may have lines
	columns []row    // a table
	section struct { // a part of a digest
		tone  tone
		title string
		notes []string
		rows  columns
		chart *picture
	}
	list struct {
		title string
		items []string
	}
	// picture is one that is shown in HTML, and its words, which a text has in
	// its place.
	picture struct {
		contentID string
		alt       string
		caption   string
		width     int  // in CSS pixels at the most
		told      bool // its words are in the text already
	}
)

// row is a line of a table. Where there is no value, there is no row.
type row struct {
	label, value, aside string
	isText              bool // the value is a sentence
}

func (c *columns) add(label, value, aside string) {
	if value != "" {
		*c = append(*c, row{label: label, value: value, aside: aside})
	}
}

// words adds a row with a text that others wrote.
func (c *columns) words(label, value string) {
	if value = oneLine(value, maxText); value != "" {
		*c = append(*c, row{label: label, value: value, isText: true})
	}
}

func toneOf(s notify.Severity) tone {
	return [...]tone{notify.Info: toneInfo, notify.Warning: toneWarning, notify.Critical: toneCritical}[s%3]
}

// document says the mail in pinbell's own words.
func (l letter) document() document {
	var d document
	blocks := l.blocks()
	switch {
	case len(blocks) == 0:
		d.story = []node{lead("Nothing to tell.")}
	case len(l.Events) == 1 && l.Events[0].Merged == 0:
		d.story = l.single(l.Events[0])
	default:
		d.story = l.digest(blocks)
	}
	d.band = l.band(blocks)
	d.story = append(d.story, l.others()...)
	d.frame = append(append(append(d.frame, l.troubles()...), l.enclosures()...), l.notes()...)
	d.foot = l.footer()
	return d
}

// band is that of the only block, or of all of them together.
func (l letter) band(blocks []block) band {
	b := band{tone: toneOver, state: "OVER", device: oneLine(l.Device, maxName)}
	switch len(blocks) {
	case 0:
		b.title = "Nothing to tell"
		return b
	case 1:
		b.fill(blocks[0])
		return b
	}
	b.title = count(len(blocks), "alert")
	b.detail = names(blocks)
	// The blocks come in the order of what matters.
	if first := blocks[0]; !first.over() {
		b.tone, b.state = first.tone(), stateOf(first)
	}
	return b
}

// fill says one block: how it stands by its last event.
func (b *band) fill(of block) {
	last := of.last()
	b.tone, b.state, b.title = of.tone(), stateOf(of), title(last)
	if s := value(last); s != "" {
		b.figure = text(last.Terms[0].Fact)
		b.detail = "limit " + limited(last.Terms[0])
	}
	switch {
	case last.Kind == notify.Cleared:
		b.detail = also(b.detail, spanned("lasted ", between(last.Began, last.At)))
	case last.Kind == notify.Returned:
		b.detail = spanned("after ", silence(last))
	case last.Kind != notify.Test:
		b.detail = also(b.detail, spanned("for ", between(last.Since, last.At)))
	}
	if of.flapping() {
		b.detail = also(b.detail, of.flaps())
	}
}

func also(a, b string) string {
	if a != "" && b != "" {
		return a + ", " + b
	}
	return a + b
}

// stateOf is the band's first word: how a block stands.
func stateOf(b block) string {
	last := b.last()
	severity := [...]string{"INFO", "WARNING", "CRITICAL"}[last.Severity%3]
	switch last.Kind {
	case notify.Cleared:
		return "OVER"
	case notify.Returned:
		return "BACK"
	case notify.Test:
		return "TEST"
	case notify.Reminder:
		return "STILL " + severity
	case notify.Lost:
		return severity + ": NO READING"
	}
	return severity
}

func total(blocks []block) (n int) {
	for _, b := range blocks {
		n += b.count()
	}
	return n
}
