package smtptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// A Fault is what is wrong with a server's certificate.
type Fault uint8

// The faults.
const (
	Sound       Fault = iota
	Expired           // since an hour
	NotYetValid       // before tomorrow
	WrongName         // for elsewhere.example
	ForeignCA         // signed by an authority that is not CA's
)

// identity is a certificate, and the authority to trust.
type identity struct {
	certificate tls.Certificate
	roots       *x509.CertPool
	pem         []byte // the authority
}

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

const day = 24 * time.Hour

// newIdentity makes a certificate for name and for 127.0.0.1, as of now.
func newIdentity(name string, fault Fault, now time.Time) (identity, error) {
	ours, err := newAuthority("pinbell test authority", now)
	if err != nil {
		return identity{}, err
	}
	signer := ours
	if fault == ForeignCA {
		if signer, err = newAuthority("foreign authority", now); err != nil {
			return identity{}, err
		}
	}
	leaf, err := signer.sign(template(name, fault, now))
	if err != nil {
		return identity{}, err
	}
	id := identity{certificate: leaf, roots: x509.NewCertPool()}
	id.roots.AddCert(ours.certificate)
	id.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours.certificate.Raw})
	return id, nil
}

func template(name string, fault Fault, now time.Time) *x509.Certificate {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-day), NotAfter: now.Add(90 * day),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	switch fault {
	case Expired:
		c.NotAfter = now.Add(-time.Hour)
	case NotYetValid:
		c.NotBefore = now.Add(day)
	case WrongName:
		c.DNSNames, c.IPAddresses = []string{"elsewhere.example"}, nil
	}
	return c
}

func newAuthority(name string, now time.Time) (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, fmt.Errorf("make a key: %w", err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-365 * day), NotAfter: now.Add(10 * 365 * day),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return authority{}, fmt.Errorf("make an authority: %w", err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		return authority{}, fmt.Errorf("make an authority: %w", err)
	}
	return authority{c, key}, nil
}

func (a authority) sign(c *x509.Certificate) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// config is the server's side of TLS. It hands out no tickets: they travel
// when they please, and would blur the count of round trips.
func (id identity) config(oldTLS bool) *tls.Config {
	c := &tls.Config{Certificates: []tls.Certificate{id.certificate}, SessionTicketsDisabled: true}
	if oldTLS {
		c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	}
	return c
}

// writeCA puts the authority where a config's ca_file can name it.
func (id identity) writeCA() (string, error) {
	f, err := os.CreateTemp("", "pinbell-ca-*.pem")
	if err != nil {
		return "", fmt.Errorf("write the authority: %w", err)
	}
	_, err = f.Write(id.pem)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return "", fmt.Errorf("write the authority: %w", err)
	}
	return f.Name(), nil
}

// Issue makes a certificate for name and for 127.0.0.1, as of now, and the
// pool of the authority to trust, for servers of other protocols.
func Issue(name string, fault Fault) (tls.Certificate, *x509.CertPool, error) {
	id, err := newIdentity(name, fault, time.Now())
	return id.certificate, id.roots, err
}
