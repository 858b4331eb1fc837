package outbox

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify"
)

func TestMailThatIsDroppedWhileTheSessionOpensIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newStreet("first.example", 0)
		var b *Box
		first.open = func() notify.Verdict {
			if _, err := b.Drop(b.Waiting()[0].ID); err != nil {
				t.Error(err)
			}
			return notify.Verdict{}
		}
		b = walked(t, wide, first)
		raise(b, "a", notify.Warning)
		pass(time.Hour)
		if log, _ := b.Log(9); len(first.mails()) != 0 || b.Due() || len(log) != 1 || !log[0].Dropped {
			t.Errorf("%d mails, %v in the log", len(first.mails()), log)
		}
	})
}

// A month without a network must not fill the memory with what is wrong.
func TestTroublesOfARoadAreKeptOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), wide, newClock(t, true))
		c := &Courier{Box: b, Troubles: b.Troubles, Log: slog.New(slog.DiscardHandler), ways: make([]way, 1)}
		for range 100 {
			c.tell(errand{}, down("dial", 0)())
		}
		if n := len(c.ways[0].told); n != 1 {
			t.Errorf("%d troubles are kept", n)
		}
	})
}

func TestCriticalOvertakesWhatIsSealedAlready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), wide, newClock(t, true))
		b.Busy()
		for i := range 30 {
			raise(b, "a", notify.Warning, fmt.Sprintf("a%d@x.org", i))
		}
		first, _, _ := b.Next(time.Now())
		raise(b, "fire", notify.Critical)
		b.Settle(first.ID, notify.Verdict{Outcome: notify.Accepted}, time.Now())
		if m, ok, _ := b.Next(time.Now()); !ok || m.Events[0].Rule != "fire" {
			t.Errorf("after the first of 30 mails goes %v", m.Events)
		}
	})
}

func TestRefusedMailsDoNotPileUpAndHoldNoCriticalBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newStreet("first.example", 0)
		first.send = func(m notify.Mail) notify.Verdict {
			if severest(m.Events) == notify.Critical {
				return notify.Verdict{Outcome: notify.Accepted}
			}
			return notify.Verdict{Outcome: notify.Refused, Step: "dot"}
		}
		b := walked(t, Limits{}, first)
		for range 200 {
			raise(b, "a", notify.Warning)
			pass(time.Hour)
		}
		if n := b.Status().Sealed; n > maxFailing {
			t.Errorf("%d mails that are refused", n)
		}
		raise(b, "fire", notify.Critical)
		pass(time.Minute)
		if len(first.mails()) == 0 {
			t.Error("critical waits for mails that are refused")
		}
		first.mended()
		pass(30 * time.Hour) // once a day, more or less
		if told := len(allEvents(first.mails())); told != 201 {
			t.Errorf("%d of 201 events are told", told)
		}
	})
}

func TestClockThatGoesBackClosesTheHourForAnHourAtMost(t *testing.T) {
	ledger := Ledger{{At: noon.Add(5 * time.Hour).Unix(), Recipients: 1, Road: 1}}
	if ok, _, _ := ledger.tally(noon, anyRoad).allows(Limits{PerHour: 1}, notify.Critical, 1); !ok {
		t.Error("an entry of five hours ahead counts in this hour")
	}
}

func TestRoadThatWorksAgainIsFoundWithoutAMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newStreet("first.example", 0), newStreet("second.example", 0)
		first.open = down("dial", 0)
		b := walked(t, wide, first, second)
		raise(b, "a", notify.Warning)
		pass(time.Minute)
		if len(second.mails()) != 1 || len(b.Troubles.List()) != 1 {
			t.Fatalf("%d mails by the second road, troubles %v", len(second.mails()), b.Troubles.List())
		}
		pass(time.Hour)
		if n := len(first.dials()); n < 10 || n > 25 {
			t.Errorf("%d looks at a road in an hour", n)
		}
		first.mended()
		pass(7 * time.Minute)
		n := len(first.dials())
		if list := b.Troubles.List(); len(list) != 0 {
			t.Errorf("a road that works again is called %v", list)
		}
		pass(time.Hour)
		if len(first.dials()) != n {
			t.Error("a road that works is looked at for nothing")
		}
	})
}
