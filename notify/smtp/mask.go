package smtp

import (
	"encoding/base64"

	"pinbell/notify"
	"pinbell/notify/peer"
)

// mask hides the login in text that came from the server.
type mask struct{ peer.Mask }

// masking hides the password in each form in which it is sent.
func masking(username string, password notify.Secret) mask {
	plain := password.Reveal()
	if plain == "" {
		return mask{}
	}
	encoded := base64.RawStdEncoding.EncodeToString
	return mask{peer.NewMask(plain, encoded([]byte(plain)), encoded([]byte("\x00"+username+"\x00"+plain)))}
}

// clean is text without secrets, control characters and excess length.
func (m mask) clean(text string) string { return m.Clean(text) }

func excerpt(text string) string { return peer.Excerpt(text) }

func asciiLower(text string) string { return peer.Lower(text) }
