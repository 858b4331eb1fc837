package outbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pinbell/notify"
)

func TestALookSeesWhatWaitsAndWhatWasToldAndChangesNothing(t *testing.T) {
	dir, clk := t.TempDir(), newClock(t, true)
	b := open(t, dir, wide, clk)
	raise(b, "told", notify.Warning)
	accept(b)
	raise(b, "sealed", notify.Warning)
	m, _, _ := b.Next(time.Now())
	b.Settle(m.ID, notify.Verdict{Outcome: notify.Deferred}, time.Now())
	b.Busy()
	raise(b, "waits", notify.Warning)
	cut(b)
	before := file(t, dir)
	seen, err := Peek(Config{Dir: dir, Roads: one, Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	var waiting []string
	for _, w := range seen.Waiting() {
		waiting = append(waiting, w.Events[0].Rule)
	}
	told, err := seen.Log(10)
	if err != nil || len(told) != 1 || told[0].Events[0].Rule != "told" || len(waiting) != 2 || waiting[0] != "sealed" || waiting[1] != "waits" {
		t.Errorf("waiting %v, told %+v, %v", waiting, told, err)
	}
	if st := seen.Status(); st.Today == 0 || st.Sealed != 1 || st.Waiting != 1 || st.Memory {
		t.Errorf("status %+v", st)
	}
	seen.Drop(m.ID) // in the copy only
	if file(t, dir) != before {
		t.Error("looking changed the file")
	}
	open(t, dir, wide, clk).Close() // and keeps nobody out
}

func TestALookNeitherMakesNorTakesAStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if _, err := Peek(Config{Dir: dir}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a store: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a look made the directory: %v", err)
	}
	b := open(t, dir, wide, newClock(t, true))
	defer b.Close()
	if _, err := Peek(Config{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("while a daemon has it: %v", err)
	}
}

func TestALookLeavesABrokenStoreWhereItIs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, []byte("no store at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Peek(Config{Dir: dir}); err == nil {
		t.Error("what is no store was read")
	}
	if got := file(t, dir); got != "no store at all" {
		t.Errorf("the file is now %q", got)
	}
}

func file(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWhatWasDroppedIsNotTheLastAccepted(t *testing.T) {
	dir, clk := t.TempDir(), newClock(t, true)
	b := open(t, dir, wide, clk)
	raise(b, "told", notify.Warning)
	accept(b)
	b.Busy()
	dropped := raise(b, "dropped", notify.Warning)
	if _, err := b.Drop(strconv.FormatUint(dropped.Serial, 10)); err != nil {
		t.Fatal(err)
	}
	cut(b)
	again := open(t, dir, wide, clk)
	defer again.Close()
	if last := again.Status().Last; last == nil || last.Dropped || last.Events[0].Rule != "told" {
		t.Errorf("after a restart the last accepted mail is %+v", last)
	}
}
