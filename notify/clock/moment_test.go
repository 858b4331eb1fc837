package clock

import (
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify"
)

func TestLateTrustDatesAnEarlyEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, in1970, silent, silent)
		b.run(100 * time.Second)
		happened := time.Now()
		m := b.At(happened)
		want := notify.Moment{Wall: b.truth().Add(in1970), Boot: "boot-1", Up: 2 * time.Minute}
		if m != want {
			t.Fatalf("the moment is %+v, want %+v", m, want)
		}
		if again := b.Date(m); again != m {
			t.Errorf("dated from nothing: %+v", again)
		}
		b.answer(good, good)
		b.pass(10 * time.Minute)
		mustDate(t, b.Date(m), truthAtStart.Add(100*time.Second))
	})
}

func TestEarlyEventIsDatedAcrossARestartOfTheDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, in1970, silent, silent)
		b.run(100 * time.Second)
		m := b.At(time.Now().Add(-10 * time.Second))
		b.pass(time.Hour)
		b.answer(good, good)
		b.restart([]string{"a", "b"}, "boot-1", 20*time.Second+time.Since(b.began))
		b.run(time.Second)
		mustDate(t, b.Date(m), truthAtStart.Add(90*time.Second))
	})
}

func mustDate(t *testing.T, m notify.Moment, want time.Time) {
	t.Helper()
	if !m.Trusted || m.Undated || m.Wall.Sub(want).Abs() > 20*time.Millisecond {
		t.Errorf("dated %+v, want %v", m, want)
	}
}

func TestUntrustedMomentOfAnotherBootIsUndated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, 0, good)
		b.run(time.Second)
		m := notify.Moment{Wall: time.Unix(77, 0).UTC(), Boot: "boot-0", Up: time.Minute}
		want := m
		want.Undated = true
		if got := b.Date(m); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestTrustedAndUnsetMomentsStayAsTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, 0, good)
		b.run(time.Second)
		trusted := notify.Moment{Wall: truthAtStart.Add(-time.Hour), Boot: "boot-0", Up: time.Minute, Trusted: true}
		for _, m := range []notify.Moment{{}, trusted} {
			if got := b.Date(m); got != m {
				t.Errorf("got %+v, want %+v", got, m)
			}
		}
	})
}

// A clock that was set by hand while no server answers: what came before is
// shown by the clock as it is now, not by the year 1970.
func TestPlausibleTimeRedatesThisBoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, in1970, silent)
		b.run(time.Minute)
		m := b.At(time.Now())
		b.change(func() { b.ahead = 0 })
		b.pass(time.Minute)
		got := b.Date(m)
		want := notify.Moment{Wall: truthAtStart.Add(time.Minute), Boot: "boot-1", Up: 80 * time.Second}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestChangedClosesWhenTrustImproves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, 0, silent, silent)
		changed := b.Changed()
		b.run(29 * time.Second)
		mustBeOpen(t, changed)
		b.pass(time.Minute)
		mustBeClosed(t, changed) // plausible
		changed = b.Changed()
		b.answer(good, good)
		b.pass(10 * time.Minute)
		mustBeClosed(t, changed) // trusted
		changed = b.Changed()
		b.pass(3 * time.Hour)
		mustBeOpen(t, changed)
	})
}

func mustBeOpen(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
		t.Error("Changed was closed without a change for the better")
	default:
	}
}

func mustBeClosed(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	default:
		t.Error("Changed is still open after a change for the better")
	}
}
