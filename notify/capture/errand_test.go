package capture

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// scene is a camera in a bubble, whose sources take the time that their
// address says: "file:3s". One that ends in ! cannot be stopped.
type scene struct {
	*Camera
	start time.Time
	mu    sync.Mutex
	asked []string // "3s at 1s"
	at    int      // sources being asked now
	most  int
	dones int
	stop  func()
}

func newScene(t *testing.T) *scene {
	s := &scene{start: time.Now()}
	s.Camera = New(Config{Done: func() { s.mu.Lock(); s.dones++; s.mu.Unlock() }})
	s.Camera.ask = s.answer
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return s
}

func (s *scene) answer(ctx context.Context, from source) outcome {
	s.mu.Lock()
	s.asked = append(s.asked, fmt.Sprintf("%s at %v", from.path, time.Since(s.start)))
	s.at++
	s.most = max(s.most, s.at)
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.at--; s.mu.Unlock() }()
	text, deaf := strings.CutSuffix(from.path, "!")
	length, _, _ := strings.Cut(text, "#")
	takes, err := time.ParseDuration(length)
	if err != nil {
		return outcome{err: fault("is broken")}
	}
	if deaf {
		time.Sleep(takes)
		return outcome{data: []byte(from.path)}
	}
	select {
	case <-time.After(takes):
		return outcome{data: []byte(from.path)}
	case <-ctx.Done():
		return outcome{err: ctx.Err()}
	}
}

func (s *scene) expect(t *testing.T, serial uint64, sources []string, want string) {
	t.Helper()
	if got := brief(s.Files(wanting(serial, sources...))); got != want {
		t.Errorf("at %v event %d has\n got %s\nwant %s", time.Since(s.start), serial, got, want)
	}
}

func TestMailWaitsForAThingUntilItIsThereOrTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		defer s.stop()
		sources := []string{"file:3s", "file:20s", "file:x"}
		s.Take(wanting(1, sources...))
		s.expect(t, 1, sources[:2], "3s has given nothing yet; 20s has given nothing yet")
		for _, test := range []struct {
			at      time.Duration
			pending bool
		}{{0, true}, {4 * time.Second, true}, {9999 * time.Millisecond, true}, {10 * time.Second, false}, {time.Minute, false}} {
			time.Sleep(time.Until(s.start.Add(test.at)))
			if got := s.Pending(1); got != test.pending {
				t.Errorf("after %v: pending is %v", test.at, got)
			}
		}
		s.expect(t, 1, sources, `3s.txt (text/plain) "3s"; 20s gave nothing within 10 s; x is broken`)
		synctest.Wait()
		if s.dones != 3 {
			t.Errorf("Done was called %d times for three ends", s.dones)
		}
	})
}

func TestWhatComesAfterTheDeadlineChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		defer s.stop()
		sources := []string{"file:12s!"}
		s.Take(wanting(1, sources...))
		for _, wait := range []time.Duration{11 * time.Second, 10 * time.Second} {
			time.Sleep(wait)
			s.expect(t, 1, sources, "12s gave nothing within 10 s")
		}
	})
}

func TestRulesOfOneMomentShareAPictureAndACameraIsAskedByOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		defer s.stop()
		sources := []string{"file:3s"}
		s.Take(wanting(1, sources...))
		time.Sleep(time.Second) // the first is under way: what it gives is not of this moment
		for serial := range uint64(3) {
			s.Take(wanting(2+serial, sources...))
		}
		time.Sleep(20 * time.Second)
		for serial := range uint64(4) {
			s.expect(t, 1+serial, sources, `3s.txt (text/plain) "3s"`)
		}
		synctest.Wait()
		if want := []string{"3s at 0s", "3s at 3s"}; !slices.Equal(s.asked, want) {
			t.Errorf("asked %q, want %q", s.asked, want)
		}
	})
}

func TestFourSourcesAtOnceAndTheOthersHaveTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		defer s.stop()
		var sources []string
		for i := range 10 {
			sources = append(sources, fmt.Sprintf("file:4s#%d", i))
		}
		s.Take(wanting(1, sources...))
		time.Sleep(time.Minute)
		var got []string
		for _, f := range s.Files(wanting(1, sources...)) {
			got = append(got, f.Fault)
		}
		synctest.Wait()
		const nothing = "gave nothing within 10 s"
		if want := []string{"", "", "", "", "", "", "", "", nothing, nothing}; !slices.Equal(got, want) || s.most != atOnce {
			t.Errorf("%d at once, faults %q", s.most, got)
		}
	})
}

func TestHungSourcesHoldOnlyThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		hung := []string{"file:1h#1!", "file:1h#1!", "file:1h#2!", "file:1h#3!", "file:1s"}
		s.Take(wanting(1, hung...))
		time.Sleep(11 * time.Second)
		s.Take(wanting(2, "file:1h#1!", "file:2s"))
		time.Sleep(11 * time.Second)
		s.expect(t, 2, []string{"file:1h#1!", "file:2s"}, `1h1 was not asked within 10 s: others were before it; 2s.txt (text/plain) "2s"`)
		s.Take(wanting(3, "file:1h#4!"))
		time.Sleep(time.Second)
		s.Take(wanting(4, "file:3s"))
		time.Sleep(11 * time.Second)
		s.expect(t, 4, []string{"file:3s"}, "3s was not asked within 10 s: others were before it")
		s.stop() // it waits for all of them
		if length := time.Since(s.start); length < time.Hour || s.at != 0 {
			t.Errorf("Run ended after %v with %d under way", length, s.at)
		}
	})
}

func TestTooManyAtOnceAreFaultsAndTakeNeverWaits(t *testing.T) {
	c := New(Config{}) // nobody runs it
	for serial := range uint64(maxWaiting + 2) {
		c.Take(wanting(1+serial, fmt.Sprintf("file:/cam/%d.jpg", serial)))
	}
	for serial, want := range map[uint64]bool{1: true, maxWaiting: true, maxWaiting + 1: false, maxWaiting + 2: false} {
		if c.Pending(serial) != want {
			t.Errorf("event %d: pending is %v", serial, !want)
		}
	}
	if got := brief(c.Files(wanting(maxWaiting+1, "file:/cam/64.jpg"))); got != "64.jpg was not asked: too many at once" {
		t.Error(got)
	}
}

func TestStopEndsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.Take(wanting(1, "file:9s"))
		time.Sleep(time.Second)
		s.stop()
		if length := time.Since(s.start); length != time.Second {
			t.Errorf("it took %v", length-time.Second)
		}
		if !s.Pending(1) {
			t.Error("what a stop broke off is no answer of the source")
		}
	})
}

func TestEventForgottenOnItsWayIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		defer s.stop()
		s.Take(wanting(1, "file:3s"))
		time.Sleep(time.Second)
		s.Forget(1)
		if s.Pending(1) {
			t.Error("still pending")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s.kept != 0 || s.total != 0 || len(s.events) != 0 || len(s.waiting) != 0 {
			t.Errorf("%d things, %d bytes, %d events, %d waiting", s.kept, s.total, len(s.events), len(s.waiting))
		}
	})
}

// TestBoundHoldsAndTheOldestGoFirst compares random takes and forgets with a
// list that is cut from its begin.
func TestBoundHoldsAndTheOldestGoFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most = 100
		c := New(Config{MaxTotal: most})
		type thing struct {
			serial uint64
			size   int // 0: thrown out
		}
		var all []thing
		for serial := range uint64(rapid.IntRange(1, 40).Draw(t, "events")) {
			n := rapid.IntRange(1, 60).Draw(t, "bytes")
			c.Take(wanting(1+serial, "file:/x"))
			c.mu.Lock()
			c.close(c.events[1+serial][0], outcome{data: make([]byte, n)})
			c.queue = nil
			c.mu.Unlock()
			all = append(all, thing{1 + serial, n})
			total := 0
			for i := range slices.Backward(all) {
				if total += all[i].size; total > most {
					all[i].size = 0
				}
			}
			if i := rapid.IntRange(0, 3*len(all)).Draw(t, "forget"); i < len(all) {
				c.Forget(all[i].serial)
				all = slices.Delete(all, i, i+1)
			}
			for _, x := range all {
				f := c.Files(wanting(x.serial, "file:/x"))[0]
				if len(f.Data) != x.size || (f.Fault == madeRoom) != (x.size == 0) {
					t.Fatalf("event %d has %d bytes and %q, want %d bytes: %v", x.serial, len(f.Data), f.Fault, x.size, all)
				}
			}
		}
	})
}

func TestTooManyThingsLetTheOldestGo(t *testing.T) {
	c := New(Config{})
	for serial := range uint64(maxKept + 5) {
		c.Take(wanting(1+serial, "nonsense"))
	}
	if c.kept != maxKept || len(c.news) > maxKept {
		t.Errorf("%d are kept", c.kept)
	}
	if got := brief(c.Files(wanting(5, "file:/x.jpg"))); got != "x.jpg "+madeRoom {
		t.Error(got)
	}
	if got := brief(c.Files(wanting(6, "nonsense"))); !strings.HasPrefix(got, "camera-1 is not understood") {
		t.Error(got)
	}
}
