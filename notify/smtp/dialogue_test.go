package smtp

import (
	"context"
	"encoding/base64"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
)

// script is a server that answers each thing that is written to it with the
// next of its pieces, and then hangs up.
type script struct {
	pieces  []string
	unread  string
	wrote   strings.Builder
	dotted  bool   // the last dot has left
	receipt string // what could be read only after it
}

func (s *script) Write(p []byte) (int, error) {
	s.wrote.Write(p)
	s.next()
	if strings.HasSuffix(s.wrote.String(), "\r\n.\r\n") && !s.dotted {
		s.dotted, s.receipt = true, s.unread
	}
	return len(p), nil
}

func (s *script) next() {
	if len(s.pieces) > 0 {
		s.unread, s.pieces = s.unread+s.pieces[0], s.pieces[1:]
	}
}

func (s *script) Read(p []byte) (int, error) {
	if s.unread == "" {
		return 0, io.EOF
	}
	n := copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

func (*script) Close() error                     { return nil }
func (*script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*script) SetDeadline(time.Time) error      { return nil }
func (*script) SetReadDeadline(time.Time) error  { return nil }
func (*script) SetWriteDeadline(time.Time) error { return nil }

// talkTo has a whole dialogue with a script, but for TLS, and sends one mail.
func talkTo(server *script, provider string) notify.Verdict {
	s := &Session{relay: Relay{
		Provider: provider, Host: "mail.example.org", Port: 587, Username: user,
		Password: func() (notify.Secret, error) { return password, nil },
		dial:     func(context.Context, string, string) (net.Conn, error) { return nil, io.EOF },
	}}
	s.use(server)
	server.next()
	for _, run := range []func(context.Context) *finding{s.greet, s.hello, s.login} {
		if met := s.under(context.Background(), run); met != nil {
			s.hangUp()
			return s.verdict(*met)
		}
	}
	return s.Send(context.Background(), envelope("alex@example.org", "sam@example.org"))
}

// FuzzDialogue has foreign bytes for all answers of a server, from its
// greeting on; a form feed divides what it says from one write of ours to the
// next.
func FuzzDialogue(f *testing.F) {
	login := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	opening := "220 a\r\n\f250-a\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n\f"
	single := "220 a\r\n\f250-a\r\n250 AUTH PLAIN\r\n\f235 ok\r\n\f"
	for _, said := range []string{
		opening + "235 ok\r\n\f250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n\f\f250 2.0.0 Ok: queued as 343FD5003CE\r\n",
		opening + "235 ok\r\n\f250 ok\r\n550 5.1.1 no\r\n452 4.5.3 no\r\n554 no\r\n",
		opening + "535 5.7.8 no: AUTH PLAIN " + login + "\r\n",
		single + "250 ok\f\r\n\f250 ok\r\n\f250 ok\r\n\f354 go\r\n\f552 5.3.4 no\r\n",
		single + "250 ok\r\n\f250 ok\r\n\f450 4.7.1 greylisted, try again in 300 seconds\r\n\f354 go\r\n\f\f250 ok queued as " + password + "\r\n",
		single + "421 4.7.0 " + password + "\r\n",
	} {
		f.Add(said, uint8(0))
	}
	f.Fuzz(func(t *testing.T, said string, n uint8) {
		server := &script{pieces: strings.Split(said, "\f")}
		v := talkTo(server, presets[int(n)%len(presets)].Provider)
		switch {
		case v.Outcome == 0:
			t.Error("no outcome")
		case v.Outcome == notify.Accepted && (!server.dotted || !strings.HasPrefix(server.receipt, "2")):
			t.Errorf("accepted, and the receipt is %q", server.receipt)
		case v.Outcome == notify.Unknown && !server.dotted:
			t.Error("unknown, and the dot has not left")
		case v.Outcome == notify.Down && !v.Account:
			t.Errorf("down, and not of the account: %s", short(v))
		}
		shown := v.Reply + v.Enhanced + v.QueueID + told(v)
		if strings.ContainsFunc(shown, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("%q is shown", shown)
		}
		if !strings.Contains(server.wrote.String(), "AUTH") {
			return // nobody has told it the secret
		}
		folded := asciiLower(shown)
		for _, secret := range []string{password, login} {
			if strings.Contains(folded, asciiLower(secret)) {
				t.Errorf("the secret is shown in %q", shown)
			}
		}
	})
}

// told is what else of a verdict comes from a server.
func told(v notify.Verdict) string {
	all := said(v)
	for _, r := range v.Rejected {
		all += r.Reply
	}
	return all
}
