package outbox

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"pinbell/notify"
)

// TestAlarmsGoOnWithoutADisk fails every commit in turn, each way a disk can.
func TestAlarmsGoOnWithoutADisk(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EROFS, syscall.EDQUOT} {
		for broken := range 4 {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				b := open(t, dir, wide, newClock(t, true))
				commits := 0
				b.store.update = func(db *bbolt.DB, f func(*bbolt.Tx) error) error {
					if commits++; commits-1 == broken {
						return &os.PathError{Op: "write", Path: "pinbell.db", Err: errno}
					}
					return db.Update(f)
				}
				told := 0
				for i := range 3 {
					raise(b, fmt.Sprint("r", i), notify.Warning)
					if commits-1 == broken && b.Troubles.List()[0].Code != "store.memory" {
						t.Fatalf("%v at commit %d is no trouble: %v", errno, broken, b.Troubles.List())
					}
					told += len(accept(b))
				}
				if told != 3 {
					t.Fatalf("%v at commit %d: %d of 3 told", errno, broken, told)
				}
				time.Sleep(61 * time.Second)
				b.Tend(time.Now())
				if list := b.Troubles.List(); len(list) != 0 {
					t.Fatalf("%v at commit %d: troubles when the disk is back: %v", errno, broken, list)
				}
				cut(b)
				again := open(t, dir, wide, newClock(t, true))
				if got := accept(again); len(got) != 0 || again.serial != 3 {
					t.Fatalf("%v at commit %d: after a restart %v are told again, serial %d", errno, broken, got, again.serial)
				}
			})
		}
	}
}

// A daemon that has nothing to write must not take that for a disk that works.
func TestDiskThatNeverOpenedStaysATroubleInQuietTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		os.Mkdir(filepath.Join(dir, FileName), 0o700) // a folder in the store's place is no store, for root neither
		b := open(t, dir, wide, newClock(t, true))
		for range 3 {
			if list := b.Troubles.List(); len(list) != 1 || list[0].Code != "store.memory" || !b.Status().Memory {
				t.Fatalf("troubles without a disk: %v", list)
			}
			time.Sleep(61 * time.Second)
			b.Tend(time.Now())
		}
		os.Remove(filepath.Join(dir, FileName))
		time.Sleep(61 * time.Second)
		b.Tend(time.Now())
		if list := b.Troubles.List(); len(list) != 0 || b.Status().Memory {
			t.Fatalf("troubles with a disk: %v", list)
		}
		raise(b, "a", notify.Warning)
		cut(b)
		if got := accept(open(t, dir, wide, newClock(t, true))); len(got) != 1 {
			t.Errorf("after a cut %v is told", got)
		}
	})
}

// What pinbell says it does every minute it does every minute, also while the
// mail server is away for an hour.
func TestFailedDiskIsTriedEveryMinuteWhileTheRelayIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), wide, newClock(t, true))
		tries := 0
		b.store.update = func(*bbolt.DB, func(*bbolt.Tx) error) error { tries++; return syscall.ENOSPC }
		c := &Courier{Box: b, Clock: b.Clock, Troubles: b.Troubles, Log: slog.New(slog.DiscardHandler)}
		b.Roads = []Road{downFor(time.Hour)}
		raise(b, "a", notify.Warning)
		go c.Run(t.Context())
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if tries < 9 || tries > 12 {
			t.Errorf("%d tries in ten minutes", tries)
		}
		for _, trouble := range b.Troubles.List() {
			if strings.Contains(trouble.Sentence, "no space left") || !strings.Contains(trouble.Sentence, "is full") {
				t.Errorf("a full disk is told as %q", trouble.Sentence)
			}
		}
	})
}

func TestReadOnlyDirectoryStillSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A path below a file cannot be made, by root neither.
		file := filepath.Join(t.TempDir(), "file")
		os.WriteFile(file, nil, 0o600)
		b := open(t, filepath.Join(file, "state"), wide, newClock(t, true))
		raise(b, "a", notify.Warning)
		if got := accept(b); len(got) != 1 || len(b.Troubles.List()) != 1 || b.Troubles.List()[0].Remedy == "" {
			t.Errorf("mails %v, troubles %v", got, b.Troubles.List())
		}
	})
}

func TestStoreThatComesBackBrokenIsSetAsideAndSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := open(t, dir, wide, newClock(t, true))
		b.Busy()
		cut(b) // the card was pulled out, and comes back worse
		os.WriteFile(filepath.Join(dir, FileName), []byte(strings.Repeat("not a store ", 1000)), 0o600)
		raise(b, "a", notify.Warning)
		list := b.Troubles.List()
		if len(list) != 1 || list[0].Code != "store.aside" {
			t.Fatalf("troubles %v", list)
		}
		cut(b)
		if got := accept(open(t, dir, wide, newClock(t, true))); len(got) != 1 {
			t.Errorf("after a restart: %v", got)
		}
	})
}
