package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"

	"pinbell/notify"
	"pinbell/notify/smtp"
)

// overSMTP visits a mail server.
func (v *visit) overSMTP(ctx context.Context) {
	server, err := relay(v.road, v.d.clock)
	if err != nil {
		v.fail("dns", Check{Sentence: err.Error(), Remedy: "Check mail.ca_file."})
		return
	}
	server.Deadline, server.Watch = longestSession, v.watch
	if v.barred {
		server.Username = "" // as far as one gets without
	}
	session, verdict := server.Open(ctx)
	reached := len(gates) - 1
	if session == nil {
		reached = v.gate(verdict)
	}
	for _, name := range gates[:reached] {
		v.pass(name, v.passed(name))
	}
	if session == nil {
		v.fail(gates[reached], v.told(verdict, gates[reached]))
		return
	}
	defer session.Close()
	v.sender(ctx, session)
}

// watch follows the session for the person who waits.
func (v *visit) watch(p smtp.Progress) {
	v.seen = p
	if p.Ended {
		v.took[p.Step] = p.Took
		return
	}
	doing, known := map[string]string{
		"dial": "connecting to", "greeting": "waiting for the greeting of", "ehlo": "saying hello to", "starttls": "asking for TLS at",
		"tls": "checking the certificate of", "auth": "logging in at", "mail": "naming the sender to",
	}[p.Step]
	if known {
		v.d.progress.start("%s %s, port %d", doing, v.road.Host, v.road.Port)
	}
}

// passed is what there is to say of a gate that was open.
func (v *visit) passed(gate string) (c Check) {
	switch gate {
	case "dns":
		c.Sentence = v.named()
	case "connect":
		c.Sentence = fmt.Sprintf("%s answers after %s", v.seen.Address, short(v.took["dial"]))
		c.Detail = append([]string{v.seen.Greeting}, v.seen.Extensions...)
	case "tls":
		v.passTLS(&c)
	case "login":
		switch {
		case v.barred:
			c = unread()
		case v.road.Username == "":
			c.Sentence = "none is configured"
		default:
			c = v.d.letIn(v.road, v.road.Username+" is let in")
		}
	}
	return c
}

func (v *visit) passTLS(c *Check) {
	c.Sentence = tls.VersionName(v.seen.TLS) + ", certificate " + certificate(v.seen.Certificate)
	now, _ := v.d.clock.Time()
	if left := v.seen.Certificate.NotAfter.Sub(now); left < expiresSoon && v.road.Provider == "custom" {
		c.State = warn
		c.Detail = []string{"It expires in " + notify.Span(left) + "."}
		c.Remedy = "See to it that the server's certificate is renewed: after that day no mail goes there."
	}
}

const certDay = "2 Jan 2006 15:04 UTC"

// certificate says whose it is, when it is good, and who says so.
func certificate(cert *x509.Certificate) string {
	names := cert.DNSNames
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	list := strings.Join(names[:min(3, len(names))], ", ")
	if more := len(names) - 3; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	signer := cert.Issuer.CommonName
	if signer == "" {
		signer = cert.Issuer.String()
	}
	return fmt.Sprintf("for %s, valid from %s to %s, signed by %q", list,
		cert.NotBefore.UTC().Format(certDay), cert.NotAfter.UTC().Format(certDay), signer)
}

// sender asks whether the account may send as mail.from: MAIL and RCPT, then
// RSET.
func (v *visit) sender(ctx context.Context, session *smtp.Session) {
	if v.barred {
		v.d.found(Check{Name: v.prefix + "sender", State: skipped, Sentence: "not tried: it needs login first"})
		return
	}
	from := v.road.From.Address
	if verdict := session.TrySender(ctx, from, v.d.cfg.Mail.To[0]); verdict.Outcome != 0 {
		v.fail("sender", v.told(verdict, "sender"))
		return
	}
	v.d.found(Check{Name: v.prefix + "sender", State: fine, Sentence: from + " is taken as the sender"})
}
