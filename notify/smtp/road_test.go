package smtp

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
)

// The account's quota meets every mail: the road waits as a whole, and the
// server is left politely.
func TestTheAccountsQuotaIsDownWhereverItShows(t *testing.T) {
	both(t, func(t *testing.T, extensions []string) {
		for _, step := range []string{"mail", "rcpt", "data", "dot"} {
			l, r := lying(t, smtptest.LiarOptions{Extensions: extensions,
				Script: smtptest.At(step, smtptest.Say("550 5.7.1 You have exceeded your daily sending limit."))})
			session := mustOpen(t, r)
			v := session.Send(t.Context(), envelope())
			if short(v) != "down "+step+" mail.quota" || !v.Account || v.Wait != long {
				t.Errorf("%s: %s, account %v, wait %v", step, short(v), v.Account, v.Wait)
			}
			if _, heard := l.Heard(); !session.Ended() || !strings.HasSuffix(heard, "QUIT\r\n") {
				t.Errorf("%s: ended %v, without a goodbye: %q", step, session.Ended(), heard)
			}
		}
	})
}

// One mail that only looks like a quota must not close the road for all.
func TestAPoisonousMailIsNoQuota(t *testing.T) {
	for _, said := range []string{
		"552 5.2.2 over quota, daily limit of the mailbox", "452 4.2.2 over quota, daily limit", "552 5.3.4 message exceeds the sending limit",
		"550 5.3.4 message size exceeds sending limit", "552 5.2.3 message larger than the daily limit", "552 message exceeds sending limit",
		"554 message size exceeds your daily sending quota", "452 4.3.4 too big for the daily limit", "450 4.2.1 this user is receiving mail too quickly",
		"452 4.5.3 too many recipients, daily limit", "554 5.4.6 too many hops", "554 5.7.1 too many links", "451 4.7.1 too many recipients in this message",
	} {
		for _, at := range []step{atRcpt, atData, atDot} {
			ruled := judge(heard(t, at, said), "icloud")
			if ruled.outcome == notify.Down || ruled.account() {
				if at != atRcpt && strings.HasPrefix(said, "452 4.5.3") {
					continue // is said to RCPT only
				}
				t.Errorf("%s to %q: %+v", at, said, ruled)
			}
		}
	}
}

// A server may close a session that is idle, or after so many mails. The next
// mail goes over a new one at once, with no word about the account.
func TestASessionClosedWhileIdleIsOpenedAnew(t *testing.T) {
	both(t, func(t *testing.T, extensions []string) {
		for name, end := range map[string]smtptest.Act{
			"421":              smtptest.Say("250 2.0.0 Ok: queued as 343FD5003CE\r\n421 4.4.2 idle for too long"),
			"421 and hung up":  smtptest.Last("250 2.0.0 Ok: queued as 343FD5003CE\r\n421 4.7.0 enough"),
			"hung up silently": smtptest.Last("250 2.0.0 Ok: queued as 343FD5003CE"),
		} {
			l, r := lying(t, smtptest.LiarOptions{Extensions: extensions, Script: smtptest.At("dot", end)})
			session := mustOpen(t, r)
			for i := range 3 {
				if v := session.Send(t.Context(), envelope()); v.Outcome != notify.Accepted {
					t.Fatalf("%s, mail %d: %s: %s", name, i, short(v), v.Reply)
				}
			}
			if n := len(l.Mails()); n != 3 {
				t.Errorf("%s: the server has %d mails", name, n)
			}
		}
	})
}

func TestASessionIsOpenedAnewOnce(t *testing.T) {
	for name, c := range map[string]struct {
		act  smtptest.Act
		want string
	}{
		"hung up": {smtptest.Drop, "down mail mail.network"},
		"421":     {smtptest.Say("421 4.3.2 shutting down"), "down mail mail.server"},
	} {
		mails := 0
		l, r := lying(t, smtptest.LiarOptions{Script: func(step, _ string) smtptest.Act {
			if step == "mail" {
				if mails++; mails > 1 {
					return c.act
				}
			}
			return smtptest.Honest
		}})
		session := mustOpen(t, r)
		session.Send(t.Context(), envelope())
		v := session.Send(t.Context(), envelope())
		if short(v) != c.want || !v.Account || !session.Ended() {
			t.Errorf("%s: %s, account %v, ended %v", name, short(v), v.Account, session.Ended())
		}
		wire, plain := l.Heard()
		if mails, sessions := strings.Count(plain, "MAIL FROM"), strings.Count(wire, "STARTTLS"); mails != 3 || sessions != 2 {
			t.Errorf("%s: %d mails were tried in %d sessions", name, mails, sessions)
		}
	}
}

