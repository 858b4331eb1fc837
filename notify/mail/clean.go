package mail

import (
	"mime"
	netmail "net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How much of a text that others wrote is shown, in runes.
const (
	maxName    = 60
	maxTitle   = 80
	maxText    = 500
	maxMessage = 4000
	maxSubject = 200
)

// oneLine makes a text safe to stand in a line, and no longer than most runes:
// control characters, line ends and runs of spaces become one space; what
// turns the direction of text or is not seen at all is left out.
func oneLine(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp):
			space = n > 0
			continue
		case unicode.Is(unicode.Cf, r): // bidi overrides, zero widths, marks, tags
			continue
		}
		if space {
			b.WriteByte(' ')
			n++
		}
		if n++; n > most {
			return strings.TrimSpace(b.String()) + "…"
		}
		b.WriteRune(r)
		space = false
	}
	return b.String()
}

// paragraphs is oneLine for text that may have lines.
func paragraphs(s string, most int) string {
	var lines []string
	for line := range strings.Lines(s) {
		line = oneLine(line, min(most, maxText))
		most -= utf8.RuneCountInString(line)
		if line != "" || len(lines) > 0 && lines[len(lines)-1] != "" {
			lines = append(lines, line)
		}
		if most <= 0 {
			break
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// laidOut makes a text safe that has a layout of its own: its lines, and the
// spaces in them, stay.
func laidOut(s string, most int) string {
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(s, "\t", "    ")) {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		lines = append(lines, strings.Repeat(" ", min(indent, 40))+spaced(line))
	}
	text := strings.Trim(strings.Join(lines, "\n"), "\n")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// spaced is oneLine with the spaces between the words as they are, up to 20.
func spaced(s string) string {
	var b strings.Builder
	for s = strings.TrimSpace(s); s != ""; {
		word, rest, _ := strings.Cut(s, " ")
		b.WriteString(oneLine(word, maxText))
		s = strings.TrimLeft(rest, " ")
		if s != "" {
			b.WriteString(strings.Repeat(" ", min(len(rest)-len(s)+1, 20)))
		}
	}
	return b.String()
}

// headerText is oneLine without what a mail program would take for an encoded
// word (RFC 2047) that we did not write.
func headerText(s string, most int) string {
	return oneLine(strings.ReplaceAll(oneLine(s, most), "=?", "= ?"), most)
}

// sender is the From field. A name that is not plain goes in base64: the
// package net/mail would leave a backslash in it bare, which RFC 2047, section
// 5, forbids in a name, and mail programs then find no sender.
func sender(from netmail.Address) string {
	name := headerText(from.Name, maxName)
	if encoded := mime.BEncoding.Encode("utf-8", name); encoded != name {
		return encoded + " <" + from.Address + ">"
	}
	return (&netmail.Address{Name: name, Address: from.Address}).String()
}

func encode(s string) string { return mime.QEncoding.Encode("utf-8", s) }

// fold breaks a header field at spaces, so that lines have at most 76 bytes
// where there are spaces. A space stays at the head of each further line, which
// unfolding leaves as it was (RFC 5322, section 2.2.3).
func fold(s string) string {
	const width = 76
	var b strings.Builder
	length := 0
	for i, word := range strings.Split(s, " ") {
		switch {
		case i > 1 && length+1+len(word) > width: // never right after the name
			b.WriteString("\r\n ")
			length = 1
		case i > 0:
			b.WriteByte(' ')
			length++
		}
		b.WriteString(word)
		length += len(word)
	}
	return b.String()
}

// token keeps the letters, digits, '-' and '_' of a name: what may stand in a
// message ID and in a header of ours.
func token(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), maxName)]
}

// addressable reports whether a is a bare address in ASCII that survives being
// parsed from a header.
func addressable(a string) bool {
	if len(a) > 254 { // RFC 5321, section 4.5.3.1.3
		return false
	}
	for i := range len(a) {
		if a[i] <= ' ' || a[i] > '~' {
			return false
		}
	}
	parsed, err := netmail.ParseAddress("<" + a + ">")
	return err == nil && parsed.Address == a
}

// domain is what follows the last @, or one that is nobody's (RFC 2606).
func domain(address string) string {
	if i := strings.LastIndexByte(address, '@'); i >= 0 && addressable(address) {
		return address[i+1:]
	}
	return "pinbell.invalid"
}
