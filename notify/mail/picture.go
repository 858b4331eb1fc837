package mail

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"pinbell/notify"
	"pinbell/notify/mail/chart"
)

// drawing is the chart of an event, if it has one: of a rule on a measure whose
// recent course came along.
func (l letter) drawing(e notify.Event) (c chart.Chart, drawn bool) {
	if e.Trace == nil || len(e.Terms) == 0 || isLevel(e.Terms[0].Fact) {
		return c, false
	}
	if e.Kind != notify.Raised && e.Kind != notify.Reminder && e.Kind != notify.Cleared {
		return c, false
	}
	t := e.Terms[0]
	c = chart.Chart{
		Low: e.Trace.Low, High: e.Trace.High, Step: e.Trace.Step,
		Limit: t.Limit, Beyond: sides[t.Op], Number: t.Quantity.Number, Unit: t.Quantity.Unit(),
	}
	if isRate(t.Fact) { // the chart is of what changes
		c.Limit, c.Beyond = math.NaN(), chart.Neither
	}
	if !e.At.Undated && !e.At.IsZero() {
		c.End = e.At.Wall.In(l.location())
	}
	_, drawn = c.Course()
	return c, drawn
}

var sides = map[string]chart.Side{">": chart.Above, ">=": chart.Above, "<": chart.Below, "<=": chart.Below}

// chart is how a mail shows an event's course: in words, where only the text
// goes.
func (l letter) chart(e notify.Event) *picture {
	c, drawn := l.drawing(e)
	if !drawn {
		return nil
	}
	p := &picture{alt: l.course(e, c), width: 544}
	if l.Slim != notify.TextOnly {
		p.contentID = l.chartID(e)
		p.caption = caption(e, c)
	}
	return p
}

func (l letter) chartID(e notify.Event) string {
	return fmt.Sprintf("chart%d.%s", e.Serial, l.id(l.ID))
}

// charted are the serials of the events that have a chart: of the first rules
// of a digest only.
func (l letter) charted(blocks []block) (serials []uint64) {
	for _, b := range blocks[:min(len(blocks), maxBlocks)] {
		if _, drawn := l.drawing(b.last()); drawn && len(serials) < maxCharts {
			serials = append(serials, b.last().Serial)
		}
	}
	return serials
}

// charts are the pictures that the document shows.
func (l letter) charts() (parts []Part) {
	blocks := l.blocks()
	charted := l.charted(blocks)
	for _, b := range blocks {
		e := b.last()
		if c, drawn := l.drawing(e); drawn && len(parts) < len(charted) && slices.Contains(charted, e.Serial) {
			name := cmp.Or(token(e.Rule), "chart") + ".png"
			parts = append(parts, Part{Name: name, Type: "image/png", ContentID: l.chartID(e), Data: c.PNG()})
		}
	}
	return parts
}

func caption(e notify.Event, c chart.Chart) string {
	course, _ := c.Course()
	s := fmt.Sprintf("%s (%s), the last %s", name(e.Terms[0].Fact), e.Terms[0].Quantity, notify.Span(course.Span))
	if !c.End.IsZero() {
		s += ", times in " + zoneOf(c.End)
	}
	return s
}

// course says the chart in words.
func (l letter) course(e notify.Event, c chart.Chart) string {
	course, _ := c.Course()
	t := e.Terms[0]
	s := fmt.Sprintf("The last %s: lowest %s%s, highest %s%s", notify.Span(course.Span),
		t.Quantity.Format(course.Lowest), l.ago(e, course.LowestAgo),
		t.Quantity.Format(course.Highest), l.ago(e, course.HighestAgo))
	if !math.IsNaN(c.Limit) {
		s += ", limit " + limited(t)
	}
	s += "."
	if course.Missing > 0 {
		s += " No reading for " + notify.Span(course.Missing) + " of it."
	}
	return s
}

// ago is when something was, so long before an event.
func (l letter) ago(e notify.Event, d time.Duration) string {
	if e.At.Undated || e.At.IsZero() {
		return ""
	}
	m := e.At
	m.Wall = m.Wall.Add(-d)
	return " at " + l.brief(m)
}