// So it is while the first mail is still being made ready, as by a slow camera.
func TestASessionClosedBeforeItsFirstMailIsOpenedAnew(t *testing.T) {
	for wait, want := range map[time.Duration]string{0: "down mail mail.server", time.Minute: "accepted dot -"} {
		synctest.Test(t, func(t *testing.T) {
			mails := 0
			_, r := rehearsed(t, smtptest.LiarOptions{Script: func(step, _ string) smtptest.Act {
				if step == "mail" {
					if mails++; mails == 1 {
						return smtptest.Last("421 4.4.2 idle for too long")
					}
				}
				return smtptest.Honest
			}})
			session := mustOpen(t, r)
			time.Sleep(wait)
			if v := session.Send(t.Context(), envelope()); short(v) != want {
				t.Errorf("after %v: %s: %s", wait, short(v), v.Reply)
			}
		})
	}
}

// What a new session meets is what counts: here, a password that was revoked
// meanwhile.
func TestASessionThatCannotBeOpenedAnewSaysWhy(t *testing.T) {
	logins := 0
	_, r := lying(t, smtptest.LiarOptions{Script: func(step, _ string) smtptest.Act {
		switch step {
		case "dot":
			return smtptest.Last("250 2.0.0 Ok")
		case "auth":
			if logins++; logins > 1 {
				return smtptest.Say("535 5.7.8 no")
			}
		}
		return smtptest.Honest
	}})
	session := mustOpen(t, r)
	session.Send(t.Context(), envelope())
	v := session.Send(t.Context(), envelope())
	if short(v) != "down auth mail.login" || v.Wait != time.Hour || !RefusedLogin(v) || !session.Ended() {
		t.Errorf("%s, wait %v, ended %v", short(v), v.Wait, session.Ended())
	}
}

// Until the dot, a server may refuse a mail while it is still being sent, and
// hang up or read no more: its reply tells more than the broken connection.
func TestARefusalInTheMiddleOfAMailIsHeard(t *testing.T) {
	big := envelope()
	big.Message = []byte(strings.Repeat("So it goes on and on.\r\n", 130_000))
	for name, script := range map[string]smtptest.Script{
		"before the mail": smtptest.At("data", smtptest.Last("354 go on\r\n552 5.3.4 too big for me")),
		"and hangs up":    smtptest.At("body", smtptest.Last("552 5.3.4 too big for me")),
		"and reads on":    smtptest.At("body", smtptest.Say("552 5.3.4 too big for me")),
	} {
		_, r := lying(t, smtptest.LiarOptions{Script: script})
		session := mustOpen(t, r)
		v := session.Send(t.Context(), big)
		if short(v) != "refused data mail.size" && short(v) != "refused dot mail.size" {
			t.Errorf("%s: got %s: %s", name, short(v), v.Reply)
		}
		// What the server makes of the rest is not known: nothing may be taken
		// for the answer to something else.
		if v := session.Send(t.Context(), envelope()); v.Outcome == notify.Accepted {
			t.Errorf("%s: the next mail took the old one's receipt: %s", name, v.Reply)
		}
	}
}

// A server that stops reading and stays is waited for, and heard all the same.
func TestARefusalOfAServerThatStopsReadingIsHeardInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r := rehearsed(t, smtptest.LiarOptions{Script: smtptest.At("body", smtptest.Halt("552 5.3.4 too big for me"))})
		e := envelope()
		e.Message = []byte(strings.Repeat("So it goes on and on.\r\n", 10_000))
		began := time.Now()
		v := attempt(t, r, e)
		if took := time.Since(began); short(v) != "refused data mail.size" || took > r.patience(len(e.Message)) {
			t.Errorf("got %s after %v: %s", short(v), took, v.Reply)
		}
	})
}

func TestARelayWithoutAUserNameSendsWhereItMay(t *testing.T) {
	l, r := lying(t, smtptest.LiarOptions{})
	r.Username, r.Password = "", nil
	if v := attempt(t, r, envelope()); v.Outcome != notify.Accepted {
		t.Errorf("%s: %s", short(v), v.Reply)
	}
	if _, heard := l.Heard(); strings.Contains(heard, "AUTH") {
		t.Error("a login was tried")
	}
}
