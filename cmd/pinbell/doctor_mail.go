package main

import (
	"context"
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

// visit is one look at a road: it logs in, names the sender where that can be
// asked, and goes.
type visit struct {
	d      *doctor
	road   config.Road
	prefix string // of the checks' names: empty for the first road
	barred bool   // this user may not read the password, which the daemon may

	addresses []netip.Addr             // that its name has
	seen      smtp.Progress            // what was learnt about the server
	took      map[string]time.Duration // by step
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
		v.barred = v.road.Username != "" || v.road.Web()
		if _, err := v.road.Password(); !errors.Is(err, fs.ErrPermission) || os.Geteuid() == 0 {
			v.barred = false
		}
		if v.addresses = v.lookUp(ctx); road.Web() {
			v.overHTTPS(ctx)
		} else {
			v.overSMTP(ctx)
		}
	}
}

// lookUp gives the server's addresses, for people: that a name has none, the
// session says.
func (v *visit) lookUp(ctx context.Context) []netip.Addr {
	v.d.progress.start("looking up %s", v.road.Host)
	ctx, cancel := context.WithTimeout(ctx, longestLookup)
	defer cancel()
	addresses, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", v.road.Host)
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
	c := Check{Sentence: fmt.Sprintf("%s ended at %s: %s", v.road.Host, verdict.Step, strings.TrimSpace(code(verdict.Code)+" "+verdict.Reply))}
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

// pass notes a check that went well.
func (v *visit) pass(gate string, c Check) {
	c.Name = v.prefix + gate
	if c.State == "" {
		c.State = fine
	}
	v.d.found(c)
}

// letIn is a login that went well, unless it did so with a password that the
// running daemon cannot read.
func (d *doctor) letIn(road config.Road, sentence string) Check {
	if d.daemon == nil || road.PasswordFile == "" || credentialed(d.daemon.PID) {
		return Check{Sentence: sentence}
	}
	denied := d.account.denied(road.PasswordFile, toRead)
	if denied == "" {
		return Check{Sentence: sentence}
	}
	return Check{State: fault, Sentence: sentence + ", but the daemon cannot read the password: " + denied,
		Remedy: "Give it the file (sudo chown " + d.account.name + " " + road.PasswordFile + "), or let systemd hand it over as the unit in scripts/ does (LoadCredential)."}
}

// credentialed reports whether systemd hands a process its passwords, or
// whether that is not to be known (proc_pid_environ(5) is its owner's).
func credentialed(pid int) bool {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err != nil || strings.Contains("\x00"+string(environ), "\x00CREDENTIALS_DIRECTORY=")
}

// unread is a login that this user cannot try.
func unread() Check {
	return Check{State: skipped, Sentence: "not tried: this user may not read the password, which says nothing about the daemon", Remedy: "To try it, run this with sudo."}
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

// named says where the server's name leads.
func (v *visit) named() string {
	if _, err := netip.ParseAddr(v.road.Host); err == nil {
		return v.road.Host + " is an address, and needs no name server"
	}
	var list []string
	for i, a := range v.addresses {
		if i == 4 {
			list = append(list, fmt.Sprintf("and %d more", len(v.addresses)-i))
			break
		}
		list = append(list, a.Unmap().String())
	}
	if len(list) == 0 { // it had one when the session asked
		list = []string{v.seen.Address}
	}
	return v.road.Host + " is " + strings.Join(list, ", ")
}
