package mail

import (
	"bytes"
	"encoding/base64"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pinbell/notify"
)

var update = flag.Bool("update", false, "write the golden files")

// The golden files hold whole mails as they go out, files in them named only,
// and below a line the same as a person reads it.
func TestMailsAreAsTheyWere(t *testing.T) {
	for name, c := range all() {
		raw := mustRender(t, c.mail, c.head)
		letter, err := Compose(c.mail, c.head)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(withoutFiles(string(raw)), "\r\n", "\n") +
			"\n-- as it is read --\n" + letter.Subject + "\n\n" + letter.Text + "\n-- as HTML --\n" + letter.HTML
		file := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

// withoutFiles leaves out what is in base64: a picture's bytes depend on the
// compressor of the Go release.
func withoutFiles(raw string) string {
	return regexp.MustCompile(`(?m)(^[A-Za-z0-9+/=]{1,76}\r\n)+\r\n--`).ReplaceAllString(raw, "(base64)\r\n\r\n--")
}

func mustRender(t *testing.T, m notify.Mail, h Letterhead) []byte {
	t.Helper()
	raw, err := Render(m, h)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestSubjectsFitALockScreen(t *testing.T) {
	all := letters()
	for name, want := range map[string]string{
		"raised":             "[garage] Freezer warm: -14.2 °C (limit -15) for 5 min",
		"critical":           "[garage] CRITICAL: Freezer warm: -14.2 °C (limit -15) for 5 min",
		"level":              "[garage] Door left open for 10 min",
		"reminder":           "[garage] Still: Freezer warm: -13.8 °C (limit -15) for 1 h 20 min",
		"cleared":            "[garage] Over: Freezer warm: -17.3 °C, lasted 42 min",
		"lost":               "[garage] Cellar: no reading for 12 min",
		"returned":           "[garage] Cellar: reading again after 31 min",
		"test":               "[garage] Test mail from pinbell",
		"digest":             "[garage] 3 alerts: CRITICAL Freezer warm flapping (3 times), Cellar: no reading, Door left open",
		"raised-and-cleared": "[garage] Over: Freezer warm: -17.3 °C, lasted 42 min, 2 events",
		"undated":            "[garage] Freezer warm: -14.2 °C (limit -15) for 1 min (time unknown)",
		"late":               "[garage] Freezer warm: -14.2 °C (limit -15) for 5 min at Sat 22:41",
	} {
		if got := Subject(all[name], head); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestSubjectTellsTheHourOfTheSameDay(t *testing.T) {
	m := letterOf(door())
	m.Sealed = m.Sealed.Add(time.Hour)
	if got, want := Subject(m, head), "[garage] Door left open for 10 min at 22:41"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEveryAttemptGivesTheSameBytes(t *testing.T) {
	m := letterOf(freezer(notify.Raised))
	m.To = []string{"alex@icloud.com", "sam@icloud.com"}
	first := mustRender(t, m, head)
	m.To = m.To[1:] // alex has it
	if !bytes.Equal(first, mustRender(t, m, head)) {
		t.Error("the mail changed when one of its recipients had it")
	}
}

func parse(t *testing.T, raw []byte) *netmail.Message {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	return m
}

// leaf is a part of a message that has no parts.
type leaf struct {
	kind, encoding, disposition, name, contentID string
	data                                         []byte
}

// readBack parses a mail as a mail program does: its header, its structure as
// in "alternative(text/plain text/html)", and its leaves.
func readBack(t *testing.T, raw []byte) (header netmail.Header, structure string, leaves []leaf) {
	t.Helper()
	m := parse(t, raw)
	structure = descend(t, textproto.MIMEHeader(m.Header), m.Body, &leaves)
	return m.Header, structure, leaves
}

func descend(t *testing.T, header textproto.MIMEHeader, body io.Reader, leaves *[]leaf) string {
	t.Helper()
	kind, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		t.Fatalf("type %q: %v", header.Get("Content-Type"), err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		*leaves = append(*leaves, leafOf(t, kind, header, body))
		return kind
	}
	var parts []string
	for r := multipart.NewReader(body, parameters["boundary"]); ; {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return strings.TrimPrefix(kind, "multipart/") + "(" + strings.Join(parts, " ") + ")"
		} else if err != nil {
			t.Fatalf("part of %s: %v", kind, err)
		}
		mustHaveOnly(t, part.Header, partHeaders)
		parts = append(parts, descend(t, part.Header, part, leaves))
	}
}

func leafOf(t *testing.T, kind string, header textproto.MIMEHeader, body io.Reader) leaf {
	t.Helper()
	l := leaf{kind: kind, encoding: header.Get("Content-Transfer-Encoding"), contentID: strings.Trim(header.Get("Content-Id"), "<>")}
	if s := header.Get("Content-Disposition"); s != "" {
		disposition, parameters, err := mime.ParseMediaType(s)
		if err != nil {
			t.Fatalf("disposition %q: %v", s, err)
		}
		l.disposition, l.name = disposition, parameters["filename"]
	}
	switch l.encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	default:
		t.Fatalf("encoding %q", l.encoding)
	}
	var err error
	if l.data, err = io.ReadAll(body); err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return l
}

func (l leaf) text() string { return strings.ReplaceAll(string(l.data), "\r\n", "\n") }

var (
	headerNames = []string{
		"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "In-Reply-To",
		"Message-Id", "Mime-Version", "References", "Subject", "To", "X-Pinbell-Events", "X-Pinbell-Road", "X-Pinbell-Rule",
	}
	partHeaders = []string{"Content-Disposition", "Content-Id", "Content-Transfer-Encoding", "Content-Type"}
)

func mustHaveOnly(t *testing.T, header map[string][]string, names []string) {
	t.Helper()
	for name, values := range header {
		if !slices.Contains(names, name) || len(values) != 1 {
			t.Fatalf("header %q: %q", name, values)
		}
	}
}

// mustBeSound checks what must hold of every mail, whatever is in it.
func mustBeSound(t *testing.T, m notify.Mail, h Letterhead) {
	t.Helper()
	raw := mustRender(t, m, h)
	composed, err := Compose(m, h)
	if err != nil {
		t.Fatal(err)
	}
	header, structure, leaves := readBack(t, raw)
	mustHaveOnly(t, header, headerNames)
	mustBeAddressed(t, header, m, h)
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if err != nil || subject != composed.Subject || subject != Subject(m, h) {
		t.Fatalf("subject read back as %q (%v), want %q", subject, err, composed.Subject)
	}
	if text, err := ReadText(bytes.NewReader(raw)); err != nil || text != composed.Text || text != Text(m, h) {
		t.Fatalf("text read back as %q (%v), want %q", text, err, composed.Text)
	}
	if got := header.Get("Message-Id"); got != MessageID(m, h) || got != composed.MessageID || got != "<"+composed.ID+">" {
		t.Fatalf("message ID %q", got)
	}
	mustHoldAll(t, composed, structure, leaves)
	mustBeSafe(t, raw, subject)
	mustBeSafeHTML(t, composed)
}

func mustBeAddressed(t *testing.T, header netmail.Header, m notify.Mail, h Letterhead) {
	t.Helper()
	if to, err := header.AddressList("To"); err != nil || len(to) != len(letter{m, h}.recipients()) {
		t.Fatalf("to %v: %v", to, err)
	}
	if from, err := header.AddressList("From"); err != nil || len(from) != 1 || from[0].Address != h.From.Address {
		t.Fatalf("from %v: %v", from, err)
	}
	if date, err := header.Date(); err != nil || !date.Equal(m.Sealed.Truncate(time.Second)) {
		t.Fatalf("date %v: %v, want %v", date, err, m.Sealed)
	}
}

// mustHoldAll checks that the message has the letter's parts, in the structure
// that Render promises.
func mustHoldAll(t *testing.T, c Letter, structure string, leaves []leaf) {
	t.Helper()
	want, parts := "text/plain", []leaf{{kind: "text/plain", encoding: "quoted-printable", data: []byte(c.Text)}}
	if c.HTML != "" {
		parts = append(parts, leaf{kind: "text/html", encoding: "quoted-printable", data: []byte(c.HTML)})
		html := "text/html"
		if len(c.Inline) > 0 {
			html = "related(text/html" + add(&parts, "inline", c.Inline) + ")"
		}
		want = "alternative(text/plain " + html + ")"
	}
	if len(c.Attached) > 0 {
		want = "mixed(" + want + add(&parts, "attachment", c.Attached) + ")"
	}
	if structure != want || len(leaves) != len(parts) {
		t.Fatalf("structure %s, want %s", structure, want)
	}
	for i, got := range leaves {
		want := parts[i]
		if got.encoding == "quoted-printable" {
			got.data = []byte(got.text())
		}
		if !bytes.Equal(got.data, want.data) {
			t.Fatalf("%s read back as %.300q, want %.300q", got.kind, got.data, want.data)
		}
		got.data, want.data = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("part %+v, want %+v", got, want)
		}
	}
}

func add(leaves *[]leaf, disposition string, parts []Part) (kinds string) {
	for _, p := range parts {
		*leaves = append(*leaves, leaf{p.Type, "base64", disposition, p.Name, p.ContentID, p.Data})
		kinds += " " + p.Type
	}
	return kinds
}

func mustBeSafe(t *testing.T, raw []byte, subject string) {
	t.Helper()
	if n := utf8.RuneCountInString(subject); n > maxSubject+maxName+10 {
		t.Fatalf("the subject has %d characters", n)
	}
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("line %q", line)
		}
		if i := bytes.IndexFunc(line, func(r rune) bool { return r > '~' || r < ' ' && r != '\t' }); i >= 0 {
			t.Fatalf("byte %d of line %q is not plain", i, line)
		}
	}
}

func TestMailsReadBackAsWritten(t *testing.T) {
	for name, c := range all() {
		t.Run(name, func(t *testing.T) { mustBeSound(t, c.mail, c.head) })
	}
}
