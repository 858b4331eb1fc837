package main

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"

	"pinbell/notify/smtp/smtptest"
)

// plug is a TCP port that leads to one server now and to another one later, or
// to none: what becomes of a mail when the server behind a name changes. It
// writes down what the client sends.
type plug struct {
	t    *testing.T
	held *smtptest.Port // ours while the plug is pulled too
	work sync.WaitGroup
	open sync.WaitGroup // has somebody who accepts while the port is open

	mu       sync.Mutex
	listener net.Listener // nil: the port is closed
	target   string
	cut      bool // break off in the middle of a mail
	conns    []net.Conn
	wire     bytes.Buffer
}

func newPlug(t *testing.T, target string) *plug {
	t.Helper()
	p := &plug{t: t, held: serve(t, smtptest.HoldPort)}
	p.into(target)
	t.Cleanup(func() { p.pull(); p.work.Wait() })
	return p
}

func (p *plug) port() int { return p.held.Number() }

// heard is what clients have sent: clear text, then TLS.
func (p *plug) heard() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wire.String()
}

// into leads new connections to a server, and opens the port if it was closed.
func (p *plug) into(target string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
	if p.listener != nil {
		return
	}
	listener, err := net.Listen("tcp", p.held.Addr())
	if err != nil {
		p.t.Fatal(err)
	}
	p.listener = listener
	p.open.Go(func() { p.accept(listener) })
}

// cutting makes every connection break off in the middle of a mail, or not.
func (p *plug) cutting(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
}

// pull closes the port and all connections. The port is closed only when
// nobody waits in Accept any more.
func (p *plug) pull() {
	p.mu.Lock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	p.mu.Unlock()
	p.open.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		conn.Close()
	}
	p.conns = nil
}

func (p *plug) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		target, cut := p.target, p.cut
		p.mu.Unlock()
		server, err := net.Dial("tcp", target)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.work.Go(func() { p.forward(server, client, cut) })
		p.work.Go(func() { io.Copy(client, server); client.Close(); server.Close() })
	}
}

// forward carries what the client sends. A mail is the second write of more
// than 600 bytes; the first is TLS's hello.
func (p *plug) forward(server, client net.Conn, cut bool) {
	defer server.Close()
	defer client.Close()
	buf := make([]byte, 32<<10)
	for large := 0; ; {
		n, err := client.Read(buf)
		p.mu.Lock()
		p.wire.Write(buf[:n])
		p.mu.Unlock()
		if n > 600 {
			large++
		}
		if cut && large == 2 {
			server.Write(buf[:n/2])
			return
		}
		if _, failed := server.Write(buf[:n]); failed != nil || err != nil {
			return
		}
	}
}
