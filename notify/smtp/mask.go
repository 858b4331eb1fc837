package smtp

import (
	"encoding/base64"
	"strings"

	"pinbell/notify"
)

// mask hides secrets in text that came from a server. Some echo the line they
// did not like, whole or in part, and that line may be the login.
type mask struct{ words []string } // lower case

// A piece of a secret this long is hidden too.
const maskedPiece = 6

// masking hides the password in each form in which it is sent.
func masking(username string, password notify.Secret) mask {
	plain := password.Reveal()
	if plain == "" {
		return mask{}
	}
	forms := []string{plain, "\x00" + username + "\x00" + plain}
	words := []string{asciiLower(plain)}
	for _, form := range forms {
		words = append(words, asciiLower(base64.RawStdEncoding.EncodeToString([]byte(form))))
	}
	return mask{words}
}

// clean is text without secrets, control characters and excess length.
func (m mask) clean(text string) string { return excerpt(m.hide(text)) }

func (m mask) hide(text string) string {
	folded := asciiLower(text)
	secret := make([]bool, len(text))
	for _, word := range m.words {
		size := min(maskedPiece, len(word))
		for i := 0; i+size <= len(word); i++ {
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

// asciiLower keeps each byte where it is, which strings.ToLower does not.
func asciiLower(text string) string {
	out := []byte(text)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return string(out)
}
