package main

import (
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
)

// mailFault is a way in which a mail server fails, what the owner is told
// meanwhile, and when the mail goes once the server is well.
type mailFault struct {
	name     string
	liar     *smtptest.LiarOptions
	server   *smtptest.Options // an honest one, apart from its certificate
	closed   bool              // nobody listens
	cut      bool              // the connection breaks off in the middle of the mail
	outcome  notify.Outcome
	code     string // of the trouble
	sentence string
	remedy   string
	// heals is how soon after the server's recovery the mail goes. Where the
	// contract has pinbell wait for longer, it is 0: then the owner says that
	// it should try now.
	heals time.Duration
}

func at(step string, act smtptest.Act) *smtptest.LiarOptions {
	return &smtptest.LiarOptions{Script: smtptest.At(step, act)}
}

var soon = 12 * time.Second

var mailFaults = []mailFault{
	{name: "port closed", closed: true, outcome: notify.Down, code: "mail.network", heals: soon,
		sentence: `^localhost refuses connections on port \d+\.$`, remedy: "nc -vz localhost"},
	{name: "greeting 554", liar: at("greeting", smtptest.Say("554 5.7.1 Your address is blocked")), outcome: notify.Down,
		code: "mail.server", sentence: "waiting for its greeting: 554 .*blocked", remedy: "ask whoever runs the server"},
	{name: "greeting 421", liar: at("greeting", smtptest.Say("421 4.3.2 Busy")), outcome: notify.Down, heals: soon,
		code: "mail.server", sentence: "waiting for its greeting: 421 4.3.2 Busy", remedy: "usually passes"},
	{name: "greeting dropped", liar: at("greeting", smtptest.Drop), outcome: notify.Down, heals: soon,
		code: "mail.network", sentence: "broke off while waiting for its greeting", remedy: "router"},
	{name: "greeting garbage", liar: at("greeting", smtptest.Garbage), outcome: notify.Down, heals: soon,
		code: "mail.server", sentence: "waiting for its greeting", remedy: "mail.port"},
	{name: "ehlo 550", liar: at("ehlo", smtptest.Say("550 5.7.1 Go away")), outcome: notify.Down,
		code: "mail.server", sentence: "saying hello: 550 5.7.1 Go away", remedy: "ask whoever runs the server"},
	{name: "no starttls", liar: &smtptest.LiarOptions{NoStartTLS: true}, outcome: notify.Down, heals: soon,
		code: "mail.starttls", sentence: "offers no encryption .*nothing in clear text", remedy: "implicit"},
	{name: "starttls 454", liar: at("starttls", smtptest.Say("454 4.7.0 TLS not available")), outcome: notify.Down, heals: soon,
		code: "mail.starttls", sentence: "refused to begin encryption: 454", remedy: "implicit"},
	{name: "auth 535", liar: at("auth", smtptest.Say("535 5.7.8 Bad username or password")), outcome: notify.Down,
		code: "mail.login", sentence: "refused the login as garage@example.org: 535", remedy: "password"},
	{name: "mail 550", liar: at("mail", smtptest.Say("550 5.7.0 From address is not one of your addresses")), outcome: notify.Down,
		code: "mail.sender", sentence: "refused the sender: 550", remedy: "mail.from"},
	{name: "rcpt 550", liar: at("rcpt", smtptest.Say("550 5.1.1 No such user")), outcome: notify.Refused,
		code: "mail.recipient", sentence: "did not take alex@example.org: 550", remedy: "mail.to"},
	{name: "rcpt 450", liar: at("rcpt", smtptest.Say("450 4.2.0 Greylisted, try again")), outcome: notify.Deferred, heals: 25 * time.Second,
		code: "mail.recipient", sentence: "did not take alex@example.org: 450", remedy: "mail.to"},
	{name: "data 554", liar: at("data", smtptest.Say("554 5.7.1 No")), outcome: notify.Refused,
		code: "mail.refused", sentence: "refused the mail: 554", remedy: "reply"},
	{name: "dot 554", liar: at("dot", smtptest.Say("554 5.7.1 Looks like spam")), outcome: notify.Refused,
		code: "mail.refused", sentence: "refused the mail: 554 5.7.1 Looks like spam", remedy: "spam"},
	{name: "dot over quota", liar: at("dot", smtptest.Say("550 5.7.1 You have exceeded your daily sending limit. Please try again later.")),
		outcome: notify.Deferred, code: "mail.quota", sentence: "takes no more mail from this account for now", remedy: "goes out when"},
	{name: "dot dropped", liar: at("dot", smtptest.Drop), outcome: notify.Unknown, heals: soon,
		code: "mail.network", sentence: "broke off while waiting for the receipt", remedy: "usually passes"},
	{name: "cut in the mail", cut: true, outcome: notify.Unknown, heals: soon,
		code: "mail.network", sentence: "broke off while", remedy: "usually passes"},
	{name: "certificate expired", server: &smtptest.Options{Certificate: smtptest.Expired}, outcome: notify.Down, heals: soon,
		code: "mail.certificate", sentence: `has expired: it is valid from \d+ \w+ \d{4} .* to \d+ \w+ \d{4} .*, and was checked at`, remedy: "renewed"},
	{name: "certificate not yet valid", server: &smtptest.Options{Certificate: smtptest.NotYetValid}, outcome: notify.Down, heals: soon,
		code: "mail.certificate", sentence: "is not valid yet: it is valid from", remedy: "[time] servers"},
	{name: "certificate for another name", server: &smtptest.Options{Certificate: smtptest.WrongName}, outcome: notify.Down, heals: soon,
		code: "mail.certificate", sentence: "is for elsewhere.example.*, not for localhost", remedy: "mail.host"},
	{name: "certificate of a stranger", server: &smtptest.Options{Certificate: smtptest.ForeignCA}, outcome: notify.Down, heals: soon,
		code: "mail.certificate", sentence: "signed by .*foreign authority.*, which this board does not trust", remedy: "mail.ca_file"},
	{name: "tls too old", server: &smtptest.Options{OldTLS: true}, outcome: notify.Down, heals: soon,
		code: "mail.tls", sentence: "too old", remedy: "TLS 1.2"},
}

