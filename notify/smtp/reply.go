package smtp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	"pinbell/notify/peer"
)

// A server may answer at most this much to one command. The longest honest
// reply is that to EHLO, some thirty lines.
const (
	maxReplyLines = 128
	maxReplyLine  = 2048 // RFC 5321 section 4.5.3.1.5 says 512; some say more
)

// reply is what a server answers to a command, RFC 5321 section 4.2.
type reply struct {
	code     int      // 200 to 599
	enhanced string   // "5.7.0", RFC 2034; empty when there is none
	lines    []string // without code and enhanced code
}

// text is the reply as one line.
func (r reply) text() string { return strings.TrimSpace(strings.Join(r.lines, " ")) }

// kind is the first digit of the code.
func (r reply) kind() int { return r.code / 100 }

// garbage is an answer that is no SMTP reply, or not one to this command. It
// is raw: whoever shows it masks it first.
type garbage struct{ said string }

func (g garbage) Error() string { return "no reply that fits: " + g.said }

// readReply reads one reply. A reply cut short by the end of the connection is
// io.ErrUnexpectedEOF, whatever it began with.
func readReply(r *bufio.Reader) (reply, error) {
	var out reply
	for range maxReplyLines {
		line, err := readLine(r)
		if err != nil {
			if err == io.EOF && len(out.lines) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return reply{}, err
		}
		code, rest, last, ok := cutCode(line)
		if !ok || out.code != 0 && code != out.code {
			return reply{}, garbage{line}
		}
		out.code = code
		out.add(rest)
		if last {
			return out, nil
		}
	}
	return reply{}, garbage{fmt.Sprintf("more than %d lines", maxReplyLines)}
}

func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull) || len(line) > maxReplyLine:
		return "", garbage{string(line)}
	case err == io.EOF && len(line) > 0:
		return "", io.ErrUnexpectedEOF
	case err != nil:
		return "", err
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

// cutCode splits "250-text", "250 text" and "250".
func cutCode(line string) (code int, rest string, last, ok bool) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' {
		return 0, "", false, false
	}
	for i := range 3 {
		if line[i] < '0' || line[i] > '9' {
			return 0, "", false, false
		}
		code = code*10 + int(line[i]-'0')
	}
	if len(line) == 3 {
		return code, "", true, true
	}
	return code, line[4:], line[3] == ' ', line[3] == ' ' || line[3] == '-'
}

var enhancedCode = regexp.MustCompile(`^([245]\.\d{1,3}\.\d{1,3})(?: |$)`)

// add takes a line's text, less the enhanced code that RFC 2034 puts before each.
func (r *reply) add(text string) {
	if m := enhancedCode.FindStringSubmatch(text); m != nil {
		r.enhanced = m[1]
		text = text[len(m[0]):]
	}
	r.lines = append(r.lines, text)
}

// The forms in which servers name a mail in their queue; the first one counts.
// They are compiled at the first receipt: at each start they would cost more
// than all else that is set up before main.
var queueForms = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`(?i)\bqueued as:? <?([A-Za-z0-9][\w.-]{2,63})`), // Postfix, iCloud, Fastmail
		regexp.MustCompile(`\bid=([A-Za-z0-9][\w.-]{2,63})`),                // Exim
		regexp.MustCompile(`\bInternalId=(\d{3,64})`),                       // Exchange, Outlook
		regexp.MustCompile(`\b(\S{3,64}) - gsmtp\b`),                        // Gmail
		regexp.MustCompile(`^(\w{3,64}) Message accepted`),                  // Sendmail
		regexp.MustCompile(`(?i)\bqp (\d{3,64})`),                           // qmail
		regexp.MustCompile(`(?i)\bqueue(?:d|[- ]?id)?[:= ]+(?:id[:= ]+)?([A-Za-z0-9][\w.-]*\d[\w.-]*)`),
	}
})

// queueID finds the server's name for a mail that it took: the only receipt
// there is. It is empty when the reply has none of the known forms.
func (r reply) queueID() string {
	for _, form := range queueForms() {
		if m := form.FindStringSubmatch(r.text()); m != nil {
			return strings.TrimRight(m[1], ".-")
		}
	}
	return ""
}

const maxText = peer.MaxText
