package smtp

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
)

const (
	user     = smtptest.Username
	password = smtptest.Password
	message  = "From: <garage@example.org>\r\nSubject: Freezer warm\r\nMessage-ID: <m1@pinbell>\r\n\r\nToo warm.\r\n"
)

// relayTo is a relay for servers on loopback.
func relayTo(s interface {
	Host() string
	Port() int
}) *Relay {
	return &Relay{
		Provider: "custom", Host: s.Host(), Port: s.Port(),
		Username: user, Password: func() (notify.Secret, error) { return password, nil },
		LocalName: "garage.local", Deadline: 30 * time.Second,
	}
}

func honest(t *testing.T, o smtptest.Options) (*smtptest.Server, *Relay) {
	t.Helper()
	s, err := smtptest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	r := relayTo(s)
	r.Roots, r.Implicit = s.Roots(), o.Implicit
	return s, r
}

func lying(t *testing.T, o smtptest.LiarOptions) (*smtptest.Liar, *Relay) {
	t.Helper()
	l, err := smtptest.Lie(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	r := relayTo(l)
	r.Roots, r.Implicit = l.Roots(), o.Implicit
	return l, r
}

// rehearsed is a lying server at the other end of a wire, for a bubble in which
// waiting costs nothing.
func rehearsed(t *testing.T, o smtptest.LiarOptions) (*smtptest.Liar, *Relay) {
	t.Helper()
	l, err := smtptest.Rehearse(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, &Relay{
		Provider: "custom", Host: "localhost", Port: 587, Implicit: o.Implicit, Roots: l.Roots(),
		Username: user, Password: func() (notify.Secret, error) { return password, nil },
		LocalName: "garage.local",
		dial: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := wire()
			l.Meet(theirs)
			return ours, nil
		},
	}
}

func mustOpen(t *testing.T, r *Relay) *Session {
	t.Helper()
	s, v := r.Open(t.Context())
	if v.Outcome != 0 {
		t.Fatalf("Open: %s at %s: %s (%v)", v.Outcome, v.Step, v.Reply, v.Trouble)
	}
	t.Cleanup(s.Close)
	return s
}

func envelope(to ...string) Envelope {
	if len(to) == 0 {
		to = []string{"alex@example.org"}
	}
	return Envelope{From: user, To: to, Message: []byte(message)}
}

// attempt opens a session and sends one mail, as far as that goes.
func attempt(t *testing.T, r *Relay, e Envelope) notify.Verdict {
	t.Helper()
	s, v := r.Open(context.Background())
	if v.Outcome != 0 {
		if s != nil {
			t.Error("a session came with a verdict that is not zero")
		}
		return v
	}
	defer s.Close()
	return s.Send(context.Background(), e)
}

// short is a verdict in one line, for tables.
func short(v notify.Verdict) string {
	code := "-"
	if v.Trouble != nil {
		code = v.Trouble.Code
	}
	return strings.Join([]string{v.Outcome.String(), v.Step, code}, " ")
}

func said(v notify.Verdict) string {
	if v.Trouble == nil {
		return ""
	}
	return v.Trouble.Sentence + " " + v.Trouble.Doing + " " + v.Trouble.Remedy
}

func mustSay(t *testing.T, v notify.Verdict, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(said(v), w) {
			t.Errorf("trouble does not say %q:\n%s", w, said(v))
		}
	}
}
