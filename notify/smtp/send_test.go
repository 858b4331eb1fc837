package smtp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
)

func TestAnAcceptedMailKeepsItsReceipt(t *testing.T) {
	s, r := honest(t, smtptest.Options{})
	v := attempt(t, r, envelope("alex@example.org", "sam@example.org"))
	want := notify.Verdict{
		Outcome: notify.Accepted, Relay: "127.0.0.1", Step: "dot", Code: 250, Enhanced: "2.0.0",
		Reply: "Ok: queued as 34300000", QueueID: "34300000",
	}
	if fmt.Sprintf("%+v", v) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", v, want)
	}
	m := s.Mails()
	if len(m) != 1 || string(m[0].Bytes) != message || m[0].From != user || m[0].MessageID != "m1@pinbell" || m[0].QueueID != v.QueueID ||
		!slices.Equal(m[0].To, []string{"alex@example.org", "sam@example.org"}) {
		t.Errorf("the server has %+v", m)
	}
}

// The budget: TCP, greeting, EHLO, STARTTLS, TLS 1.3, EHLO, AUTH, MAIL to
// DATA, and the mail itself.
func TestAMailTakesNineRoundTrips(t *testing.T) {
	for implicit, want := range map[bool]int{false: 9, true: 7} {
		s, r := honest(t, smtptest.Options{Implicit: implicit})
		if v := attempt(t, r, envelope("alex@example.org", "sam@example.org", "kim@example.org")); v.Outcome != notify.Accepted {
			t.Fatalf("%s: %s", short(v), v.Reply)
		}
		if got := s.Mails()[0].RoundTrips; got != want {
			t.Errorf("implicit %v: %d round trips, want %d", implicit, got, want)
		}
	}
}

func TestSeveralMailsGoOverOneSession(t *testing.T) {
	s, r := honest(t, smtptest.Options{})
	session := mustOpen(t, r)
	for range 3 {
		if v := session.Send(t.Context(), envelope()); v.Outcome != notify.Accepted {
			t.Fatalf("%s: %s", short(v), v.Reply)
		}
	}
	m := s.Mails()
	if len(m) != 3 {
		t.Fatalf("%d mails", len(m))
	}
	if trips := m[2].RoundTrips - m[1].RoundTrips; trips != 2 {
		t.Errorf("a further mail takes %d round trips, want 2", trips)
	}
	if good, _ := s.Logins(); good != 1 {
		t.Errorf("%d logins", good)
	}
}

// both runs a test against a server with PIPELINING and one without.
func both(t *testing.T, run func(t *testing.T, extensions []string)) {
	for name, extensions := range map[string][]string{"pipelined": {"PIPELINING", "AUTH PLAIN"}, "one by one": {"AUTH PLAIN"}} {
		t.Run(name, func(t *testing.T) { run(t, extensions) })
	}
}

func refuseRecipients(reply string, which ...string) smtptest.Script {
	return func(step, line string) smtptest.Act {
		if step == "rcpt" && slices.ContainsFunc(which, func(w string) bool { return strings.Contains(line, w) }) {
			return smtptest.Say(reply)
		}
		return smtptest.Honest
	}
}

func TestAMailGoesToWhomTheServerTakes(t *testing.T) {
	both(t, func(t *testing.T, extensions []string) {
		l, r := lying(t, smtptest.LiarOptions{Extensions: extensions, Script: func(step, line string) smtptest.Act {
			if a := refuseRecipients("550 5.1.1 no such user", "gone@")(step, line); a != smtptest.Honest {
				return a
			}
			return refuseRecipients("452 4.2.2 mailbox full", "full@")(step, line)
		}})
		v := attempt(t, r, envelope("gone@example.org", "alex@example.org", "full@example.org", "not an address"))
		if v.Outcome != notify.Accepted || v.QueueID != "343FD5003CE" {
			t.Fatalf("%s: %s", short(v), v.Reply)
		}
		want := []notify.Rejection{
			{To: "not an address", Reply: `"not an address" is not an e-mail address`, Permanent: true},
			{To: "gone@example.org", Code: 550, Reply: "no such user", Permanent: true},
			{To: "full@example.org", Code: 452, Reply: "mailbox full"},
		}
		if !slices.Equal(v.Rejected, want) {
			t.Errorf("rejected %+v\nwant %+v", v.Rejected, want)
		}
		mustSay(t, v, "did not take", "gone@example.org", "full@example.org", "sent the mail to the other recipients")
		if m := l.Mails(); len(m) != 1 || string(m[0].Bytes) != message {
			t.Errorf("the server has %+v", m)
		}
	})
}

