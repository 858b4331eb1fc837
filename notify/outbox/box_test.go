package outbox

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/notify/rules"
)

var wide = Limits{PerHour: 1000, PerDay: 1000}

// newClock is a clock that the kernel vouches for, or that nobody does and
// that stands before its floor.
func newClock(t testing.TB, known bool) *clock.Clock {
	floor := time.Now().Add(-time.Hour)
	if !known {
		floor = time.Now().Add(time.Hour)
	}
	c := clock.New(clock.Config{Floor: floor, Boot: "boot-1", Up: time.Minute, Kernel: func() (bool, time.Duration) { return known, 0 }})
	if known {
		ctx := t.Context()
		changed := c.Changed()
		go c.Run(ctx)
		<-changed
	}
	return c
}

func open(t testing.TB, dir string, limits Limits, clk *clock.Clock) *Box {
	t.Helper()
	b, err := Open(Config{Dir: dir, Limits: limits, Roads: one, Clock: clk, Troubles: &notify.Troubles{}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// raise commits one event of a rule.
func raise(b *Box, rule string, severity notify.Severity, to ...string) notify.Event {
	if len(to) == 0 {
		to = []string{"alex@icloud.com"}
	}
	ev := notify.Event{
		Serial: b.NextSerial(), Kind: notify.Raised, Rule: rule, Title: rule, Severity: severity, To: to,
		At: b.Clock.At(time.Now()),
	}
	ev.Incident = ev.Serial
	b.Commit([]rules.Transition{{Key: "rule/" + rule, State: []byte(`{}`), Event: ev}})
	return ev
}

// accept sends everything that may be sent now, and gives the serials of each
// mail.
func accept(b *Box) (mails [][]uint64) {
	for {
		m, ok, _ := b.Next(time.Now())
		if !ok {
			return mails
		}
		mails = append(mails, serials(m))
		b.Settle(m.ID, notify.Verdict{Outcome: notify.Accepted, Relay: "relay", QueueID: "Q1"}, time.Now())
	}
}

func serials(m notify.Mail) (all []uint64) {
	for _, ev := range m.Events {
		all = append(all, ev.Serial)
	}
	return all
}

func TestEventSurvivesPowerCutAfterCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := open(t, dir, wide, newClock(t, true))
		raise(b, "a", notify.Warning)
		cut(b) // no Close: nothing more is written
		b = open(t, dir, wide, newClock(t, true))
		if got := accept(b); len(got) != 1 || !slices.Equal(got[0], []uint64{1}) {
			t.Errorf("mails after the cut: %v", got)
		}
		if next := raise(b, "a", notify.Warning); next.Serial != 2 {
			t.Errorf("serial after the cut is %d", next.Serial)
		}
		if string(b.State("rule/a")) != "{}" {
			t.Errorf("state after the cut is %q", b.State("rule/a"))
		}
	})
}

func TestEveryAttemptHasTheSameContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := open(t, dir, wide, newClock(t, true))
		raise(b, "a", notify.Warning)
		first, _, _ := b.Next(time.Now())
		for _, outcome := range []notify.Outcome{notify.Unknown, notify.Deferred, notify.Refused, notify.Down} {
			b.Settle(first.ID, notify.Verdict{Outcome: outcome}, time.Now())
			time.Sleep(2 * time.Hour)
			again, ok, _ := b.Next(time.Now())
			if !ok || fmt.Sprint(again) != fmt.Sprint(first) {
				t.Fatalf("after %v: got %v, want %v", outcome, again, first)
			}
		}
		cut(b)
		b = open(t, dir, wide, newClock(t, true))
		time.Sleep(10 * time.Minute) // it was handed over often: a crash loop must not become a storm
		again, _, _ := b.Next(time.Now())
		if again.ID != first.ID || !again.Sealed.Equal(first.Sealed) {
			t.Errorf("after a cut: %v at %v, want %v at %v", again.ID, again.Sealed, first.ID, first.Sealed)
		}
	})
}

