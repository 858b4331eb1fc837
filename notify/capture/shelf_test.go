package capture

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// names are the files in a camera's folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	all := []string{}
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

// until waits for what another goroutine does to the folder.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}

// inMemory says how many bytes a camera holds in memory.
func inMemory(c *Camera) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, pieces := range c.events {
		for _, p := range pieces {
			n += len(p.Data)
		}
	}
	return n
}

func TestMailHasTheSameContentAfterARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "attachments")
	ev := wanting(118, "file:"+put(t, "last.jpg", jpeg), "exec:/bin/false", "file:"+put(t, "last.jpg", "21.5"))
	first := open(t, Config{Dir: dir})
	before := first.shoot(ev)
	until(t, "all of it is on disk, and not in memory", func() bool { return len(names(t, dir)) == 3 && inMemory(first.Camera) == 0 })
	if again := first.Files(ev); brief(again) != brief(before) {
		t.Errorf("the second attempt has\n    %s\nnot %s", brief(again), brief(before))
	}
	first.stop()

	second := open(t, Config{Dir: dir})
	second.Keep([]uint64{117, 118})
	after := second.Files(ev)
	if brief(after) != brief(before) || second.Pending(118) {
		t.Errorf("after the restart\n    %s\nnot %s", brief(after), brief(before))
	}
	for i := range after {
		if !after[i].Taken.Equal(before[i].Taken) || after[i].Source != before[i].Source {
			t.Errorf("%+v, before the restart %+v", after[i], before[i])
		}
	}
	second.Forget(118)
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("the mail is settled, and there are %v", left)
	}
}

func TestWhatARestartBrokeOffIsAFault(t *testing.T) {
	dir := t.TempDir()
	ev := wanting(1, "exec:/bin/sleep 1000", "file:"+put(t, "last.jpg", jpeg))
	first := open(t, Config{Dir: dir})
	first.Take(ev)
	until(t, "one of two is there", func() bool { return first.Files(ev)[1].Fault == "" })
	first.stop()
	want := "camera-1 was lost in a restart; last-2.jpg"
	got := brief(open(t, Config{Dir: dir}).Files(ev))
	want = strings.Replace(want, "last-2.jpg", fmt.Sprintf("last.jpg (image/jpeg) %q", jpeg), 1)
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestFilesThatNobodyAsksForAreRemovedAtStart(t *testing.T) {
	dir := t.TempDir()
	first := open(t, Config{Dir: dir})
	for serial := range uint64(4) {
		first.shoot(wanting(1+serial, "exec:/bin/echo x"))
	}
	first.stop()
	for name, content := range map[string]string{
		"9-0.captured.tmp": "half", // the power went
		"10-0.captured":    `{"source":"x","name":"y","bytes":10}` + "\nshort",
		"11-0.captured":    "nonsense",
		"12-0.captured":    "",
		"notes.txt":        "the owner's",
		"13-0.jpg":         "the owner's",
		"1-00.captured":    "whoever's",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	New(Config{Dir: dir}).Keep([]uint64{2, 4, 10, 99})
	if got, want := names(t, dir), []string{"1-00.captured", "13-0.jpg", "2-0.captured", "4-0.captured", "notes.txt"}; !slices.Equal(got, want) {
		t.Errorf("left are\n     %v\nwant %v", got, want)
	}
}

func TestThrownOutPictureLeavesTheDiskAndItsReasonStays(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir, MaxTotal: 2500})
	var events []uint64
	for serial := range uint64(5) {
		events = append(events, 1+serial)
		s.shoot(wanting(1+serial, sh(`head -c 1000 /dev/zero`)))
	}
	want := []string{madeRoom, madeRoom, madeRoom, "", ""}
	faults := func(c *Camera) (all []string) {
		for _, serial := range events {
			f := c.Files(wanting(serial, sh("head")))[0]
			if all = append(all, f.Fault); (f.Fault == "") != (len(f.Data) == 1000) {
				t.Errorf("event %d has %d bytes and %q", serial, len(f.Data), f.Fault)
			}
		}
		return all
	}
	if got := faults(s.Camera); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	s.stop()
	total := int64(0)
	for _, name := range names(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total < 2000 || total > 2000+5*300 {
		t.Errorf("there are %d bytes on disk, want 2,000 and five labels", total)
	}
	if got := faults(New(Config{Dir: dir, MaxTotal: 2500})); !slices.Equal(got, want) {
		t.Errorf("after a restart: got %q, want %q", got, want)
	}
	if got := faults(New(Config{Dir: dir, MaxTotal: 1000})); !slices.Equal(got[3:], []string{madeRoom, ""}) {
		t.Errorf("after a restart with a lower bound: %q", got)
	}
}

// brokenDisk fails with an error as long as there is one.
type brokenDisk struct {
	mu  sync.Mutex
	err error
}

func (d *brokenDisk) set(err error) { d.mu.Lock(); d.err = err; d.mu.Unlock() }

func (d *brokenDisk) write(path string, parts ...[]byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	return writeFile(path, parts...)
}

func TestDiskThatFailsLeavesPicturesInMemoryUntilItIsBack(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EROFS, syscall.EIO} {
		dir := t.TempDir()
		var log syncedText
		disk := &brokenDisk{err: &os.PathError{Op: "write", Path: dir, Err: errno}}
		s := open(t, Config{Dir: dir, MaxTotal: 250, Log: slog.New(slog.NewTextHandler(&log, nil))}, func(c *Camera) { c.write = disk.write })
		source := "file:" + put(t, "a", strings.Repeat("x", 100))
		for serial := range uint64(3) {
			s.shoot(wanting(1+serial, source))
		}
		for serial, want := range map[uint64]int{1: 0, 2: 100, 3: 100} {
			if f := s.Files(wanting(serial, source))[0]; len(f.Data) != want || (want == 0) != (f.Fault == madeRoom) {
				t.Errorf("%v: event %d has %d bytes, %q", errno, serial, len(f.Data), f.Fault)
			}
		}
		until(t, "it is told", func() bool { return strings.Contains(log.String(), "memory only") })
		disk.set(nil)
		s.shoot(wanting(4, "exec:/bin/echo x"))
		until(t, "all is on disk", func() bool { return len(names(t, dir)) == 4 && inMemory(s.Camera) == 0 })
		s.stop()
		if text := log.String(); strings.Count(text, "memory only") != 1 || strings.Count(text, "on disk again") != 1 {
			t.Errorf("%v: %s", errno, text)
		}
	}
}

