package clock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/beevik/ntp"
)

const (
	// replyWait bounds the wait for a name, and again the wait for a reply.
	replyWait = 5 * time.Second
	// manners is the least time between two questions to a server that
	// answered (RFC 4330, section 10). Its answer counts meanwhile.
	manners = 15 * time.Second
	// A server that asks to be left alone (a kiss-of-death, RFC 5905 section
	// 7.4) is asked less often, and after a refusal of service hardly ever.
	rateRest = time.Hour
	denyRest = 24 * time.Hour
)

// widest is the largest error bound that an answer may have. A wider one would
// agree with anybody; replies can be made to claim decades.
const widest = 5 * time.Second

// server is one time server and what came of asking it last.
type server struct {
	name  string
	asked time.Time // with monotonic reading; zero: not yet
	rest  time.Time // not asked before this
	said  answer    // when err is nil
	err   error
}

// kiss is a server's plea to be left alone.
type kiss struct{ code string }

func (k kiss) Error() string {
	return fmt.Sprintf("asks not to be asked (kiss of death %q)", k.code)
}

// improbable is an answer that cannot be the time.
type improbable struct{ said time.Time }

func (i improbable) Error() string {
	return "says " + i.said.UTC().Format(time.DateTime) + " UTC, which cannot be"
}

// unsure is an answer too vague to be a witness.
type unsure struct{ bound time.Duration }

func (u unsure) Error() string { return "is unsure of its time by " + rough(u.bound) }

func distinct(names []string) []server {
	var list []server
	for _, name := range names {
		if !slices.ContainsFunc(list, func(s server) bool { return s.name == name }) {
			list = append(list, server{name: name})
		}
	}
	return list
}

// answered reports whether the server gave a time when it was asked last.
func (s server) answered() bool { return !s.asked.IsZero() && s.err == nil }

// fault says plainly why it did not.
func (s server) fault() string {
	var name *net.DNSError
	var wait net.Error
	switch {
	case s.err == nil:
		return ""
	case errors.As(s.err, &name):
		return "its name cannot be looked up"
	case errors.As(s.err, &wait) && wait.Timeout():
		return "no answer"
	}
	return s.err.Error()
}

// askAll asks, all at once, the servers that may be asked, waits for each, and
// gives them as they then stand. It ends within twice replyWait.
func (c *Clock) askAll(ctx context.Context, servers []server) []server {
	now := time.Now()
	var questions sync.WaitGroup
	for i := range servers {
		s := &servers[i]
		if now.Before(s.rest) {
			continue
		}
		questions.Go(func() {
			s.said, s.err = c.ask(ctx, s.name)
			s.asked = time.Now()
			s.rest = s.asked.Add(restAfter(s.err))
		})
	}
	questions.Wait()
	return servers
}

func restAfter(err error) time.Duration {
	var k kiss
	switch {
	case err == nil:
		return manners
	case !errors.As(err, &k):
		return 0
	case k.code == "RATE":
		return rateRest
	}
	return denyRest
}

// ask asks one server.
func (c *Clock) ask(ctx context.Context, name string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*replyWait)
	defer cancel()
	r, err := c.cfg.Query(name, ntp.QueryOptions{
		Timeout: replyWait,
		// The monotonic clock, so that a clock that is set meanwhile does not
		// matter; and no kernel timestamps, which are 32 bits wide on 32-bit ARM.
		GetSystemTime: func() time.Time { return c.start.Add(time.Since(c.start)) },
		Dialer:        func(_, remote string) (net.Conn, error) { return dial(ctx, remote) },
		Extensions:    []ntp.Extension{screen{}},
	})
	if err != nil {
		return answer{}, err
	}
	if err := r.Validate(); errors.Is(err, ntp.ErrKissOfDeath) {
		return answer{}, kiss{r.KissCode}
	} else if err != nil {
		return answer{}, err
	}
	return c.hear(r)
}

// hear turns a valid reply into what it says about the Clock's start.
func (c *Clock) hear(r *ntp.Response) (answer, error) {
	said := r.Timestamps.ServerXmit.Add(r.RTT / 2) // when the reply came
	if !c.believable(said) {
		return answer{}, improbable{said}
	}
	if r.RootDistance < 0 || r.RootDistance > widest {
		return answer{}, unsure{r.RootDistance}
	}
	age := r.Timestamps.ClientRecv.Sub(c.start)
	return answer{base: said.Add(-age).UTC(), bound: r.RootDistance}, nil
}

// screen turns away replies that the ntp package (1.6.0) would panic on: it
// negates the poll and precision exponents in eight bits, where -128 stays
// negative, and shifts by them. Anyone who sees the question could send one.
type screen struct{}

var errExponent = errors.New("sends a packet with an impossible exponent")

func (screen) ProcessQuery(*bytes.Buffer) error { return nil }

func (screen) ProcessResponse(reply []byte) error {
	if len(reply) > 3 && (reply[2] == 0x80 || reply[3] == 0x80) {
		return errExponent
	}
	return nil
}

// dial opens a UDP socket that dies with ctx: the resolver and the wait for a
// reply know no context of their own.
func dial(ctx context.Context, remote string) (net.Conn, error) {
	d := net.Dialer{Timeout: replyWait}
	conn, err := d.DialContext(ctx, "udp", remote)
	if err != nil {
		return nil, err
	}
	return &boundConn{Conn: conn, release: context.AfterFunc(ctx, func() { conn.Close() })}, nil
}

type boundConn struct {
	net.Conn
	release func() bool
}

func (b *boundConn) Close() error {
	b.release()
	return b.Conn.Close()
}

// unreached reports whether a question did not even leave: no name, no route.
func unreached(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
