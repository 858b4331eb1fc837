package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pinbell/notify"
)

// Session is a verified, logged-in connection. It is for one goroutine.
type Session struct {
	relay Relay
	conn  net.Conn // first the bare one, then the *tls.Conn upon it
	in    *bufio.Reader
	out   *bufio.Writer
	ext   map[string]string // of the last EHLO: keyword in upper case → parameters
	mask  mask
	open  bool      // a transaction may be open at the server: RSET before the next
	used  bool      // a mail was handled in it
	ready time.Time // since when one can be
	ended bool
	until time.Time // the end of what is under way
	odd   string    // what is odd about user name and password
	seen  Progress
}

// stage is a step of opening a session.
type stage struct {
	at  step
	run func(context.Context) *finding
}

// Open dials, verifies TLS and logs in. The verdict is the zero one when that
// succeeded; else it is Down and there is no session.
func (r *Relay) Open(ctx context.Context) (*Session, notify.Verdict) {
	ctx, cancel := context.WithTimeout(ctx, r.patience(0))
	defer cancel()
	s := &Session{relay: *r}
	for _, stage := range s.stages() {
		end := s.begin(stage.at)
		if met := s.under(ctx, stage.run); met != nil {
			s.hangUp()
			v := s.verdict(*met)
			end(v)
			return nil, v
		}
		end(notify.Verdict{})
	}
	s.ready = time.Now()
	return s, notify.Verdict{}
}

func (s *Session) stages() []stage {
	dial, greet, hello := stage{atDial, s.dial}, stage{atGreeting, s.greet}, stage{atEhlo, s.hello}
	handshake := stage{atTLS, s.handshake}
	stages := []stage{dial, greet, hello, {atStartTLS, s.startTLS}, handshake, hello}
	if s.relay.Implicit {
		stages = []stage{dial, handshake, greet, hello}
	}
	if s.relay.Username == "" {
		return stages
	}
	return append(stages, stage{atAuth, s.login})
}

// Ended says that the session is over, and that the next mail needs another.
func (s *Session) Ended() bool { return s.ended }

// TLS describes the connection.
func (s *Session) TLS() tls.ConnectionState {
	if secure, ok := s.conn.(*tls.Conn); ok {
		return secure.ConnectionState()
	}
	return tls.ConnectionState{}
}

const goodbye = 2 * time.Second

// Close says goodbye, briefly. Nothing depends on it.
func (s *Session) Close() {
	if !s.ended {
		s.conn.SetDeadline(time.Now().Add(goodbye))
		if _, err := s.ask("QUIT"); err == nil {
			s.conn.Close()
		}
	}
	s.hangUp()
}

// hangUp ends the connection without a word: TLS would wait five seconds for
// its own goodbye to leave.
func (s *Session) hangUp() {
	s.ended = true
	switch conn := s.conn.(type) {
	case nil:
	case *tls.Conn:
		conn.NetConn().Close()
	default:
		conn.Close()
	}
}

var past = time.Unix(1, 0)

// under runs a stage that ends when ctx does, at its deadline or when pinbell
// is told to stop. A deadline that is set once and absolute, no trickle of
// bytes can prolong.
func (s *Session) under(ctx context.Context, run func(context.Context) *finding) *finding {
	if conn := s.conn; conn != nil {
		s.until, _ = ctx.Deadline()
		conn.SetDeadline(s.until)
		defer context.AfterFunc(ctx, func() { conn.SetDeadline(past) })()
	}
	met := run(ctx)
	if met != nil && met.cause != "" && errors.Is(ctx.Err(), context.Canceled) {
		met.cause = stopped
	}
	return met
}

// longestDial is how long a network may take to give a connection. One that
// is dead is known by then, and another road can be tried.
const longestDial = 30 * time.Second

func (s *Session) dial(ctx context.Context) *finding {
	ctx, cancel := context.WithTimeout(ctx, longestDial)
	defer cancel()
	dialer := s.relay.dial
	if dialer == nil {
		dialer = new(net.Dialer).DialContext
	}
	conn, err := dialer(ctx, "tcp", net.JoinHostPort(s.relay.Host, strconv.Itoa(s.relay.Port)))
	s.sawDial(conn, err)
	if err != nil {
		return &finding{step: atDial, cause: causeOf(err), err: err}
	}
	s.use(conn)
	return nil
}

// use makes conn the one that the dialogue goes over.
func (s *Session) use(conn net.Conn) {
	s.conn = conn
	s.in = bufio.NewReaderSize(conn, 2*maxReplyLine)
	s.out = bufio.NewWriter(conn)
}

func (s *Session) greet(context.Context) *finding {
	r, err := readReply(s.in)
	s.seen.Greeting = excerpt(r.text())
	return expect(atGreeting, 2, r, err)
}

