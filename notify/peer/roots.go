package peer

import (
	"crypto/x509"
	"sync"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// Roots are whom a server's certificate may be signed by: the owner's
// authority, where there is one; else nil, which is the system's; else, on a
// minimal image that has none, the ones built in.
func Roots(own *x509.CertPool) *x509.CertPool {
	if own != nil {
		return own
	}
	if system, err := x509.SystemCertPool(); err == nil && !system.Equal(x509.NewCertPool()) {
		return nil
	}
	return builtIn()
}

// builtIn parses Mozilla's list. That is done when it is needed, and not at
// each start as by x509roots/fallback, as it takes a third of the start and
// more than half a megabyte.
var builtIn = sync.OnceValue(func() *x509.CertPool {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(root.Certificate)
		switch {
		case err != nil: // one less to trust
		case root.Constraint != nil:
			pool.AddCertWithConstraint(certificate, root.Constraint)
		default:
			pool.AddCert(certificate)
		}
	}
	return pool
})