func TestWhenNobodyIsTakenTheMildestReasonCounts(t *testing.T) {
	both(t, func(t *testing.T, extensions []string) {
		for _, c := range []struct {
			script smtptest.Script
			want   string
		}{
			{refuseRecipients("550 5.1.1 no such user", "@"), "refused rcpt mail.recipient"},
			{refuseRecipients("450 4.1.2 name server failure", "sam"), "accepted dot mail.recipient"},
			{func(step, line string) smtptest.Act {
				if a := refuseRecipients("550 5.1.1 no such user", "alex")(step, line); a != smtptest.Honest {
					return a
				}
				return refuseRecipients("450 4.2.1 busy", "sam")(step, line)
			}, "deferred rcpt mail.recipient"},
			{refuseRecipients("550 5.7.1 you exceeded your daily sending limit", "@"), "down rcpt mail.quota"},
		} {
			_, r := lying(t, smtptest.LiarOptions{Extensions: extensions, Script: c.script})
			v := attempt(t, r, envelope("alex@example.org", "sam@example.org"))
			if short(v) != c.want {
				t.Errorf("got %s, want %s", short(v), c.want)
			}
			if len(v.Rejected) == 0 {
				t.Error("nobody is named")
			}
		}
	})
}

// RFC 2920 section 3.1: with no recipient taken, a server may want the mail
// all the same. A lone dot ends it, and its receipt is for nothing.
func TestALoneDotIsNeverADelivery(t *testing.T) {
	for _, step := range []string{"mail", "rcpt"} {
		l, r := lying(t, smtptest.LiarOptions{Script: smtptest.At(step, smtptest.Say("550 5.7.1 no"))})
		session := mustOpen(t, r)
		v := session.Send(t.Context(), envelope())
		if v.Outcome == notify.Accepted || v.Step != step || v.QueueID != "" {
			t.Errorf("refused at %s: %+v", step, v)
		}
		if m := l.Mails(); len(m) != 1 || len(m[0].Bytes) != 0 {
			t.Errorf("the server has %+v", m)
		}
		if session.Ended() != (v.Outcome == notify.Down) {
			t.Errorf("refused at %s: %s, and the session ended: %v", step, short(v), session.Ended())
		}
	}
}

func TestASessionOutlivesARefusedMail(t *testing.T) {
	both(t, func(t *testing.T, extensions []string) {
		for _, step := range []string{"rcpt", "data", "dot"} {
			for _, reply := range []string{"550 5.1.1 no", "451 4.3.0 later"} {
				first := true
				l, r := lying(t, smtptest.LiarOptions{Extensions: extensions, Script: func(s, _ string) smtptest.Act {
					if s == step && first {
						first = false
						return smtptest.Say(reply)
					}
					return smtptest.Honest
				}})
				session := mustOpen(t, r)
				if v := session.Send(t.Context(), envelope()); v.Outcome == notify.Accepted || v.Code == 0 {
					t.Fatalf("%s at %s: %s", reply, step, short(v))
				}
				if v := session.Send(t.Context(), envelope()); v.Outcome != notify.Accepted {
					t.Errorf("after %s at %s: %s: %s", reply, step, short(v), v.Reply)
				}
				m := l.Mails()
				if len(m) == 0 || string(m[len(m)-1].Bytes) != message {
					t.Errorf("after %s at %s the server has %+v", reply, step, m)
				}
			}
		}
	})
}

func TestASenderRefusalOutweighsTheHangUpThatFollows(t *testing.T) {
	_, r := lying(t, smtptest.LiarOptions{Script: func(step, _ string) smtptest.Act {
		switch step {
		case "mail":
			return smtptest.Say("550 5.7.0 From address is not one of your addresses")
		case "rcpt":
			return smtptest.Drop
		}
		return smtptest.Honest
	}})
	r.Provider = "icloud"
	session := mustOpen(t, r)
	v := session.Send(t.Context(), envelope())
	if short(v) != "down mail mail.sender" || v.Wait != time.Hour {
		t.Errorf("got %s, wait %v", short(v), v.Wait)
	}
	mustSay(t, v, "550 5.7.0 From address is not one of your addresses", "iCloud+ custom domain")
	if !session.Ended() {
		t.Error("the session goes on without a connection")
	}
	if v := session.Send(t.Context(), envelope()); v.Outcome != notify.Down {
		t.Errorf("a mail over an ended session is %s", short(v))
	}
}

// Until the dot leaves, nothing can have been taken.
func TestAMailCutShortIsDeferredAndNotUnknown(t *testing.T) {
	_, r := lying(t, smtptest.LiarOptions{Script: smtptest.At("data", smtptest.Last("354 go on"))})
	e := envelope()
	e.Message = []byte(strings.Repeat("So it goes on and on.\r\n", 400_000))
	if v := attempt(t, r, e); short(v) != "deferred data mail.network" {
		t.Errorf("got %s: %s", short(v), v.Reply)
	}
}

// After a reply too many or too few, each further one would be taken for the
// answer to another command.
func TestASessionThatLostTheThreadIsOver(t *testing.T) {
	both(t, func(t *testing.T, extensions []string) {
		_, r := lying(t, smtptest.LiarOptions{Extensions: extensions, Script: func(step, line string) smtptest.Act {
			if step == "rset" {
				return smtptest.Say("500 5.5.1 what?")
			}
			return refuseRecipients("550 5.1.1 no such user", "gone@")(step, line)
		}})
		session := mustOpen(t, r)
		session.open = true // as after a transaction that was not finished
		if v := session.Send(t.Context(), envelope()); short(v) != "down mail mail.server" || !session.Ended() {
			t.Errorf("got %s, ended %v", short(v), session.Ended())
		}
	})
	_, r := lying(t, smtptest.LiarOptions{Script: smtptest.At("rcpt", smtptest.Say("250 2.1.5 Ok\r\n250 2.1.5 and another"))})
	session := mustOpen(t, r)
	v := session.Send(t.Context(), envelope())
	if v.Outcome == notify.Accepted || !session.Ended() {
		t.Errorf("a reply too many: %s, ended %v", short(v), session.Ended())
	}
}

