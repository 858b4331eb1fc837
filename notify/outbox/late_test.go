package outbox

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"pinbell/notify"
)

// A store that cannot be opened at the start (it belongs to root, say, after
// one `sudo pinbell run`) has events of its own, and so has memory by the time
// that the owner has put it right. Both are told, whatever their numbers.
func TestStoreThatOpensLateIsToldToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, FileName)
		b := open(t, dir, wide, newClock(t, true))
		raise(b, "old", notify.Warning)
		raise(b, "older", notify.Warning)
		cut(b)
		hide(t, file)
		b = open(t, dir, wide, newClock(t, true))
		raise(b, "new", notify.Warning)
		show(t, file)
		time.Sleep(61 * time.Second)
		commits := 0
		b.store.update = func(db *bbolt.DB, f func(*bbolt.Tx) error) error { commits++; return db.Update(f) }
		b.Tend(time.Now())
		if commits != 1 {
			t.Errorf("%d commits: a power cut between them would lose what has the same number", commits)
		}
		if list := b.Troubles.List(); len(list) != 0 {
			t.Fatalf("troubles with a store: %v", list)
		}
		cut(b) // a power cut right then
		b = open(t, dir, wide, newClock(t, true))
		var told []string
		for {
			m, ok, _ := b.Next(time.Now())
			if !ok {
				break
			}
			for _, ev := range m.Events {
				told = append(told, ev.Rule)
			}
			b.Settle(m.ID, notify.Verdict{Outcome: notify.Accepted}, time.Now())
		}
		slices.Sort(told)
		if !slices.Equal(told, []string{"new", "old", "older"}) {
			t.Errorf("told: %v", told)
		}
		if next := b.NextSerial(); next < 4 {
			t.Errorf("the next event is %d: it has been given before", next)
		}
	})
}

// hide puts a folder in a store's place, which opens for nobody.
func hide(t *testing.T, file string) {
	t.Helper()
	if err := os.Rename(file, file+".kept"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
}

func show(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".kept", file); err != nil {
		t.Fatal(err)
	}
}
