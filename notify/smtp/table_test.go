package smtp

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
)

// heard parses what a server said at a step.
func heard(t testing.TB, at step, said string) finding {
	t.Helper()
	r, err := readReply(bufio.NewReader(strings.NewReader(said + "\r\n")))
	if err != nil {
		t.Fatalf("%q: %v", said, err)
	}
	return finding{step: at, reply: r}
}

// Replies as servers word them, most of them published.
func TestRepliesMeanWhatTheirServersMean(t *testing.T) {
	for _, c := range []struct {
		provider string
		at       step
		said     string
		outcome  notify.Outcome
		wait     time.Duration
		trouble  string
	}{
		{"icloud", atDot, "250 2.0.0 Ok: queued as 343FD5003CE", accepted, 0, ""},
		{"icloud", atMail, "550 5.7.0 From address is not one of your addresses", down, later, "mail.sender"},
		{"icloud", atDot, "550 5.7.0 From address is not one of your addresses", deferred, later, "mail.sender"},
		{"icloud", atMail, "550 5.7.1 <a@b> has exceeded your daily sending limit. Please try again later.", down, long, "mail.quota"},
		{"icloud", atRcpt, "550 5.7.1 exceeded your daily sending limit", down, long, "mail.quota"},
		{"icloud", atDot, "550-5.7.1 You exceeded your daily\r\n550 5.7.1 sending limit", down, long, "mail.quota"},
		{"icloud", atDot, "450 4.7.1 too many messages, slow down", down, soon, "mail.quota"},
		{"icloud", atAuth, "535 5.7.8 Error: authentication failed", down, later, "mail.login"},

		{"gmail", atMail, "550 5.4.5 Daily user sending limit exceeded", down, long, "mail.quota"},
		{"gmail", atAuth, "534 5.7.9 Application-specific password required", down, later, "mail.login"},
		{"gmail", atAuth, "534-5.7.14 Please log in\r\n534 5.7.14 via your web browser", down, later, "mail.login"},
		{"gmail", atAuth, "535 5.7.8 Username and Password not accepted", down, later, "mail.login"},
		{"gmail", atAuth, "454 4.7.0 Too many login attempts, please try again later", down, soon, "mail.server"},
		{"gmail", atAuth, "454 4.7.0 Cannot authenticate due to a temporary system problem", down, shortly, "mail.server"},
		{"gmail", atAuth, "421 4.7.0 Temporary System Problem", down, shortly, "mail.server"},
		{"gmail", atMail, "530 5.7.0 Authentication Required", down, later, "mail.login"},
		{"gmail", atGreeting, "421 4.7.0 Try again later, closing connection", down, soon, "mail.server"},
		{"gmail", atMail, "421 4.7.0 Try again later, closing connection", down, soon, "mail.server"},
		{"gmail", atRcpt, "421 4.7.0 TLS required for RCPT domain, closing connection", deferred, soon, "mail.server"},
		{"gmail", atDot, "421 4.7.28 unusual rate of unsolicited mail from your address", down, soon, "mail.quota"},
		{"gmail", atDot, "421 4.7.28 so it is", down, soon, "mail.quota"},
		{"gmail", atDot, "550 5.7.28 so it is", down, later, "mail.quota"},
		{"gmail", atRcpt, "450 4.2.1 The user is receiving mail too quickly", deferred, 0, "mail.recipient"},
		{"gmail", atRcpt, "452 4.5.3 Domain policy size per transaction exceeded", deferred, 0, "mail.recipient"},
		{"gmail", atDot, "552 5.7.0 the attachment presents a security issue", refused, 0, "mail.refused"},
		{"gmail", atDot, "552 5.2.3 exceeded the message size limits", refused, 0, "mail.size"},

		{"outlook", atAuth, "535 5.7.139 Authentication unsuccessful, basic authentication is disabled", down, later, "mail.login"},
		{"outlook", atAuth, "535 5.7.3 Authentication unsuccessful", down, later, "mail.login"},
		{"outlook", atAuth, "432 4.3.2 Concurrent connections limit exceeded", down, soon, "mail.server"},
		{"outlook", atDot, "432 4.3.2 sender thread limit exceeded", down, soon, "mail.quota"},
		{"outlook", atDot, "550 5.1.90 you've reached your daily limit for message recipients", down, long, "mail.quota"},
		{"outlook", atDot, "554 5.2.0 the sender's submission quota was exceeded", down, long, "mail.quota"},
		{"outlook", atDot, "554 5.2.0 OutboundSpamException", down, later, "mail.login"},
		{"outlook", atDot, "554 5.2.252 SendAsDenied; not allowed to send as", deferred, later, "mail.sender"},
		{"outlook", atDot, "550 5.7.60 Client does not have permissions to send as this sender", deferred, later, "mail.sender"},
		{"outlook", atMail, "530 5.7.57 Client not authenticated to send mail", down, later, "mail.login"},

		{"fastmail", atAuth, "535 5.7.0 Incorrect username or password", down, later, "mail.login"},
		{"fastmail", atMail, "551 5.7.1 Not authorised to send from this header address", down, later, "mail.sender"},
		{"unione-eu", atAuth, "535 Authentication failed", down, later, "mail.login"},
		{"unione-eu", atDot, "550 Sender domain is not verified", deferred, later, "mail.sender"},
		{"custom", atDot, "550 Sender domain is not verified", refused, 0, "mail.refused"},

		{"custom", atGreeting, "554 5.7.1 blocked", down, later, "mail.server"},
		{"custom", atGreeting, "421 4.3.2 All server ports are busy", down, 0, "mail.server"},
		{"custom", atGreeting, "421 too many connections from your address", down, soon, "mail.server"},
		{"custom", atEhlo, "550 go away", down, later, "mail.server"},
		{"custom", atStartTLS, "421 4.7.0 not now", down, 0, "mail.starttls"},
		{"custom", atAuth, "421 4.3.2 shutting down", down, shortly, "mail.server"},
		{"custom", atAuth, "432 4.7.12 a password transition is needed", down, later, "mail.login"},
		{"custom", atAuth, "535 5.7.8 your account exceeded its daily limit", down, long, "mail.quota"},
		{"custom", atAuth, "504 5.5.4 unrecognized type", down, later, "mail.auth"},
		{"custom", atMail, "421 4.3.2 bye", down, 0, "mail.server"},
		{"custom", atMail, "451 4.3.0 not now", down, 0, "mail.server"},
		{"custom", atMail, "452 4.3.1 insufficient system storage", deferred, 0, "mail.server"},
		{"custom", atMail, "450 4.1.8 Sender address rejected: Domain not found", down, 0, "mail.sender"},
		{"custom", atRcpt, "450 4.1.8 Sender address rejected: Domain not found", deferred, 0, "mail.sender"},
		{"custom", atMail, "501 5.1.7 bad sender", down, later, "mail.sender"},
		{"custom", atMail, "555 5.5.4 unsupported parameter", down, 0, "mail.server"},
		{"custom", atMail, "550 5.7.1 authentication required", down, later, "mail.login"},
		{"custom", atMail, "552 5.3.4 message too big", refused, 0, "mail.size"},
		{"custom", atMail, "452 4.3.4 too big for now", deferred, 0, "mail.size"},
		{"custom", atRcpt, "554 5.7.1 <a@b>: Relay access denied", deferred, later, "mail.login"},
		{"custom", atRcpt, "550 5.1.1 no such user", refused, 0, "mail.recipient"},
		{"custom", atRcpt, "552 5.2.2 over quota: daily limit", deferred, later, "mail.recipient"},
		{"custom", atRcpt, "452 4.2.2 mailbox full", deferred, 0, "mail.recipient"},
		{"custom", atRcpt, "452 4.5.3 too many recipients", deferred, 0, "mail.recipient"},
		{"custom", atRcpt, "552 too many recipients", deferred, 0, "mail.recipient"},
		{"custom", atRcpt, "550 5.5.3 too many recipients", deferred, 0, "mail.recipient"},
		{"custom", atRcpt, "552 no room", deferred, 0, "mail.recipient"},
		{"custom", atRcpt, "450 4.7.1 greylisted", deferred, 0, "mail.recipient"},
		{"custom", atRcpt, "450 4.7.1 Greylisted, please try again in 300 seconds", deferred, 5 * time.Minute, "mail.recipient"},
		{"custom", atRcpt, "450 4.2.0 Greylisted for 5 minutes", deferred, 5 * time.Minute, "mail.recipient"},
		{"custom", atDot, "451 4.7.1 Greylisting in action, please come back in 00:04:59", deferred, 4*time.Minute + 59*time.Second, "mail.recipient"},
		{"custom", atDot, "451 4.7.1 greylisted, try again in 3 days", deferred, 0, "mail.recipient"},
		{"custom", atDot, "451 4.7.1 greylisted, try again in 30 hours", deferred, later, "mail.recipient"},
		{"custom", atDot, "450 4.7.1 too many messages, retry in 90 s", down, 90 * time.Second, "mail.quota"},
		{"custom", atAuth, "454 4.7.0 too many failed logins, wait 30 minutes", down, 30 * time.Minute, "mail.server"},
		{"custom", atAuth, "454 4.7.0 too many failed logins, wait 5 s", down, soon, "mail.server"},
		{"custom", atAuth, "535 5.7.8 no, try again in 5 seconds", down, later, "mail.login"},
		{"custom", atDot, "421 4.4.2 no input for 300 seconds", deferred, 0, "mail.server"},
		{"custom", atDot, "552 message too big", refused, 0, "mail.size"},
		{"custom", atDot, "554 message size exceeds the maximum", refused, 0, "mail.size"},
		{"custom", atDot, "552 5.2.2 mailbox full", deferred, later, "mail.recipient"},
		{"custom", atDot, "554 5.7.1 spam", refused, 0, "mail.refused"},
		{"custom", atDot, "554", refused, 0, "mail.refused"},
		{"custom", atData, "503 5.5.1 need RCPT", deferred, 0, "mail.server"},
		{"custom", atDot, "421 4.3.2 bye", deferred, 0, "mail.server"},
		{"custom", atDot, "550 5.7.13 user account disabled", down, later, "mail.login"},
	} {
		got := judge(heard(t, c.at, c.said), c.provider)
		if want := (ruling{c.outcome, c.wait, c.trouble}); got != want {
			t.Errorf("%s at %s, %q:\n got %+v\nwant %+v", c.provider, c.at, c.said, got, want)
		}
	}
}