// TestDiskThatIsReallyFull has a file system of 64 KB.
func TestDiskThatIsReallyFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("only root may mount a file system: ", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	s := open(t, Config{Dir: dir})
	big, small := "file:"+put(t, "big", strings.Repeat("x", 100000)), "file:"+put(t, "small", "x")
	for range 2 { // from memory each time
		if f := s.shoot(wanting(1, big))[0]; len(f.Data) != 100000 {
			t.Errorf("%d bytes, %q", len(f.Data), f.Fault)
		}
	}
	s.Forget(1)
	s.shoot(wanting(2, small))
	until(t, "the small one is on disk, and no rest of the large one", func() bool { return slices.Equal(names(t, dir), []string{"2-0.captured"}) })
	s.stop()
}

// TestFolderThatCannotBeMadeLeavesPicturesInMemory has a file in its place.
func TestFolderThatCannotBeMadeLeavesPicturesInMemory(t *testing.T) {
	s := open(t, Config{Dir: filepath.Join(put(t, "file", ""), "dir")})
	for range 2 {
		if got := s.shoot(wanting(1, "exec:/bin/echo x"))[0]; got.Fault != "" {
			t.Error(got.Fault)
		}
	}
}

func TestPictureThatTheCardDoesNotGiveBackIsAFault(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	ev := wanting(1, "file:"+put(t, "last.jpg", jpeg))
	s.shoot(ev)
	until(t, "it is on disk alone", func() bool { return inMemory(s.Camera) == 0 })
	if err := os.Truncate(filepath.Join(dir, "1-0.captured"), 200); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "1-0.captured"), []byte(fmt.Sprintf(`{"name":"last.jpg","bytes":%d}`, len(jpeg))+"\nhalf"), 0o600)
	if got := brief(s.Files(ev)); got != "last.jpg was kept, but cannot be read back: it is cut off" {
		t.Error(got)
	}
	os.Remove(filepath.Join(dir, "1-0.captured"))
	if got := brief(s.Files(ev)); got != "last.jpg was kept, but cannot be read back: no such file or directory" {
		t.Error(got)
	}
}

// TestPictureForgottenWhileItIsWrittenLeavesNoFile holds the disk while the
// mail is settled.
func TestPictureForgottenWhileItIsWrittenLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	writing, goOn := make(chan struct{}), make(chan struct{})
	s := open(t, Config{Dir: dir}, func(c *Camera) {
		c.write = func(path string, parts ...[]byte) error {
			close(writing)
			<-goOn
			return writeFile(path, parts...)
		}
	})
	s.shoot(wanting(1, "exec:/bin/echo x"))
	<-writing
	s.Forget(1)
	close(goOn)
	s.stop()
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestWriteThatFailsLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "1-0.captured")
	if err := os.Mkdir(taken, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(taken, []byte("x")); err == nil {
		t.Error("a file took the place of a folder")
	}
	if left := names(t, dir); !slices.Equal(left, []string{"1-0.captured"}) {
		t.Errorf("left: %v", left)
	}
}

// TestThrownOutPictureDoesNotComeBackFromADiskThatFailed has a disk that still
// removes files, but writes none.
func TestThrownOutPictureDoesNotComeBackFromADiskThatFailed(t *testing.T) {
	dir := t.TempDir()
	disk := &brokenDisk{}
	s := open(t, Config{Dir: dir, MaxTotal: 150}, func(c *Camera) { c.write = disk.write })
	source := "file:" + put(t, "a", strings.Repeat("x", 100))
	s.shoot(wanting(1, source))
	until(t, "it is on disk alone", func() bool { return inMemory(s.Camera) == 0 })
	disk.set(syscall.ENOSPC)
	s.shoot(wanting(2, source))
	until(t, "the first one has left the disk", func() bool { return len(names(t, dir)) == 0 })
	if got := s.Files(wanting(1, source))[0].Fault; got != madeRoom {
		t.Errorf("it %q", got)
	}
}

// FuzzLoad has anything in a file of ours: it is taken up whole, or removed.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"source":"file:/x","name":"x.txt","type":"text/plain","bytes":4}` + "\n21.5"))
	f.Add([]byte(`{"source":"exec:/x","name":"camera-1","fault":"is empty","bytes":0}` + "\n"))
	f.Add([]byte(`{"bytes":-3}` + "\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, "1-0.captured")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		c := New(Config{Dir: dir})
		got := c.Files(wanting(1, "file:/x"))[0]
		_, err := os.Stat(path)
		if loaded := c.kept == 1; loaded != (err == nil) || loaded && (got.Fault == "") != (len(got.Data) > 0) {
			t.Errorf("%d kept, %v, %+v", c.kept, err, got)
		}
	})
}
