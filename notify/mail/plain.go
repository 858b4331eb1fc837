package mail

import (
	"fmt"
	"strings"
)

// page is a text under way. Its lines end in "\n".
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) {
	fmt.Fprintf(p, format, args...)
	p.WriteByte('\n')
}

// paragraph is text after a blank line, or nothing.
func (p *page) paragraph(s string) {
	if s == "" {
		return
	}
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	p.line("%s", s)
}

// plain writes the nodes as text.
func plain(nodes []node) string {
	p := new(page)
	for _, n := range nodes {
		n.text(p)
	}
	return p.String()
}

func (d document) text() string {
	p := new(page)
	p.WriteString(plain(d.story))
	for _, n := range d.frame {
		n.text(p)
	}
	p.paragraph(strings.Join(d.foot, "\n"))
	return p.String()
}

func (s lead) text(p *page) { p.line("%s", string(s)) }
func (s para) text(p *page) { p.paragraph(string(s)) }

func (c columns) text(p *page) { p.paragraph(c.lines()) }

func (c columns) lines() string {
	var lines []string
	for _, r := range c {
		line := fmt.Sprintf("  %-8s %s", r.label, r.value)
		if r.aside != "" {
			line += "     " + r.aside
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (s section) text(p *page) {
	p.paragraph(s.title)
	for _, note := range s.notes {
		p.line("%s", note)
	}
	if rows := s.rows.lines(); rows != "" {
		p.line("%s", rows)
	}
	if s.chart != nil {
		p.line("  %s", s.chart.alt)
	}
}

func (s list) text(p *page) {
	if len(s.items) > 0 {
		p.paragraph(s.title)
	}
	for _, item := range s.items {
		p.line("  - %s", item)
	}
}

func (s picture) text(p *page) {
	if !s.told {
		p.paragraph(s.alt)
	}
}
