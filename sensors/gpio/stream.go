package gpio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pinbell/sensors"
)

// stream is an open line: the file descriptor from which events are read.
type stream struct {
	file  *os.File
	raw   syscall.RawConn
	ioctl func(fd uintptr, request uint, arg unsafe.Pointer) error
	pull  Pull  // in effect
	clock clock // from the kernel's time to Go's
	seq   uint32
	buf   []byte         // room for all that the kernel keeps
	ahead []sensors.Edge // read, not yet given to WaitForEdge
}

// past is a deadline that ends a read at once.
var past = time.Unix(1, 0)

// newStream hands the descriptor to Go's poller, which takes only one that
// does not block.
func newStream(g grant, ioctl func(uintptr, uint, unsafe.Pointer) error) (*stream, error) {
	if err := unix.SetNonblock(g.fd, true); err != nil {
		unix.Close(g.fd)
		return nil, err
	}
	s := &stream{
		file:  os.NewFile(uintptr(g.fd), g.place.String()),
		ioctl: ioctl,
		pull:  g.config.Pull,
		buf:   make([]byte, eventBuffer*eventSize),
	}
	err := s.file.SetReadDeadline(time.Time{})
	if err == nil {
		s.raw, err = s.file.SyscallConn()
	}
	if err == nil {
		s.clock, err = newClock()
	}
	if err != nil {
		s.file.Close()
		return nil, err
	}
	return s, nil
}

func (s *stream) level() (active bool, err error) {
	values := lineValues{Mask: 1}
	ctlErr := s.raw.Control(func(fd uintptr) {
		err = s.ioctl(fd, unix.GPIO_V2_LINE_GET_VALUES_IOCTL, unsafe.Pointer(&values))
	})
	return values.Bits&1 != 0, errors.Join(ctlErr, err)
}

func (s *stream) wait(ctx context.Context, until time.Time, edges []sensors.Edge) ([]sensors.Edge, error) {
	n, err := s.read(ctx, until)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, unix.EAGAIN):
		return edges, nil
	case err != nil:
		return edges, err
	}
	return s.decode(s.buf[:n], time.Now(), edges)
}

func (s *stream) read(ctx context.Context, until time.Time) (int, error) {
	if !until.IsZero() && !until.After(time.Now()) {
		return s.poll()
	}
	if err := s.file.SetReadDeadline(until); err != nil {
		return 0, err
	}
	defer context.AfterFunc(ctx, func() { s.file.SetReadDeadline(past) })()
	return s.file.Read(s.buf)
}

// poll reads what is there: a Read whose deadline has passed would not look.
func (s *stream) poll() (n int, err error) {
	ctlErr := s.raw.Control(func(fd uintptr) {
		if n, err = unix.Read(int(fd), s.buf); err == unix.EINTR {
			err = unix.EAGAIN
		}
	})
	return max(n, 0), errors.Join(ctlErr, err)
}

// decode reads the events that the kernel wrote. It always writes whole ones.
func (s *stream) decode(data []byte, now time.Time, edges []sensors.Edge) ([]sensors.Edge, error) {
	for ; len(data) >= eventSize; data = data[eventSize:] {
		var e lineEvent
		if _, err := binary.Decode(data, binary.NativeEndian, &e); err != nil {
			return edges, err
		}
		if e.ID != unix.GPIO_V2_LINE_EVENT_RISING_EDGE && e.ID != unix.GPIO_V2_LINE_EVENT_FALLING_EDGE {
			return edges, fmt.Errorf("the kernel reports an event of unknown kind %d", e.ID)
		}
		edges = append(edges, sensors.Edge{
			Active: e.ID == unix.GPIO_V2_LINE_EVENT_RISING_EDGE, // the kernel has minded active-low
			At:     s.clock.time(e.TimestampNS, now),
			Seq:    e.LineSeqno,
			Lost:   e.LineSeqno - s.seq - 1, // also right where the counter wraps
		})
		s.seq = e.LineSeqno
	}
	if len(data) > 0 {
		return edges, fmt.Errorf("the kernel cut an event short: %d bytes of %d", len(data), eventSize)
	}
	return edges, nil
}

// clock turns the kernel's CLOCK_MONOTONIC into Go's, which is the same clock
// with another zero: what lies between them is constant.
type clock struct {
	base   time.Time
	kernel int64 // CLOCK_MONOTONIC at base, ns
}

// newClock reads both clocks at once. A task switch between the two would show
// in all times, so the closest of a few tries counts.
func newClock() (clock, error) {
	var best clock
	closest := time.Duration(-1)
	for range 5 {
		var ts unix.Timespec
		before := time.Now()
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			return clock{}, os.NewSyscallError("clock_gettime", err)
		}
		if took := time.Since(before); closest < 0 || took < closest {
			closest = took
			best = clock{base: before.Add(took / 2), kernel: ts.Nano()}
		}
	}
	return best, nil
}

// time gives the instant of a kernel time stamp, with Go's monotonic time and
// with wall time as the board's clock goes now, which may have been set since
// base. Nothing is later than now.
func (c clock) time(kernel uint64, now time.Time) time.Time {
	age := now.Sub(c.base) - time.Duration(int64(kernel)-c.kernel)
	return now.Add(-max(age, 0))
}
