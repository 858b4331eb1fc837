package i2c

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
)

// adapter is an open /dev/i2c-N. It is ours and not periph's sysfs.I2C,
// because that one hides the errno in a text, and whether a chip is absent,
// the bus is stuck or the owner lacks a group is what the errno says. Its
// layout is that of the kernel's Documentation/i2c/dev-interface.rst and
// include/uapi/linux/i2c.h, i2c-dev.h.
//
// The end of each transfer is the kernel's: an adapter gives up after its own
// time-out (a second on most), and the kernel tries again only after lost
// arbitration.
type adapter struct {
	fd      int
	path    string
	message [2]message
	request request
}

// message is the kernel's struct i2c_msg.
type message struct {
	address uint16
	flags   uint16
	length  uint16
	data    *byte
}

// request is the kernel's struct i2c_rdwr_ioctl_data.
type request struct {
	messages *message
	count    uint32
}

const (
	ioctlReadWrite = 0x0707 // I2C_RDWR
	flagRead       = 0x0001 // I2C_M_RD
)

func devicePath(number int) string { return fmt.Sprintf("/dev/i2c-%d", number) }

func openAdapter(number int) (i2c.BusCloser, error) {
	path := devicePath(number)
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return &adapter{fd: fd, path: path}, nil
}

func (a *adapter) String() string { return a.path }

func (a *adapter) SetSpeed(physic.Frequency) error { return errors.ErrUnsupported }

func (a *adapter) Close() error {
	if err := unix.Close(a.fd); err != nil {
		return &os.PathError{Op: "close", Path: a.path, Err: err}
	}
	return nil
}

// Tx implements i2c.Bus. The messages live in the adapter, as the kernel gets
// their address as a number and the stack may move.
func (a *adapter) Tx(address uint16, w, r []byte) error {
	n := 0
	if len(w) > 0 {
		a.message[n] = message{address: address, length: uint16(len(w)), data: &w[0]}
		n++
	}
	if len(r) > 0 {
		a.message[n] = message{address: address, flags: flagRead, length: uint16(len(r)), data: &r[0]}
		n++
	}
	if n == 0 {
		return nil
	}
	a.request = request{messages: &a.message[0], count: uint32(n)}
	done, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(a.fd), ioctlReadWrite, uintptr(unsafe.Pointer(&a.request)))
	runtime.KeepAlive(a)
	a.message = [2]message{}
	return a.outcome(address, n, int(done), errno)
}

// outcome is what the kernel's answer to a request of n messages means.
func (a *adapter) outcome(address uint16, n, done int, errno unix.Errno) error {
	var err error = errno
	switch {
	case errno != 0:
	case done != n:
		err = io.ErrUnexpectedEOF
	default:
		return nil
	}
	return fmt.Errorf("transfer with 0x%02x on %s: %w", address, a.path, err)
}
