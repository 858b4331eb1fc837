package gpio

import (
	"bytes"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The structures of the kernel's include/uapi/linux/gpio.h, uAPI v2 (Linux
// 5.10). The kernel pads them so that 32-bit and 64-bit programs share one
// layout; the explicit blanks below keep Go to it (a test checks each offset).

// Flags of a line, in lineConfig.Flags and lineInfo.Flags.
const (
	flagUsed        = 1 << 0
	flagActiveLow   = 1 << 1
	flagInput       = 1 << 2
	flagOutput      = 1 << 3
	flagEdgeRising  = 1 << 4
	flagEdgeFalling = 1 << 5
	flagPullUp      = 1 << 8
	flagPullDown    = 1 << 9
	flagPullOff     = 1 << 10

	flagEdges = flagEdgeRising | flagEdgeFalling
	flagBias  = flagPullUp | flagPullDown | flagPullOff
)

const nameSize = 32 // of the kernel's names, the closing NUL included

type chipInfo struct {
	Name, Label [nameSize]byte
	Lines       uint32
}

// lineAttribute has a union of 8 bytes, of which debounce uses the first 4.
type lineAttribute struct {
	ID         uint32
	_          uint32
	DebounceUS uint32
	_          uint32
}

type configAttribute struct {
	Attr lineAttribute
	Mask uint64 // of the request's lines, by index
}

type lineConfig struct {
	Flags    uint64
	NumAttrs uint32
	_        [5]uint32
	Attrs    [10]configAttribute
}

type lineRequest struct {
	Offsets         [64]uint32
	Consumer        [nameSize]byte
	Config          lineConfig
	NumLines        uint32
	EventBufferSize uint32
	_               [5]uint32
	FD              int32
}

type lineInfo struct {
	Name, Consumer [nameSize]byte
	Offset         uint32
	NumAttrs       uint32
	Flags          uint64
	Attrs          [10]lineAttribute
	_              [4]uint32
}

type lineValues struct {
	Bits, Mask uint64
}

type lineEvent struct {
	TimestampNS uint64 // CLOCK_MONOTONIC
	ID          uint32 // unix.GPIO_V2_LINE_EVENT_RISING_EDGE or FALLING
	Offset      uint32
	Seqno       uint32
	LineSeqno   uint32 // from 1
	_           [6]uint32
}

const eventSize = int(unsafe.Sizeof(lineEvent{}))

// text gives a name as the kernel stores it: up to the first NUL.
func text(name [nameSize]byte) string {
	head, _, _ := bytes.Cut(name[:], []byte{0})
	return string(head)
}

// board is the way to the kernel: the folder of the device files and the
// system call, so that tests can stand in for hardware.
type board struct {
	dev   string
	ioctl func(fd uintptr, request uint, arg unsafe.Pointer) error
}

var thisBoard = board{dev: "/dev", ioctl: ioctl}

func ioctl(fd uintptr, request uint, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, uintptr(request), uintptr(arg))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}
