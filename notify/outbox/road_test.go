package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify"
	letter "pinbell/notify/mail"
)

// street is a road whose server is made to order.
type street struct {
	Road
	mu     sync.Mutex
	opened []time.Duration // when, since the start
	sent   []notify.Mail
	heads  []letter.Letterhead
	// open and send say what comes of each; nil: all goes well.
	open func() notify.Verdict
	send func(notify.Mail) notify.Verdict
}

func (s *street) mails() []notify.Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

func (s *street) dials() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.opened)
}

func (s *street) letterheads() []letter.Letterhead {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heads)
}

// mended lets everything through from now on.
func (s *street) mended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.send = nil, nil
}

var streetStart time.Time

// pass lets time pass, and all that follows from it happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func newStreet(name string, after time.Duration) *street {
	s := &street{}
	s.Road = Road{Name: name, From: mail.Address{Address: "garage@" + name}, After: after, Open: s.dial}
	return s
}

func (s *street) dial(context.Context) (Session, notify.Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = append(s.opened, time.Since(streetStart))
	if s.open != nil {
		if v := s.open(); v.Outcome != 0 {
			return nil, v
		}
	}
	return walk{s}, notify.Verdict{}
}

type walk struct{ *street }

func (w walk) Send(_ context.Context, m notify.Mail, h letter.Letterhead) notify.Verdict {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := notify.Verdict{Outcome: notify.Accepted, Relay: w.Name}
	if w.send != nil {
		v = w.send(m)
	}
	if v.Outcome == notify.Accepted {
		w.sent, w.heads = append(w.sent, m), append(w.heads, h)
	}
	return v
}

func (walk) Ended() bool { return false }
func (walk) Close()      {}

// downFor is a road on which nothing moves, and which asks for that wait.
func downFor(wait time.Duration) Road {
	s := newStreet("closed.example", 0)
	s.open = func() notify.Verdict { return notify.Verdict{Outcome: notify.Down, Step: "dial", Wait: wait} }
	return s.Road
}

func down(step string, wait time.Duration) func() notify.Verdict {
	code := "mail." + step
	if step == "auth" {
		code = "mail.login"
	}
	return func() notify.Verdict {
		return notify.Verdict{Outcome: notify.Down, Step: step, Wait: wait, Trouble: &notify.Trouble{Code: code, About: "first.example", Sentence: "x"}}
	}
}

// walked runs a courier over streets until the test ends.
func walked(t *testing.T, limits Limits, streets ...*street) *Box {
	streetStart = time.Now()
	b := open(t, t.TempDir(), limits, newClock(t, true))
	b.Roads = nil
	for _, s := range streets {
		b.Roads = append(b.Roads, s.Road)
	}
	c := &Courier{Box: b, Clock: b.Clock, Troubles: b.Troubles, Log: slog.New(slog.DiscardHandler)}
	go c.Run(t.Context())
	synctest.Wait()
	return b
}

func TestSecondRoadIsTakenWhenTheFirstHasFailedLongEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newStreet("first.example", 0), newStreet("second.example", 15*time.Minute)
		first.open = down("dial", 0)
		b := walked(t, wide, first, second)
		raise(b, "a", notify.Warning)
		pass(14 * time.Minute)
		if len(second.mails()) != 0 || len(first.dials()) < 3 {
			t.Fatalf("after 14 minutes: %d by the second road, the first tried at %v", len(second.mails()), first.dials())
		}
		pass(2 * time.Minute)
		if len(second.mails()) != 1 {
			t.Fatalf("after 16 minutes %d mails by the second road", len(second.mails()))
		}
		m, h := second.mails()[0], second.letterheads()[0]
		if h.Road != "second.example" || h.From.Address != "garage@second.example" || h.Domain != "first.example" {
			t.Errorf("letterhead %+v", h)
		}
		if len(m.Troubles) != 1 || m.Troubles[0].Code != "mail.dial" {
			t.Errorf("the mail does not say why it came by the second road: %v", m.Troubles)
		}
		if st := b.Status().Roads; st[0].Mails != 0 || st[1].Mails != 1 {
			t.Errorf("ledger %+v", st)
		}
	})
}

