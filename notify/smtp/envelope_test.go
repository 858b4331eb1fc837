package smtp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
)

func TestLinesEndInCRLFAndDotsAreDoubled(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"a":                     "a\r\n",
		"a\r\n":                 "a\r\n",
		"a\nb\rc\r\n":           "a\r\nb\r\nc\r\n",
		".":                     "..\r\n",
		".\r\n.a\r\n":           "..\r\n..a\r\n",
		"a\n.\nMAIL FROM:<b>\n": "a\r\n..\r\nMAIL FROM:<b>\r\n",
		"a\r.\r\nb":             "a\r\n..\r\nb\r\n",
		"\r\n\r\n":              "\r\n\r\n",
	} {
		if got := string(dotted([]byte(in))); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// Whatever a mail holds, nothing in it can end it early (RFC 5321 section
// 4.1.1.4), and undoing the dots gives its lines back.
func TestNoMailEndsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := []byte(rapid.StringMatching(`[.a\r\n\x{e9}]{0,24}`).Draw(t, "message"))
		out := dotted(in)
		lines := bytes.SplitAfter(out, []byte("\r\n"))
		for i, line := range lines {
			bare := bytes.TrimSuffix(line, []byte("\r\n"))
			if string(bare) == "." || bytes.ContainsAny(bare, "\r\n") {
				t.Fatalf("line %d of %q is %q", i, out, line)
			}
			lines[i] = bytes.TrimPrefix(line, []byte("."))
		}
		again := dotted(bytes.Join(lines, nil))
		if !bytes.Equal(again, out) {
			t.Fatalf("%q became %q and then %q", in, out, again)
		}
	})
}

func TestDotsArriveAsTheyWereWritten(t *testing.T) {
	s, r := honest(t, smtptest.Options{})
	e := envelope()
	e.Message = []byte("Subject: dots\n\n.\n..\n.a\nend")
	if v := attempt(t, r, e); v.Outcome != notify.Accepted {
		t.Fatalf("%s: %s", short(v), v.Reply)
	}
	if got, want := string(s.Mails()[0].Bytes), "Subject: dots\r\n\r\n.\r\n..\r\n.a\r\nend\r\n"; got != want {
		t.Errorf("arrived as %q", got)
	}
}

func TestATooLargeMailIsRefusedBeforeItIsSent(t *testing.T) {
	l, r := lying(t, smtptest.LiarOptions{Extensions: []string{"AUTH PLAIN", "SIZE 50", "PIPELINING"}})
	session := mustOpen(t, r)
	v := session.Send(t.Context(), envelope())
	if short(v) != "refused mail mail.size" || v.Code != 0 {
		t.Errorf("got %s: %s", short(v), v.Reply)
	}
	mustSay(t, v, fmt.Sprintf("it has %d bytes, and the server takes 50 at most", len(message)))
	if _, heard := l.Heard(); strings.Contains(heard, "MAIL") {
		t.Error("the server heard of it")
	}
	small := envelope()
	small.Message = []byte("Subject: a\r\n\r\nb\r\n")
	if v := session.Send(t.Context(), small); v.Outcome != notify.Accepted {
		t.Errorf("a small one afterwards: %s: %s", short(v), v.Reply)
	}
}

func TestExtensionsAreUsedWhereNeededAndOffered(t *testing.T) {
	all := []string{"AUTH PLAIN", "PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8"}
	eight := message + "Gr\xc3\xbc\xc3\x9fe\r\n"
	for _, c := range []struct {
		offered           []string
		to, message, want string
	}{
		{all, "a@b", message, "MAIL FROM:<" + user + "> SIZE=%d\r\n"},
		{all, "a@b", eight, "MAIL FROM:<" + user + "> SIZE=%d BODY=8BITMIME\r\n"},
		{all, "ä@b", message, "MAIL FROM:<" + user + "> SIZE=%d SMTPUTF8\r\n"},
		{all, "a@b", "Subject: ä\r\n\r\n", "MAIL FROM:<" + user + "> SIZE=%d BODY=8BITMIME SMTPUTF8\r\n"},
		{all[:2], "a@b", eight, "MAIL FROM:<" + user + ">\r\n"},
	} {
		l, r := lying(t, smtptest.LiarOptions{Extensions: c.offered})
		if v := attempt(t, r, Envelope{From: user, To: []string{c.to}, Message: []byte(c.message)}); v.Outcome != notify.Accepted {
			t.Fatalf("%s: %s", short(v), v.Reply)
		}
		want := c.want
		if strings.Contains(want, "%d") {
			want = fmt.Sprintf(want, len(c.message))
		}
		if _, heard := l.Heard(); !strings.Contains(heard, want) {
			t.Errorf("%q is missing in\n%s", want, heard)
		}
	}
}

func TestAnAddressCannotCarryACommand(t *testing.T) {
	for _, to := range []string{"a@b>\r\nDATA", "a@b> SIZE=1", "a b@c", "<a@b>", "a", "", "a@b\x00", "ä@b"} {
		l, r := lying(t, smtptest.LiarOptions{Extensions: []string{"AUTH PLAIN", "PIPELINING"}})
		v := attempt(t, r, envelope(to))
		if short(v) != "refused rcpt mail.recipient" || len(v.Rejected) != 1 || !v.Rejected[0].Permanent {
			t.Errorf("%q: %s %+v", to, short(v), v.Rejected)
		}
		if _, heard := l.Heard(); strings.Contains(heard, "MAIL") || strings.Contains(heard, "RCPT") {
			t.Errorf("%q reached the server", to)
		}
	}
}

func TestALocalNameCannotCarryACommand(t *testing.T) {
	for _, name := range []string{"", "my board", "a\r\nAUTH", "bücher"} {
		l, r := lying(t, smtptest.LiarOptions{})
		r.LocalName = name
		if v := attempt(t, r, envelope()); v.Outcome != notify.Accepted {
			t.Errorf("%q: %s", name, short(v))
		}
		if wire, _ := l.Heard(); !strings.HasPrefix(wire, "EHLO localhost\r\n") {
			t.Errorf("%q: %q", name, wire[:20])
		}
	}
}

func TestManyRecipientsAreNotPipelined(t *testing.T) {
	s, r := honest(t, smtptest.Options{})
	var to []string
	for i := range maxPipelined + 1 {
		to = append(to, fmt.Sprintf("r%d@example.org", i))
	}
	if v := attempt(t, r, envelope(to...)); v.Outcome != notify.Accepted {
		t.Fatalf("%s: %s", short(v), v.Reply)
	}
	if m := s.Mails()[0]; len(m.To) != len(to) || m.RoundTrips < len(to) {
		t.Errorf("%d recipients in %d round trips", len(m.To), m.RoundTrips)
	}
}
