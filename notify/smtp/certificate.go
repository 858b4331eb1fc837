package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// handshakeCause tells certificates from other failures of a handshake.
func handshakeCause(err error) cause {
	var verification *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &verification):
		return badCert
	case errors.As(err, &header), strings.Contains(err.Error(), "tls: "):
		return badTLS
	}
	return causeOf(err)
}

// badCertificate says what is wrong with a certificate, and what helps. When
// is the time that it was checked against.
func (w wording) badCertificate(when time.Time) (sentence, remedy string) {
	var (
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case errors.As(w.err, &invalid) && invalid.Reason == x509.Expired:
		return w.wrongDates(invalid.Cert, when)
	case errors.As(w.err, &name):
		return fmt.Sprintf("The certificate that %s shows is for %s, not for %s.", w.Host, names(name.Certificate), w.Host),
			w.orElse("Check mail.host: it must be a name that stands in the certificate.", impostor)
	case errors.As(w.err, &unknown):
		return fmt.Sprintf("The certificate of %s is signed by %s, which this board does not trust.", w.Host, issuer(unknown.Cert)),
			w.orElse("If the server has a private certificate authority, name its certificate in mail.ca_file.", impostor)
	}
	return fmt.Sprintf("The certificate of %s is not valid: %s.", w.Host, w.said), w.orElse("Ask whoever runs the server to look at its certificate.", impostor)
}

const impostor = "Something between this board and the provider answers in its place, most likely a filter or a login page of the network: try another network."

// orElse is the advice for a server of the owner's, or for a provider's.
func (w wording) orElse(custom, provider string) string {
	if w.Provider == "custom" || w.Provider == "" {
		return custom
	}
	return provider
}

const certDate = "2 Jan 2006 15:04 UTC"

func (w wording) wrongDates(cert *x509.Certificate, when time.Time) (sentence, remedy string) {
	state := "has expired"
	if when.Before(cert.NotBefore) {
		state = "is not valid yet"
	}
	sentence = fmt.Sprintf("The certificate of %s %s: it is valid from %s to %s, and was checked at %s.", w.Host, state,
		cert.NotBefore.UTC().Format(certDate), cert.NotAfter.UTC().Format(certDate), when.UTC().Format(certDate))
	return sentence, "If that last time is wrong, so is the board's clock, which is the usual cause: let the board reach a time server (UDP port 123). " +
		"If it is right, " + w.orElse("the server's certificate has to be renewed.", "try another network: something answers in the provider's place.")
}

func names(cert *x509.Certificate) string {
	list := cert.DNSNames
	for _, ip := range cert.IPAddresses {
		list = append(list, ip.String())
	}
	if len(list) == 0 {
		return "no name at all"
	}
	return excerpt(strings.Join(list, ", "))
}

func issuer(cert *x509.Certificate) string {
	if cert == nil {
		return "nobody"
	}
	return `"` + excerpt(cert.Issuer.String()) + `"`
}

// badHandshake says why no TLS came about, other than by the certificate.
func (w wording) badHandshake() (sentence, remedy string) {
	var header tls.RecordHeaderError
	switch {
	case errors.As(w.err, &header) && w.Implicit:
		return fmt.Sprintf("%s does not begin with TLS on port %d.", w.Host, w.Port), w.orElse(`Set mail.tls = "starttls".`, impostor)
	case strings.Contains(w.err.Error(), "protocol version"):
		return fmt.Sprintf("%s offers only a version of TLS that is too old; pinbell needs 1.2 or newer.", w.Host),
			w.orElse("Ask whoever runs the server for TLS 1.2 or newer.", impostor)
	}
	return fmt.Sprintf("%s and pinbell agree on no TLS: %s.", w.Host, w.said),
		w.orElse("Check mail.host, mail.port and mail.tls, and the server's TLS settings.", impostor)
}