func (s *Session) hello(context.Context) *finding {
	r, err := s.ask("EHLO " + s.relay.localName())
	if met := expect(atEhlo, 2, r, err); met != nil {
		return met
	}
	s.ext = extensions(r)
	s.sawExtensions(r)
	return nil
}

// extensions reads the reply to EHLO; its first line is the server's name.
func extensions(r reply) map[string]string {
	ext := make(map[string]string)
	for _, line := range r.lines[1:] {
		keyword, parameters, _ := strings.Cut(line, " ")
		// AUTH=PLAIN is how it was written before there was a standard.
		if mechanisms, old := strings.CutPrefix(strings.ToUpper(keyword), "AUTH="); old {
			keyword, parameters = "AUTH", mechanisms+" "+parameters
		}
		keyword = strings.ToUpper(keyword)
		ext[keyword] = strings.TrimSpace(ext[keyword] + " " + parameters)
	}
	return ext
}

func (s *Session) offers(extension string) bool {
	_, ok := s.ext[extension]
	return ok
}

// largest is the mail size that EHLO names; 0 when it names none.
func (s *Session) largest() int64 {
	limit, err := strconv.ParseInt(s.ext["SIZE"], 10, 64)
	if err != nil || limit < 0 {
		return 0
	}
	return limit
}

func (s *Session) startTLS(context.Context) *finding {
	if !s.offers("STARTTLS") {
		return &finding{step: atStartTLS, cause: noTLS, err: errors.New("STARTTLS is not offered")}
	}
	r, err := s.ask("STARTTLS")
	if met := expect(atStartTLS, 2, r, err); met != nil {
		return met
	}
	// What came with the reply was never encrypted, yet would be read as if it
	// had been (CVE-2011-0411).
	if s.in.Buffered() > 0 {
		return &finding{step: atStartTLS, cause: injected, err: errors.New("clear text after the reply to STARTTLS")}
	}
	return nil
}

func (s *Session) handshake(ctx context.Context) *finding {
	secure := tls.Client(s.conn, &tls.Config{
		ServerName: s.relay.Host,
		RootCAs:    s.relay.roots(),
		MinVersion: tls.VersionTLS12,
		Time:       s.relay.now,
	})
	err := secure.HandshakeContext(ctx)
	s.sawTLS(secure.ConnectionState(), err)
	if err != nil {
		return &finding{step: atTLS, cause: handshakeCause(err), err: err}
	}
	s.use(secure)
	return nil
}

// ask sends one command and reads its reply.
func (s *Session) ask(line string) (reply, error) {
	if r, err := s.unasked(); err != nil || r.code != 0 {
		return r, err
	}
	s.say(line)
	if r, err := s.flush(); err != nil || r.code != 0 {
		return r, err
	}
	return readReply(s.in)
}

// flush sends what was said. A server that no longer reads may have said why:
// then its refusal is what comes back, and the connection is over. What else
// it said is no answer to what it did not read.
func (s *Session) flush() (reply, error) {
	err := s.out.Flush()
	if err == nil {
		return reply{}, nil
	}
	r, unread := readReply(s.in)
	if unread != nil || r.kind() < 4 {
		return reply{}, err
	}
	s.hangUp()
	return r, nil
}

// unasked finds a reply that came before its command. Taken for the answer to
// what follows, it could make a receipt of nothing. Only 421 comes unasked.
func (s *Session) unasked() (reply, error) {
	if s.in.Buffered() == 0 {
		return reply{}, nil
	}
	r, err := readReply(s.in)
	if err == nil && r.code != 421 {
		return reply{}, tooEarly(r)
	}
	return r, err
}

func tooEarly(r reply) error {
	return garbage{strconv.Itoa(r.code) + " " + r.text() + ", before it was asked"}
}

// say puts a command into the buffer; an error shows at the flush.
func (s *Session) say(line string) {
	s.out.WriteString(line)
	s.out.WriteString("\r\n")
}

// expect is nil for a reply of that kind. Refusals and what is no answer to
// the command are findings.
func expect(at step, kind int, r reply, err error) *finding {
	switch {
	case err != nil:
		return &finding{step: at, cause: causeOf(err), err: err}
	case r.kind() == kind:
		return nil
	case r.kind() == 4 || r.kind() == 5:
		return &finding{step: at, reply: r}
	}
	return &finding{step: at, cause: garbled, err: garbage{strconv.Itoa(r.code) + " " + r.text()}}
}

// causeOf sorts the errors of a connection.
func causeOf(err error) cause {
	var bad garbage
	var name *net.DNSError
	var network net.Error
	switch {
	case errors.As(err, &bad):
		return garbled
	case errors.As(err, &name):
		return noName
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return silent
	case errors.Is(err, syscall.ECONNREFUSED):
		return closed
	}
	return lost
}
