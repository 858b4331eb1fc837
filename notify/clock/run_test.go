package clock

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify/clock/ntptest"
)

// pauses gives the time between one question to a server and the next.
func (b *board) pauses(name string) (list []time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, at := range b.asked[name] {
		if i > 0 {
			list = append(list, at-b.asked[name][i-1])
		}
	}
	return list
}

func TestQuestionsGrowRarerToFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, in1970, silent, silent)
		b.run(2 * time.Hour)
		want := time.Second
		got := b.pauses("a")
		for i, pause := range got {
			pause -= replyWait // the wait for the answer that did not come
			if pause > want || pause < want*3/4 {
				t.Fatalf("pause %d is %v, want %v less up to a quarter; all: %v", i, pause, want, got)
			}
			want = min(2*want, 5*time.Minute)
		}
		if len(got) < 25 {
			t.Errorf("in two hours only %d more questions", len(got))
		}
	})
}

func TestQuestionsThatCannotLeaveStayFrequent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, in1970)
		b.restart([]string{"a"}, "boot-1", 0)
		b.run(10 * time.Minute)
		for _, pause := range b.pauses("a") {
			if pause > deafPause {
				t.Fatalf("a pause of %v without network; all: %v", pause, b.pauses("a"))
			}
		}
	})
}

func TestServersAreAskedHourlyOnceTrusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, in1970, good, good, good)
		b.run(24 * time.Hour)
		if n := len(b.pauses("a")); n < 24 || n > 32 {
			t.Errorf("asked %d times more in a day", n)
		}
	})
}

// A server that has answered is left in peace while the others are tried, and
// its answer stays good meanwhile.
func TestAnsweredServersAreNotPestered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, in1970, good, silent)
		b.run(3 * time.Minute)
		for _, pause := range b.pauses("a") {
			if pause < manners {
				t.Fatalf("asked again after %v; all: %v", pause, b.pauses("a"))
			}
		}
	})
}

func TestServersThatAskToBeLeftAloneAre(t *testing.T) {
	for code, rest := range map[string]time.Duration{"RATE": time.Hour, "DENY": 24 * time.Hour, "RSTR": 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			b := bench(t, in1970, ntptest.Answer{Kiss: code}, silent)
			b.run(3 * 24 * time.Hour)
			got := b.pauses("a")
			if len(got) == 0 || len(got) > int(72*time.Hour/rest) {
				t.Fatalf("%s: asked %d times more in three days", code, len(got))
			}
			for _, pause := range got {
				if pause < rest {
					t.Errorf("%s: asked again after %v, want %v at least", code, pause, rest)
				}
			}
		})
	}
}

func TestKernelThatComesInStepLaterIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, in1970, silent)
		b.run(time.Hour)
		b.mustBe(Unknown, in1970)
		b.change(func() { b.ahead, b.synced = 0, true })
		b.pass(kernelSoon + replyWait + time.Second) // a question may just be under way
		b.mustBe(Trusted, 0)
		b.mustHaveTroubles()
	})
}

func TestServersAreAskedWhenTheKernelsMarkGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, 0, good, good)
		b.run(time.Minute) // the servers first
		b.change(func() { b.synced = true })
		b.pass(11 * time.Minute)
		b.change(func() { b.synced, b.ahead = false, time.Hour })
		b.pass(11 * time.Minute)
		b.mustBe(Trusted, 0)
		if s := b.Status(); s.Source != "ntp" || s.Servers[0].Asked > 11*time.Minute {
			t.Errorf("status: %+v", s)
		}
	})
}

func TestRunEndsAtOnceWhenToldTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, in1970, good)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		b.pass(time.Minute)
		began := time.Now()
		cancel()
		if err := <-done; err != nil || time.Since(began) > 0 {
			t.Errorf("Run ended with %v after %v", err, time.Since(began))
		}
	})
}

func TestSameServerNamedTwiceIsOneVoice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, in1970, good, silent, silent)
		b.restart([]string{"a", "a", "b", "c"}, "boot-1", 0)
		b.run(time.Minute)
		b.mustBe(Unknown, in1970)
	})
}
