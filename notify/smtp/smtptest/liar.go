package smtptest

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// An Act is what a Liar does at a step, in place of the honest answer.
type Act struct {
	kind actKind
	text string
	gap  time.Duration
}

// honest says that the dialogue goes on as if nothing had happened.
func (a Act) honest() bool { return a.kind == honest || a.kind == piecemeal }

type actKind uint8

const (
	honest actKind = iota
	say
	drop
	stall
	trickle
	flood
	piecemeal
)

// The acts. Say sends raw text, to which it adds the end of the line.
var (
	Honest   = Act{}
	Split    = Act{kind: piecemeal}                           // the honest answer, each byte on its own
	Flood    = Act{kind: flood}                               // a reply without end, as fast as it goes
	Drop     = Act{kind: drop}                                // the connection ends
	Stall    = Act{kind: stall}                               // nothing more comes, until Close
	Garbage  = Say("\x00\x7f\xff HTTP/1.1 200 OK")            // no reply at all
	Truncate = Act{kind: drop, text: "250-2.0.0 so far\r\n2"} // part of a reply, then the end
)

// Say answers with a line of the script's own; several by \r\n.
func Say(text string) Act { return Act{kind: say, text: text + "\r\n"} }

// Last answers like Say, and then the connection ends.
func Last(text string) Act { return Act{kind: drop, text: text + "\r\n"} }

// Halt answers like Say, and then neither says nor reads anything, until Close.
func Halt(text string) Act { return Act{kind: stall, text: text + "\r\n"} }

// Trickle sends a reply that never ends, one byte at a time.
func Trickle(gap time.Duration) Act { return Act{kind: trickle, gap: gap} }

// Script says what to do at a step: greeting, ehlo, starttls, tls, ehlo2 (the
// one under TLS), auth, mail, rcpt, data, body (once the first of the mail is
// there), dot, rset, quit. Line is the client's. It is called for one
// connection at a time.
type Script func(step, line string) Act

// At is the script that lies at one step only.
func At(step string, act Act) Script {
	return func(s, _ string) Act {
		if s == step {
			return act
		}
		return Honest
	}
}

// LiarOptions shape what a Liar offers while it is honest.
type LiarOptions struct {
	Implicit    bool
	NoStartTLS  bool
	Certificate Fault
	Extensions  []string // under TLS; default PIPELINING, SIZE, AUTH PLAIN LOGIN, 8BITMIME and others
	Script      Script
}

// Liar is a mail server that follows a script, and writes down every byte that
// it hears, as it came and as TLS shows it.
type Liar struct {
	options  LiarOptions
	id       identity
	caFile   string
	listener net.Listener
	closing  chan struct{}
	work     sync.WaitGroup

	asking sync.Mutex // held while the script is asked

	mu    sync.Mutex
	conns []net.Conn
	raw   bytes.Buffer
	plain bytes.Buffer
	mails []Mail
}

// Lie starts a Liar on a free port of 127.0.0.1.
func Lie(o LiarOptions) (*Liar, error) {
	l, err := Rehearse(o)
	if err != nil {
		return nil, err
	}
	if l.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start a lying mail server: %w", err)
	}
	if l.caFile, err = l.id.writeCA(); err != nil {
		l.listener.Close()
		return nil, err
	}
	l.work.Go(l.serve)
	return l, nil
}

// Rehearse makes a Liar that listens nowhere, and talks to whom it is brought
// by Meet.
func Rehearse(o LiarOptions) (*Liar, error) {
	if o.Extensions == nil {
		o.Extensions = []string{"PIPELINING", "SIZE 28319744", "AUTH LOGIN PLAIN XOAUTH2", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"}
	}
	if o.Script == nil {
		o.Script = func(string, string) Act { return Honest }
	}
	id, err := newIdentity("localhost", o.Certificate, time.Now())
	if err != nil {
		return nil, err
	}
	return &Liar{options: o, id: id, closing: make(chan struct{})}, nil
}

// Meet talks over a connection, in a goroutine of its own.
func (l *Liar) Meet(conn net.Conn) {
	if !l.keep(conn) {
		return
	}
	l.work.Go(func() {
		defer conn.Close()
		t := &talk{liar: l, bare: tap{conn, l, &l.raw}}
		t.use(t.bare)
		t.hold()
	})
}

// Close ends the server and all its connections, and removes CAFile.
func (l *Liar) Close() error {
	close(l.closing)
	var err error
	if l.listener != nil {
		err = l.listener.Close()
	}
	l.mu.Lock()
	for _, conn := range l.conns {
		conn.Close()
	}
	l.mu.Unlock()
	l.work.Wait()
	if l.caFile != "" {
		os.Remove(l.caFile)
	}
	return err
}

// Host is the address without the port.
func (l *Liar) Host() string { host, _ := split(l.listener); return host }

// Port is the port without the address.
func (l *Liar) Port() int { _, port := split(l.listener); return port }

// CAFile names a PEM file with the server's authority, until Close.
func (l *Liar) CAFile() string { return l.caFile }

// Roots has the server's authority.
func (l *Liar) Roots() *x509.CertPool { return l.id.roots }

// Heard is every byte that came: as on the wire, and as TLS shows it.
func (l *Liar) Heard() (wire, decrypted string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.raw.String(), l.plain.String()
}

// Mails are the bodies that came to their final dot, whatever the answer was.
func (l *Liar) Mails() []Mail {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.mails)
}

// script asks what to do at a step.
func (l *Liar) script(step, line string) Act {
	l.asking.Lock()
	defer l.asking.Unlock()
	return l.options.Script(step, line)
}

func (l *Liar) serve() {
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.Meet(conn)
	}
}

// keep notes a connection for Close, unless that has begun.
func (l *Liar) keep(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closing:
		conn.Close()
		return false
	default:
		l.conns = append(l.conns, conn)
		return true
	}
}
