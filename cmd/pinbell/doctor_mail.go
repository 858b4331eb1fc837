package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"pinbell/config"
	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/notify/smtp"
)

// What is waited for on the way into an account, at the longest.
const (
	longestLookup  = 10 * time.Second
	longestSession = 30 * time.Second // dial to login; and again for the sender
	expiresSoon    = 14 * 24 * time.Hour
)

// visit is one look at a mail server: it logs in, names the sender, and goes.
type visit struct {
	d      *doctor
	road   config.Road
	prefix string // of the checks' names: empty for the first road
	relay  *smtp.Relay
	seen   smtp.Progress            // what was learnt about the server
	took   map[string]time.Duration // by step
	barred error                    // why this user cannot log in where the daemon may; nil: it can
}

// gates are the checks of a visit in their order; each depends on the one before.
var gates = []string{"dns", "connect", "tls", "login", "sender"}

// checkRoads visits each mail server that the config names.
func (d *doctor) checkRoads(ctx context.Context) {
	for i, road := range d.cfg.Mail.Roads() {
		v := visit{d: d, road: road, took: map[string]time.Duration{}}
		switch {
		case i == 1:
			v.prefix = "fallback "
		case i > 1:
			v.prefix = fmt.Sprintf("fallback%d ", i)
		}
		v.look(ctx)
	}
}

func (v *visit) look(ctx context.Context) {
	var err error
	if v.relay, err = relay(v.road, v.d.clock); err != nil {
		v.fail("dns", Check{Sentence: err.Error(), Remedy: "Check mail.ca_file."})
		return
	}
	v.relay.Deadline, v.relay.Watch = longestSession, v.watch
	if _, err := v.road.Password(); v.road.Username != "" && errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 {
		v.barred = err
		v.relay.Username = "" // as far as one gets without
	}
	addresses := v.lookUp(ctx)
	session, verdict := v.relay.Open(ctx)
	reached := len(gates)
	if session == nil {
		reached = v.gate(verdict)
	}
	for _, name := range gates[:min(reached, 4)] {
		v.pass(name, addresses)
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
		v.d.progress.start("%s %s, port %d", doing, v.relay.Host, v.relay.Port)
	}
}

// lookUp gives the server's addresses, for people: that a name has none, the
// session says.
func (v *visit) lookUp(ctx context.Context) []netip.Addr {
	v.d.progress.start("looking up %s", v.relay.Host)
	ctx, cancel := context.WithTimeout(ctx, longestLookup)
	defer cancel()
	addresses, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", v.relay.Host)
	return addresses
}

// gate is the check at which a session ended.
func (v *visit) gate(verdict notify.Verdict) int {
	switch {
	case verdict.Trouble != nil && verdict.Trouble.Code == "mail.dns":
		return 0
	case verdict.Step == "auth", v.seen.TLS != 0 && v.seen.Step != "tls":
		return 3
	case verdict.Step == "starttls", verdict.Step == "tls":
		return 2
	}
	return 1
}

// told is what a verdict means to the owner, in the words of its trouble.
func (v *visit) told(verdict notify.Verdict, gate string) Check {
	c := Check{Sentence: fmt.Sprintf("%s ended at %s: %s", v.relay.Host, verdict.Step, strings.TrimSpace(code(verdict.Code)+" "+verdict.Reply))}
	if t := verdict.Trouble; t != nil {
		c.Sentence, c.Remedy = plain(t.Lead()), t.Remedy
	}
	if gate == "tls" && v.seen.Certificate != nil {
		c.Detail = []string{"It shows a certificate " + certificate(v.seen.Certificate)}
		if _, trust := v.d.clock.Time(); trust != clock.Trusted {
			c.Detail = append(c.Detail, "The time that it was checked with is itself unchecked: see the clock above.")
		}
	}
	if verdict.Wait > 0 && gate == "login" {
		c.Detail = append(c.Detail, "Now that it was refused, wait a while before the next try: providers lock accounts that guess.")
	}
	return c
}

// plain is a sentence as it stands after a check's name: without its stop, and
// without a capital that only begins it.
func plain(sentence string) string {
	sentence = strings.TrimSuffix(sentence, ".")
	for _, word := range []string{"The ", "There "} {
		if rest, found := strings.CutPrefix(sentence, word); found {
			return strings.ToLower(word) + rest
		}
	}
	return sentence
}

// fail notes the check at which the visit ended, and those that depend on it.
func (v *visit) fail(gate string, c Check) {
	c.Name, c.State = v.prefix+gate, fault
	v.d.found(c)
	after := false
	for _, name := range gates {
		if after {
			v.d.found(Check{Name: v.prefix + name, State: skipped, Sentence: "not tried: it needs " + gate + " first"})
		}
		after = after || name == gate
	}
}

// pass notes a check that went well.
func (v *visit) pass(gate string, addresses []netip.Addr) {
	c := Check{Name: v.prefix + gate, State: fine}
	switch gate {
	case "dns":
		c.Sentence = v.named(addresses)
	case "connect":
		c.Sentence = fmt.Sprintf("%s answers after %s", v.seen.Address, short(v.took["dial"]))
		c.Detail = append([]string{v.seen.Greeting}, v.seen.Extensions...)
	case "tls":
		v.passTLS(&c)
	case "login":
		c.Sentence = v.road.Username + " is let in"
		if v.road.Username == "" {
			c.Sentence = "none is configured"
		}
		if v.barred != nil {
			c.State, c.Sentence = skipped, "not tried: this user may not read the password, which says nothing about the daemon"
			c.Remedy = "To try it, run this with sudo."
		}
	}
	v.d.found(c)
}

// named says where the server's name leads.
func (v *visit) named(addresses []netip.Addr) string {
	if _, err := netip.ParseAddr(v.relay.Host); err == nil {
		return v.relay.Host + " is an address, and needs no name server"
	}
	var list []string
	for i, a := range addresses {
		if i == 4 {
			list = append(list, fmt.Sprintf("and %d more", len(addresses)-i))
			break
		}
		list = append(list, a.Unmap().String())
	}
	if len(list) == 0 { // it had one when the session asked
		list = []string{v.seen.Address}
	}
	return v.relay.Host + " is " + strings.Join(list, ", ")
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

// sender asks whether the account may send as mail.from: MAIL, then RSET.
func (v *visit) sender(ctx context.Context, session *smtp.Session) {
	if v.barred != nil {
		v.d.found(Check{Name: v.prefix + "sender", State: skipped, Sentence: "not tried: it needs login first"})
		return
	}
	from := v.road.From.Address
	if verdict := session.TrySender(ctx, from); verdict.Outcome != 0 {
		v.fail("sender", v.told(verdict, "sender"))
		return
	}
	v.d.found(Check{Name: v.prefix + "sender", State: fine, Sentence: from + " is taken as the sender"})
}
