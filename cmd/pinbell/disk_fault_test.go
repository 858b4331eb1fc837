package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// disk is a small file system of its own under the state directory.
type disk struct {
	t    *testing.T
	path string
}

// newDisk mounts it, where this user may.
func newDisk(t *testing.T, g *garage) disk {
	t.Helper()
	if err := os.MkdirAll(g.state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("pinbell-test", g.state, "tmpfs", 0, "size=256k,mode=700"); err != nil {
		t.Skipf("a disk of its own needs the right to mount one: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(g.state, unix.MNT_DETACH) })
	return disk{t, g.state}
}

// fill leaves not a block free.
func (d disk) fill() {
	d.t.Helper()
	f, err := os.Create(filepath.Join(d.path, "ballast"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatal(err)
	}
}

func (d disk) free() {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.path, "ballast")); err != nil {
		d.t.Fatal(err)
	}
}

func (d disk) readOnly(yes bool) {
	d.t.Helper()
	flags := uintptr(unix.MS_REMOUNT)
	if yes {
		flags |= unix.MS_RDONLY
	}
	if err := unix.Mount("pinbell-test", d.path, "tmpfs", flags, "size=256k,mode=700"); err != nil {
		d.t.Fatal(err)
	}
}

// TestFullDiskDelaysNoAlarmAndIsTold fills the disk under a running daemon,
// and makes room again.
func TestFullDiskDelaysNoAlarmAndIsTold(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	d := newDisk(t, g)
	g.start()
	d.fill()
	g.write("rack", "75\n")
	g.arrived(1, 5*time.Second)
	r := g.until("the full disk is told", 5*time.Second, func(r Report) bool { return trouble(r, "store.memory") != nil })
	told := trouble(r, "store.memory")
	if !strings.HasPrefix(told.Sentence, "The disk is full, so nothing can be saved in ") || !strings.Contains(told.Remedy, "Make room") || !r.Mail.Memory {
		t.Errorf("the trouble is %+v", told)
	}
	t.Log("\n" + g.tells(told.Sentence, told.Doing, told.Remedy))
	d.free()
	g.write("rack", "20\n") // the next event is saved, and all before it
	g.arrived(2, 5*time.Second)
	g.until("the disk is in use again", 5*time.Second, func(r Report) bool { return trouble(r, "store.memory") == nil && !r.Mail.Memory })
	g.restart()
	r = g.until("the rack is read", 5*time.Second, func(r Report) bool { return r.Sensors[0].Read })
	if r.Mail.Last == nil || r.Mail.Today != 2 || r.Rules[0].State != "quiet" {
		t.Errorf("after a restart: last %v, %d mails, rule %s", r.Mail.Last, r.Mail.Today, r.Rules[0].State)
	}
	if n := len(g.mail.Mails()); n != 2 {
		t.Errorf("%d mails, want 2", n)
	}
}

// TestFullDiskIsUsedAgainWithinAMinute has room made, and nothing else happen.
func TestFullDiskIsUsedAgainWithinAMinute(t *testing.T) {
	t.Parallel()
	long(t, time.Minute)
	g := newGarage(t)
	d := newDisk(t, g)
	g.start()
	d.fill()
	g.write("rack", "75\n")
	g.arrived(1, 5*time.Second)
	g.until("the full disk is told", 5*time.Second, func(r Report) bool { return trouble(r, "store.memory") != nil })
	d.free()
	g.until("the disk is in use again", 75*time.Second, func(r Report) bool { return trouble(r, "store.memory") == nil && !r.Mail.Memory })
	g.restart()
	r := g.until("the rack is read", 5*time.Second, func(r Report) bool { return r.Sensors[0].Read })
	if r.Rules[0].State != "raised" || r.Rules[0].Told != 1 || len(g.mail.Mails()) != 1 {
		t.Errorf("after a restart the rule is %+v, %d mails", r.Rules[0], len(g.mail.Mails()))
	}
}

// TestFullDiskAtStartDelaysNoAlarm begins with no room for a store at all.
func TestFullDiskAtStartDelaysNoAlarm(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	newDisk(t, g).fill()
	g.start()
	g.until("the full disk is told", 5*time.Second, func(r Report) bool { return trouble(r, "store.memory") != nil })
	g.write("rack", "75\n")
	g.arrived(1, 5*time.Second)
}

// TestReadOnlyDiskKeepsWhatWasKnownAndDelaysNoAlarm starts on a card that the
// kernel has made read-only: what was told stays told, and what happens is
// mailed, with the trouble in the mail, as no status can be asked for.
func TestReadOnlyDiskKeepsWhatWasKnownAndDelaysNoAlarm(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	d := newDisk(t, g)
	g.write("rack", "75\n")
	g.start()
	g.arrived(1, 5*time.Second)
	g.until("the mail is settled", 5*time.Second, func(r Report) bool { return waiting(r) == 0 && r.Mail.Last != nil })
	g.kill()
	d.readOnly(true)
	g.daemon = g.launch("run", "--config", g.config(), "--state", g.state)
	for end := time.Now().Add(ample(0)); !strings.Contains(g.daemon.stderr.String(), "pinbell started"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not start:\n%s", g.said.String())
		}
	}
	p := g.launch("status", "--state", g.state)
	if code := p.wait(10 * time.Second); code != exitFailed || !strings.Contains(p.stderr.String(), "read-only") {
		t.Errorf("status exits %d and says %q", code, p.stderr.String())
	}
	g.write("rack", "20\n")
	over := strings.Join(strings.Fields(text(t, g.arrived(2, 10*time.Second)[1])), " ")
	for _, piece := range []string{"Over: Rack hot", "read-only", "replace the card"} {
		if !strings.Contains(over, piece) {
			t.Errorf("the mail does not say %q:\n%s", piece, text(t, g.mail.Mails()[1]))
		}
	}
	if log := g.daemon.stderr.String(); !strings.Contains(log, "store.memory") || !strings.Contains(log, "read-only") {
		t.Errorf("the log does not tell of the disk:\n%s", log)
	}
	t.Log("\n" + text(t, g.mail.Mails()[1]))
	d.readOnly(false)
	g.write("rack", "75\n")
	g.arrived(3, 5*time.Second)
	g.restart()
	r := g.until("the rack is read", 5*time.Second, func(r Report) bool { return r.Sensors[0].Read })
	if r.Rules[0].State != "raised" || r.Mail.Today != 3 {
		t.Errorf("after the disk is well, a restart finds %+v and %d mails", r.Rules[0], r.Mail.Today)
	}
}

// TestBrokenStoreIsSetAsideAndTold starts on a file that is no store.
func TestBrokenStoreIsSetAsideAndTold(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	if err := os.MkdirAll(g.state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(g.state, "pinbell.db"), []byte(strings.Repeat("no store", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	g.start()
	r := g.until("it is told", 5*time.Second, func(r Report) bool { return trouble(r, "store.aside") != nil })
	told := trouble(r, "store.aside")
	g.tells(told.Sentence, "The old file was kept as", told.Remedy)
	if kept, _ := filepath.Glob(filepath.Join(g.state, "*.broken-*")); len(kept) != 1 {
		t.Errorf("kept aside: %v", kept)
	}
	g.write("rack", "75\n")
	g.arrived(1, 5*time.Second)
}
