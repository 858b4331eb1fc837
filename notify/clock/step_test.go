package clock

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestStepOfTheBoardsClockChangesNothingAfterTrust(t *testing.T) {
	for _, step := range []time.Duration{-time.Hour, time.Hour, -56 * year} {
		synctest.Test(t, func(t *testing.T) {
			b := bench(t, -3*time.Hour, good, good, good)
			b.run(time.Second)
			b.change(func() { b.ahead += step })
			b.mustBe(Trusted, 0)
			b.pass(2 * time.Hour) // with a round in it
			b.mustBe(Trusted, 0)
			if got := b.Status().Offset + b.ahead; got.Abs() > time.Second {
				t.Errorf("the offset is not that of the board's clock, by %v", got)
			}
		})
	}
}

func TestStepWithoutTheKernelsMarkIsNotFollowed(t *testing.T) {
	for _, step := range []time.Duration{-time.Hour, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			b := bench(t, 0, good, good, good)
			b.synced = true
			b.run(time.Minute)
			b.change(func() { b.ahead, b.synced = step, false }) // as settimeofday does
			b.mustBe(Trusted, 0)
			b.pass(time.Hour)
			b.mustBe(Trusted, 0)
			if s := b.Status(); s.Source != "ntp" {
				t.Errorf("servers were not asked when the kernel's mark went: %+v", s)
			}
		})
	}
}

func TestStepThatTheKernelVouchesForIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, -time.Hour, good)
		b.synced = true
		b.run(time.Minute)
		b.mustBe(Trusted, -time.Hour)
		b.change(func() { b.ahead = 0 }) // a time daemon puts it right
		b.mustBe(Trusted, 0)
	})
}

func TestClockSetBackBeforeTheFloorIsNoLongerPlausible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, 0, silent)
		b.run(time.Minute)
		b.mustBe(Plausible, 0)
		b.change(func() { b.ahead = in1970 })
		b.mustBe(Unknown, in1970)
	})
}

func TestStepDuringAQuestionDoesNotBendTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := good
		slow.Delay = 2 * time.Second
		b := bench(t, in1970, slow, slow)
		b.run(time.Second)
		b.change(func() { b.ahead = 0 })
		b.pass(2 * time.Second)
		b.mustBe(Trusted, 0)
	})
}
