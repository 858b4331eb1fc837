package outbox

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify"
	"pinbell/notify/rules"
)

func TestMailDroppedWhileItsRoadOpensIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newStreet("first.example", 0)
		var b *Box
		first.open = func() notify.Verdict {
			if all := b.Waiting(); len(all) > 0 {
				if _, err := b.Drop(all[0].ID); err != nil {
					t.Error(err)
				}
			}
			return notify.Verdict{}
		}
		b = walked(t, wide, first)
		raise(b, "a", notify.Warning)
		pass(time.Hour)
		if len(first.mails()) != 0 || b.Due() {
			t.Errorf("sent after it was dropped: %v", first.mails())
		}
	})
}

func TestListOfWhatWaitsStaysAsItWasGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), wide, newClock(t, true))
		raise(b, "a", notify.Warning)
		var listed []Waiting
		for range 2 {
			m, _, _ := b.Next(time.Now())
			b.Settle(m.ID, notify.Verdict{Outcome: notify.Deferred}, time.Now())
			if listed == nil {
				listed = b.Waiting()
			}
			time.Sleep(time.Hour)
		}
		if got := listed[0].Attempts[0]; got.count() != 1 {
			t.Errorf("an attempt that was listed as one became %d", got.count())
		}
	})
}

func TestMergedEventsDoNotTakeUnknownExtremesForZero(t *testing.T) {
	term := func(low, high float64) []notify.Term { return []notify.Term{{Lowest: low, Highest: high}} }
	for _, c := range []struct{ older, newer, want []notify.Term }{
		{term(-20, -14), term(0, 0), term(-20, -14)},
		{term(0, 0), term(-20, -14), term(-20, -14)},
		{term(-20, -14), term(-18, -10), term(-20, -10)},
	} {
		b := &Box{store: newStore("")}
		older := notify.Event{Serial: 1, Terms: c.older}
		b.merge(&older, notify.Event{Serial: 2, Terms: c.newer})
		if fmt.Sprint(older.Terms) != fmt.Sprint(c.want) {
			t.Errorf("%v and %v became %v", c.older, c.newer, older.Terms)
		}
	}
}

func TestRecordThatTellsNothingIsKeptAndNamed(t *testing.T) {
	for _, key := range []string{"event/0000000000000007", "mail/7.abc"} {
		for _, value := range []string{"{}", "null", `{"id":"7.abc","to":["a@x.org"],"events":[]}`} {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				b := open(t, dir, wide, newClock(t, true))
				b.store.put(key, []byte(value))
				raise(b, "a", notify.Warning)
				cut(b)
				b = open(t, dir, wide, newClock(t, true))
				b.Status()
				b.Waiting()
				told := accept(b)
				if list := b.Troubles.List(); len(list) != 1 || list[0].About != key || len(told) != 1 || string(b.store.live[key]) != value {
					t.Errorf("%s = %s: troubles %v, told %v", key, value, list, told)
				}
			})
		}
	}
}

func TestRoadKeepsEachTroubleOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newStreet("first.example", 0)
		first.open = down("dial", 0)
		b := open(t, t.TempDir(), wide, newClock(t, true))
		b.Roads = []Road{first.Road}
		c := newCourier(b)
		for range 50 {
			c.tell(errand{}, down("dial", 0)())
		}
		if n := len(c.ways[0].told); n != 1 {
			t.Errorf("one trouble is kept %d times", n)
		}
	})
}

func newCourier(b *Box) *Courier {
	return &Courier{Box: b, Clock: b.Clock, Troubles: b.Troubles, Log: slog.New(slog.DiscardHandler), ways: make([]way, len(b.Roads))}
}

// A mail has its place in its rule's rate: it does not wait a day for itself.
func TestSealedMailDoesNotWaitForItsOwnRate(t *testing.T) {
	for _, outcome := range []notify.Outcome{0, notify.Unknown, notify.Down, notify.Deferred} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			b := open(t, dir, wide, newClock(t, true))
			b.Commit([]rules.Transition{{Event: notify.Event{
				Serial: b.NextSerial(), Kind: notify.Raised, Rule: "a", To: []string{"a@x.org"}, AtMost: notify.Rate{Mails: 1, Per: day},
			}}})
			m, _, _ := b.Next(time.Now())
			if outcome == 0 { // a power cut before any answer
				cut(b)
				b = open(t, dir, wide, newClock(t, true))
			} else {
				b.Settle(m.ID, notify.Verdict{Outcome: outcome}, time.Now())
			}
			time.Sleep(time.Minute)
			if again, ok, until := b.Next(time.Now()); !ok || again.ID != m.ID {
				t.Errorf("after %v it is sent again only at %v", outcome, until)
			}
		})
	}
}

func TestLedgerOfTheVersionBeforeIsNotMisread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := open(t, dir, wide, newClock(t, true))
		b.store.put("ledger", binary.AppendUvarint(binary.AppendVarint(nil, time.Now().Unix()), 3))
		raise(b, "a", notify.Warning)
		cut(b)
		b = open(t, dir, wide, newClock(t, true))
		if accept(b); len(b.ledger) != 1 || b.store.live["ledger"] != nil {
			t.Errorf("ledger %v", b.ledger)
		}
	})
}

func TestRefusedLoginIsForgottenWhenANewPasswordWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), wide, newClock(t, true))
		c := newCourier(b)
		road := &b.Roads[0]
		c.ways[0].refusals = 2
		b.remember(&c.ways[0], road)
		c.ways[0].refusals = 0 // by newPassword
		c.settle(errand{}, notify.Verdict{Outcome: notify.Accepted})
		if kept := b.store.live[refusalKey(road)]; kept != nil {
			t.Errorf("still kept: %s", kept)
		}
	})
}
