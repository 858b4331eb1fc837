package main

import (
	"net"
	"time"
)

// longLine stands before a server and makes it far away: every byte arrives
// delay after it was sent, in both directions, whatever else is under way. The
// connection itself takes a round trip too, as TCP's handshake does: the
// kernel has shaken hands at once, so the first byte back comes that much later.
type longLine struct {
	delay time.Duration
	to    string
}

func (l longLine) serve(from net.Listener) {
	for {
		near, err := from.Accept()
		if err != nil {
			return
		}
		go l.join(near)
	}
}

func (l longLine) join(near net.Conn) {
	far, err := net.Dial("tcp", l.to)
	if err != nil {
		near.Close()
		return
	}
	go l.carry(far, near, 0)
	l.carry(near, far, 2*l.delay)
}

// parcel is what was read at once, and when it is to arrive.
type parcel struct {
	data []byte
	due  time.Time
}

// carry moves bytes one way until that way is closed, and then closes the
// other end of it.
func (l longLine) carry(to, from net.Conn, handshake time.Duration) {
	open := time.Now().Add(handshake)
	line := make(chan parcel, 4096) // what is on the way: more than any window has in a round trip
	go func() {
		defer close(line)
		for {
			data := make([]byte, 16<<10)
			n, err := from.Read(data)
			if n > 0 {
				due := time.Now().Add(l.delay)
				if due.Before(open) {
					due = open
				}
				line <- parcel{data[:n], due}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range line {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.data); err != nil {
			from.Close() // ends the reader
			for range line {
			}
			break
		}
	}
	if half, ok := to.(*net.TCPConn); ok {
		half.CloseWrite()
	}
}
