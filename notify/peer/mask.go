package peer

import "strings"

// Mask hides secrets in text that came from a server. Some echo what they did
// not like, whole or in part, and that may be the login. The zero value hides
// nothing.
type Mask struct{ words []string } // lower case

// A piece of a secret this long is hidden too.
const maskedPiece = 6

// NewMask hides a secret in each of the forms in which it is sent.
func NewMask(forms ...string) Mask {
	var m Mask
	for _, form := range forms {
		m.words = append(m.words, Lower(form))
	}
	return m
}

// Clean is text without secrets, control characters and excess length.
func (m Mask) Clean(text string) string { return Excerpt(m.hide(text)) }

func (m Mask) hide(text string) string {
	folded := Lower(text)
	secret := make([]bool, len(text))
	for _, word := range m.words {
		size := min(maskedPiece, len(word))
		for i := 0; size > 0 && i+size <= len(word); i++ {
			markAll(secret, folded, word[i:i+size])
		}
	}
	return starred(text, secret)
}

// markAll marks each place where piece stands in text.
func markAll(marks []bool, text, piece string) {
	for from := 0; ; {
		at := strings.Index(text[from:], piece)
		if at < 0 {
			return
		}
		for i := range len(piece) {
			marks[from+at+i] = true
		}
		from += at + 1
	}
}

// starred replaces each run of marked bytes by three stars.
func starred(text string, marks []bool) string {
	var out strings.Builder
	for i := range len(text) {
		switch {
		case !marks[i]:
			out.WriteByte(text[i])
		case i == 0 || !marks[i-1]:
			out.WriteString("***")
		}
	}
	return out.String()
}

// Lower folds ASCII letters and keeps each byte where it is, which
// strings.ToLower does not.
func Lower(text string) string {
	out := []byte(text)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return string(out)
}

// MaxText is how many bytes of a server's words are shown.
const MaxText = 400

// Excerpt makes a server's text fit to be shown: one line without control
// characters, not too long.
func Excerpt(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\uFFFD' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > MaxText {
		text = strings.ToValidUTF8(text[:MaxText], "") + " …"
	}
	return text
}
