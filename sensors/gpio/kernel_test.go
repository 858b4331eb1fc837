package gpio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pinbell/sensors"
)

// kernel stands in for the kernel behind board.ioctl. Its device files are
// plain files in a folder of their own, and the lines that it gives are real
// pipes, into which tests write events as the kernel would.
type kernel struct {
	t     *testing.T
	dev   string
	chips map[string]*fakeChip // by path of the device file

	refuse   func(lineRequest) error // nil: grants all
	asked    []lineRequest
	active   bool
	levelErr error
	events   *os.File // the writing end of the line granted last
}

type fakeChip struct {
	info    chipInfo
	lines   []lineInfo
	err     error // for everything
	infoErr error // for lines only
}

func newKernel(t *testing.T) *kernel {
	t.Helper()
	dev, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &kernel{t: t, dev: dev, chips: map[string]*fakeChip{}}
}

// pi adds a chip like a Raspberry Pi's: GPIO0 to GPIO27.
func (k *kernel) pi() *fakeChip {
	names := make([]string, 28)
	for i := range names {
		names[i] = fmt.Sprint("GPIO", i)
	}
	return k.chip("gpiochip0", "pinctrl-bcm2835", names...)
}

func (k *kernel) chip(name, label string, lines ...string) *fakeChip {
	k.t.Helper()
	path := filepath.Join(k.dev, name)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		k.t.Fatal(err)
	}
	c := &fakeChip{info: chipInfo{Name: cText(name), Label: cText(label), Lines: uint32(len(lines))}}
	for i, line := range lines {
		c.lines = append(c.lines, lineInfo{Name: cText(line), Offset: uint32(i)})
	}
	k.chips[path] = c
	return c
}

func cText(s string) (name [nameSize]byte) {
	copy(name[:nameSize-1], s)
	return name
}

func (k *kernel) board() board { return board{dev: k.dev, ioctl: k.ioctl} }

func (k *kernel) line(c Config) *Line {
	l := New(c)
	l.board = k.board()
	k.t.Cleanup(func() { l.Close() })
	return l
}

// open gives an open line, GPIO17 of a chip like a Pi's.
func (k *kernel) open() *Line {
	k.t.Helper()
	k.pi()
	l := k.line(Config{Line: "GPIO17"})
	if err := l.Open(); err != nil {
		k.t.Fatal(err)
	}
	return l
}

func (k *kernel) ioctl(fd uintptr, request uint, arg unsafe.Pointer) error {
	if request == unix.GPIO_V2_LINE_GET_VALUES_IOCTL {
		return k.values((*lineValues)(arg))
	}
	path, err := os.Readlink(fmt.Sprint("/proc/self/fd/", fd))
	if err != nil {
		return err
	}
	c := k.chips[path]
	switch {
	case c == nil:
		return unix.ENOTTY
	case c.err != nil:
		return c.err
	}
	switch request {
	case unix.GPIO_GET_CHIPINFO_IOCTL:
		*(*chipInfo)(arg) = c.info
		return nil
	case unix.GPIO_V2_GET_LINEINFO_IOCTL:
		info := (*lineInfo)(arg)
		if c.infoErr != nil || int(info.Offset) >= len(c.lines) {
			return errors.Join(c.infoErr, unix.EINVAL)
		}
		*info = c.lines[info.Offset]
		return nil
	case unix.GPIO_V2_GET_LINE_IOCTL:
		return k.grant((*lineRequest)(arg))
	}
	return unix.EINVAL
}

func (k *kernel) grant(r *lineRequest) error {
	k.asked = append(k.asked, *r)
	if k.refuse != nil {
		if err := k.refuse(*r); err != nil {
			return err
		}
	}
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	r.FD = int32(ends[0])
	k.events = os.NewFile(uintptr(ends[1]), "events")
	k.t.Cleanup(func() { k.events.Close() })
	return nil
}

func (k *kernel) values(v *lineValues) error {
	if v.Mask != 1 {
		return unix.EINVAL
	}
	if k.active {
		v.Bits = 1
	}
	return k.levelErr
}

// bytesOf gives events as the kernel writes them.
func bytesOf(events ...lineEvent) (data []byte) {
	for _, e := range events {
		data, _ = binary.Append(data, binary.NativeEndian, e)
	}
	return data
}

func (k *kernel) write(data []byte) {
	k.t.Helper()
	if _, err := k.events.Write(data); err != nil {
		k.t.Fatal(err)
	}
}

func rising(seq uint32, at uint64) lineEvent {
	return lineEvent{TimestampNS: at, ID: unix.GPIO_V2_LINE_EVENT_RISING_EDGE, Offset: 17, Seqno: seq, LineSeqno: seq}
}

func falling(seq uint32, at uint64) lineEvent {
	e := rising(seq, at)
	e.ID = unix.GPIO_V2_LINE_EVENT_FALLING_EDGE
	return e
}

// kernelNow is the clock that the kernel stamps events with.
func kernelNow(t *testing.T) uint64 {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		t.Fatal(err)
	}
	return uint64(ts.Nano())
}

// ample is long enough for what takes no time at all, on any machine.
const ample = time.Minute

// fetch waits for edges that are there.
func fetch(t *testing.T, l *Line) []sensors.Edge {
	t.Helper()
	edges, err := l.Wait(t.Context(), time.Now().Add(ample), nil)
	if err != nil {
		t.Fatal(err)
	}
	return edges
}

// asFault is err as the Fault that it must be.
func asFault(t *testing.T, err error) *sensors.Fault {
	t.Helper()
	fault, ok := errors.AsType[*sensors.Fault](err)
	if !ok || fault == nil {
		t.Fatalf("got %#v, want a *sensors.Fault", err)
	}
	return fault
}
