package smtptest

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// visit is one client's connection to an honest server.
type visit struct {
	server *Server
	conn   *smtp.Conn
	user   string
	from   string
	to     []string
}

var _ smtp.AuthSession = (*visit)(nil)

func (s *Server) newVisit(c *smtp.Conn) (smtp.Session, error) {
	if err := s.answer("ehlo", c.Hostname(), c); err != nil {
		return nil, err
	}
	return &visit{server: s, conn: c}, nil
}

// answer asks the test for a reply of its own, and then the server's mood; nil
// means the honest one.
func (s *Server) answer(step, argument string, c *smtp.Conn) error {
	if err := s.made(step, argument); err != nil {
		return err
	}
	return s.obey(s.whim(step), c)
}

// made is an answer to order.
func (s *Server) made(step, argument string) error {
	if s.options.Answer == nil {
		return nil
	}
	r := s.options.Answer(step, argument)
	if r == nil {
		return nil
	}
	return &smtp.SMTPError{Code: r.Code, EnhancedCode: smtp.NoEnhancedCode, Message: r.Text}
}

func (v *visit) AuthMechanisms() []string { return v.server.options.Mechanisms }

func (v *visit) Auth(mechanism string) (sasl.Server, error) {
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, password string) error { return v.logIn(user, password) }), nil
	case sasl.Login:
		return &loginServer{check: v.logIn}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

func (v *visit) logIn(user, password string) error {
	err := v.server.answer("auth", user, v.conn)
	if err == nil && (user != v.server.options.Username || password != v.server.options.Password) {
		err = smtp.ErrAuthFailed
	}
	v.server.mu.Lock()
	defer v.server.mu.Unlock()
	if err != nil {
		v.server.refusals++
		return err
	}
	v.server.logins++
	v.user = user
	return nil
}

func (v *visit) Mail(from string, _ *smtp.MailOptions) error {
	if v.user == "" {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	v.from = from
	return v.server.answer("mail", from, v.conn)
}

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := v.server.answer("rcpt", to, v.conn); err != nil {
		return err
	}
	v.to = append(v.to, to)
	return nil
}

func (v *visit) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := v.server.made("dot", v.from); err != nil {
		return err
	}
	whim := v.server.whim("dot")
	if err := v.server.obey(whim, v.conn); err != nil {
		return err
	}
	m := Mail{From: v.from, To: v.to, Bytes: body, User: v.user}
	if state, secure := v.conn.TLSConnectionState(); secure {
		m.TLS = state.Version
	}
	m.RoundTrips = roundTrips(v.conn.Conn())
	m = v.server.accept(m)
	if whim.name == "forget" {
		v.conn.Conn().Close()
		return errHungUp
	}
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "Ok: queued as " + m.QueueID}
}

func (v *visit) Reset()        { v.from, v.to = "", nil }
func (v *visit) Logout() error { return nil }

// loginServer asks for user name and password, as servers do that know LOGIN.
type loginServer struct {
	check func(user, password string) error
	asked int
	user  string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if response == nil && l.asked == 0 {
		l.asked = 1
		return []byte("Username:"), false, nil
	}
	switch l.asked {
	case 0, 1:
		l.user, l.asked = string(response), 2
		return []byte("Password:"), false, nil
	case 2:
		l.asked = 3
		return nil, true, l.check(l.user, string(response))
	}
	return nil, false, errors.New("one answer too many")
}

// countingListener counts on each connection how often the client had to wait.
type countingListener struct{ net.Listener }

func (l countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countingConn{Conn: conn, answered: true}, nil
}

// countingConn counts flushes: writes that follow a read. Between two of them
// lies a round trip, since the client waits for the one before it goes on.
type countingConn struct {
	net.Conn
	mu       sync.Mutex
	flushes  int
	answered bool // what was read last has had an answer
	begun    bool
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		c.answered = false
	}
	return n, err
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if !c.answered || !c.begun {
		c.flushes++
	}
	c.answered, c.begun = true, true
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// roundTrips counts what the client has waited for, once the answer under way
// is there: the connection itself, and each flush.
func roundTrips(conn net.Conn) int {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	counting, ok := conn.(*countingConn)
	if !ok {
		return 0
	}
	counting.mu.Lock()
	defer counting.mu.Unlock()
	return 1 + counting.flushes + 1
}
