// Package mail writes the letter: a sealed notify.Mail in, the bytes of an
// Internet message (RFC 5322, RFC 2045) out.
//
// It promises that the same Mail gives the same bytes at every attempt, that
// the subject can be understood on a lock screen, that the first line says what
// happened and when, and that nothing in it, whether a name, a title, a reading
// or the owner's words, can add a header, a recipient or a line. What it writes
// is 7-bit with lines of at most 998 bytes. It keeps no state, does no input or
// output and decides nothing: limits and reminders were decided before sealing.
package mail

import (
	"bytes"
	"cmp"
	"fmt"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"time"

	"pinbell/notify"
)

// Letterhead is what all mails of a board share.
type Letterhead struct {
	Device   string          // the board's name, in every subject
	Location *time.Location  // of every time shown; nil is UTC
	From     netmail.Address // the sender's name and address, by the road that is taken
	Version  string          // pinbell's own
	Domain   string          // of Message-IDs, equal by whatever road a mail goes; empty: that of From
	Road     string          // the server's name, where it is not the first road; empty: it is
}

// Render writes the whole message. It fails on an ID or an address that cannot
// stand in a header, and on a mail without events or recipients.
func Render(m notify.Mail, h Letterhead) ([]byte, error) {
	l := letter{m, h}
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("write mail %q: %w", m.ID, err)
	}
	var b bytes.Buffer
	for _, field := range l.header() {
		b.WriteString(fold(field.name+": "+field.value) + "\r\n")
	}
	b.WriteString("\r\n")
	body := quotedprintable.NewWriter(&b)
	// Writing to a buffer does not fail.
	_, _ = body.Write([]byte(strings.ReplaceAll(Text(m, h), "\n", "\r\n")))
	_ = body.Close()
	return b.Bytes(), nil
}

// MessageID is the mail's own, with brackets: the same at every attempt.
func MessageID(m notify.Mail, h Letterhead) string {
	return "<" + m.ID + "@" + domain(h.From.Address) + ">"
}

// letter is a mail on its letterhead.
type letter struct {
	notify.Mail
	Letterhead
}

func (l letter) location() *time.Location { return cmp.Or(l.Location, time.UTC) }

func (l letter) check() error {
	if l.ID == "" || strings.Trim(l.ID, ".") != l.ID || strings.ReplaceAll(l.ID, ".", "") != token(l.ID) {
		return fmt.Errorf("its ID is not made of letters and digits")
	}
	if len(l.Events) == 0 {
		return fmt.Errorf("it tells nothing")
	}
	to := l.recipients()
	if len(to) == 0 {
		return fmt.Errorf("it has no recipient")
	}
	for _, address := range append(to, l.From.Address) {
		if !addressable(address) {
			return fmt.Errorf("%q is not an address that mail can be sent to", address)
		}
	}
	return nil
}

type field struct{ name, value string }

func (l letter) header() []field {
	fields := []field{
		{"From", sender(l.From)},
		{"To", "<" + strings.Join(l.recipients(), ">, <") + ">"},
		{"Subject", encode(Subject(l.Mail, l.Letterhead))},
		// Not time.RFC1123, whose "UTC" is no zone in mail.
		{"Date", l.Sealed.In(l.location()).Format(time.RFC1123Z)},
		{"Message-ID", MessageID(l.Mail, l.Letterhead)},
	}
	if thread := l.thread(); thread != "" {
		fields = append(fields, field{"In-Reply-To", thread}, field{"References", thread})
	}
	fields = append(fields,
		field{"Auto-Submitted", "auto-generated"}, // RFC 3834: no vacation notices, please
		field{"X-Pinbell-Events", serials(l.Events)},
	)
	if rules := l.rules(); rules != "" {
		fields = append(fields, field{"X-Pinbell-Rule", rules})
	}
	return append(fields,
		field{"MIME-Version", "1.0"},
		field{"Content-Type", "text/plain; charset=utf-8"},
		field{"Content-Transfer-Encoding", "quoted-printable"},
	)
}

// recipients are all whom the mail is for, also those who have it already: the
// header must not change when some servers took it for some of them.
func (l letter) recipients() []string {
	var list []string
	add := func(addresses []string) {
		for _, a := range addresses {
			if !slices.Contains(list, a) {
				list = append(list, a)
			}
		}
	}
	for _, e := range l.Events {
		add(e.To)
	}
	add(l.To)
	return list
}

// thread is an ID that all mails about one incident refer to, so that mail
// programs show them together (RFC 5256, REFERENCES). No message has that ID.
// A mail about several incidents belongs to no thread.
func (l letter) thread() string {
	first := l.Events[0]
	for _, e := range l.Events {
		if e.Incident != first.Incident {
			return ""
		}
	}
	if first.Incident == 0 {
		return ""
	}
	about := cmp.Or(token(first.Rule), token(first.Sensor), "pinbell")
	left := fmt.Sprintf("incident-%d.%s.%s", first.Incident, about, cmp.Or(token(l.Device), "board"))
	return "<" + left + "@" + domain(l.From.Address) + ">"
}

// maxListed bounds the names in a header. Serials are not bounded: they prove
// what was told, and an outbox holds some hundreds of events at the most.
const maxListed = 20

func (l letter) rules() string {
	var names []string
	for _, e := range l.Events {
		if name := token(e.Rule); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names[:min(len(names), maxListed)], " ")
}

// serials lists the events' numbers, runs of them as "118-120".
func serials(events []notify.Event) string {
	var runs []string
	for i := 0; i < len(events); {
		j := i + 1
		for j < len(events) && events[j].Serial == events[j-1].Serial+1 {
			j++
		}
		run := fmt.Sprint(events[i].Serial)
		if j > i+1 {
			run = fmt.Sprintf("%d-%d", events[i].Serial, events[j-1].Serial)
		}
		runs, i = append(runs, run), j
	}
	return strings.Join(runs, " ")
}
