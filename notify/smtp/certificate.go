package smtp

import (
	"crypto/x509"
	"time"

	"pinbell/notify/peer"
)

func (r *Relay) roots() *x509.CertPool { return peer.Roots(r.Roots) }

// handshakeCause tells certificates from other failures of a handshake.
func handshakeCause(err error) cause {
	switch {
	case peer.BadCertificate(err):
		return badCert
	case peer.BadTLS(err):
		return badTLS
	}
	return causeOf(err)
}

func (w wording) server() peer.Server {
	return peer.Server{Host: w.Host, Port: w.Port, Implicit: w.Implicit, Own: w.Provider == "custom" || w.Provider == ""}
}

// badCertificate says what is wrong with a certificate, and what helps. When
// is the time that it was checked against.
func (w wording) badCertificate(when time.Time) (sentence, remedy string) {
	return w.server().Certificate(w.err, w.said, when)
}

// badHandshake says why no TLS came about, other than by the certificate.
func (w wording) badHandshake() (sentence, remedy string) {
	return w.server().Handshake(w.err, w.said)
}

const impostor = peer.Impostor

// orElse is the advice for a server of the owner's, or for a provider's.
func (w wording) orElse(custom, provider string) string {
	return w.server().OrElse(custom, provider)
}
