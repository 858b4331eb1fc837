package smtp

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// wire is a connection in memory that behaves as one over a network does, and
// lives in a bubble: writing does not wait for reading until the window is
// full, what was written before a hang-up still arrives, and what is written
// after it fails.
func wire() (client, server net.Conn) {
	up, down := newStream(), newStream()
	return &end{in: down, out: up}, &end{in: up, out: down}
}

const window = 64 << 10

// stream is one direction of a wire.
type stream struct {
	mu              sync.Mutex
	wake            sync.Cond
	buf             []byte
	over            bool // the writer hung up
	gone            bool // the reader did
	readBy, writeBy time.Time
}

func newStream() *stream {
	s := &stream{}
	s.wake.L = &s.mu
	return s
}

// set changes the stream and wakes who waits for it.
func (s *stream) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.wake.Broadcast()
}

func passed(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.gone:
			return 0, net.ErrClosed
		case passed(s.readBy):
			return 0, os.ErrDeadlineExceeded
		case len(s.buf) > 0:
			n := copy(p, s.buf)
			s.buf = s.buf[n:]
			s.wake.Broadcast()
			return n, nil
		case s.over:
			return 0, io.EOF
		}
		s.wake.Wait()
	}
}

func (s *stream) write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n < len(p) {
		switch room := window - len(s.buf); {
		case s.over:
			return n, net.ErrClosed
		case passed(s.writeBy):
			return n, os.ErrDeadlineExceeded
		case s.gone:
			return n, syscall.EPIPE
		case room > 0:
			more := p[n:min(n+room, len(p))]
			s.buf = append(s.buf, more...)
			n += len(more)
			s.wake.Broadcast()
		default:
			s.wake.Wait()
		}
	}
	return n, nil
}

// end is one side of a wire.
type end struct {
	in, out *stream
}

func (e *end) Read(p []byte) (int, error)  { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error) { return e.out.write(p) }

func (e *end) Close() error {
	e.in.set(func() { e.in.gone = true })
	e.out.set(func() { e.out.over = true })
	return nil
}

func (e *end) SetDeadline(t time.Time) error {
	e.SetReadDeadline(t)
	return e.SetWriteDeadline(t)
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.in.set(func() { e.in.readBy = t })
	time.AfterFunc(time.Until(t), e.in.wake.Broadcast)
	return nil
}

func (e *end) SetWriteDeadline(t time.Time) error {
	e.out.set(func() { e.out.writeBy = t })
	time.AfterFunc(time.Until(t), e.out.wake.Broadcast)
	return nil
}

func (e *end) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (e *end) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 587} }
