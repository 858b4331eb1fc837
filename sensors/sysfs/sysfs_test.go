package sysfs

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pinbell/sensors"
	"pinbell/sensors/sensortest"
)

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// thermal is a sensor of a file like a thermal zone's.
func thermal(path string) sensors.Sensor {
	return New(Config{Path: path, Scale: 0.001, Quantity: sensors.Temperature})
}

// value senses once.
func value(t *testing.T, s sensors.Sensor) float64 {
	t.Helper()
	return sensortest.Sense(t, s)[0].Value
}

func TestConform(t *testing.T) {
	for name, broken := range map[string]func(path string){
		"gone":    func(path string) { os.Remove(path) },
		"garbage": func(path string) { os.WriteFile(path, []byte("on fire\n"), 0o644) },
		"empty":   func(path string) { os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			sensortest.Conform(t, func(t *testing.T) sensortest.Subject {
				path := write(t, filepath.Join(t.TempDir(), "temp"), "41500\n")
				return sensortest.Subject{
					Sensor: thermal(path), Quantities: []sensors.Quantity{sensors.Temperature},
					Break: func() { broken(path) }, Mend: func() { write(t, path, "41500\n") },
				}
			})
		})
	}
}

func TestReadsEachValueAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "temp")
	s := thermal(path)
	defer s.Close()
	for text, want := range map[string]float64{"41500\n": 41.5, "-14200": -14.2, "0\n": 0, " 1e3 \n": 1, "+21.5": 0.0215, "-18063": -18.063} {
		write(t, path, text)
		if got := value(t, s); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestScaleOfZeroIsOne(t *testing.T) {
	s := New(Config{Path: write(t, filepath.Join(t.TempDir(), "in0_input"), "12"), Quantity: sensors.Voltage})
	defer s.Close()
	if got := sensortest.Sense(t, s)[0]; got != (sensors.Measure{Quantity: sensors.Voltage, Value: 12}) {
		t.Errorf("got %v, want 12 V", got)
	}
}

func TestReadsAKernelFileAgainAndAgain(t *testing.T) {
	const path = "/proc/sys/kernel/pid_max"
	if _, err := os.Stat(path); err != nil {
		t.Skip(err)
	}
	s := New(Config{Path: path, Quantity: sensors.Value})
	defer s.Close()
	for range 3 {
		if got := value(t, s); got < 300 {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// An open file that was deleted can be read for ever, and never changes.
func TestReplacedFileIsNotedAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "temp")
	for name, replace := range map[string]func(){
		"recreated": func() { os.Remove(path); write(t, path, "2000") },
		"renamed over": func() {
			os.Rename(write(t, filepath.Join(dir, "new"), "2000"), path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, path, "1000")
			s := thermal(path)
			defer s.Close()
			if got := value(t, s); got != 1 {
				t.Fatalf("got %v, want 1", got)
			}
			replace()
			if got := value(t, s); got != 2 {
				t.Errorf("after it was replaced: %v, want 2", got)
			}
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(pipe, os.O_RDWR, 0) // so that a reader would wait
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	for _, c := range []struct {
		path, want string
		cause      error
	}{
		{filepath.Join(dir, "absent"), "is not there", unix.ENOENT},
		{write(t, filepath.Join(dir, "file"), "1") + "/temp", "is not there", unix.ENOTDIR},
		{dir, "is no file that holds a number", nil},
		{pipe, "is no file that holds a number", nil},
		{os.DevNull, "is no file that holds a number", nil},
		{"/proc/self/mem", "can't be read", unix.EIO},
	} {
		t.Run(c.path, func(t *testing.T) {
			s := thermal(c.path)
			defer s.Close()
			for range 2 {
				fault := sensortest.SenseFault(t, s)
				if want := c.path + " " + c.want; fault.Sentence != want {
					t.Errorf("sentence %q, want %q", fault.Sentence, want)
				}
				if c.cause != nil && !errors.Is(fault, c.cause) {
					t.Errorf("cause %v, want %v", fault.Err, c.cause)
				}
			}
		})
	}
}

func TestForbiddenFileSaysSo(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "temp"), "1")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread() // the file system's user belongs to the thread
	defer runtime.UnlockOSThread()
	if os.Geteuid() == 0 {
		unix.Setfsuid(65534)
		defer unix.Setfsuid(0)
	}
	fault := sensortest.SenseFault(t, thermal(path))
	if want := path + " may not be read by pinbell"; fault.Sentence != want || !errors.Is(fault, unix.EACCES) {
		t.Errorf("sentence %q, want %q", fault.Error(), want)
	}
}

// A pipe without a writer holds back whoever opens it to read.
func TestPipeWithoutWriterDoesNotHold(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		thermal(pipe).Sense(nil)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("Sense waits for a writer")
	}
}

func TestFileSystemsThatCanWaitForEverAreRefused(t *testing.T) {
	for kind, want := range map[uint32]bool{
		unix.NFS_SUPER_MAGIC: true, unix.FUSE_SUPER_MAGIC: true, unix.CIFS_SUPER_MAGIC: true, unix.V9FS_MAGIC: true,
		unix.SYSFS_MAGIC: false, unix.PROC_SUPER_MAGIC: false, unix.TMPFS_MAGIC: false, unix.EXT4_SUPER_MAGIC: false,
		unix.F2FS_SUPER_MAGIC: false, unix.OVERLAYFS_SUPER_MAGIC: false, unix.DEBUGFS_MAGIC: false,
	} {
		if remote(kind) != want {
			t.Errorf("remote(0x%x) is %v", kind, !want)
		}
	}
}

func TestNoFileStaysOpenAfterClose(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "temp"), "1000")
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(list)
	}
	before := open()
	for range 20 {
		s := thermal(path)
		value(t, s)
		write(t, path, "garbage")
		sensortest.SenseFault(t, s)
		write(t, path, "1000")
		value(t, s)
		s.Close()
		thermal(filepath.Dir(path)).Sense(nil)
	}
	if after := open(); after > before {
		t.Errorf("%d files open, %d before", after, before)
	}
}

func TestSteadySenseAllocatesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "28-0316a2794cff", "w1_slave")
	for _, text := range []string{"41500\n", "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n"} {
		s := thermal(write(t, path, text))
		buf := sensortest.Sense(t, s)
		if n := testing.AllocsPerRun(100, func() { s.Sense(buf[:0]) }); n != 0 {
			t.Errorf("%v allocations for %q, want none", n, strings.TrimSpace(text))
		}
		s.Close()
	}
}

func BenchmarkSense(b *testing.B) {
	s := thermal(write(b, filepath.Join(b.TempDir(), "temp"), "41500\n"))
	defer s.Close()
	buf, _ := s.Sense(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Sense(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
