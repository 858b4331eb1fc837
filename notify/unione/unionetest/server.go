// Package unionetest is UniOne's Web API on loopback: honest, or lying as a
// script says. It sends no mail anywhere, and needs no test to run in: what
// fails is returned. It makes a certificate authority of its own at the start,
// which Roots shows and nothing else trusts.
package unionetest

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"pinbell/notify/smtp/smtptest"
)

// Options of a server. The zero value listens on a free port of 127.0.0.1, and
// takes mail from anybody at Domain with Key.
type Options struct {
	Key        string            // default Key below
	ForeignKey string            // one of an account in another data centre; empty: none
	Domain     string            // the one that is verified; default Domain below
	Failed     map[string]string // recipients that are not taken, and UniOne's word for why

	Certificate smtptest.Fault
	OldTLS      bool // TLS 1.1 at most
	Clear       bool // no TLS at all
	Deaf        bool // hang up on everybody who connects
	Unread      bool // hang up at the head of a request

	// Script may act in the server's place.
	Script func(Request) Act
}

// The account of a server that was given none.
const (
	Key    = "6abcd1234efgh5678ijkl9012mnop3456qrst7890"
	Domain = "example.org"
)

// Request is what a client asked.
type Request struct {
	Path       string
	Key        string
	Body       []byte
	Connection string // the client's address: it tells connections apart
}

// Mail is what a server took.
type Mail struct {
	To         []string
	Message    Message
	Fields     map[string]any // the message as it came
	Job        string
	Connection string
}

// Server is the API.
type Server struct {
	options  Options
	roots    *x509.CertPool
	listener net.Listener
	http     http.Server
	over     chan struct{} // closed by Close: what stalls ends
	served   chan struct{}

	mu       sync.Mutex
	key      string
	requests []Request
	mails    []Mail
	seen     map[string]time.Time // idempotence keys
	hijacked map[net.Conn]bool
}

// Start listens and serves until Close.
func Start(o Options) (*Server, error) {
	o.Domain = cmp.Or(o.Domain, Domain)
	certificate, roots, err := smtptest.Issue("localhost", o.Certificate)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start an API server: %w", err)
	}
	s := &Server{
		options: o, key: cmp.Or(o.Key, Key), roots: roots, listener: listener,
		over: make(chan struct{}), served: make(chan struct{}), seen: make(map[string]time.Time), hijacked: make(map[net.Conn]bool),
	}
	s.http = http.Server{Handler: s, ErrorLog: log.New(io.Discard, "", 0)}
	go s.serve(certificate)
	return s, nil
}

func (s *Server) serve(certificate tls.Certificate) {
	defer close(s.served)
	listener := s.listener
	switch {
	case s.options.Deaf:
		hangUpOnAll(listener)
		return
	case !s.options.Clear:
		c := &tls.Config{Certificates: []tls.Certificate{certificate}}
		if s.options.OldTLS {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}
		listener = tls.NewListener(listener, c)
	}
	_ = s.http.Serve(listener) // until Close
}

func hangUpOnAll(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		conn.Close()
	}
}

// Close ends the server and every connection.
func (s *Server) Close() error {
	close(s.over)
	s.listener.Close()
	err := s.http.Close()
	s.mu.Lock()
	for conn := range s.hijacked {
		conn.Close()
	}
	s.mu.Unlock()
	<-s.served
	return err
}

// Host is where the server listens.
func (s *Server) Host() string { return "127.0.0.1" }

// Port is the one that it listens on.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Roots has the authority that signed the certificate, or would have.
func (s *Server) Roots() *x509.CertPool { return s.roots }

// SetKey replaces the API key.
func (s *Server) SetKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = key
}

// Mails are those that were taken.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Requests are all that came whole.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Connections counts those that requests came over.
func (s *Server) Connections() int {
	set := make(map[string]bool)
	for _, r := range s.Requests() {
		set[r.Connection] = true
	}
	return len(slices.Collect(maps.Keys(set)))
}