var allSteps = []step{atDial, atGreeting, atEhlo, atStartTLS, atTLS, atAuth, atMail, atRcpt, atData, atDot}

// No words move a reply across these lines, whatever the provider.
func lawful(t testing.TB, f finding, provider string) {
	t.Helper()
	got := judge(f, provider)
	session := slices.Contains(allSteps[:6], f.step)
	switch {
	case got.outcome == 0:
		t.Errorf("%+v has no outcome", f)
	case session && got.outcome != notify.Down:
		t.Errorf("%+v is %s, and no mail is concerned", f, got.outcome)
	case (got.outcome == notify.Accepted) != (f.step == atDot && f.cause == "" && f.reply.kind() == 2):
		t.Errorf("%+v is %s", f, got.outcome)
	case got.outcome == notify.Refused && f.cause == "" && f.reply.kind() != 5:
		t.Errorf("%+v is refused for good", f)
	case got.outcome == notify.Unknown && f.step != atDot:
		t.Errorf("%+v is unknown before the dot", f)
	case got.wait < 0 || got.wait > long:
		t.Errorf("%+v waits %v", f, got.wait)
	case f.step == atAuth && (f.cause == noAuth || f.cause == "" && f.reply.kind() == 5) && got.wait < later:
		t.Errorf("%+v hammers the account: tries again in %v", f, got.wait)
	case got.outcome == notify.Down && !got.account() || got.outcome == notify.Accepted && got.account():
		t.Errorf("%+v: %+v is of the account: %v", f, got, got.account())
	case (got.trouble == "") != (got.outcome == notify.Accepted || f.cause == stopped):
		t.Errorf("%+v raises %q", f, got.trouble)
	}
}