// Taken for the answer to RCPT, the second reply would make a mail to nobody
// an accepted one.
func TestAReplyTooManyIsNoAnswerToTheNextCommand(t *testing.T) {
	both(t, func(t *testing.T, extensions []string) {
		l, r := lying(t, smtptest.LiarOptions{Extensions: extensions, Script: smtptest.At("mail", smtptest.Say("250 2.1.0 Ok\r\n250 2.1.5 Ok"))})
		session := mustOpen(t, r)
		if v := session.Send(t.Context(), envelope()); v.Outcome == notify.Accepted || v.Trouble.Code != "mail.server" || !session.Ended() {
			t.Errorf("got %s, ended %v", short(v), session.Ended())
		}
		if len(l.Mails()) > 0 {
			t.Error("the mail was sent all the same")
		}
	})
}

func TestAReceiptBeforeTheDotIsNone(t *testing.T) {
	for said, want := range map[string]string{
		"354 go on\r\n250 2.0.0 Ok: queued as 343FD5003CE": "deferred data mail.server",
		"354 go on\r\n421 4.3.2 shutting down":             "deferred data mail.server",
	} {
		both(t, func(t *testing.T, extensions []string) {
			l, r := lying(t, smtptest.LiarOptions{Extensions: extensions, Script: smtptest.At("data", smtptest.Say(said))})
			session := mustOpen(t, r)
			if v := session.Send(t.Context(), envelope()); short(v) != want || !session.Ended() {
				t.Errorf("%s: got %s, ended %v", said, short(v), session.Ended())
			}
			if len(l.Mails()) > 0 {
				t.Error("the mail was sent all the same")
			}
		})
	}
}

func TestTryingASenderSendsNothing(t *testing.T) {
	s, r := honest(t, smtptest.Options{Answer: func(step, argument string) *smtptest.Reply {
		if step == "mail" && argument != user {
			return &smtptest.Reply{Code: 550, Text: "5.7.0 From address is not one of your addresses"}
		}
		return nil
	}})
	session := mustOpen(t, r)
	if v := session.TrySender(t.Context(), user, "owner@example.org"); v.Outcome != 0 {
		t.Errorf("own address: %s: %s", short(v), v.Reply)
	}
	if v := session.TrySender(t.Context(), "other@example.org", "owner@example.org"); short(v) != "down mail mail.sender" || v.Enhanced != "5.7.0" {
		t.Errorf("another address: %s: %s", short(v), v.Reply)
	}
	if v := session.TrySender(t.Context(), "a@b>\r\nRCPT TO:<c@d", "owner@example.org"); short(v) != "down mail mail.sender" || v.Code != 0 {
		t.Errorf("no address: %s: %s", short(v), v.Reply)
	}
	if v := session.Send(t.Context(), envelope()); v.Outcome != notify.Accepted {
		t.Errorf("a mail afterwards: %s: %s", short(v), v.Reply)
	}
	if len(s.Mails()) != 1 {
		t.Errorf("%d mails", len(s.Mails()))
	}
}

// Postfix puts off what it has against a sender until it hears of a recipient.
func TestASenderIsTriedUpToTheRecipient(t *testing.T) {
	var said smtptest.Reply
	s, r := honest(t, smtptest.Options{Answer: func(step, _ string) *smtptest.Reply {
		if step == "rcpt" && said.Code != 0 {
			return &said
		}
		return nil
	}})
	session := mustOpen(t, r)
	for _, c := range []struct {
		said smtptest.Reply
		want string
	}{
		{smtptest.Reply{Code: 553, Text: "5.7.1 <a@b>: Sender address rejected: not owned by user c"}, "deferred rcpt mail.sender"},
		{smtptest.Reply{Code: 550, Text: "5.1.1 <owner@example.org>: Recipient address rejected: User unknown"}, ""},
		{smtptest.Reply{Code: 450, Text: "4.2.0 Greylisted"}, ""},
		{smtptest.Reply{}, ""},
	} {
		said = c.said
		v := session.TrySender(t.Context(), user, "owner@example.org")
		if got := short(v); c.want == "" && v.Outcome != 0 || c.want != "" && got != c.want {
			t.Errorf("%d %s: %s, not %q", c.said.Code, c.said.Text, got, c.want)
		}
	}
	if v := session.Send(t.Context(), envelope()); v.Outcome != notify.Accepted || len(s.Mails()) != 1 {
		t.Errorf("a mail afterwards: %s: %s, and %d mails", short(v), v.Reply, len(s.Mails()))
	}
}
