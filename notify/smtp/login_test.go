package smtp

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
)

func TestLoginFallsBackToLOGIN(t *testing.T) {
	s, r := honest(t, smtptest.Options{Mechanisms: []string{"LOGIN"}})
	if v := attempt(t, r, envelope()); v.Outcome != notify.Accepted {
		t.Fatalf("%s: %s", short(v), v.Reply)
	}
	if good, _ := s.Logins(); good != 1 {
		t.Errorf("%d logins", good)
	}
}

func TestLOGINIsTriedWhenPLAINIsNotKnownAfterAll(t *testing.T) {
	l, r := lying(t, smtptest.LiarOptions{Script: func(step, line string) smtptest.Act {
		if step == "auth" && strings.HasPrefix(line, "AUTH PLAIN") {
			return smtptest.Say("504 5.5.4 Unrecognized authentication type")
		}
		return smtptest.Honest
	}})
	if v := attempt(t, r, envelope()); v.Outcome != notify.Accepted {
		t.Fatalf("%s: %s", short(v), v.Reply)
	}
	if _, heard := l.Heard(); !strings.Contains(heard, "AUTH LOGIN\r\n") {
		t.Error("LOGIN was not tried")
	}
}

// Each wrong login counts towards a lock of the account.
func TestARefusedPasswordIsTriedOnce(t *testing.T) {
	s, r := honest(t, smtptest.Options{Password: "another"})
	v := attempt(t, r, envelope())
	if short(v) != "down auth mail.login" || v.Wait != time.Hour || v.Code != 535 || v.Enhanced != "5.7.8" {
		t.Errorf("got %s, wait %v, %d %s", short(v), v.Wait, v.Code, v.Enhanced)
	}
	if _, bad := s.Logins(); bad != 1 {
		t.Errorf("%d tries", bad)
	}
	mustSay(t, v, "refused the login as "+user, "tries again in 1 h")
}

func TestRefusedICloudLoginNamesItsCausesInOrder(t *testing.T) {
	_, r := honest(t, smtptest.Options{Password: "another"})
	r.Provider, r.Username = "icloud", "alex"
	v := attempt(t, r, envelope())
	mustSay(t, v, "The user name alex is not the full e-mail address", "does not have the form of an app-specific password")
	mustSay(t, v, "the @icloud.com one even with a custom domain", "for no stated reason", "switched off, which revokes them too", "account.apple.com under Sign-In and Security")
	at := 0
	for _, cause := range []string{"Most likely the Apple Account password", "full address (alex@icloud.com, not alex)", "was revoked", "two-factor authentication was switched off"} {
		next := strings.Index(v.Trouble.Remedy[at:], cause)
		if next < 0 {
			t.Fatalf("%q is missing or too early:\n%s", cause, v.Trouble.Remedy)
		}
		at += next
	}
}

func TestNoFittingLoginIsDown(t *testing.T) {
	for name, extensions := range map[string][]string{
		"none offered":          {"PIPELINING"},
		"only unknown ones":     {"AUTH XOAUTH2 CRAM-MD5"},
		"empty list of methods": {"AUTH"},
	} {
		t.Run(name, func(t *testing.T) {
			l, r := lying(t, smtptest.LiarOptions{Extensions: extensions})
			v := attempt(t, r, envelope())
			if short(v) != "down auth mail.auth" || v.Wait != time.Hour {
				t.Errorf("got %s, wait %v", short(v), v.Wait)
			}
			complete(t, v)
			mustSay(t, v, "PLAIN or LOGIN")
			_, heard := l.Heard()
			mustNotHearThePassword(t, heard)
		})
	}
}

func TestKeywordsCountInAnyCaseAndForm(t *testing.T) {
	for _, offer := range []string{"auth plain", "AUTH=PLAIN LOGIN", "Auth=Login"} {
		_, r := lying(t, smtptest.LiarOptions{Extensions: []string{offer}})
		if v := attempt(t, r, envelope()); v.Outcome != notify.Accepted {
			t.Errorf("%s: %s %s", offer, short(v), v.Reply)
		}
	}
}