func TestCriticalTakesTheSecondRoadAtOnce(t *testing.T) {
	for _, fault := range []string{"dial", "tls", "auth"} {
		synctest.Test(t, func(t *testing.T) {
			first, second := newStreet("first.example", 0), newStreet("second.example", 15*time.Minute)
			first.open = down(fault, time.Hour)
			b := walked(t, wide, first, second)
			raise(b, "warm", notify.Warning)
			raise(b, "fire", notify.Critical)
			synctest.Wait()
			if len(second.mails()) != 1 || second.mails()[0].Events[0].Rule != "fire" && severest(second.mails()[0].Events) != notify.Critical {
				t.Fatalf("%s: at once by the second road: %v", fault, second.mails())
			}
			pass(16 * time.Minute)
			if told := len(allEvents(second.mails())); told != 2 {
				t.Errorf("%s: %d events by the second road after its time", fault, told)
			}
		})
	}
}

func allEvents(mails []notify.Mail) (all []notify.Event) {
	for _, m := range mails {
		all = append(all, m.Events...)
	}
	return all
}

func TestFirstRoadIsTakenAgainWhenItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newStreet("first.example", 0), newStreet("second.example", time.Minute)
		first.open = down("dial", 0)
		b := walked(t, wide, first, second)
		raise(b, "a", notify.Warning)
		pass(10 * time.Minute)
		first.mended()
		pass(10 * time.Minute)
		raise(b, "b", notify.Warning)
		synctest.Wait()
		if len(first.mails()) != 1 || len(second.mails()) != 1 || first.letterheads()[0].Road != "" {
			t.Errorf("%d by the first, %d by the second", len(first.mails()), len(second.mails()))
		}
	})
}

func TestRefusedLoginIsTriedEverMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newStreet("first.example", 0)
		first.open = down("auth", time.Hour)
		b := walked(t, wide, first)
		raise(b, "a", notify.Warning)
		pass(48 * time.Hour)
		for i, want := range []time.Duration{0, 1, 3, 7, 15, 27, 39} {
			if want *= time.Hour; i >= len(first.dials()) || first.dials()[i] < want || first.dials()[i] > want+time.Minute {
				t.Fatalf("login %d: %v, want it at %v", i, first.dials(), want)
			}
		}
		if len(first.dials()) > 7 {
			t.Errorf("logins at %v", first.dials())
		}
		if list := b.Troubles.List(); len(list) != 1 || !strings.Contains(list[0].Doing, "12 h") {
			t.Errorf("after days the wait is told as %v", list)
		}
	})
}

func TestNewPasswordEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		password := notify.Secret("old")
		first := newStreet("first.example", 0)
		first.Password = func() (notify.Secret, error) {
			mu.Lock()
			defer mu.Unlock()
			return password, nil
		}
		first.open = func() notify.Verdict {
			if p, _ := first.Password(); p == "old" {
				return down("auth", time.Hour)()
			}
			return notify.Verdict{}
		}
		b := walked(t, wide, first)
		raise(b, "a", notify.Warning)
		pass(20 * time.Minute)
		if len(first.dials()) != 1 {
			t.Fatalf("logins at %v", first.dials())
		}
		mu.Lock()
		password = "new"
		mu.Unlock()
		pass(passwordLook + time.Second)
		if len(first.mails()) != 1 {
			t.Errorf("after a new password %d mails, logins at %v", len(first.mails()), first.dials())
		}
	})
}

func TestOwnersWordEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newStreet("first.example", 0)
		first.open = down("auth", time.Hour)
		b := walked(t, wide, first)
		raise(b, "a", notify.Warning)
		pass(time.Minute)
		first.mended()
		if b.Retry("none") || !b.Retry("") {
			t.Error("Retry does not know what waits")
		}
		synctest.Wait()
		if len(first.mails()) != 1 {
			t.Errorf("%d mails", len(first.mails()))
		}
	})
}

