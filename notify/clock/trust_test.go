package clock

import (
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify/clock/ntptest"
)

const year = 365 * 24 * time.Hour

var (
	good   = ntptest.Answer{}
	silent = ntptest.Answer{Silent: true}
	since  = func(t time.Time) time.Duration { return t.Sub(truthAtStart) }
	in1970 = since(time.Unix(0, 0))
)

func TestTrustComesFromAgreementOnly(t *testing.T) {
	off := func(d time.Duration) ntptest.Answer { return ntptest.Answer{Offset: d} }
	kod := ntptest.Answer{Kiss: "RATE"}
	cases := map[string]struct {
		ahead    time.Duration // the board's clock
		servers  []ntptest.Answer
		trust    Trust
		wrong    time.Duration // by how much the time told is wrong
		troubles []string
	}{
		"woke in 1970, three agree":                   {in1970, []ntptest.Answer{good, good, good}, Trusted, 0, nil},
		"woke in 2045, three agree":                   {19 * year, []ntptest.Answer{good, good, good}, Trusted, 0, nil},
		"one liar of three, a year ahead":             {in1970, []ntptest.Answer{off(year), good, good}, Trusted, 0, nil},
		"one liar of three, an hour behind":           {in1970, []ntptest.Answer{good, off(-time.Hour), good}, Trusted, 0, nil},
		"one of three silent":                         {in1970, []ntptest.Answer{good, silent, good}, Trusted, 0, nil},
		"one of three unsynchronised":                 {in1970, []ntptest.Answer{good, {Stratum: 16}, good}, Trusted, 0, nil},
		"one of three asks to be left alone":          {in1970, []ntptest.Answer{good, kod, good}, Trusted, 0, nil},
		"one of three sends garbage":                  {in1970, []ntptest.Answer{good, {Garbage: []byte("HTTP/1.1 400")}, good}, Trusted, 0, nil},
		"one of three before the floor":               {in1970, []ntptest.Answer{good, off(-year), good}, Trusted, 0, nil},
		"a smeared leap second is agreement":          {in1970, []ntptest.Answer{good, off(-500 * time.Millisecond)}, Trusted, -250 * time.Millisecond, nil},
		"only one of three answers, in 1970":          {in1970, []ntptest.Answer{good, silent, silent}, Unknown, in1970, []string{UnknownCode}},
		"only one of three answers, clock past floor": {-3 * time.Hour, []ntptest.Answer{good, silent, silent}, Plausible, -3 * time.Hour, []string{UnknownCode}},
		"all silent, in 1970":                         {in1970, []ntptest.Answer{silent, silent, silent}, Unknown, in1970, []string{UnknownCode}},
		"all silent, clock past floor":                {-time.Hour, []ntptest.Answer{silent, silent, silent}, Plausible, -time.Hour, []string{UnknownCode}},
		"all silent, clock beyond the horizon":        {21 * year, []ntptest.Answer{silent, silent}, Unknown, 21 * year, []string{UnknownCode}},
		"all unsynchronised by the leap bits":         {in1970, []ntptest.Answer{{Leap: 3}, {Leap: 3}}, Unknown, in1970, []string{UnknownCode}},
		"all set their clocks two days ago":           {in1970, []ntptest.Answer{{Stale: 48 * time.Hour}, {Stale: 48 * time.Hour}}, Unknown, in1970, []string{UnknownCode}},
		"all forged":                                  {in1970, []ntptest.Answer{{Forged: true}, {Forged: true}}, Unknown, in1970, []string{UnknownCode}},
		"all kiss of death":                           {in1970, []ntptest.Answer{kod, kod, kod}, Unknown, in1970, []string{UnknownCode}},
		"all agree on a time before the floor":        {in1970, []ntptest.Answer{off(-year), off(-year), off(-year)}, Unknown, in1970, []string{UnknownCode}},
		"all agree on a time beyond the horizon":      {in1970, []ntptest.Answer{off(21 * year), off(21 * year)}, Unknown, in1970, []string{UnknownCode}},
		"two configured, they disagree, in 1970":      {in1970, []ntptest.Answer{good, off(time.Hour)}, Unknown, in1970, []string{DisagreeCode}},
		"two disagree, the board's clock with one":    {0, []ntptest.Answer{good, off(time.Hour)}, Plausible, 0, []string{DisagreeCode}},
		"two disagree, the board's clock with none":   {-time.Hour, []ntptest.Answer{good, off(time.Hour)}, Unknown, -time.Hour, []string{DisagreeCode}},
		"two configured, one silent":                  {in1970, []ntptest.Answer{good, silent}, Unknown, in1970, []string{UnknownCode}},
		"one configured, it answers":                  {in1970, []ntptest.Answer{good}, Trusted, 0, nil},
		"none configured, clock past floor":           {time.Second, nil, Plausible, time.Second, []string{UnknownCode}},
		"three, three stories":                        {in1970, []ntptest.Answer{good, off(time.Hour), off(2 * time.Hour)}, Unknown, in1970, []string{DisagreeCode}},
		"four, two against two":                       {in1970, []ntptest.Answer{good, good, off(year), off(year)}, Unknown, in1970, []string{DisagreeCode}},
		"five, three against two":                     {in1970, []ntptest.Answer{good, off(year), good, off(year), good}, Trusted, 0, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := bench(t, c.ahead, c.servers...)
				b.run(40 * time.Second)
				b.mustBe(c.trust, c.wrong)
				b.mustHaveTroubles(c.troubles...)
			})
		})
	}
}

func TestKernelsWordNeedsNoPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, 0, good, good, good)
		b.synced = true
		b.run(3 * time.Hour)
		b.mustBe(Trusted, 0)
		if len(b.asked) > 0 {
			t.Errorf("servers were asked: %v", b.asked)
		}
		if s := b.Status(); s.Source != "kernel" || s.Sentence != "clock trusted (kernel, ±4 ms)" {
			t.Errorf("status is %+v", s)
		}
	})
}

func TestKernelInSyncBeforeTheFloorIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, in1970, good, good, good)
		b.synced = true
		b.run(time.Second)
		b.mustBe(Trusted, 0)
		if s := b.Status(); s.Source != "ntp" {
			t.Errorf("source is %q", s.Source)
		}
	})
}

func TestNothingIsBelievedBeforeAnyoneWasAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, 0, good)
		b.mustBe(Unknown, 0)
		b.mustHaveTroubles()
	})
}

// A network that comes up late is normal at boot: no trouble, no guess at the
// time from a clock that stood still while the board was off.
func TestNamesThatDoNotResolveAtBootAreNoTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, -3*time.Hour)
		b.restart([]string{"a", "b", "c"}, "boot-1", 20*time.Second)
		b.run(25 * time.Second)
		b.mustBe(Unknown, -3*time.Hour)
		b.mustHaveTroubles()
		b.answer(good, good, good)
		b.pass(16 * time.Second)
		b.mustBe(Trusted, 0)
		b.mustHaveTroubles()
	})
}

func TestTroubleEndsWithTrust(t *testing.T) {
	for _, first := range [][]ntptest.Answer{{silent, silent}, {good, {Offset: year}}} {
		synctest.Test(t, func(t *testing.T) {
			b := bench(t, in1970, first...)
			b.run(40 * time.Second)
			if len(b.troubles.List()) != 1 {
				t.Fatalf("troubles: %v", b.troubles.List())
			}
			b.answer(good, good)
			b.pass(6 * time.Minute)
			b.mustBe(Trusted, 0)
			b.mustHaveTroubles()
		})
	}
}

func TestTrustOnceReachedOutlastsTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, in1970, good, good, good)
		b.run(time.Second)
		b.answer(silent, silent, silent)
		b.pass(7 * 24 * time.Hour)
		b.mustBe(Trusted, 0)
		b.mustHaveTroubles()
		if s := b.Status(); s.Error < time.Minute || s.Error > 2*time.Minute {
			t.Errorf("after a week without a witness the error is given as %v", s.Error)
		}
	})
}

func TestServersThatFallOutAfterTrustAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bench(t, in1970, good, good)
		b.run(time.Second)
		b.answer(good, ntptest.Answer{Offset: -2 * time.Hour})
		b.pass(3 * time.Hour)
		b.mustBe(Trusted, 0)
		b.mustHaveTroubles(DisagreeCode)
	})
}
