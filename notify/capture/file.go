package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// leave waits as long as a file that looks unfinished is left to whoever
// writes it.
func leave(ctx context.Context) {
	select {
	case <-time.After(300 * time.Millisecond):
	case <-ctx.Done():
	}
}

// readFile reads a regular file, and says when it was changed. Programs that
// take pictures replace their last one by writing over it: a file that changes
// while it is read, or that looks cut off, is read once more after a wait.
func readFile(path string, most int, wait func()) ([]byte, time.Time, error) {
	data, info, steady, err := look(path, most)
	if err == nil && (!steady || cutOff(data)) {
		wait()
		data, info, _, err = look(path, most)
	}
	if err == nil && len(data) == 0 {
		err = fault("is empty")
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	return data, info.ModTime(), nil
}

// look reads a file once; steady says that it did not change meanwhile.
func look(path string, most int) (data []byte, before fs.FileInfo, steady bool, err error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, nil, false, err
	}
	defer f.Close()
	if before, err = f.Stat(); err != nil {
		return nil, nil, false, unreadable(err)
	}
	if data, err = readUpTo(f, most); err != nil {
		return nil, nil, false, unreadable(err)
	}
	after, err := f.Stat()
	if err != nil {
		return nil, nil, false, unreadable(err)
	}
	return data, before, unchanged(before, after), nil
}

func unchanged(before, after fs.FileInfo) bool {
	return before.Size() == after.Size() && before.ModTime().Equal(after.ModTime())
}

// openRegular opens nothing but a regular file: a device may do things when it
// is opened, and a pipe would wait for its other end.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil {
		err = regular(info)
	}
	if err != nil {
		return nil, unreadable(err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, unreadable(err)
	}
	if info, err = f.Stat(); err == nil { // it may be another one by now
		err = regular(info)
	}
	if err != nil {
		f.Close()
		return nil, unreadable(err)
	}
	return f, nil
}

func regular(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return fault("is a folder")
	case !info.Mode().IsRegular():
		return fault("is a device or a pipe, not a file")
	}
	return nil
}

// unreadable says in a fault's words why a file cannot be read.
func unreadable(err error) error {
	var known fault
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		return fault("there is no such file")
	case errors.Is(err, fs.ErrPermission):
		return fault("may not be read by pinbell")
	}
	return fault("cannot be read: " + plain(err))
}

// readUpTo reads all there is, and refuses more than most bytes whatever was
// announced.
func readUpTo(r io.Reader, most int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if len(data) > most {
		return nil, tooLarge(most)
	}
	return data, err
}

// cutOff recognises a picture whose end is missing: a JPEG ends with the
// marker FF D9 (ITU-T T.81, B.1.1.3), a PNG with the chunk IEND (RFC 2083, 4.1.4).
// Some cameras add bytes of their own after it.
func cutOff(data []byte) bool {
	switch {
	case len(data) == 0:
		return true
	case bytes.HasPrefix(data, []byte{0xff, 0xd8, 0xff}):
		return !bytes.Contains(data, []byte{0xff, 0xd9})
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return !bytes.Contains(data, []byte("IEND"))
	}
	return false
}