// A quota that is known to be used up for longer than the next road's wait is
// not waited for.
func TestUsedUpQuotaGivesWayToTheSecondRoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newStreet("first.example", 0), newStreet("second.example", 15*time.Minute)
		first.Limits = Limits{PerDay: 2}
		b := walked(t, wide, first, second)
		for range 3 {
			raise(b, "a", notify.Warning)
			synctest.Wait()
		}
		if len(first.mails()) != 2 || len(second.mails()) != 1 {
			t.Errorf("%d by the first, %d by the second", len(first.mails()), len(second.mails()))
		}
	})
}

func TestPutOffMailTakesTheSecondRoadWithItsOwnID(t *testing.T) {
	for _, outcome := range []notify.Outcome{notify.Deferred, notify.Refused, notify.Unknown} {
		synctest.Test(t, func(t *testing.T) {
			first, second := newStreet("first.example", 0), newStreet("second.example", 15*time.Minute)
			var ids []string
			first.send = func(m notify.Mail) notify.Verdict {
				ids = append(ids, m.ID)
				return notify.Verdict{Outcome: outcome, Step: "rcpt"}
			}
			b := walked(t, wide, first, second)
			raise(b, "a", notify.Warning)
			pass(14 * time.Minute)
			if len(second.mails()) != 0 {
				t.Fatalf("%v: by the second road before its time", outcome)
			}
			pass(2 * time.Minute)
			first.mu.Lock()
			defer first.mu.Unlock()
			if len(second.mails()) != 1 || second.mails()[0].ID != ids[0] || len(slices.Compact(ids)) != 1 {
				t.Errorf("%v: IDs %v, by the second road %v", outcome, ids, second.mails())
			}
		})
	}
}

// While a mail may have arrived, even critical is not sent by another road
// before its time: it would arrive twice.
func TestDoubtIsNotDoubled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newStreet("first.example", 0), newStreet("second.example", 15*time.Minute)
		tries := 0
		first.send = func(m notify.Mail) notify.Verdict {
			if tries++; tries == 1 {
				return notify.Verdict{Outcome: notify.Unknown, Step: "dot"}
			}
			return notify.Verdict{Outcome: notify.Accepted}
		}
		b := walked(t, wide, first, second)
		raise(b, "fire", notify.Critical)
		pass(time.Minute)
		if len(first.mails()) != 1 || len(second.mails()) != 0 {
			t.Errorf("%d by the first, %d by the second", len(first.mails()), len(second.mails()))
		}
	})
}

func TestAccountsQuotaHoldsAllAndHammersNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newStreet("first.example", 0)
		tries := 0
		first.send = func(notify.Mail) notify.Verdict {
			tries++
			return notify.Verdict{Outcome: notify.Down, Account: true, Step: "dot", Code: 550, Wait: 4 * time.Hour}
		}
		b := walked(t, wide, first)
		for range 5 {
			raise(b, "a", notify.Warning, "a@x.org")
			raise(b, "a", notify.Warning, "b@x.org")
			pass(time.Minute)
		}
		pass(23 * time.Hour)
		first.mu.Lock()
		n := tries
		first.mu.Unlock()
		if n < 5 || n > 7 {
			t.Fatalf("%d tries in a day", n)
		}
		first.mended()
		pass(4*time.Hour + time.Minute)
		if got := len(allEvents(first.mails())); got != 10 {
			t.Errorf("%d events told of 10, in %d mails", got, len(first.mails()))
		}
		if len(first.mails()) > 4 {
			t.Errorf("what waited came in %d mails", len(first.mails()))
		}
	})
}

// A program that is started again and again must not hammer an account.
func TestRefusedLoginIsRememberedOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streetStart = time.Now()
		dir, first := t.TempDir(), newStreet("first.example", 0)
		first.open = down("auth", time.Hour)
		for i := range 19 {
			b := open(t, dir, wide, newClock(t, true))
			b.Roads = []Road{first.Road}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				c := &Courier{Box: b, Clock: b.Clock, Troubles: b.Troubles, Log: slog.New(slog.DiscardHandler)}
				done <- c.Run(ctx)
			}()
			if i == 0 {
				raise(b, "a", notify.Warning)
			}
			pass(time.Minute)
			stop()
			<-done
			cut(b)
		}
		if n := len(first.dials()); n != 4 { // three at once, and one ten minutes later
			t.Errorf("logins at %v in 19 starts of a minute each", first.dials())
		}
	})
}

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
