// Package smtptest has two mail servers for loopback: Server, an honest one
// that keeps what it accepts, if need be in a bad Mood, and Liar, which does at each step of the
// dialogue what a script says. The demo command runs the honest one too.
//
// Neither sends mail anywhere, and neither needs a test to run in: what fails
// is returned. Each makes a certificate authority of its own at the start,
// which CAFile and Roots show, and which nothing else trusts.
package smtptest

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/mail"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"crypto/tls"

	"github.com/emersion/go-smtp"
)

// Options of an honest server. The zero value listens on a free port of
// 127.0.0.1 with STARTTLS, and lets in Username with Password.
type Options struct {
	Addr string // default 127.0.0.1:0
	Name string // in the certificate, beside 127.0.0.1; default localhost

	Username, Password string   // default Username and Password below
	Mechanisms         []string // default PLAIN, LOGIN

	Implicit    bool // TLS from the first byte
	NoStartTLS  bool
	OldTLS      bool // TLS 1.1 at most
	Certificate Fault

	MaxBytes int64 // of a mail; 0: no limit

	// Answer may answer in the server's place: with a reply to send, or nil
	// for the honest one. It may wait. The steps are ehlo, auth, mail, rcpt
	// and dot; argument is the client's name, the user, or an address.
	Answer func(step, argument string) *Reply
	// Mood makes the server misbehave at random, after Answer had its say.
	Mood Mood
	// Accepted, if set, hears of each mail before the client does.
	Accepted func(Mail)
}

// The login of a server that was given none.
const (
	Username = "garage@example.org"
	Password = "open-sesame-1234"
)

// Reply is what a server says: "550", "5.7.0 Not one of your addresses".
type Reply struct {
	Code int
	Text string
}

// Mail is what a server accepted.
type Mail struct {
	From       string
	To         []string
	Bytes      []byte // as sent, with CRLF and without the doubled dots
	MessageID  string // without brackets
	QueueID    string // as told to the client
	At         time.Time
	TLS        uint16 // tls.VersionTLS13; 0 in clear text
	User       string // who had logged in; empty: nobody
	RoundTrips int    // of this connection up to the receipt, with the one that TCP takes
}

// Server is an honest mail server.
type Server struct {
	options  Options
	id       identity
	caFile   string
	listener net.Listener
	smtp     *smtp.Server

	mu       sync.Mutex
	mails    []Mail
	logins   int
	refusals int
	mood     Mood
	dice     *rand.Rand
	misdeeds map[string]int
	served   chan struct{} // closed when the server has stopped
}

// Start listens and serves until Close.
func Start(o Options) (*Server, error) {
	o.Addr = cmp.Or(o.Addr, "127.0.0.1:0")
	o.Name = cmp.Or(o.Name, "localhost")
	o.Username, o.Password = cmp.Or(o.Username, Username), cmp.Or(o.Password, Password)
	if o.Mechanisms == nil {
		o.Mechanisms = []string{"PLAIN", "LOGIN"}
	}
	id, err := newIdentity(o.Name, o.Certificate, time.Now())
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("start a mail server: %w", err)
	}
	caFile, err := id.writeCA()
	if err != nil {
		listener.Close()
		return nil, err
	}
	s := &Server{options: o, id: id, caFile: caFile, listener: listener, misdeeds: make(map[string]int), served: make(chan struct{})}
	s.Behave(o.Mood)
	s.smtp = s.newSMTP()
	go s.serve()
	return s, nil
}

func (s *Server) newSMTP() *smtp.Server {
	server := smtp.NewServer(smtp.BackendFunc(s.newVisit))
	server.Domain = s.options.Name
	server.MaxMessageBytes = s.options.MaxBytes
	server.EnableSMTPUTF8 = true
	server.ReadTimeout, server.WriteTimeout = 5*time.Minute, time.Minute
	server.ErrorLog = log.New(io.Discard, "", 0)
	if !s.options.NoStartTLS {
		server.TLSConfig = s.id.config(s.options.OldTLS)
	}
	return server
}

func (s *Server) serve() {
	defer close(s.served)
	var l net.Listener = countingListener{s.listener}
	if s.options.Implicit {
		l = tls.NewListener(l, s.id.config(s.options.OldTLS))
	}
	s.smtp.Serve(l)
}

// Close stops the server and its connections, and removes CAFile.
func (s *Server) Close() error {
	err := s.smtp.Close()
	s.listener.Close() // Serve may not have come to know it yet
	<-s.served
	os.Remove(s.caFile)
	return err
}

// Addr is where the server listens: "127.0.0.1:40587".
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Host is the address without the port.
func (s *Server) Host() string { host, _ := split(s.listener); return host }

// Port is the port without the address.
func (s *Server) Port() int { _, port := split(s.listener); return port }

func split(l net.Listener) (string, int) {
	host, port, _ := net.SplitHostPort(l.Addr().String())
	n, _ := strconv.Atoi(port)
	return host, n
}

// CAFile names a PEM file with the server's authority, until Close.
func (s *Server) CAFile() string { return s.caFile }

// Roots has the server's authority.
func (s *Server) Roots() *x509.CertPool { return s.id.roots }

// Mails are those accepted so far, in order.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Logins counts the logins that were let in, and those that were not.
func (s *Server) Logins() (good, bad int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins, s.refusals
}

// accept keeps a mail, and is the moment at which the server has it.
func (s *Server) accept(m Mail) Mail {
	m.At = time.Now()
	if parsed, err := mail.ReadMessage(strings.NewReader(string(m.Bytes))); err == nil {
		m.MessageID = strings.Trim(parsed.Header.Get("Message-ID"), "<> ")
	}
	s.mu.Lock()
	m.QueueID = fmt.Sprintf("%08X", 0x34300000+len(s.mails))
	s.mails = append(s.mails, m)
	s.mu.Unlock()
	if s.options.Accepted != nil {
		s.options.Accepted(m)
	}
	return m
}
