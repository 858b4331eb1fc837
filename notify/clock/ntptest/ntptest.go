// Package ntptest is a small NTP server for tests, for the demo and for
// emulated boards: real packets over real UDP, and any of the ways in which a
// time server can be wrong.
//
// It answers each request from what Set gave last, and keeps nothing else. It
// serves the time of the machine that it runs on, moved by Answer.Offset. It
// asks nobody, so it is no source of time for anything but a test.
package ntptest

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Answer is how a Server replies. The zero Answer is a good server's.
type Answer struct {
	Offset  time.Duration // its time minus the machine's
	Silent  bool          // nothing is sent
	Kiss    string        // a kiss-of-death with this code: RATE, DENY, RSTR
	Stratum uint8         // 0: stratum 2. 16: not synchronised
	Leap    uint8         // 3: not synchronised
	Delay   time.Duration // before the reply is sent
	Stale   time.Duration // how long ago its own clock was set
	Forged  bool          // the reply echoes another request than the one it got
	Garbage []byte        // sent in place of a packet, as it is
}

// Server is a running NTP server.
type Server struct {
	conn   net.PacketConn
	answer atomic.Pointer[Answer]
	asked  atomic.Int64
	ended  sync.WaitGroup
}

// Start serves on addr ("127.0.0.1:0", "0.0.0.0:123") until Close.
func Start(addr string) (*Server, error) {
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("start time server: %w", err)
	}
	s := &Server{conn: conn}
	s.answer.Store(new(Answer))
	s.ended.Go(s.serve)
	return s, nil
}

// Addr is where it listens, as host:port.
func (s *Server) Addr() string { return s.conn.LocalAddr().String() }

// Set changes how it replies, from the next request on.
func (s *Server) Set(a Answer) { s.answer.Store(&a) }

// Asked is how many requests have come.
func (s *Server) Asked() int { return int(s.asked.Load()) }

// Close stops the server and returns when it has stopped.
func (s *Server) Close() error {
	err := s.conn.Close()
	s.ended.Wait()
	return err
}

const (
	packetLen  = 48 // RFC 5905, section 7.3
	modeMask   = 0x07
	modeClient = 3
	modeServer = 4
	version4   = 4 << 3
)

func (s *Server) serve() {
	request := make([]byte, 1024)
	for {
		n, from, err := s.conn.ReadFrom(request)
		if err != nil {
			return
		}
		if n < packetLen || request[0]&modeMask != modeClient {
			continue
		}
		s.asked.Add(1)
		a := *s.answer.Load()
		if a.Silent {
			continue
		}
		came := time.Now().Add(a.Offset)
		time.Sleep(a.Delay)
		// A reply that cannot be sent is lost, as UDP may lose it.
		_, _ = s.conn.WriteTo(a.Reply(request[:n], came), from)
	}
}

// Reply is the packet that answers a request which came at the server's time
// came.
func (a Answer) Reply(request []byte, came time.Time) []byte {
	if a.Garbage != nil {
		return a.Garbage
	}
	p := make([]byte, packetLen)
	p[0] = a.Leap<<6 | version4 | modeServer
	p[1] = 2
	if a.Stratum != 0 {
		p[1] = a.Stratum
	}
	p[2], p[3] = 6, 0xec                              // poll 64 s, precision 2^-20 s
	binary.BigEndian.PutUint32(p[4:], 1<<16/100)      // root delay 10 ms
	binary.BigEndian.PutUint32(p[8:], 1<<16/1000)     // root dispersion 1 ms
	copy(p[12:16], []byte{192, 0, 2, 1})              // reference: an address for documents (RFC 5737)
	stamp(p[16:], came.Add(-max(a.Stale, 1e9)))       // when its clock was set
	copy(p[24:32], request[40:48])                    // origin: the client's transmit time
	stamp(p[32:], came)                               // receive
	stamp(p[40:], came.Add(a.Delay+time.Microsecond)) // transmit
	if a.Kiss != "" {
		p[0], p[1] = p[0]|3<<6, 0
		copy(p[12:16], a.Kiss+"\x00\x00\x00\x00")
	}
	if a.Forged {
		p[24] ^= 0xff
	}
	return p
}

// stamp writes t as an NTP timestamp: seconds since 1900 and their fraction.
// It wraps in 2036, as it must (RFC 5905, section 6).
func stamp(p []byte, t time.Time) {
	const from1900to1970 = 2_208_988_800
	binary.BigEndian.PutUint32(p, uint32(t.Unix()+from1900to1970))
	binary.BigEndian.PutUint32(p[4:], uint32(uint64(t.Nanosecond())<<32/1e9))
}