func TestNoReplyBreaksTheLawOfItsClass(t *testing.T) {
	texts := []string{"", "so it is", "exceeded your daily sending limit", "too many messages", "too many recipients",
		"size limit", "greylisted, try again in 20 hours", "relay", "sender", "domain verif", "account suspended", "queued as 1234567"}
	for _, at := range allSteps {
		for _, code := range []int{250, 299, 400, 421, 432, 450, 451, 452, 454, 499, 500, 501, 502, 503, 504, 523, 530, 534, 535, 538, 550, 552, 553, 554, 571, 599} {
			if code < 300 && at != atDot {
				continue // expect lets it not come to the table
			}
			for _, enhanced := range []string{"", "x.0.0", "x.1.1", "x.1.8", "x.2.2", "x.3.4", "x.5.3", "x.7.0", "x.7.1", "x.7.13", "x.7.28", "x.4.5"} {
				for i, text := range texts {
					f := finding{step: at, reply: reply{code: code, enhanced: strings.ReplaceAll(enhanced, "x", fmt.Sprint(code/100)), lines: []string{text}}}
					lawful(t, f, presets[i%len(presets)].Provider)
				}
			}
		}
		for _, c := range []cause{lost, silent, garbled, stopped} {
			lawful(t, finding{step: at, cause: c, err: errors.New("so")}, "custom")
		}
	}
}

