package peer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func must(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("does not say %q: %s", w, text)
		}
	}
}

func TestCertificatesAreExplainedToWhomTheyConcern(t *testing.T) {
	day := time.Date(2026, 11, 14, 12, 0, 0, 0, time.UTC)
	cert := &x509.Certificate{NotBefore: day, NotAfter: day.AddDate(0, 3, 0), DNSNames: []string{"elsewhere.example"}}
	for _, c := range []struct {
		err           error
		when          time.Time
		says          string
		own, provider string
	}{
		{x509.CertificateInvalidError{Cert: cert, Reason: x509.Expired}, day.AddDate(1, 0, 0), "has expired: it is valid from 14 Nov 2026 12:00 UTC", "has to be renewed", "try another network"},
		{x509.CertificateInvalidError{Cert: cert, Reason: x509.Expired}, day.AddDate(-56, 0, 0), "is not valid yet", "time server", "time server"},
		{x509.HostnameError{Certificate: cert, Host: "h"}, day, "is for elsewhere.example, not for h.example", "mail.host", Impostor},
		{x509.UnknownAuthorityError{}, day, "signed by nobody", "mail.ca_file", Impostor},
		{errors.New("odd"), day, "is not valid: odd.", "whoever runs the server", Impostor},
	} {
		err := &tls.CertificateVerificationError{Err: c.err}
		if wrapped := fmt.Errorf("so: %w", err); !BadCertificate(wrapped) {
			t.Errorf("%v is no certificate's fault", err)
		}
		for own, advice := range map[bool]string{true: c.own, false: c.provider} {
			sentence, remedy := Server{Host: "h.example", Port: 443, Own: own}.Certificate(err, "odd", c.when)
			must(t, sentence, c.says)
			must(t, remedy, advice)
		}
	}
}

func TestHandshakesAreExplained(t *testing.T) {
	header := tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}
	old := errors.New("tls: protocol version not supported")
	for _, err := range []error{header, old, errors.New("remote error: tls: handshake failure")} {
		if !BadTLS(err) || BadCertificate(err) {
			t.Errorf("%v is taken for something else", err)
		}
	}
	sentence, remedy := Server{Host: "h", Port: 443, Implicit: true}.Handshake(header, "so")
	must(t, sentence, "does not begin with TLS on port 443")
	must(t, remedy, Impostor)
	sentence, _ = Server{Host: "h", Port: 443}.Handshake(old, "so")
	must(t, sentence, "too old")
	sentence, _ = Server{Host: "h", Port: 443}.Handshake(errors.New("tls: odd"), "so it is")
	must(t, sentence, "agree on no TLS: so it is.")
}
