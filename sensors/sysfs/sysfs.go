// Package sysfs reads kernel files that hold one number: thermal zones, hwmon,
// IIO, the temperature and w1_slave of 1-Wire sensors, or any other.
//
// It promises that a value is the number that the file held just then. What is
// known to be no measurement is a Fault: a check sum that failed, the numbers
// that 1-Wire sensors and thermal zones give when they have none, a file that
// is gone, empty, long, or no number. It reads regular files of local file
// systems only, so that no read waits without an end.
//
// A sensor is closed or open. Closed: Sense opens the file. Open: Sense reads
// it again from its beginning, which for the kernel's files is a new
// measurement. Any failure closes it, and so does a file that was deleted: a
// deleted file can be read for ever and never changes.
package sysfs

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"

	"golang.org/x/sys/unix"

	"pinbell/sensors"
)

// Config says what a file's number means.
type Config struct {
	Path     string
	Scale    float64 // the value is the number times this; 0 stands for 1
	Quantity sensors.Quantity
}

// longest is what a file with one number can have; w1_slave has 75 bytes.
const longest = 255

// file is the sensor.
type file struct {
	Config
	wire bool // a 1-Wire thermometer's, with its well-known lies
	fd   int  // -1: closed
	stat unix.Stat_t
	buf  [longest + 1]byte
}

// New makes a sensor of a file; it opens nothing.
func New(c Config) sensors.Sensor {
	if c.Scale == 0 {
		c.Scale = 1
	}
	return &file{Config: c, wire: oneWire(c.Path), fd: -1}
}

// oneWire tells a 1-Wire thermometer by its folder, family code and serial
// number: .../28-0316a2794cff/temperature. The families are those of the
// kernel's w1_therm.
func oneWire(path string) bool {
	folder, name := filepath.Base(filepath.Dir(path)), filepath.Base(path)
	if name != "w1_slave" && name != "temperature" || len(folder) != len("28-0316a2794cff") {
		return false
	}
	switch folder[:3] {
	case "10-", "22-", "28-", "3b-", "42-":
		return true
	}
	return false
}

// Sense reads the file. It allocates nothing while all is well.
func (f *file) Sense(buf []sensors.Measure) ([]sensors.Measure, error) {
	text, err := f.read()
	if err != nil {
		f.Close()
		return buf, f.unread(err)
	}
	number, flaw := parse(text)
	if flaw == nil && f.wire {
		flaw = lie(number, text)
	}
	value := f.scaled(number)
	if flaw == nil {
		flaw = f.implausible(value)
	}
	if flaw != nil {
		f.Close()
		return buf, &sensors.Fault{Sentence: f.Path + " " + flaw.says, Remedy: flaw.remedy}
	}
	return append(buf, sensors.Measure{Quantity: f.Quantity, Value: value}), nil
}

// scaled divides where the scale is one in so many: -14200 times 0.001 is
// -14.200000000000001, which a rule with the limit -14.2 would take for colder.
func (f *file) scaled(number float64) float64 {
	if whole := 1 / f.Scale; whole == math.Trunc(whole) {
		return number / whole
	}
	return number * f.Scale
}

// Close lets go of the file.
func (f *file) Close() error {
	if f.fd < 0 {
		return nil
	}
	err := unix.Close(f.fd)
	f.fd = -1
	return err
}

// read gives what the file holds, at most one byte more than the longest.
func (f *file) read() ([]byte, error) {
	if f.fd >= 0 && f.deleted() {
		f.Close()
	}
	if f.fd < 0 {
		if err := f.open(); err != nil {
			return nil, err
		}
	}
	for {
		n, err := unix.Pread(f.fd, f.buf[:], 0)
		if err != unix.EINTR {
			return f.buf[:max(n, 0)], err
		}
	}
}

func (f *file) deleted() bool {
	return unix.Fstat(f.fd, &f.stat) != nil || f.stat.Nlink == 0
}

var (
	errNotRegular = errors.New("not a regular file")
	errRemote     = errors.New("not a local file")
)

// open takes regular files of local file systems. O_NONBLOCK keeps a named
// pipe from waiting for a writer before it is found out; the runtime's poller
// is left out of it (os.File), as it would be woken for each file of sysfs.
func (f *file) open() error {
	fd, err := unix.Open(f.Path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	f.fd = fd
	if err := unix.Fstat(fd, &f.stat); err != nil {
		return err
	}
	if f.stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return errNotRegular
	}
	var where unix.Statfs_t
	if err := unix.Fstatfs(fd, &where); err != nil {
		return err
	}
	if remote(uint32(where.Type)) {
		return errRemote
	}
	return nil
}

// remote tells the file systems on which a read can wait for ever for
// somebody else, and can't be interrupted.
func remote(kind uint32) bool {
	switch kind {
	case unix.NFS_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC,
		unix.SMB_SUPER_MAGIC, unix.V9FS_MAGIC, unix.CEPH_SUPER_MAGIC, unix.AFS_SUPER_MAGIC, unix.CODA_SUPER_MAGIC:
		return true
	}
	return false
}

// unread finds the words for a file that can't be read.
func (f *file) unread(err error) *sensors.Fault {
	says, remedy := "can't be read", "Look at the end of `dmesg` for what the kernel says about the device."
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		says, remedy = "is not there", "Check that the device is connected, and the path: numbers in it can change from boot to boot."
	case errors.Is(err, fs.ErrPermission):
		says, remedy = "may not be read by pinbell", "Let the user that pinbell runs as read the file."
	case errors.Is(err, errNotRegular):
		says, remedy = "is no file that holds a number", "Check the path: it leads to a folder, a pipe or a device."
	case errors.Is(err, errRemote):
		says, remedy = "is on a network or user-space file system, where a read can wait for ever", "Have it copied to a local file, for example in /run."
	}
	return &sensors.Fault{Sentence: fmt.Sprintf("%s %s", f.Path, says), Remedy: remedy, Err: err}
}
