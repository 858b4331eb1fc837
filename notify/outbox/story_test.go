package outbox

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"pinbell/notify"
)

// TestEveryEventIsInExactlyOneAcceptedMail plays random work, failures of the
// disk and power cuts. A mail may be accepted twice where a cut came within a
// burst, but an event is never in two.
func TestEveryEventIsInExactlyOneAcceptedMail(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		synctest.Test(t, func(t *testing.T) { oneStory(t, r) })
	})
}

func oneStory(t *testing.T, r *rapid.T) {
	dir, err := os.MkdirTemp("", "pinbell")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	limits := Limits{PerHour: rapid.IntRange(1, 5).Draw(r, "per hour"), PerDay: 1000}
	clk := newClock(t, true)
	b := open(t, dir, limits, clk)
	raised, told, ids := 0, map[uint64]int{}, map[uint64]string{}
	for range rapid.IntRange(1, 60).Draw(r, "steps") {
		switch rapid.IntRange(0, 5).Draw(r, "step") {
		case 0, 1:
			raise(b, fmt.Sprint("r", rapid.IntRange(0, 2).Draw(r, "rule")), notify.Warning, rapid.SampledFrom([]string{"a@x.org", "b@x.org"}).Draw(r, "to"))
			raised++
		case 2, 3:
			m, ok, until := b.Next(time.Now())
			if !ok {
				time.Sleep(time.Until(until))
				continue
			}
			outcome := rapid.SampledFrom([]notify.Outcome{notify.Accepted, notify.Accepted, notify.Deferred, notify.Unknown, notify.Down}).Draw(r, "outcome")
			for _, ev := range m.Events {
				if id := ids[ev.Serial]; id != "" && id != m.ID {
					r.Fatalf("event %d is in mails %s and %s", ev.Serial, id, m.ID)
				}
				ids[ev.Serial] = m.ID
				if outcome == notify.Accepted {
					told[ev.Serial]++
				}
			}
			b.Settle(m.ID, notify.Verdict{Outcome: outcome}, time.Now())
		case 4: // a power cut
			cut(b)
			b = open(t, dir, limits, clk)
		case 5: // the disk fails once
			once := true
			b.store.update = func(db *bbolt.DB, f func(*bbolt.Tx) error) error {
				if once {
					once = false
					return syscall.ENOSPC
				}
				return db.Update(f)
			}
			raise(b, "r9", notify.Warning)
			raised++
			time.Sleep(2 * time.Minute)
			b.Tend(time.Now())
		}
	}
	for range 500 {
		m, ok, until := b.Next(time.Now())
		if !ok {
			if !b.Due() {
				break
			}
			time.Sleep(time.Until(until))
			continue
		}
		for _, ev := range m.Events {
			told[ev.Serial]++
		}
		b.Settle(m.ID, notify.Verdict{Outcome: notify.Accepted}, time.Now())
	}
	for serial := uint64(1); serial <= uint64(raised); serial++ {
		if told[serial] == 0 {
			r.Fatalf("event %d of %d is in no accepted mail", serial, raised)
		}
	}
}

func TestLogIsBoundedAndNewestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := open(t, dir, Limits{PerHour: 1e6, PerDay: 1e6}, newClock(t, true))
		b.store.update = func(db *bbolt.DB, f func(*bbolt.Tx) error) error { db.NoSync = true; return db.Update(f) }
		for range maxLog + 5 {
			raise(b, "a", notify.Warning)
			accept(b)
		}
		cut(b)
		b = open(t, dir, wide, newClock(t, true))
		all, err := b.Log(2 * maxLog)
		if err != nil || len(all) != maxLog || all[0].Events[0].Serial != maxLog+5 {
			t.Errorf("%d records, newest %v, %v", len(all), all[0].Events, err)
		}
		if b.Status().Last == nil || b.Status().Last.Verdict.QueueID != "Q1" {
			t.Errorf("last: %+v", b.Status().Last)
		}
	})
}
