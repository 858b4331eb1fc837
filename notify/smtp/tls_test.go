package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
)

func TestEachCertificateFaultIsToldApart(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault smtptest.Fault
		words []string
	}{
		{"expired", smtptest.Expired, []string{"has expired: it is valid from", "was checked at", "let the board reach a time server", "has to be renewed"}},
		{"not yet valid", smtptest.NotYetValid, []string{"is not valid yet: it is valid from", "was checked at", "let the board reach a time server"}},
		{"wrong name", smtptest.WrongName, []string{"is for elsewhere.example, not for 127.0.0.1", "mail.host"}},
		{"foreign authority", smtptest.ForeignCA, []string{`signed by "CN=foreign authority"`, "does not trust", "mail.ca_file"}},
	} {
		for _, implicit := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				s, r := honest(t, smtptest.Options{Certificate: c.fault, Implicit: implicit})
				v := attempt(t, r, envelope())
				if short(v) != "down tls mail.certificate" {
					t.Fatalf("got %s: %s", short(v), v.Reply)
				}
				mustSay(t, v, c.words...)
				complete(t, v)
				if good, bad := s.Logins(); good+bad > 0 {
					t.Error("a login was tried")
				}
			})
		}
	}
}

func TestAProvidersCertificateIsNotTheOwnersToMend(t *testing.T) {
	_, r := honest(t, smtptest.Options{Certificate: smtptest.ForeignCA})
	r.Provider = "icloud"
	v := attempt(t, r, envelope())
	mustSay(t, v, "try another network")
	if strings.Contains(said(v), "ca_file") {
		t.Errorf("advises a ca_file for iCloud: %s", said(v))
	}
}

func TestCertificatesAreCheckedAgainstCorrectedTime(t *testing.T) {
	_, r := honest(t, smtptest.Options{})
	r.Time = func() time.Time { return time.Date(1970, 1, 1, 0, 1, 0, 0, time.UTC) }
	v := attempt(t, r, envelope())
	if short(v) != "down tls mail.certificate" {
		t.Fatalf("in 1970: %s", short(v))
	}
	mustSay(t, v, "is not valid yet", "was checked at 1 Jan 1970 00:01 UTC", "time server")

	_, r = honest(t, smtptest.Options{Certificate: smtptest.NotYetValid})
	r.Time = func() time.Time { return time.Now().Add(48 * time.Hour) }
	if v := attempt(t, r, envelope()); v.Outcome != notify.Accepted {
		t.Errorf("with the right time: %s %s", short(v), v.Reply)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	_, r := honest(t, smtptest.Options{OldTLS: true})
	v := attempt(t, r, envelope())
	if short(v) != "down tls mail.tls" {
		t.Fatalf("got %s: %s", short(v), v.Reply)
	}
	mustSay(t, v, "too old", "1.2")
}

func TestWithoutRootsTheSystemsCount(t *testing.T) {
	_, r := honest(t, smtptest.Options{})
	r.Roots = nil
	if v := attempt(t, r, envelope()); short(v) != "down tls mail.certificate" {
		t.Errorf("trusted an authority that nobody named: %s", short(v))
	}
}

func TestCAFileHoldsWhatRootsDo(t *testing.T) {
	s, r := honest(t, smtptest.Options{})
	pem, err := os.ReadFile(s.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	r.Roots = x509.NewCertPool()
	r.Roots.AppendCertsFromPEM(pem)
	if v := attempt(t, r, envelope()); v.Outcome != notify.Accepted {
		t.Errorf("%s: %s", short(v), v.Reply)
	}
}

// What a thief on the line could read, in each of the forms that are sent.
func mustNotHearThePassword(t *testing.T, heard string) {
	t.Helper()
	for _, form := range []string{
		password, base64.StdEncoding.EncodeToString([]byte(password)),
		base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password)), "AUTH", "MAIL", "Freezer",
	} {
		if strings.Contains(heard, form) {
			t.Errorf("the server heard %q:\n%s", form, heard)
		}
	}
}

func TestNothingIsSentInClearText(t *testing.T) {
	for name, o := range map[string]smtptest.LiarOptions{
		"STARTTLS stripped":       {NoStartTLS: true},
		"STARTTLS refused":        {Script: smtptest.At("starttls", smtptest.Say("454 4.7.0 not available"))},
		"STARTTLS then clear":     {Script: smtptest.At("tls", smtptest.Say("250 go on"))},
		"STARTTLS with injection": {Script: smtptest.At("starttls", smtptest.Say("220 go ahead\r\n250-liar\r\n250 AUTH PLAIN"))},
		"honest but for the end":  {Script: smtptest.At("dot", smtptest.Drop)},
	} {
		t.Run(name, func(t *testing.T) {
			l, r := lying(t, o)
			v := attempt(t, r, envelope())
			if v.Outcome == notify.Accepted {
				t.Errorf("accepted")
			}
			wire, _ := l.Heard()
			mustNotHearThePassword(t, wire)
		})
	}
}

func TestStrippedStartTLSIsDownAndSaysSo(t *testing.T) {
	l, r := lying(t, smtptest.LiarOptions{NoStartTLS: true})
	v := attempt(t, r, envelope())
	if short(v) != "down starttls mail.starttls" {
		t.Fatalf("got %s", short(v))
	}
	mustSay(t, v, "offers no encryption", "clear text")
	if wire, _ := l.Heard(); strings.Contains(wire, "STARTTLS") {
		t.Error("asked for what was not offered")
	}
}

func TestClearTextBehindStartTLSIsRefused(t *testing.T) {
	_, r := lying(t, smtptest.LiarOptions{Script: smtptest.At("starttls", smtptest.Say("220 go ahead\r\n250 injected"))})
	v := attempt(t, r, envelope())
	if short(v) != "down starttls mail.starttls" {
		t.Fatalf("got %s: %s", short(v), v.Reply)
	}
	mustSay(t, v, "after it had agreed to encryption")
}

func TestTheWrongTLSModeIsNamed(t *testing.T) {
	_, r := honest(t, smtptest.Options{})
	r.Implicit = true
	v := attempt(t, r, envelope())
	if short(v) != "down tls mail.tls" {
		t.Fatalf("implicit to a STARTTLS port: %s: %s", short(v), v.Reply)
	}
	mustSay(t, v, `mail.tls = "starttls"`)

	synctest.Test(t, func(t *testing.T) {
		_, r := rehearsed(t, smtptest.LiarOptions{Implicit: true})
		r.Implicit = false
		v := attempt(t, r, envelope())
		if short(v) != "down greeting mail.network" {
			t.Fatalf("STARTTLS to an implicit port: %s: %s", short(v), v.Reply)
		}
		mustSay(t, v, `mail.tls = "implicit"`)
	})
}

func TestBothTLSModesDeliver(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		s, r := honest(t, smtptest.Options{Implicit: implicit})
		session := mustOpen(t, r)
		if session.TLS().Version != tls.VersionTLS13 {
			t.Errorf("TLS version %x", session.TLS().Version)
		}
		if v := session.Send(t.Context(), envelope()); v.Outcome != notify.Accepted {
			t.Fatalf("%s: %s", short(v), v.Reply)
		}
		if m := s.Mails(); len(m) != 1 || m[0].TLS != tls.VersionTLS13 || m[0].User != user {
			t.Errorf("the server has %+v", m)
		}
	}
}
