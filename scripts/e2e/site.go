package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pinbell/notify/clock/ntptest"
	"pinbell/notify/smtp/smtptest"
	"pinbell/scripts/postfix"
)

// Who sends and who receives. No name of this domain exists outside.
const (
	account  = "alex@pinbell.test"
	password = "abcd-efgh-ijkl-mnop"
	owner    = "owner@pinbell.test"
	sam      = "sam@pinbell.test"
)

// mailUser owns the mailboxes: nobody.
const mailUser = 65534

// site is what one scenario is played on: Postfix, which asks Dovecot for
// logins, time servers, and pinbell with a freezer to watch.
type site struct {
	*daemon
	dir     string
	ca      *authority
	port    *smtptest.Port
	postfix *postfix.Instance
	dovecot *dovecot
	times   []*ntptest.Server
	notes   noted
}

// noted is what differs from scenario to scenario in pinbell.toml.
type noted struct {
	from    string
	to      []string
	perHour int
	rules   string // more sensors and rules
}

// newSite sets all up and starts nothing but the time servers and Dovecot.
// settings are Postfix's, beside the ordinary ones.
func newSite(ctx context.Context, dir, binary string, settings postfix.Settings) (s *site, err error) {
	s = &site{dir: dir, daemon: &daemon{binary: binary, dir: filepath.Join(dir, "pinbell")}, notes: noted{from: account, to: []string{owner}, perHour: 100}}
	for _, sub := range []string{"", "pinbell", "postfix", "mail"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return s, err
		}
	}
	if err := os.Chown(filepath.Join(dir, "mail"), mailUser, mailUser); err != nil {
		return s, err
	}
	if s.ca, err = newAuthority(); err != nil {
		return s, err
	}
	if s.port, err = smtptest.HoldPort(); err != nil {
		return s, err
	}
	for range 3 {
		t, err := ntptest.Start("127.0.0.1:0")
		if err != nil {
			return s, err
		}
		s.times = append(s.times, t)
	}
	if s.dovecot, err = startDovecot(ctx, filepath.Join(dir, "dovecot")); err != nil {
		return s, err
	}
	if s.postfix, err = postfix.New(filepath.Join(dir, "postfix"), s.ordinary(), s.port.Addr()+" inet n - n - - smtpd"); err != nil {
		return s, err
	}
	err = s.postfix.Set(ctx, settings)
	return s, errors.Join(err, s.ca.write(filepath.Join(s.daemon.dir, "ca.pem")), s.certify(time.Now().Add(30*day)),
		s.setPassword(password), s.temperature(-19.8), os.WriteFile(filepath.Join(s.daemon.dir, "second"), []byte("0\n"), 0o644))
}

// ordinary is a submission server as its maker describes it: nothing without
// TLS, nothing without a login, no relaying, mailboxes on disk.
func (s *site) ordinary() postfix.Settings {
	return postfix.Settings{
		"smtpd_tls_chain_files":        s.chain(),
		"smtpd_tls_security_level":     "encrypt",
		"smtpd_tls_auth_only":          "yes",
		"smtpd_tls_loglevel":           "1",
		"smtpd_sasl_auth_enable":       "yes",
		"smtpd_sasl_type":              "dovecot",
		"smtpd_sasl_path":              s.dovecot.socket(),
		"smtpd_sasl_security_options":  "noanonymous",
		"smtpd_relay_restrictions":     "permit_sasl_authenticated, reject",
		"smtpd_recipient_restrictions": "reject_unlisted_recipient, permit_sasl_authenticated, reject",
		"smtpd_sender_restrictions":    "reject_sender_login_mismatch",
		"smtpd_sender_login_maps":      fmt.Sprintf("inline:{{%s=%s}}", account, account),
		"virtual_mailbox_domains":      "pinbell.test",
		"virtual_mailbox_base":         filepath.Join(s.dir, "mail"),
		"virtual_mailbox_maps":         fmt.Sprintf("inline:{{%s=owner/} {%s=sam/}}", owner, sam),
		"virtual_uid_maps":             fmt.Sprintf("static:%d", mailUser),
		"virtual_gid_maps":             fmt.Sprintf("static:%d", mailUser),
	}
}

func (s *site) chain() string { return filepath.Join(s.dir, "postfix", "chain.pem") }

// certify gives Postfix a certificate that is valid until then, for sessions
// that begin from now on.
func (s *site) certify(until time.Time) error { return s.ca.certify(s.chain(), until) }

