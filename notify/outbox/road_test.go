package outbox

import (
	"context"
	"log/slog"
	"net/mail"
	"slices"
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
