package mail

import (
	"fmt"
	"regexp"
	"strings"
	"text/template"
)

// The HTML form. Mail programs know little: tables for the layout, styles on
// the elements, nothing that is fetched from elsewhere, no script. It sets
// neither the colour of the text nor that of the page, so that a program in
// dark mode shows its own; the bands set both, and keep their contrast.

// paint is a band's ground and its ink, with a contrast of 4.5 at least (WCAG
// 2.2, 1.4.3), and the line beside a section, visible on white and on black.
type paint struct{ ground, ink, line string }

var paints = [...]paint{
	toneInfo:     {"#1f5f9e", "#ffffff", "#3d8bd4"},
	toneWarning:  {"#f5b301", "#1f1600", "#d99a00"},
	toneCritical: {"#b3261e", "#ffffff", "#e0463c"},
	toneOver:     {"#1b7340", "#ffffff", "#2f9e5e"},
}

const (
	thin     = "1px solid #a3a3a3"
	wrapping = "overflow-wrap:anywhere;word-break:break-word"
	table    = `<table role="presentation" width="100%%" cellpadding="0" cellspacing="0" border="0"`
)

// sheet is HTML under way.
type sheet struct{ strings.Builder }

// put writes a format whose arguments are escaped, whatever they are, but for
// markup and numbers: every word of a mail comes through here.
func (s *sheet) put(format string, args ...any) {
	for i, arg := range args {
		switch arg.(type) {
		case markup, int:
		default:
			args[i] = escape(fmt.Sprint(arg))
		}
	}
	fmt.Fprintf(s, format, args...)
	s.WriteByte('\n')
}

// markup is a text that is HTML already.
type markup string

// figures are numbers with their unit, which a line should not part.
var figures = regexp.MustCompile(`(\d) (°C|%RH|hPa|ppm|lx|min|[VAWhsd])\b`)

func escape(s string) markup {
	if !strings.ContainsAny(s, "0123456789") { // most words, and the expression takes its time
		return markup(template.HTMLEscapeString(s))
	}
	return markup(figures.ReplaceAllString(template.HTMLEscapeString(s), "$1&#160;$2"))
}

// broken keeps lines, the spaces that they begin with, and spaces in a row.
func broken(s string) markup {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		words := strings.TrimLeft(line, " ")
		indent := strings.Repeat("&#160;", len(line)-len(words))
		lines = append(lines, indent+strings.ReplaceAll(string(escape(words)), "  ", "&#160; "))
	}
	return markup(strings.Join(lines, "<br />\n"))
}

func (d document) html(subject string) string {
	s := new(sheet)
	s.put(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
<meta name="supported-color-schemes" content="light dark" />
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no" />
<title>%s</title>
</head>
<body style="margin:0;padding:0;color-scheme:light dark">`, subject)
	s.put(table + `><tr><td align="center" style="padding:8px">`)
	s.put(table + ` style="max-width:560px;text-align:left;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.45">`)
	d.band.html(s)
	s.put(`<tr><td style="padding:6px 8px 0 8px;%s">`, markup(wrapping))
	frame := fitted(d.frame, maxFrame)
	frame.put(`<p style="margin:18px 0 8px 0;padding-top:10px;border-top:%s;font-size:13px">%s</p>`, markup(thin), broken(strings.Join(d.foot, "\n")))
	frame.put("</td></tr>\n</table>\n</td></tr></table>\n</body>\n</html>")
	s.WriteString(fitted(d.story, maxHTML-s.Len()-frame.Len()).String())
	s.WriteString(frame.String())
	return s.String()
}

func (b band) html(s *sheet) {
	p := paints[b.tone]
	s.put(`<tr><td bgcolor="%s" style="background-color:%s;color:%s;padding:14px 16px;border-radius:8px;%s">`, p.ground, p.ground, p.ink, markup(wrapping))
	s.put(table+` style="color:%s;font-size:13px;line-height:1.3"><tr><td style="font-weight:bold;letter-spacing:1px">%s</td><td align="right" style="padding-left:12px">%s</td></tr></table>`,
		p.ink, b.state, b.device)
	s.put(`<div style="font-size:20px;line-height:1.3;font-weight:bold;padding-top:6px">%s</div>`, b.title)
	if b.figure != "" {
		s.put(`<div style="font-size:34px;line-height:1.2;font-weight:bold;padding-top:2px">%s</div>`, b.figure)
	}
	if b.detail != "" {
		s.put(`<div style="font-size:15px;line-height:1.35;padding-top:2px">%s</div>`, b.detail)
	}
	s.put("</td></tr>")
}

func (l lead) html(s *sheet) { s.put(`<p style="margin:12px 0">%s</p>`, l) }

func (t para) html(s *sheet) {
	for part := range strings.SplitSeq(string(t), "\n\n") {
		if part = strings.Trim(part, "\n"); part != "" {
			s.put(`<p style="margin:12px 0">%s</p>`, broken(part))
		}
	}
}

func (c columns) html(s *sheet) {
	if len(c) == 0 {
		return
	}
	s.put(table + ` style="margin:12px 0;font-size:16px;line-height:1.4">`)
	for _, r := range c {
		s.put(`<tr><td width="76" style="padding:6px 10px 6px 0;vertical-align:top;border-top:%s;font-size:14px;line-height:1.6">%s</td>`, markup(thin), r.label)
		s.put(`<td style="padding:6px 0;vertical-align:top;border-top:%s;font-weight:%s;%s">%s`, markup(thin), weight(r), markup(wrapping), r.value)
		if r.aside != "" {
			s.put(`<br /><span style="font-size:14px;font-weight:normal">%s</span>`, r.aside)
		}
		s.put("</td></tr>")
	}
	s.put("</table>")
}

func weight(r row) string {
	if r.isText {
		return "normal"
	}
	return "bold"
}

func (t section) html(s *sheet) {
	s.put(table+` style="margin:18px 0"><tr><td style="border-left:5px solid %s;padding:0 0 0 12px;%s">`, paints[t.tone].line, markup(wrapping))
	s.put(`<div style="font-size:17px;font-weight:bold">%s</div>`, t.title)
	for _, note := range t.notes {
		s.put(`<div>%s</div>`, note)
	}
	t.rows.html(s)
	if t.chart != nil {
		t.chart.html(s)
	}
	s.put("</td></tr></table>")
}

func (t list) html(s *sheet) {
	if len(t.items) == 0 {
		return
	}
	s.put(`<p style="margin:14px 0 4px 0"><b>%s</b></p>`, t.title)
	s.put(`<ul style="margin:0 0 12px 0;padding-left:20px">`)
	for _, item := range t.items {
		s.put(`<li style="margin:4px 0">%s</li>`, item)
	}
	s.put("</ul>")
}

func (t picture) html(s *sheet) {
	if t.contentID == "" {
		s.put(`<p style="margin:12px 0">%s</p>`, t.alt)
		return
	}
	s.put(`<div style="margin:14px 0"><img src="cid:%s" alt="%s" width="%d" style="display:block;width:100%%;max-width:%dpx;height:auto;border:0;border-radius:8px" />`,
		t.contentID, t.alt, t.width, t.width)
	if t.caption != "" {
		s.put(`<div style="font-size:14px;padding-top:4px">%s</div>`, t.caption)
	}
	s.put("</div>")
}