// setPassword replaces the file that pinbell reads its password from.
func (s *site) setPassword(text string) error {
	name := filepath.Join(s.daemon.dir, "mail.password")
	if err := os.WriteFile(name+".new", []byte(text+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// temperature is what the freezer's sensor reads from now on.
func (s *site) temperature(celsius float64) error {
	return os.WriteFile(filepath.Join(s.daemon.dir, "freezer"), fmt.Appendf(nil, "%.0f\n", celsius*1000), 0o644)
}

// second is what the sensor beside it reads.
func (s *site) second(value int) error {
	return os.WriteFile(filepath.Join(s.daemon.dir, "second"), fmt.Appendf(nil, "%d\n", value), 0o644)
}

// configText has sensors that do not fall silent when the machine has too much
// other work to read them every tenth of a second.
const configText = `
[device]
name     = "garage"
timezone = "UTC"

[mail]
provider      = "custom"
host          = "localhost"
port          = %d
ca_file       = "ca.pem"
username      = %q
password_file = "mail.password"
from          = "Garage <%s>"
to            = ["%s"]

[time]
servers = ["%s", "%s", "%s"]

[limits]
per_hour = %d
per_day  = 1000

[[sensor]]
name     = "freezer"
driver   = "file"
path     = "freezer"
scale    = 0.001
quantity = "temperature"
every    = "100ms"
silent_after = "10m"

[[sensor]]
name   = "second"
driver = "file"
path   = "second"
every  = "100ms"
silent_after = "10m"

[[rule]]
name    = "freezer-warm"
when    = "freezer.temperature > -15"
until   = "freezer.temperature < -17"
message = %q
`

// open starts Postfix, writes the config and starts pinbell.
func (s *site) open(ctx context.Context) error {
	if err := s.postfix.Start(ctx); err != nil {
		return err
	}
	return s.openPinbell(ctx)
}

func (s *site) openPinbell(ctx context.Context) error {
	if err := s.configure(); err != nil {
		return err
	}
	return s.daemon.start(ctx)
}

// configure writes pinbell.toml.
func (s *site) configure() error {
	text := fmt.Sprintf(configText, s.port.Number(), account, s.notes.from, strings.Join(s.notes.to, `", "`),
		s.times[0].Addr(), s.times[1].Addr(), s.times[2].Addr(), s.notes.perHour, awkward) + s.notes.rules
	return os.WriteFile(s.config(), []byte(text), 0o600)
}

// close stops all that the site has started.
func (s *site) close() (err error) {
	if s == nil {
		return nil
	}
	err = s.daemon.stop()
	if s.postfix != nil {
		s.postfix.Stop()
	}
	s.dovecot.stop()
	for _, t := range s.times {
		t.Close()
	}
	if s.port != nil {
		err = errors.Join(err, s.port.Close())
	}
	return err
}

// letters are what lies in a mailbox.
func (s *site) letters(address string) ([]letter, error) {
	name, _, _ := strings.Cut(address, "@")
	return mailbox(filepath.Join(s.dir, "mail", name))
}

// arrive waits until so many letters lie in a mailbox.
func (s *site) arrive(ctx context.Context, address string, n int) (all []letter, err error) {
	err = await(ctx, limit, fmt.Sprintf("letter %d in the mailbox of %s", n, address), func() (bool, error) {
		all, err = s.letters(address)
		return len(all) >= n, err
	})
	return all, err
}

// settled checks that all is told and that exactly the events 1 to n lie in a
// mailbox, each once, and gives the letters.
func (s *site) settled(ctx context.Context, address string, n int) ([]letter, error) {
	if err := s.drained(ctx); err != nil {
		return nil, err
	}
	// Postfix delivers what it has taken a moment later.
	err := await(ctx, limit, fmt.Sprintf("Postfix delivers %d events to %s", n, address), func() (bool, error) {
		all, err := s.letters(address)
		events := 0
		for _, l := range all {
			events += len(l.events)
		}
		return events >= n, err
	})
	if err != nil {
		return nil, err
	}
	all, err := s.letters(address)
	if err == nil {
		err = once(all, n)
	}
	return all, err
}

// logged waits until Postfix's log has a text.
func (s *site) logged(ctx context.Context, text string) error {
	return await(ctx, limit, fmt.Sprintf("Postfix logs %q", text), func() (bool, error) {
		return strings.Contains(s.postfix.Log(), text), nil
	})
}

// limit bounds the wait for one thing: the longest waits of pinbell itself in
// here are 15 to 20 seconds, and a machine may have much other work.
const limit = 2 * time.Minute

// await looks again and again until enough says so.
func await(ctx context.Context, limit time.Duration, what string, enough func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		ok, err := enough()
		if ok || err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%s: not within %v", what, limit)
			}
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
