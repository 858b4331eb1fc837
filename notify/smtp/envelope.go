package smtp

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Envelope is a mail as the server sees it.
type Envelope struct {
	From    string   // a bare address
	To      []string // bare addresses; at least one
	Message []byte   // RFC 5322; lines of 998 bytes at most, which the renderer sees to
}

// wrongAddress keeps what is no address out of commands, where it could end
// the line and begin another command.
func (t *transaction) wrongAddress(address string) error {
	if !isAddress(address) || strings.ContainsFunc(address, func(r rune) bool {
		return r <= ' ' || r == 0x7f || r == '<' || r == '>' || r == '\uFFFD'
	}) {
		return fmt.Errorf("%q is not an e-mail address", excerpt(address))
	}
	if !ascii(address) && !t.offers("SMTPUTF8") {
		return fmt.Errorf("the server takes only plain letters in addresses, unlike %s", excerpt(address))
	}
	return nil
}

// mailCommand asks for extensions only where the mail needs them.
func (t *transaction) mailCommand() string {
	command := "MAIL FROM:<" + t.envelope.From + ">"
	if t.offers("SIZE") && len(t.body) > 0 {
		command += " SIZE=" + strconv.Itoa(len(t.body))
	}
	if t.offers("8BITMIME") && !ascii(string(t.body)) {
		command += " BODY=8BITMIME"
	}
	if t.offers("SMTPUTF8") && t.wantsUTF8() {
		command += " SMTPUTF8"
	}
	return command
}

// wantsUTF8 looks at addresses and at the mail's header, RFC 6531 section 3.4.
func (t *transaction) wantsUTF8() bool {
	header, _, _ := bytes.Cut(t.body, []byte("\r\n\r\n"))
	return !ascii(t.envelope.From) || !ascii(strings.Join(t.to, "")) || !ascii(string(header))
}

func rcptCommand(to string) string { return "RCPT TO:<" + to + ">" }

func ascii(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) < 0
}

// dotted is a message as it travels: lines end in CRLF and in nothing else,
// and a dot that begins a line is doubled (RFC 5321 section 4.5.2).
func dotted(message []byte) []byte {
	out := make([]byte, 0, len(message)+len(message)/32+2)
	for len(message) > 0 {
		end := bytes.IndexAny(message, "\r\n")
		line, rest := message, []byte(nil)
		if end >= 0 {
			line, rest = message[:end], bytes.TrimPrefix(message[end:], []byte("\r"))
			if len(rest) > 0 && rest[0] == '\n' {
				rest = rest[1:]
			}
		}
		if len(line) > 0 && line[0] == '.' {
			out = append(out, '.')
		}
		out = append(append(out, line...), "\r\n"...)
		message = rest
	}
	return out
}