func TestWithoutAUserNameNobodyLogsIn(t *testing.T) {
	s, r := honest(t, smtptest.Options{})
	r.Username, r.Password = "", nil
	v := attempt(t, r, envelope())
	if short(v) != "down mail mail.login" || v.Code != 530 {
		t.Errorf("got %s, %d", short(v), v.Code)
	}
	mustSay(t, v, "none is configured", "mail.username")
	if good, bad := s.Logins(); good+bad != 0 {
		t.Error("a login was tried")
	}
}

func TestThePasswordIsReadAtEachLogin(t *testing.T) {
	_, r := honest(t, smtptest.Options{})
	reads := 0
	r.Password = func() (notify.Secret, error) {
		reads++
		if reads == 1 {
			return "stale", nil
		}
		return password, nil
	}
	if v := attempt(t, r, envelope()); v.Code != 535 {
		t.Fatalf("first: %s %s", short(v), v.Reply)
	}
	if v := attempt(t, r, envelope()); v.Outcome != notify.Accepted {
		t.Errorf("second: %s %s", short(v), v.Reply)
	}
}

func TestAPasswordThatCannotBeUsedIsToldWithoutAsking(t *testing.T) {
	for name, read := range map[string]func() (notify.Secret, error){
		"unreadable": func() (notify.Secret, error) {
			return "", errors.New("open /etc/pinbell/mail.password: permission denied")
		},
		"empty":      func() (notify.Secret, error) { return "", nil },
		"line break": func() (notify.Secret, error) { return "one\ntwo", nil },
		"missing":    nil,
	} {
		s, r := honest(t, smtptest.Options{})
		r.Password = read
		v := attempt(t, r, envelope())
		if short(v) != "down auth mail.password" {
			t.Errorf("%s: %s", name, short(v))
		}
		mustSay(t, v, "mail.password_file")
		if good, bad := s.Logins(); good+bad != 0 {
			t.Errorf("%s: a login was tried", name)
		}
	}
}

// Some servers send back the line that they did not like.
func TestNoVerdictShowsTheSecretThatAServerEchoes(t *testing.T) {
	login := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	for _, echo := range []string{
		"535 5.7.8 bad: AUTH PLAIN " + login,
		"535-5.7.8 bad: AUTH PLAIN " + login[:30] + "\r\n535 5.7.8 " + login[30:],
		"535 5.7.8 for " + user + " with " + password,
		"535 5.7.8 for " + strings.ToUpper(password),
		"535 5.7.8 tail " + login[len(login)-12:],
		"AUTH PLAIN " + login,
		"451 4.0.0 " + base64.StdEncoding.EncodeToString([]byte(password)),
	} {
		for _, step := range []string{"auth", "mail", "rcpt", "data", "dot"} {
			_, r := lying(t, smtptest.LiarOptions{Script: smtptest.At(step, smtptest.Say(echo))})
			v := attempt(t, r, envelope())
			shown := strings.ToLower(v.Reply + said(v) + v.QueueID)
			for _, rejection := range v.Rejected {
				shown += strings.ToLower(rejection.Reply)
			}
			for _, piece := range []string{password[:7], password[8:], login[len(login)-10:], login[len(login)-16 : len(login)-8], login[24:34]} {
				if strings.Contains(shown, strings.ToLower(piece)) {
					t.Errorf("%s at %s shows %q: %s", echo, step, piece, shown)
				}
			}
			if !strings.Contains(shown, "***") {
				t.Errorf("%s at %s: nothing was masked in %s", echo, step, shown)
			}
		}
	}
}

func TestALoginHasNoEndlessQuestions(t *testing.T) {
	for _, offer := range []string{"AUTH PLAIN", "AUTH LOGIN"} {
		_, r := lying(t, smtptest.LiarOptions{Extensions: []string{offer}, Script: smtptest.At("auth", smtptest.Say("334 YW5kPw=="))})
		if v := attempt(t, r, envelope()); short(v) != "down auth mail.server" {
			t.Errorf("%s: %s: %s", offer, short(v), v.Reply)
		}
	}
}
