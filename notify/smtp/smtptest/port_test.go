package smtptest

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func hold(t *testing.T) *Port {
	t.Helper()
	p, err := HoldPort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestAHeldPortRefusesUntilAServerListensAndAfterIt(t *testing.T) {
	p := hold(t)
	refuses := func(when string) {
		t.Helper()
		if conn, err := net.Dial("tcp", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("%s: %v, %v; want a refusal", when, conn, err)
		}
	}
	refuses("at first")
	for range 3 {
		s := start(t, Options{Addr: p.Addr()})
		if s.Port() != p.Number() {
			t.Fatalf("the server listens on %d, not on %d", s.Port(), p.Number())
		}
		conn, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatalf("a server listens and does not answer: %v", err)
		}
		conn.Close()
		s.Close()
		refuses("when the server has gone")
	}
}

// Whoever asks for any port asks as this one does for that port (the kernel's
// inet_csk_find_open_port): without sharing.
func TestAHeldPortIsNobodyElses(t *testing.T) {
	p := hold(t)
	alone := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		failed := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 0) })
		return errors.Join(failed, err)
	}}
	if l, err := alone.Listen(t.Context(), "tcp", p.Addr()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a stranger gets the port: %v, %v", l, err)
	}
}
