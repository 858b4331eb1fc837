package mail

import (
	"bytes"
	"flag"
	"io"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pinbell/notify"
)

var update = flag.Bool("update", false, "write the golden files")

// The golden files hold whole mails as they go out, and below a line the same
// as a person reads it.
func TestMailsAreAsTheyWere(t *testing.T) {
	for name, m := range letters() {
		raw := mustRender(t, m, head)
		got := strings.ReplaceAll(string(raw), "\r\n", "\n") + "\n-- as it is read --\n" + Subject(m, head) + "\n\n" + Text(m, head)
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
		"digest":             "[garage] 3 alerts: CRITICAL Freezer warm, Cellar: no reading, Door left open",
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

func TestAllMailsOfAnIncidentAreOneThread(t *testing.T) {
	const thread = "<incident-118.freezer-warm.garage@icloud.com>"
	for _, kind := range []notify.Kind{notify.Raised, notify.Reminder, notify.Cleared} {
		h := parse(t, mustRender(t, letterOf(freezer(kind)), head)).Header
		if h.Get("References") != thread || h.Get("In-Reply-To") != thread {
			t.Errorf("%v: references %q", kind, h.Get("References"))
		}
	}
	if h := parse(t, mustRender(t, backlog(), head)).Header; h.Get("References") != "" {
		t.Errorf("a digest of several incidents is in the thread %q", h.Get("References"))
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

// readBack parses a mail as a mail program does.
func readBack(t *testing.T, raw []byte) (header netmail.Header, subject, text string) {
	t.Helper()
	m := parse(t, raw)
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatalf("subject: %v in\n%s", err, raw)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatalf("text: %v in\n%s", err, raw)
	}
	return m.Header, subject, strings.ReplaceAll(string(body), "\r\n", "\n")
}

var headerNames = []string{
	"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "In-Reply-To",
	"Message-Id", "Mime-Version", "References", "Subject", "To", "X-Pinbell-Events", "X-Pinbell-Rule",
}

// mustBeSound checks what must hold of every mail, whatever is in it.
func mustBeSound(t *testing.T, m notify.Mail, h Letterhead) {
	t.Helper()
	raw := mustRender(t, m, h)
	header, subject, text := readBack(t, raw)
	if subject != Subject(m, h) || text != Text(m, h) {
		t.Fatalf("read back as %q\n%q\nwant %q\n%q", subject, text, Subject(m, h), Text(m, h))
	}
	for name, values := range header {
		if !slices.Contains(headerNames, name) || len(values) != 1 {
			t.Fatalf("header %q: %q", name, values)
		}
	}
	if to, err := header.AddressList("To"); err != nil || len(to) != len(letter{m, h}.recipients()) {
		t.Fatalf("to %v: %v", to, err)
	}
	if from, err := header.AddressList("From"); err != nil || len(from) != 1 || from[0].Address != h.From.Address {
		t.Fatalf("from %v: %v", from, err)
	}
	if date, err := header.Date(); err != nil || !date.Equal(m.Sealed.Truncate(time.Second)) {
		t.Fatalf("date %v: %v, want %v", date, err, m.Sealed)
	}
	if got := header.Get("Message-Id"); got != MessageID(m, h) {
		t.Fatalf("message ID %q", got)
	}
	mustBeSafe(t, raw, subject)
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
	for name, m := range letters() {
		t.Run(name, func(t *testing.T) { mustBeSound(t, m, head) })
	}
}