func TestSealedMailSurvivesAPowerCutBeforeItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := open(t, dir, wide, newClock(t, true))
		raise(b, "a", notify.Warning)
		first, _, _ := b.Next(time.Now())
		cut(b)
		time.Sleep(time.Minute)
		b = open(t, dir, wide, newClock(t, true))
		raise(b, "b", notify.Warning) // is not for that mail
		again, ok, _ := b.Next(time.Now())
		if !ok || again.ID != first.ID || !again.Sealed.Equal(first.Sealed) || !slices.Equal(serials(again), []uint64{1}) {
			t.Errorf("after the cut: %v of %v at %v, want %v at %v", again.ID, serials(again), again.Sealed, first.ID, first.Sealed)
		}
	})
}

func TestIdleCourierGetsItsMailInTheEventsOwnTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := open(t, dir, wide, newClock(t, true))
		b.Next(time.Now()) // the courier waits
		commits := 0
		b.store.update = func(db *bbolt.DB, f func(*bbolt.Tx) error) error { commits++; return db.Update(f) }
		raise(b, "a", notify.Warning)
		if len(b.mails) != 1 || len(b.waiting) != 0 || commits != 1 {
			t.Errorf("%d mails, %d waiting, %d commits", len(b.mails), len(b.waiting), commits)
		}
		accept(b)
		if commits != 2 {
			t.Errorf("%d commits for an alert", commits)
		}
	})
}

func TestNothingIsSealedWithoutATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), wide, newClock(t, false))
		b.Next(time.Now())
		raise(b, "a", notify.Critical)
		if _, ok, _ := b.Next(time.Now()); ok || len(b.waiting) != 1 {
			t.Error("a mail was sealed with an unknown date")
		}
	})
}

func TestWaitingEventIsDatedAsSoonAsTheTimeIsTrusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := open(t, dir, wide, newClock(t, false))
		raise(b, "a", notify.Warning)
		b.Clock = newClock(t, true)
		b.Tend(time.Now())
		cut(b) // a power cut before it could be sealed
		b = open(t, dir, wide, newClock(t, true))
		if at := b.waiting[0].At; !at.Trusted || time.Until(at.Wall).Abs() > time.Second {
			t.Errorf("dated %+v", at)
		}
	})
}

func TestWhatALimitHoldsBackGoesOutTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), Limits{PerHour: 2, PerDay: 100}, newClock(t, true))
		b.Next(time.Now())
		for i := range 10 {
			raise(b, fmt.Sprint("r", i), notify.Warning)
			accept(b)
		}
		st := b.Status()
		if st.Waiting != 8 || st.Limit != "per_hour" || len(b.Troubles.List()) != 1 {
			t.Fatalf("status %+v, troubles %v", st, b.Troubles.List())
		}
		time.Sleep(time.Hour - time.Second)
		if got := accept(b); len(got) != 0 {
			t.Errorf("before the hour: %v", got)
		}
		time.Sleep(fresh + 2*time.Second)
		if got := accept(b); len(got) != 1 || len(got[0]) != 8 {
			t.Errorf("after the hour: %v", got)
		}
		if list := b.Troubles.List(); len(list) != 0 {
			t.Errorf("troubles after the hour: %v", list)
		}
	})
}

func TestQuotaSurvivesAPowerCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, limits := t.TempDir(), Limits{PerHour: 1, PerDay: 100}
		b := open(t, dir, limits, newClock(t, true))
		raise(b, "a", notify.Warning)
		accept(b)
		cut(b)
		b = open(t, dir, limits, newClock(t, true))
		raise(b, "b", notify.Warning)
		if got := accept(b); len(got) != 0 {
			t.Errorf("a crash loop sends on: %v", got)
		}
	})
}

func TestFloorIsATrustedTimeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plausible := clock.New(clock.Config{Floor: time.Now().Add(-time.Hour), Boot: "boot-1", Kernel: func() (bool, time.Duration) { return false, 0 }})
		go plausible.Run(t.Context())
		time.Sleep(time.Minute)
		b := open(t, t.TempDir(), wide, plausible)
		raise(b, "a", notify.Warning)
		if got := accept(b); len(got) != 1 || !b.Floor().IsZero() {
			t.Errorf("mails %v, floor %v by an unchecked clock", got, b.Floor())
		}
		b.Clock = newClock(t, true)
		raise(b, "a", notify.Warning)
		if accept(b); time.Until(b.Floor()).Abs() > time.Second {
			t.Errorf("floor %v after a mail at a trusted time", b.Floor())
		}
	})
}

func TestCriticalGoesFirstAndRecipientsDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), wide, newClock(t, true))
		b.Busy()
		raise(b, "a", notify.Info, "alex@icloud.com")
		raise(b, "b", notify.Critical, "sam@icloud.com")
		raise(b, "c", notify.Info, "alex@icloud.com")
		if got := fmt.Sprint(accept(b)); got != "[[2] [1 3]]" {
			t.Errorf("mails %v", got)
		}
	})
}

func TestPutOffRecipientsGetTheSameMailLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), wide, newClock(t, true))
		raise(b, "a", notify.Warning, "alex@icloud.com", "sam@icloud.com", "gone@icloud.com")
		first, _, _ := b.Next(time.Now())
		b.Settle(first.ID, notify.Verdict{Outcome: notify.Accepted, Rejected: []notify.Rejection{
			{To: "sam@icloud.com", Code: 450}, {To: "gone@icloud.com", Code: 550, Permanent: true}}}, time.Now())
		time.Sleep(time.Hour)
		again, ok, _ := b.Next(time.Now())
		if !ok || again.ID != first.ID || !slices.Equal(again.To, []string{"sam@icloud.com"}) {
			t.Errorf("got %v %v to %v", ok, again.ID, again.To)
		}
	})
}

func TestRefusedMailIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), wide, newClock(t, true))
		raise(b, "a", notify.Warning)
		attempts := 0
		for start := time.Now(); time.Since(start) < 7*day; {
			m, ok, until := b.Next(time.Now())
			if !ok {
				time.Sleep(time.Until(until))
				continue
			}
			attempts++
			b.Settle(m.ID, notify.Verdict{Outcome: notify.Refused, Code: 554}, time.Now())
		}
		if attempts < 7 || attempts > 25 {
			t.Errorf("%d attempts in a week", attempts)
		}
		time.Sleep(2 * day)
		if got := accept(b); len(got) != 1 {
			t.Errorf("mails when the server takes it: %v", got)
		}
	})
}

func TestTooManyWaitingEventsKeepFirstLastAndCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := open(t, dir, wide, newClock(t, false))
		for i := range maxWaiting + 100 {
			raise(b, fmt.Sprint("r", i%3), notify.Warning)
		}
		cut(b)
		b = open(t, dir, wide, newClock(t, true))
		if len(b.waiting) > maxWaiting {
			t.Fatalf("%d events wait", len(b.waiting))
		}
		told := 0
		m, _, _ := b.Next(time.Now())
		for _, ev := range m.Events {
			told += 1 + ev.Merged
		}
		if told != maxWaiting+100 || m.Events[0].Serial != 1 || m.Events[len(m.Events)-1].Serial != maxWaiting+100 {
			t.Errorf("%d of %d events are told of, first %d, last %d", told, maxWaiting+100, m.Events[0].Serial, m.Events[len(m.Events)-1].Serial)
		}
	})
}

func TestSecondDaemonIsTurnedAway(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, wide, newClock(t, false))
	_, err := Open(Config{Dir: dir, Clock: newClock(t, false), Troubles: &notify.Troubles{}})
	if err != ErrInUse {
		t.Errorf("got %v", err)
	}
}

func TestUnreadableStoreIsSetAside(t *testing.T) {
	for name, content := range map[string]string{"text": strings.Repeat("this is not a store ", 1000), "short": "x", "zeros": string(make([]byte, 1<<16))} {
		dir := t.TempDir()
		os.WriteFile(filepath.Join(dir, FileName), []byte(content), 0o600)
		b := open(t, dir, wide, newClock(t, true))
		raise(b, "a", notify.Warning)
		aside, _ := filepath.Glob(filepath.Join(dir, FileName+".broken-*"))
		list := b.Troubles.List()
		if len(aside) != 1 || len(list) != 1 || list[0].Code != "store.aside" || !strings.Contains(list[0].Doing, aside[0]) {
			t.Errorf("%s: set aside %v, troubles %v", name, aside, list)
		}
		if kept, _ := os.ReadFile(aside[0]); string(kept) != content {
			t.Errorf("%s: what was set aside was changed", name)
		}
	}
}
