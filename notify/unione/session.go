package unione

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"pinbell/notify/peer"
)

// Session is a verified connection, used for one request after another. It is
// for one goroutine. A connection that the server closed between two mails is
// opened anew, unseen: nothing of the second mail was sent then.
type Session struct {
	relay     Relay
	transport *http.Transport
	first     chan net.Conn // holds what Open made, until the transport takes it
	mask      peer.Mask
	ended     bool
}

// What an answer may have: it names each recipient once.
const (
	maxHeader = 64 << 10
	maxAnswer = 1 << 20
)

// roundTripper speaks HTTP/1.1 over one connection. It is used without an
// http.Client, so that nothing follows a redirect with the key. No proxy: one
// out of the environment would be of another program's making, and nobody
// would look for it there.
func (s *Session) roundTripper() *http.Transport {
	only := new(http.Protocols)
	only.SetHTTP1(true)
	return &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("nothing is sent in clear text")
		},
		DialTLSContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return s.connection(ctx) },
		Protocols:              only,
		DisableCompression:     true,
		MaxConnsPerHost:        1,
		MaxIdleConnsPerHost:    1,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// connection is the one that Open made, and after its end another. The
// transport dials aside, and goes on with that when the request is given up.
func (s *Session) connection(ctx context.Context) (net.Conn, error) {
	select {
	case conn := <-s.first:
		return &line{Conn: conn}, nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, s.relay.patience(0))
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &line{Conn: conn}, nil
}

// dial connects and verifies who answers. Its errors are *finding.
func (s *Session) dial(ctx context.Context) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.relay.address())
	if err != nil {
		return nil, &finding{step: atDial, cause: causeOf(err), err: err}
	}
	secure := tls.Client(conn, &tls.Config{
		ServerName: s.relay.host(),
		RootCAs:    peer.Roots(s.relay.Roots),
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		Time:       s.relay.now,
	})
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, &finding{step: atTLS, cause: handshakeCause(err), err: err}
	}
	return secure, nil
}

// Ended says that the session is over, and that the next mail needs another.
func (s *Session) Ended() bool { return s.ended }

// Close ends the connection. Nothing depends on it.
func (s *Session) Close() {
	s.ended = true
	select {
	case conn := <-s.first:
		conn.Close()
	default:
	}
	s.transport.CloseIdleConnections()
}

// line is a connection that knows whether bytes went out. What net/http hands
// to its buffer may never have left.
type line struct {
	net.Conn
	wrote, failed atomic.Bool
}

func (l *line) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	if n > 0 {
		l.wrote.Store(true)
	}
	if err != nil {
		l.failed.Store(true)
	}
	return n, err
}

// progress follows one request, for the verdict on a mail that was cut off.
type progress struct {
	line  *line
	whole atomic.Bool // the request was written to its end
}

// began is called with each connection that the request is tried over.
func (p *progress) began(info httptrace.GotConnInfo) {
	p.line, _ = info.Conn.(*line)
	p.line.wrote.Store(false)
	p.whole.Store(false)
}

func (p *progress) wrote(info httptrace.WroteRequestInfo) { p.whole.Store(info.Err == nil) }

// step is where the request stood when it was cut off.
func (p *progress) step() step {
	switch {
	case p.line == nil || !p.line.wrote.Load():
		return atIdle
	case p.whole.Load() && !p.line.failed.Load():
		return atDot
	}
	return atData
}

// ask makes one request and reads its answer. What it returns without an
// answer has ended the session.
func (s *Session) ask(ctx context.Context, method string, body []byte) finding {
	key, err := s.relay.key()
	if err != nil {
		return finding{step: atAuth, cause: noSecret, err: err}
	}
	s.mask = peer.NewMask(key.Reveal())
	p := new(progress)
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: p.began, WroteRequest: p.wrote,
	}), http.MethodPost, "https://"+s.relay.address()+path+method, bytes.NewReader(body))
	if err != nil {
		return finding{step: atIdle, cause: lost, err: err}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "pinbell")
	request.Header.Set("X-API-KEY", key.Reveal())
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		s.ended = true
		return *s.broken(ctx, p.step(), err)
	}
	return s.hear(ctx, response)
}

// hear reads an answer. A refusal that was cut short is one all the same, by
// its status; a receipt that was cut short is none.
func (s *Session) hear(ctx context.Context, response *http.Response) finding {
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		s.ended = true
		body = nil
	}
	if err != nil && response.StatusCode/100 == 2 {
		return *s.broken(ctx, atDot, err)
	}
	found := finding{step: atDot, answer: readAnswer(response.StatusCode, body)}
	found.answer.after = retryAfter(response.Header.Get("Retry-After"), s.relay.now())
	return found
}

// broken is what an error of the connection means. Those of dial say it
// themselves.
func (s *Session) broken(ctx context.Context, at step, err error) *finding {
	met := finding{step: at, cause: causeOf(err), err: err}
	var own *finding
	if errors.As(err, &own) {
		met = *own
	}
	if met.cause != lost && met.cause != silent {
		return &met
	}
	switch ctx.Err() {
	case context.Canceled:
		met.cause = stopped
	case context.DeadlineExceeded:
		met.cause = silent
	}
	return &met
}

// handshakeCause tells certificates from other failures of a handshake.
func handshakeCause(err error) cause {
	switch {
	case peer.BadCertificate(err):
		return badCert
	case peer.BadTLS(err):
		return badTLS
	}
	return causeOf(err)
}

// causeOf sorts the errors of a connection.
func causeOf(err error) cause {
	var name *net.DNSError
	var network net.Error
	switch {
	case errors.As(err, &name):
		return noName
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return silent
	case errors.Is(err, syscall.ECONNREFUSED):
		return closed
	}
	return lost
}

// retryAfter reads the header of that name: seconds or a date, RFC 9110
// section 10.2.3.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, longest)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), longest)
	}
	return 0
}