func TestEachRowOfTheTableCanApply(t *testing.T) {
	reached := make([]bool, len(table))
	texts := []string{"", "daily limit", "too many messages", "recipients", "size limit", "greylist", "from address sender", "domain verif", "relay", "account suspended"}
	try := func(f finding) {
		for _, provider := range []string{"custom", "unione-us"} {
			if i := slices.IndexFunc(table, func(r row) bool { return r.applies(f, provider) }); i >= 0 {
				reached[i] = true
			}
		}
	}
	for _, at := range allSteps {
		for _, c := range []cause{lost, silent, garbled, stopped, noName, closed, badCert, badTLS, noTLS, injected, noAuth, noSecret, badSender, badAddr, tooLarge} {
			try(finding{step: at, cause: c})
		}
		for _, code := range []int{250, 421, 432, 450, 452, 503, 530, 535, 550, 552} {
			for _, enhanced := range []string{"", "5.1.1", "5.1.7", "5.2.2", "5.3.4", "5.5.3", "5.7.0", "5.7.13", "5.7.28"} {
				for _, text := range texts {
					try(finding{step: at, reply: reply{code: code, enhanced: enhanced, lines: []string{text}}})
				}
			}
		}
	}
	for i, ok := range reached {
		if !ok {
			t.Errorf("row %d never applies: %+v", i, table[i])
		}
	}
}

func TestNoRowDecidesByTextAlone(t *testing.T) {
	for _, r := range table {
		if _, known := topics[r.says]; r.says != "" && (!known || r.came == "") {
			t.Errorf("%+v", r)
		}
	}
}

// FuzzVerdict reads foreign bytes at every step, and holds the table to its law.
func FuzzVerdict(f *testing.F) {
	f.Add("250 2.0.0 Ok: queued as 343FD5003CE\r\n", uint8(9))
	f.Add("550-5.7.1 exceeded your\r\n550 5.7.1 daily sending limit\r\n", uint8(6))
	f.Add("535 5.7.8 \xff\xfe\x00 open-sesame-1234\r\n", uint8(5))
	f.Add("250-a\r\n251 b\r\n", uint8(9))
	f.Add("999 a\r\n", uint8(1))
	f.Add("250", uint8(9))
	f.Fuzz(func(t *testing.T, text string, n uint8) {
		at := allSteps[int(n)%len(allSteps)]
		provider := presets[int(n)%len(presets)].Provider
		s := &Session{relay: Relay{Provider: provider, Host: "mail.example.org", Port: 587, Username: user}, mask: masking(user, password)}
		r, err := readReply(bufio.NewReaderSize(strings.NewReader(text), 2*maxReplyLine))
		kind := 2
		if at == atData {
			kind = 3
		}
		met := expect(at, kind, r, err)
		if met == nil {
			if !strings.HasPrefix(text, fmt.Sprint(kind)) {
				t.Errorf("%q passes at %s", text, at)
			}
			met = &finding{step: atDot, reply: reply{code: 250, enhanced: r.enhanced, lines: r.lines}}
		}
		lawful(t, *met, provider)
		v := s.verdict(*met)
		for _, shown := range []string{v.Reply, v.Enhanced, r.queueID(), said(v)} {
			if len(shown) > 8*maxText || strings.ContainsFunc(shown, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("%q is shown", shown)
			}
		}
		if strings.Contains(asciiLower(v.Reply+said(v)), password) {
			t.Errorf("the password is shown in %+v", v)
		}
	})
}
