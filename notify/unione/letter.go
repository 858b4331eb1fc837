package unione

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"pinbell/notify"
	"pinbell/notify/mail"
)

// message is a mail as the API takes it. Zeros matter: some of the defaults
// are others.
type message struct {
	Recipients []recipient       `json:"recipients"`
	Subject    string            `json:"subject"`
	FromEmail  string            `json:"from_email"`
	FromName   string            `json:"from_name,omitempty"`
	Body       body              `json:"body"`
	Headers    map[string]string `json:"headers"`
	Attached   []file            `json:"attachments,omitempty"`
	Inline     []file            `json:"inline_attachments,omitempty"`
	Key        string            `json:"idempotence_key"`
	Engine     string            `json:"template_engine"` // none: braces in a message are the owner's
	TrackLinks int               `json:"track_links"`
	TrackRead  int               `json:"track_read"`
	NoFooter   int               `json:"skip_unsubscribe"` // 1 is an error unless UniOne's support allows it
}

type recipient struct {
	Email string `json:"email"`
}

type body struct {
	HTML string `json:"html,omitempty"`
	Text string `json:"plaintext"`
}

// file is an attachment; of an inline one, Name is the content ID.
type file struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Content []byte `json:"content"` // base64 in JSON
}

// request writes the body of email/send.json for these of m's recipients.
func request(m notify.Mail, h mail.Letterhead, to []string) ([]byte, *finding) {
	l, err := mail.Compose(m, h)
	if err != nil {
		return nil, &finding{step: atIdle, cause: unfit, err: err}
	}
	out := messageOf(l, h, to)
	out.Key = idempotenceKey(m, to)
	return out.encode()
}

func messageOf(l mail.Letter, h mail.Letterhead, to []string) message {
	out := message{
		Subject: l.Subject, FromEmail: h.From.Address, FromName: h.From.Name,
		Body: body{l.HTML, l.Text}, Headers: headers(l), Engine: "none",
	}
	for _, address := range to {
		out.Recipients = append(out.Recipients, recipient{address})
	}
	for _, p := range l.Attached {
		out.Attached = append(out.Attached, file{p.Type, p.Name, p.Data})
	}
	for _, p := range l.Inline {
		out.Inline = append(out.Inline, file{p.Type, p.ContentID, p.Data})
	}
	return out
}

// encode refuses what UniOne would, and without building it first.
func (m message) encode() ([]byte, *finding) {
	total := 0
	for _, f := range slices.Concat(m.Attached, m.Inline) {
		size := base64.StdEncoding.EncodedLen(len(f.Content))
		if size > maxFile {
			return nil, tooMuch("%s has %d bytes in base64, and UniOne takes %d of one file", f.Name, size, maxFile)
		}
		total += size
	}
	if total > MaxBytes {
		return nil, tooMuch("the attachments have %d bytes in base64, and UniOne takes %d at most", total, MaxBytes)
	}
	var out bytes.Buffer
	write := json.NewEncoder(&out)
	write.SetEscapeHTML(false)
	if err := write.Encode(struct {
		Message message `json:"message"`
	}{m}); err != nil {
		return nil, &finding{step: atIdle, cause: unfit, err: err}
	}
	if out.Len() > MaxBytes {
		return nil, tooMuch("it has %d bytes, and UniOne takes %d at most", out.Len(), MaxBytes)
	}
	return out.Bytes(), nil
}

func tooMuch(format string, args ...any) *finding {
	return &finding{step: atIdle, cause: tooLarge, err: fmt.Errorf(format, args...)}
}

// headers are those that the API may let through: any that begin with X-, and
// those of a thread where UniOne's support allows them. Auto-Submitted is not
// among them; Exchange heeds X-Auto-Response-Suppress in its place.
func headers(l mail.Letter) map[string]string {
	list := map[string]string{
		"X-Pinbell-Message-ID":     l.MessageID,
		"X-Auto-Response-Suppress": "All",
	}
	if l.References != "" {
		list["In-Reply-To"], list["References"] = l.References, l.References
	}
	return list
}

// idempotenceKey is the mail's ID. A mail that goes again to fewer recipients,
// or with less in it, is another to UniOne: under the same key it would be
// declined for a minute, which reads like a receipt.
func idempotenceKey(m notify.Mail, to []string) string {
	if m.Slim == notify.Whole && len(to) == len(everybody(m)) {
		return m.ID[:min(len(m.ID), maxKey)]
	}
	sum := fnv.New64a()
	fmt.Fprint(sum, m.Slim, to)
	tail := "-" + hex.EncodeToString(sum.Sum(nil))
	return m.ID[:min(len(m.ID), maxKey-len(tail))] + tail
}

// everybody is for whom the mail is, also those who have it already.
func everybody(m notify.Mail) []string {
	all := slices.Clone(m.To)
	for _, e := range m.Events {
		all = append(all, e.To...)
	}
	return distinct(all)
}

// distinct keeps the first of each address; UniOne tells no case apart.
func distinct(addresses []string) []string {
	var list []string
	for _, a := range addresses {
		if !slices.ContainsFunc(list, func(b string) bool { return strings.EqualFold(a, b) }) {
			list = append(list, a)
		}
	}
	return list
}
