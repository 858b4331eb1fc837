package main

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

func TestMailServerThatIsAwayRefusesAndKeepsItsPort(t *testing.T) {
	h, err := newHost()
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	addr := h.port.Addr()
	for round := range 3 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatalf("round %d: the mail server is there and does not answer: %v", round, err)
		}
		conn.Close()
		h.closeMail()
		if conn, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("round %d: the mail server is away and there is %v, %v", round, conn, err)
		}
		if err := h.openMail(nil); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}
