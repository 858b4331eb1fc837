package smtp

import (
	"crypto/tls"
	"strings"
	"testing"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
)

// What a server offers in clear text, a stranger on the line may have said: it
// is forgotten once TLS stands (RFC 3207 section 4.2).
func TestWhatWasOfferedInClearTextIsForgotten(t *testing.T) {
	clear := smtptest.Say("250-liar.example\r\n250-PIPELINING\r\n250-SIZE 10\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS")
	l, r := lying(t, smtptest.LiarOptions{Extensions: []string{"AUTH PLAIN"}, Script: smtptest.At("ehlo", clear)})
	if v := attempt(t, r, envelope()); v.Outcome != notify.Accepted {
		t.Fatalf("%s: %s", short(v), v.Reply)
	}
	_, heard := l.Heard()
	if !strings.Contains(heard, "MAIL FROM:<"+user+">\r\n") {
		t.Errorf("uses an extension of the clear text:\n%s", heard)
	}

	l, r = lying(t, smtptest.LiarOptions{Extensions: []string{"PIPELINING"}, Script: smtptest.At("ehlo", clear)})
	v := attempt(t, r, envelope())
	if short(v) != "down auth mail.auth" {
		t.Errorf("a login offered before TLS only: %s: %s", short(v), v.Reply)
	}
	wire, heard := l.Heard()
	mustNotHearThePassword(t, wire)
	mustNotHearThePassword(t, heard)
}

// A mail that was taken, and whose receipt is lost, is Unknown and nothing
// else: it is there, and must come again under its Message-ID.
func TestAMailWhoseReceiptIsLostIsUnknown(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		s, r := honest(t, smtptest.Options{Implicit: implicit, Mood: smtptest.Mood{Forget: 100}})
		session := mustOpen(t, r)
		v := session.Send(t.Context(), envelope())
		if short(v) != "unknown dot mail.network" || v.Account || !session.Ended() {
			t.Errorf("got %s, account %v, ended %v", short(v), v.Account, session.Ended())
		}
		mustSay(t, v, "may arrive twice, with the same Message-ID")
		if n := len(s.Mails()); n != 1 {
			t.Errorf("the server has %d mails", n)
		}
		s.Behave(smtptest.Mood{})
		if v := attempt(t, r, envelope()); v.Outcome != notify.Accepted {
			t.Fatalf("again: %s: %s", short(v), v.Reply)
		}
		if m := s.Mails(); len(m) != 2 || m[0].MessageID != m[1].MessageID || m[0].TLS != tls.VersionTLS13 {
			t.Errorf("the server has %+v", m)
		}
	}
}

// However a server misbehaves: Accepted means that it has the mail, and what
// is neither Accepted nor Unknown it has not.
func TestVerdictsAgreeWithWhatAMoodyServerHas(t *testing.T) {
	mood := smtptest.Moody(11)
	mood.Refuse, mood.Forget, mood.StallFor, mood.SlowBy = 10, 10, 1, 1
	s, r := honest(t, smtptest.Options{Mood: mood})
	var session *Session
	seen := map[notify.Outcome]int{}
	for range 150 {
		before := len(s.Mails())
		v := notify.Verdict{}
		if session == nil || session.Ended() {
			if session, v = r.Open(t.Context()); session == nil {
				seen[v.Outcome]++
				continue
			}
		}
		v = session.Send(t.Context(), envelope())
		seen[v.Outcome]++
		got := len(s.Mails()) - before
		if v.Outcome == notify.Accepted && got != 1 || v.Outcome != notify.Accepted && v.Outcome != notify.Unknown && got != 0 {
			t.Errorf("%s: %s, and the server has %d more", short(v), v.Reply, got)
		}
	}
	if session != nil {
		session.Close()
	}
	if len(seen) != 5 {
		t.Errorf("outcomes %v, want all five", seen)
	}
}
