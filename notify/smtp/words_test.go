package smtp

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
)

// ruledOn is the verdict on what a server said at a step.
func ruledOn(t *testing.T, provider string, at step, reply string, to ...string) notify.Verdict {
	t.Helper()
	preset, _ := PresetOf(provider)
	s := &Session{relay: Relay{Provider: provider, Host: "mail.example.org", Port: preset.Port, Username: "alex@example.org"}}
	v := s.verdict(heard(t, at, reply), to...)
	complete(t, v)
	return v
}

func TestAServerThatRefusesOutrightIsNotSaidToPass(t *testing.T) {
	for _, at := range []step{atGreeting, atEhlo} {
		v := ruledOn(t, "icloud", at, "554 5.7.1 your address is blocked")
		mustSay(t, v, "refuses to serve pinbell", "554 5.7.1 your address is blocked", "block lists", "another network", "tries again in 1 h")
		if strings.Contains(said(v), "passes") {
			t.Errorf("%s: %s", at, said(v))
		}
		mustSay(t, ruledOn(t, "icloud", at, "421 4.3.2 busy"), "cannot serve pinbell now", "usually passes")
	}
}

func TestARefusedLoginSaysWhatItsCodeMeans(t *testing.T) {
	for _, c := range []struct {
		provider, reply string
		words           []string
	}{
		{"gmail", "534 5.7.9 Application-specific password required", []string{"an app password is wanted", "myaccount.google.com/apppasswords"}},
		{"gmail", "534 5.7.14 Please log in via your web browser", []string{"doubts who logs in", "log in once at its web page"}},
		{"outlook", "535 5.7.139 basic authentication is disabled", []string{"logins by password are switched off", "OAuth", "Choose another provider"}},
		{"outlook", "535 5.7.3 Authentication unsuccessful", []string{"OAuth"}},
		{"custom", "535 5.7.13 user account disabled", []string{"switched off"}},
		{"custom", "432 4.7.12 a password transition is needed", []string{"Log in once at the provider's web page"}},
		{"fastmail", "535 5.7.0 Incorrect username or password", []string{"make an app password under Settings"}},
		{"unione-us", "535 Authentication failed", []string{"numeric user id", "API key", "data centre"}},
	} {
		v := ruledOn(t, c.provider, atAuth, c.reply)
		mustSay(t, v, append(c.words, "refused the login as alex@example.org", "tries again in 1 h", "A new password is tried at once")...)
		if !RefusedLogin(v) {
			t.Errorf("%s is no refused login", c.reply)
		}
	}
	for _, reply := range []string{"454 4.7.0 Temporary authentication failure", "504 5.5.4 Unrecognized", "535 your account exceeded its daily limit"} {
		if v := ruledOn(t, "custom", atAuth, reply); RefusedLogin(v) {
			t.Errorf("%s counts as a refused login", reply)
		}
	}
	mustSay(t, ruledOn(t, "outlook", atDot, "554 5.2.0 OutboundSpamException"), "does not let alex@example.org send mail", "log in at the provider's web page")
}

func TestAWaitThatHasGrownIsSaid(t *testing.T) {
	v := ruledOn(t, "icloud", atAuth, "535 5.7.8 no")
	if got := Doing(v, 12*time.Hour); !strings.Contains(got, "tries again in 12 h") || strings.ReplaceAll(got, "12 h", "1 h") != v.Trouble.Doing {
		t.Errorf("%q, and at first %q", got, v.Trouble.Doing)
	}
}

func TestWhatIsDoneIsSaid(t *testing.T) {
	for _, c := range []struct {
		at    step
		reply string
		words []string
	}{
		{atDot, "550 5.7.1 exceeded your daily sending limit", []string{"takes no more mail from this account", "keeps every mail and tries again in 4 h", "1000 messages a day"}},
		{atDot, "552 5.3.4 too big", []string{"too large", "leaves out what is attached and then all but the text, and tries again"}},
		{atDot, "552 5.2.2 mailbox full", []string{"did not take sam@example.org"}},
		{atRcpt, "450 4.7.1 Greylisted, try again in 300 seconds", []string{"did not take sam@example.org", "tries again in 5 min", "greylisting"}},
		{atMail, "550 5.7.0 From address is not one of your addresses", []string{"refused the sender", "one of its aliases", "iCloud+ custom domain"}},
		{atDot, "554 5.7.1 spam", []string{"refused the mail", "ever more rarely"}},
	} {
		mustSay(t, ruledOn(t, "icloud", c.at, c.reply, "sam@example.org"), c.words...)
	}
}

func TestWhoWasPutOffIsSaidToGetItLater(t *testing.T) {
	for reply, want := range map[string]string{
		"452 4.5.3 too many recipients": "Who was only put off gets it later.",
		"550 5.1.1 no such user":        "sent the mail to the other recipients.",
	} {
		l, r := lying(t, smtptest.LiarOptions{Script: refuseRecipients(reply, "sam")})
		v := attempt(t, r, envelope("alex@example.org", "sam@example.org"))
		if v.Outcome != notify.Accepted || v.Account || !strings.HasSuffix(v.Trouble.Doing, want) {
			t.Errorf("%s: %s, account %v: %s", reply, short(v), v.Account, said(v))
		}
		if m := l.Mails(); len(m) != 1 || !bytes.Equal(m[0].Bytes, []byte(message)) {
			t.Errorf("the server has %+v", m)
		}
	}
	// A recipient whose mailbox is full for now waits as long as the table says.
	_, r := lying(t, smtptest.LiarOptions{Script: refuseRecipients("552 5.2.2 full", "sam")})
	v := attempt(t, r, envelope("alex@example.org", "sam@example.org"))
	if v.Wait != later || len(v.Rejected) != 1 || v.Rejected[0].Permanent {
		t.Errorf("wait %v, rejected %+v", v.Wait, v.Rejected)
	}
}

// Each sentence ends, and none has a hole where a word should be.
func TestNoSentenceHasAHole(t *testing.T) {
	for _, preset := range presets {
		for _, row := range table {
			for _, at := range allSteps {
				if !oneOf(row.steps, string(at)) || row.trouble == "" {
					continue
				}
				w := wording{Relay: Relay{Provider: preset.Provider, Host: "mail.example.org", Port: 587, Username: "alex@example.org"},
					finding: finding{step: at, reply: reply{code: 550, lines: []string{"no"}}, err: io.EOF}, said: "550 no", to: []string{"sam@example.org"}}
				trouble := w.trouble(row.ruling)
				if !strings.Contains(trouble.Sentence, "mail.example.org") || !strings.HasSuffix(trouble.Doing, ".") || !strings.HasSuffix(trouble.Remedy, ".") && trouble.Remedy != "" {
					t.Errorf("%+v", *trouble)
				}
				for _, text := range []string{trouble.Sentence, trouble.Doing, trouble.Remedy} {
					if strings.Contains(text, "  ") || strings.Contains(text, "%!") || strings.Contains(text, ": .") || strings.HasSuffix(text, " ") || strings.HasSuffix(text, ",") {
						t.Errorf("%s: %q", trouble.Code, text)
					}
				}
			}
		}
	}
}
