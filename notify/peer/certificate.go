package peer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Server is who should be at the other end.
type Server struct {
	Host     string
	Port     int
	Own      bool // run by or for the owner, who may then mend it; else a provider's
	Implicit bool // TLS from the first byte
}

// Impostor is the advice where a provider's server shows what it never would.
const Impostor = "Something between this board and the provider answers in its place, most likely a filter or a login page of the network: try another network."

// OrElse is the advice for a server of the owner's, or for a provider's.
func (s Server) OrElse(own, provider string) string {
	if s.Own {
		return own
	}
	return provider
}

// BadCertificate says that a handshake failed because the server's certificate
// does not verify.
func BadCertificate(err error) bool {
	var verification *tls.CertificateVerificationError
	return errors.As(err, &verification)
}

// BadTLS says that the two sides came to no TLS, other than by the certificate
// or by the connection.
func BadTLS(err error) bool {
	var header tls.RecordHeaderError
	return errors.As(err, &header) || strings.Contains(err.Error(), "tls: ")
}

// Certificate explains a certificate that did not verify, and what helps. When
// is the time that it was checked against, said the error fit to be shown.
func (s Server) Certificate(err error, said string, when time.Time) (sentence, remedy string) {
	var (
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return s.wrongDates(invalid.Cert, when)
	case errors.As(err, &name):
		return fmt.Sprintf("The certificate that %s shows is for %s, not for %s.", s.Host, names(name.Certificate), s.Host),
			s.OrElse("Check mail.host: it must be a name that stands in the certificate.", Impostor)
	case errors.As(err, &unknown):
		return fmt.Sprintf("The certificate of %s is signed by %s, which this board does not trust.", s.Host, issuer(unknown.Cert)),
			s.OrElse("If the server has a private certificate authority, name its certificate in mail.ca_file.", Impostor)
	}
	return fmt.Sprintf("The certificate of %s is not valid: %s.", s.Host, said), s.OrElse("Ask whoever runs the server to look at its certificate.", Impostor)
}

const certDate = "2 Jan 2006 15:04 UTC"

func (s Server) wrongDates(cert *x509.Certificate, when time.Time) (sentence, remedy string) {
	state := "has expired"
	if when.Before(cert.NotBefore) {
		state = "is not valid yet"
	}
	sentence = fmt.Sprintf("The certificate of %s %s: it is valid from %s to %s, and was checked at %s.", s.Host, state,
		cert.NotBefore.UTC().Format(certDate), cert.NotAfter.UTC().Format(certDate), when.UTC().Format(certDate))
	return sentence, "If that last time is wrong, that is the cause, as it usually is: let the board reach a time server (UDP port 123), and check [time] servers. " +
		"If it is right, " + s.OrElse("the server's certificate has to be renewed.", "try another network: something answers in the provider's place.")
}

func names(cert *x509.Certificate) string {
	list := cert.DNSNames
	for _, ip := range cert.IPAddresses {
		list = append(list, ip.String())
	}
	if len(list) == 0 {
		return "no name at all"
	}
	return Excerpt(strings.Join(list, ", "))
}

func issuer(cert *x509.Certificate) string {
	if cert == nil {
		return "nobody"
	}
	return `"` + Excerpt(cert.Issuer.String()) + `"`
}

// Handshake explains why no TLS came about, other than by the certificate.
func (s Server) Handshake(err error, said string) (sentence, remedy string) {
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &header) && s.Implicit:
		return fmt.Sprintf("%s does not begin with TLS on port %d.", s.Host, s.Port), s.OrElse(`Set mail.tls = "starttls".`, Impostor)
	case strings.Contains(err.Error(), "protocol version"):
		return fmt.Sprintf("%s offers only a version of TLS that is too old; pinbell needs 1.2 or newer.", s.Host),
			s.OrElse("Ask whoever runs the server for TLS 1.2 or newer.", Impostor)
	}
	return fmt.Sprintf("%s and pinbell agree on no TLS: %s.", s.Host, said),
		s.OrElse("Check mail.host, mail.port and mail.tls, and the server's TLS settings.", Impostor)
}
