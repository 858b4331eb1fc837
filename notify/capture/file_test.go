package capture

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFileIsReadOrTheFaultSaysWhyNot(t *testing.T) {
	folder := t.TempDir()
	fifo := filepath.Join(folder, "pipe")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, Config{MaxBytes: 1000})
	for path, want := range map[string]string{
		fifo:                                     "is a device or a pipe, not a file", // and nobody has its other end
		"/dev/zero":                              "is a device or a pipe, not a file",
		folder:                                   "is a folder",
		filepath.Join(folder, "none"):            "there is no such file",
		"/dev/null/x":                            "there is no such file",
		put(t, "big", strings.Repeat("x", 1001)): "is larger than 1 KB",
		put(t, "empty", ""):                      "is empty",
		put(t, "full", strings.Repeat("x", 1000)): "",
	} {
		if got := s.one("file:" + path); got.Fault != want {
			t.Errorf("%s: %q, want %q", path, got.Fault, want)
		}
	}
}

func TestFileWithoutASizeIsReadToItsEnd(t *testing.T) {
	if got := open(t, Config{}).one("file:/proc/self/stat"); got.Fault != "" || len(got.Data) < 10 {
		t.Errorf("%+v", got)
	}
}

func TestFileThatMayNotBeReadSaysSo(t *testing.T) {
	if err := unreadable(&os.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}); err.Error() != "may not be read by pinbell" {
		t.Error(err)
	}
	if err := unreadable(&os.PathError{Op: "read", Path: "/x", Err: syscall.EIO}); err.Error() != "cannot be read: input/output error" {
		t.Error(err)
	}
}

func TestPictureBeingWrittenIsReadOnceMore(t *testing.T) {
	path := put(t, "last.jpg", jpeg[:9])
	waits := 0
	finish := func() {
		waits++
		if err := os.WriteFile(path, []byte(jpeg), 0o600); err != nil {
			t.Error(err)
		}
	}
	for range 2 { // the second time it is whole
		if data, _, err := readFile(path, 1000, finish); string(data) != jpeg || err != nil || waits != 1 {
			t.Errorf("%q, %v, after %d waits", data, err, waits)
		}
	}
}

func TestUnfinishedPictureIsRecognised(t *testing.T) {
	const png = "\x89PNG\r\n\x1a\n....IHDR"
	for content, want := range map[string]bool{
		"": true, jpeg: false, jpeg[:len(jpeg)-1]: true, jpeg + "trailer": false,
		png: true, png + "....IEND\xae\x42\x60\x82": false, "21.5\n": false,
	} {
		if cutOff([]byte(content)) != want {
			t.Errorf("%q: cut off is %v, want %v", content, !want, want)
		}
	}
}

func TestChangeOfAFileWhileItIsReadIsNoticed(t *testing.T) {
	path := put(t, "log", "one")
	stat := func() os.FileInfo {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	before := stat()
	if !unchanged(before, stat()) {
		t.Error("it changed, and nobody did anything")
	}
	if err := os.Chtimes(path, time.Time{}, before.ModTime().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if unchanged(before, stat()) {
		t.Error("another time is not noticed")
	}
	if err := os.WriteFile(path, []byte("three"), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Chtimes(path, time.Time{}, before.ModTime())
	if unchanged(before, stat()) {
		t.Error("another size is not noticed")
	}
}

func TestUnfinishedPictureIsTakenAsItIsInTheEnd(t *testing.T) {
	path := put(t, "last.jpg", jpeg[:9])
	if data, _, err := readFile(path, 1000, func() {}); string(data) != jpeg[:9] || err != nil {
		t.Errorf("%q, %v", data, err)
	}
}

func TestOldPictureIsDatedAsOld(t *testing.T) {
	c := New(Config{Now: func() time.Time { return time.Now().Add(1000 * time.Hour) }})
	for name, test := range map[string]struct{ age, want time.Duration }{
		"new":         {0, 0},
		"yesterday's": {24 * time.Hour, 24 * time.Hour},
		"from the future, by a clock that was set since": {-time.Hour, 0},
		"from 1970": {50 * 365 * 24 * time.Hour, 0},
	} {
		now := time.Now()
		got := c.Now().Sub(c.dated(now.Add(-test.age).Round(0)))
		if (got - test.want).Abs() > time.Minute {
			t.Errorf("a picture %s: dated %v ago, want %v", name, got, test.want)
		}
	}
}