// TestMailServerFaultsAreToldAndOvercome provokes each fault, reads what the
// owner is told, makes the server well, and wants the mail: with what was to
// be told, under one Message-ID.
func TestMailServerFaultsAreToldAndOvercome(t *testing.T) {
	t.Parallel()
	for _, f := range mailFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.prove(t)
		})
	}
}

func (f mailFault) prove(t *testing.T) {
	g := newGarage(t)
	heard := f.plugIn(g)
	g.start()
	g.write("rack", "75\n")
	r := g.until("the trouble "+f.code, 15*time.Second, func(r Report) bool { return trouble(r, f.code) != nil })
	f.isTold(g, r)
	tried := heard()
	if strings.Contains(g.plug.heard(), "AUTH") {
		t.Error("a login went out in clear text")
	}
	if n := len(g.mail.Mails()); n > 0 {
		t.Fatalf("%d mails arrived through the fault", n)
	}
	f.heal(g)
	mails := g.arrived(1, max(f.heals, soon))
	if got := text(t, mails[0]); !strings.Contains(got, "The rack is too hot.") {
		t.Errorf("the mail does not tell what happened:\n%s", got)
	}
	for _, m := range append(tried, mails...) {
		if len(m.Bytes) == 0 { // a lone dot, after what was written ahead had been refused
			continue
		}
		if id := messageID(m); id != messageID(mails[0]) {
			t.Errorf("a mail has the Message-ID %s, and another one %s", id, messageID(mails[0]))
		}
	}
	g.until("nothing waits and the trouble is over", 5*time.Second, func(r Report) bool {
		return waiting(r) == 0 && trouble(r, f.code) == nil && r.Mail.Last != nil
	})
	if n := len(g.mail.Mails()); n != 1 {
		t.Errorf("the server that is well got %d mails, want 1", n)
	}
}

// plugIn puts the fault in the server's place. It gives what copies of mails
// the faulty server has seen.
func (f mailFault) plugIn(g *garage) (heard func() []smtptest.Mail) {
	g.t.Helper()
	switch {
	case f.liar != nil:
		liar := serve(g.t, func() (*smtptest.Liar, error) { return smtptest.Lie(*f.liar) })
		g.trust(liar.CAFile())
		g.plug.into(hostPort(liar))
		return liar.Mails
	case f.server != nil:
		server := serve(g.t, func() (*smtptest.Server, error) { return smtptest.Start(*f.server) })
		g.trust(server.CAFile())
		g.plug.into(server.Addr())
		return server.Mails
	case f.closed:
		g.plug.pull()
	}
	g.plug.cutting(f.cut)
	return func() []smtptest.Mail { return nil }
}

func (f mailFault) heal(g *garage) {
	g.t.Helper()
	g.plug.cutting(false)
	g.plug.into(g.mail.Addr())
	if f.heals == 0 {
		g.call(0, "outbox", "retry", "--state", g.state)
	}
}

// isTold wants the trouble as a program and as a person sees it.
func (f mailFault) isTold(g *garage, r Report) {
	g.t.Helper()
	told := trouble(r, f.code)
	if !regexp.MustCompile(f.sentence).MatchString(told.Sentence) {
		g.t.Errorf("the trouble says %q, want %q", told.Sentence, f.sentence)
	}
	if !strings.Contains(told.Remedy, f.remedy) {
		g.t.Errorf("the remedy is %q, want %q in it", told.Remedy, f.remedy)
	}
	if told.Doing == "" || waiting(r) != 1 || r.Mail.Last != nil {
		g.t.Errorf("pinbell says %q, with %d waiting and the last accepted mail %v", told.Doing, waiting(r), r.Mail.Last)
	}
	if !strings.Contains(told.Doing, "tries again") {
		g.t.Errorf("pinbell says %q, and tries again all the same", told.Doing)
	}
	shown := g.tells("rack-hot (warning) since", "not told yet", "1 waiting", "none accepted yet by localhost",
		told.Sentence, told.Doing, told.Remedy)
	if !strings.Contains(shown, "next try in") && !strings.Contains(shown, "talking to localhost for") {
		g.t.Errorf("pinbell status does not say when it tries again:\n%s", shown)
	}
	for _, odd := range []string{"told once", "EOF", "localhost: localhost", "localhost: The"} {
		if strings.Contains(shown, odd) {
			g.t.Errorf("pinbell status says %q:\n%s", odd, shown)
		}
	}
}

func hostPort(l *smtptest.Liar) string { return net.JoinHostPort(l.Host(), strconv.Itoa(l.Port())) }

// messageID is in the server's word, or in the bytes that a liar heard.
func messageID(m smtptest.Mail) string {
	if m.MessageID != "" {
		return m.MessageID
	}
	found := regexp.MustCompile(`(?mi)^Message-ID: <(.*)>`).FindSubmatch(m.Bytes)
	if found == nil {
		return "none"
	}
	return string(found[1])
}
