package outbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"pinbell/notify"
)

// lives is what every store must be good for, whatever was in it: an alarm
// that is raised now is told.
func lives(t *testing.T, dir string) {
	b := open(t, dir, wide, newClock(t, true))
	defer b.Close()
	b.Status()
	b.Waiting()
	b.Log(maxLog)
	ev := raise(b, "now", notify.Critical)
	told := false
	for range 200 {
		m, ok, until := b.Next(time.Now())
		if !ok {
			if told || !b.Due() {
				break
			}
			time.Sleep(max(time.Until(until), time.Second))
			continue
		}
		for _, got := range m.Events {
			told = told || got.Serial == ev.Serial && got.Rule == "now"
		}
		b.Settle(m.ID, notify.Verdict{Outcome: notify.Accepted}, time.Now())
	}
	if !told {
		t.Errorf("the alarm after it is not told; troubles %v", b.Troubles.List())
	}
}

// FuzzStoredRecord has anything in the place of any record: nothing panics,
// and what does not read is kept and named.
func FuzzStoredRecord(f *testing.F) {
	f.Add("event/0000000000000001", []byte(`{"serial":1,"kind":"raised","rule":"a","title":"A","severity":"warning","to":["a@x.org"],"at":{"wall":"2026-11-14T22:41:07Z","up":1}}`))
	f.Add("event/1", []byte(`{"serial":18446744073709551615}`))
	f.Add("mail/1.abc", []byte(`{"id":"1.abc","to":["a@x.org"],"events":[{"serial":1}],"handed":-3}`))
	f.Add("mail/2.abc", []byte(`{"id":"2.abc","to":null,"events":null,"handed":99,"attempts":[{"verdict":{"outcome":"unknown"}}]}`))
	f.Add("rate/a", []byte{0x80, 1, 2, 3})
	f.Add("ledger", Ledger{{At: 946684800, Recipients: 1, Road: 7}}.encode())
	f.Add("login/relay", []byte(`{"at":"2000-01-01T00:00:00Z","times":1000000}`))
	f.Add("serial", []byte("18446744073709551615"))
	f.Add("id", []byte("../../x\r\nBcc: a@b"))
	f.Add("state/rule/now", []byte(`{`))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		if key == "" || len(key) > 1000 {
			return // bbolt has no such keys
		}
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			db, err := bbolt.Open(filepath.Join(dir, FileName), 0o600, &bbolt.Options{NoSync: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Update(func(tx *bbolt.Tx) error {
				live, err := tx.CreateBucketIfNotExists(liveBucket)
				if err != nil {
					return err
				}
				return live.Put([]byte(key), value)
			}); err != nil {
				t.Fatal(err)
			}
			db.Close()
			lives(t, dir)
		})
	})
}

// FuzzStoredFile breaks a good store at one place, or cuts it off there.
func FuzzStoredFile(f *testing.F) {
	f.Add(uint32(0), byte(0xff), false)
	f.Add(uint32(16), byte(1), false)
	f.Add(uint32(1500), byte(0x80), false)
	f.Add(uint32(5000), byte(7), true)
	f.Add(uint32(1), byte(0), true)
	good := goodStore(f)
	f.Fuzz(func(t *testing.T, at uint32, with byte, cut bool) {
		content := []byte(strings.Clone(string(good)))
		at %= uint32(len(content))
		if content[at] ^= with; cut {
			content = content[:at]
		}
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, FileName), content, 0o600); err != nil {
				t.Fatal(err)
			}
			lives(t, dir)
		})
	})
}

// goodStore is a store's file with events, a mail, a ledger and a log in it.
func goodStore(f testing.TB) []byte {
	dir := f.TempDir()
	clk := newClock(f, true)
	b := open(f, dir, wide, clk)
	for range 5 {
		raise(b, "a", notify.Warning)
		accept(b)
	}
	b.Busy()
	raise(b, "b", notify.Warning)
	b.Close()
	content, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		f.Fatal(err)
	}
	return content
}
