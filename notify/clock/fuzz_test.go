package clock

import (
	"net"
	"testing"
	"time"

	"github.com/beevik/ntp"

	"pinbell/notify/clock/ntptest"
)

// FuzzReply has a server send any bytes, with the one thing that it must get
// right to be listened to at all: the echo of the question.
func FuzzReply(f *testing.F) {
	now := time.Now()
	request := make([]byte, 48)
	for _, a := range []ntptest.Answer{{}, {Kiss: "RATE"}, {Stratum: 16}, {Leap: 3}, {Offset: -50 * year}, {Offset: 10 * year}, {Stale: 100 * time.Hour}} {
		f.Add(a.Reply(request, now.Add(a.Offset)))
	}
	f.Add([]byte("x"))
	for _, exponent := range []int{2, 3} { // poll, precision
		reply := ntptest.Answer{}.Reply(request, now)
		reply[exponent] = 0x80
		f.Add(reply)
	}
	floor := now.Add(-time.Hour)
	f.Fuzz(func(t *testing.T, reply []byte) {
		c := New(Config{
			Servers: []string{"a"}, Floor: floor, Kernel: unsynced,
			Query: func(name string, opt ntp.QueryOptions) (*ntp.Response, error) {
				opt.Dialer = func(string, string) (net.Conn, error) { return &parrot{reply: reply}, nil }
				return ntp.QueryWithOptions(name, opt)
			},
		})
		c.look(t.Context())
		got, trust := c.Time()
		if trust == Trusted && (got.Before(floor) || got.After(floor.Add(Horizon+time.Minute))) {
			t.Errorf("trusted %v", got)
		}
		s := c.Status()
		if s.Error < 0 || s.Error > widest+slack+time.Second {
			t.Errorf("error bound %v", s.Error)
		}
		if (trust == Trusted) != (s.Servers[0].Err == "") {
			t.Errorf("trust %v with fault %q", trust, s.Servers[0].Err)
		}
	})
}

// parrot is a wire that echoes the question's stamp into any reply.
type parrot struct {
	wire
	reply []byte
}

func (p *parrot) Read(b []byte) (int, error) {
	n := copy(b, p.reply)
	if n >= 48 {
		copy(b[24:32], p.request[40:48])
	}
	return n, nil
}
