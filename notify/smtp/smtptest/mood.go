package smtptest

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/emersion/go-smtp"
)

// A Mood makes an honest server misbehave at random, drawn from a seed. It
// stays honest in one thing: Mails has each mail that it took, whether or not
// the client got its receipt, and no other. The zero value misbehaves never.
//
// The numbers are out of 100 steps; the steps are ehlo, auth, mail, each rcpt,
// and dot. Their sum is 100 at most.
type Mood struct {
	Seed uint64

	Drop   int // hangs up before the answer; nothing is taken
	Forget int // at dot only: takes the mail, and hangs up before the receipt
	Defer  int // answers 4xx
	Refuse int // answers 554
	Quota  int // from mail on: answers that the account's daily limit is reached, with a 5xx
	Stall  int // says nothing for StallFor, and hangs up
	Slow   int // answers later, by up to SlowBy

	StallFor, SlowBy time.Duration
}

// Moody misbehaves at one step in five, without long waits.
func Moody(seed uint64) Mood {
	return Mood{
		Seed: seed, Drop: 4, Forget: 4, Defer: 4, Quota: 2, Stall: 2, Slow: 4,
		StallFor: 300 * time.Millisecond, SlowBy: 50 * time.Millisecond,
	}
}

// whim is what a server in a mood does at one step.
type whim struct {
	name string // empty: nothing
	wait time.Duration
	drop bool
	code int
	text string
}

// errHungUp ends a visit; nobody is there to read it.
var errHungUp = errors.New("hung up")

// Behave puts the server into a mood from now on.
func (s *Server) Behave(m Mood) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mood, s.dice = m, rand.New(rand.NewPCG(m.Seed, 1))
}

// Misdeeds counts what the server has done in its moods: drop, forget, defer,
// refuse, quota, stall, slow.
func (s *Server) Misdeeds() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]int)
	for name, n := range s.misdeeds {
		counts[name] = n
	}
	return counts
}

// whim draws one, and notes it.
func (s *Server) whim(step string) whim {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.mood.draw(step, s.dice)
	if w.name != "" {
		s.misdeeds[w.name]++
	}
	return w
}

func (m Mood) draw(step string, dice *rand.Rand) whim {
	temporary := [...]whim{
		{name: "defer", code: 421, text: "4.3.2 Not now"},
		{name: "defer", code: 450, text: "4.2.0 Later"},
		{name: "defer", code: 451, text: "4.3.0 Try again"},
		{name: "defer", code: 452, text: "4.3.1 No room"},
	}
	n := dice.IntN(100)
	for _, c := range []struct {
		chance int
		whim
	}{
		{m.Drop, whim{name: "drop", drop: true}},
		{m.Forget, whim{name: "forget"}},
		{m.Defer, temporary[dice.IntN(len(temporary))]},
		{m.Refuse, whim{name: "refuse", code: 554, text: "5.0.0 No"}},
		{m.Quota, whim{name: "quota", code: 550, text: "5.7.1 You have exceeded your daily sending limit. Please try again later."}},
		{m.Stall, whim{name: "stall", wait: m.StallFor, drop: true}},
		{m.Slow, whim{name: "slow", wait: time.Duration(dice.Int64N(int64(m.SlowBy) + 1))}},
	} {
		if n -= c.chance; n < 0 {
			return c.possible(step)
		}
	}
	return whim{}
}

// possible leaves out what makes no sense at a step.
func (w whim) possible(step string) whim {
	if w.name == "forget" && step != "dot" || w.name == "quota" && (step == "ehlo" || step == "auth") {
		return whim{}
	}
	return w
}

// obey does what a whim wants before the honest answer, or in its place.
func (s *Server) obey(w whim, c *smtp.Conn) error {
	if w.wait > 0 {
		select {
		case <-time.After(w.wait):
		case <-s.served:
		}
	}
	switch {
	case w.drop:
		c.Conn().Close()
		return errHungUp
	case w.code != 0:
		return &smtp.SMTPError{Code: w.code, EnhancedCode: smtp.NoEnhancedCode, Message: w.text}
	}
	return nil
}
