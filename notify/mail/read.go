package mail

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
)

// ReadText gives the text of a message as a mail program without HTML shows
// it, with lines that end in "\n". It is for what looks at mails that were sent.
func ReadText(message io.Reader) (string, error) {
	m, err := netmail.ReadMessage(message)
	if err != nil {
		return "", fmt.Errorf("read the message: %w", err)
	}
	text, err := plainText(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
	if err != nil {
		return "", fmt.Errorf("read the text of the message: %w", err)
	}
	return text, nil
}

// plainText is the first text in a body: what we write first is text/plain.
func plainText(kind, encoding string, body io.Reader) (string, error) {
	media, parameters, err := mime.ParseMediaType(kind)
	if err != nil && kind != "" {
		return "", err
	}
	if !strings.HasPrefix(media, "multipart/") {
		if strings.EqualFold(encoding, "quoted-printable") {
			body = quotedprintable.NewReader(body)
		}
		text, err := io.ReadAll(body)
		return strings.ReplaceAll(string(text), "\r\n", "\n"), err
	}
	part, err := multipart.NewReader(body, parameters["boundary"]).NextRawPart()
	if errors.Is(err, io.EOF) {
		return "", errors.New("it has no parts")
	} else if err != nil {
		return "", err
	}
	return plainText(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part)
}
