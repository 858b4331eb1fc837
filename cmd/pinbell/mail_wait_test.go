package main

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"pinbell/notify/smtp/smtptest"
)

// TestNewPasswordIsTriedWithinSeconds has the owner put the right password in
// the place of a wrong one: the hour's wait for a refused login is then over.
func TestNewPasswordIsTriedWithinSeconds(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a quarter of a minute")
	}
	g := newGarage(t)
	g.write("mail.password", "wrong-pass-word-9\n")
	g.start()
	g.write("rack", "75\n")
	r := g.until("the login is refused", 10*time.Second, func(r Report) bool { return trouble(r, "mail.login") != nil })
	if _, bad := g.mail.Logins(); bad != 1 || r.Mail.NextTryIn < 45*time.Minute {
		t.Errorf("%d logins were refused, the next in %v: that locks accounts", bad, r.Mail.NextTryIn)
	}
	g.tells("refused the login as garage@example.org: 535", "tries again in 1 h")
	g.write("mail.password", smtptest.Password+"\n")
	g.arrived(1, 20*time.Second)
	r = g.until("the trouble is over", 5*time.Second, func(r Report) bool { return trouble(r, "mail.login") == nil && waiting(r) == 0 })
	if r.Mail.NextTryIn > 0 {
		t.Errorf("the hour's wait goes on: %v", r.Mail.NextTryIn)
	}
	g.write("rack", "20\n")
	g.arrived(2, 5*time.Second)
	if _, bad := g.mail.Logins(); bad != 1 {
		t.Errorf("%d logins were refused, want 1", bad)
	}
}

// TestPasswordFileThatIsGoneIsToldAndOvercome takes the file away under the
// daemon.
func TestPasswordFileThatIsGoneIsToldAndOvercome(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.start()
	g.remove("mail.password")
	g.write("rack", "75\n")
	r := g.until("it is told", 10*time.Second, func(r Report) bool { return trouble(r, "mail.password") != nil })
	told := trouble(r, "mail.password")
	t.Log("\n" + g.tells(told.Sentence, "mail.password_file"))
	g.write("mail.password", smtptest.Password+"\n")
	g.arrived(1, 20*time.Second)
}

// TestServerThatEchoesTheLoginShowsItToNobody has a server repeat what it was
// sent: it is not for status, log or mail.
func TestServerThatEchoesTheLoginShowsItToNobody(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + smtptest.Username + "\x00" + smtptest.Password))
	liar := serve(t, func() (*smtptest.Liar, error) {
		return smtptest.Lie(*at("auth", smtptest.Say("535 5.7.8 I do not know "+plain+" nor "+smtptest.Password)))
	})
	g.trust(liar.CAFile())
	g.plug.into(hostPort(liar))
	g.start()
	g.write("rack", "75\n")
	r := g.until("the login is refused", 10*time.Second, func(r Report) bool { return trouble(r, "mail.login") != nil })
	if leak := leaked(trouble(r, "mail.login").Sentence + r.Mail.LastVerdict.Reply); leak != "" {
		t.Errorf("status --json shows %q", leak)
	}
	g.tells("I do not know *** nor ***")
	if _, decrypted := liar.Heard(); !strings.Contains(decrypted, plain) {
		t.Error("the server was sent no login, so this proves nothing")
	}
}

// TestServerThatHangsIsToldAndOvercome has a server fall silent at each step:
// no session lasts longer than two minutes.
func TestServerThatHangsIsToldAndOvercome(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"greeting", "ehlo", "starttls", "tls", "ehlo2", "auth", "mail", "rcpt", "data", "dot"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			long(t, 150*time.Second)
			g := newGarage(t)
			liar := serve(t, func() (*smtptest.Liar, error) { return smtptest.Lie(*at(step, smtptest.Stall)) })
			g.trust(liar.CAFile())
			g.plug.into(hostPort(liar))
			g.start()
			g.write("rack", "75\n")
			g.until("the talk is shown", 5*time.Second, func(r Report) bool { return r.Mail.Sending > 0 })
			r := g.until("the silence is told", 130*time.Second, func(r Report) bool { return trouble(r, "mail.network") != nil })
			if waiting(r) != 1 {
				t.Errorf("%d waiting", waiting(r))
			}
			told := trouble(r, "mail.network")
			t.Log("\n" + g.tells(told.Sentence, told.Doing, told.Remedy))
			g.plug.into(g.mail.Addr())
			m := g.arrived(1, 40*time.Second)[0]
			for _, copied := range liar.Mails() {
				if messageID(copied) != messageID(m) {
					t.Errorf("Message-ID %s, then %s", messageID(copied), messageID(m))
				}
			}
		})
	}
}
