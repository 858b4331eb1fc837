package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// doorConfig has a reed contact to ground, and a bell push that nothing
// debounces.
const doorConfig = `
[[sensor]]
name     = "door"
title    = "Garage door"
driver   = "gpio"
line     = "GPIO17"
pull     = "up"
active   = "low"
states   = ["closed", "open"]
debounce = "50ms"

[[sensor]]
name     = "bell"
driver   = "gpio"
line     = "GPIO27"
debounce = "0s"

[[rule]]
name    = "door-open"
when    = "door.open"
message = "Somebody is in the garage."

[[rule]]
name = "bell-rung"
when = "bell.active"
`

// The lines, and the levels of the door's: its contact pulls to ground when
// the door is open.
const (
	door       = "GPIO17"
	bell       = "GPIO27"
	doorOpen   = "low"
	doorClosed = "high"
)

// doorScenario opens and closes the door, each time for one mail, and then
// has it chatter and the bell ring briefly.
func doorScenario(ctx context.Context, s *stage) (string, error) {
	s.config = doorConfig
	if err := s.switchOn(ctx, power{clock: "now", lines: []string{door + "=" + doorClosed}}); err != nil {
		return "", err
	}
	if err := s.trusted(ctx); err != nil {
		return "", err
	}
	const rounds = 5
	var took []time.Duration
	for i := range 2 * rounds {
		d, err := oneMail(ctx, s, i)
		if err != nil {
			return "", err
		}
		took = append(took, d)
	}
	pulses, err := brief(ctx, s)
	if err != nil {
		return "", err
	}
	if err := allTold(ctx, s, 2*rounds+2*pulses); err != nil {
		return "", err
	}
	result := fmt.Sprintf("edge to accepted mail %s (median/worst of %d, 50 ms of it debounce); %d brief pulses told", span(took), len(took), pulses)
	if err := s.terminate(ctx); err != nil {
		return result, err
	}
	letters, err := s.mails()
	if err != nil {
		return result, err
	}
	return result, once(letters, 2*rounds+2*pulses)
}

// oneMail opens the door at even i and closes it at odd ones, and gives the
// time until a mail about it was accepted.
func oneMail(ctx context.Context, s *stage, i int) (time.Duration, error) {
	level, rule, word := doorOpen, "door-open", "Raised"
	if i%2 == 1 {
		level, word = doorClosed, "Cleared"
	}
	at, err := s.switchLine(ctx, door, level)
	if err != nil {
		return 0, err
	}
	letters, err := s.letters(ctx, i+1)
	if err != nil {
		return 0, err
	}
	l := letters[i]
	if err := l.about(rule, word, at); err != nil {
		return 0, err
	}
	if len(letters) > i+1 {
		return 0, fmt.Errorf("edge %d had %d mails", i+1, len(letters)-i)
	}
	return l.At.Sub(at), nil
}

// about checks that a mail tells of what happened then, and that its Date lies
// between that and when it came: it is that of sealing.
func (l letter) about(rule, word string, at time.Time) error {
	switch {
	case !strings.Contains(l.text, "rule "+rule):
		return fmt.Errorf("a mail is not about %s: %q", rule, l.text)
	case !strings.Contains(l.text, word):
		return fmt.Errorf("a mail does not say %q: %q", word, l.text)
	case !l.says(at):
		return fmt.Errorf("a mail does not have the time of the event, %s: %q", clockTime(at), l.text)
	case l.date.Before(at.Add(-dateOff)) || l.date.After(l.At.Add(dateOff)):
		return fmt.Errorf("a mail about %s that came at %s has the Date %s", clockTime(at), clockTime(l.At), clockTime(l.date))
	}
	return nil
}

// dateOff is how far a Date may lie outside: it has no parts of a second, and
// is as right as time servers can make it.
const dateOff = 2 * time.Second

func clockTime(t time.Time) string { return t.UTC().Format(time.DateTime) }

// says reports whether the text has the time at, to a second or so. An
// emulator that is kept from running gives an edge to its board later.
func (l letter) says(at time.Time) bool {
	for off := -1; off <= 5; off++ {
		t := at.Add(time.Duration(off) * time.Second).UTC()
		if strings.Contains(l.text, t.Format("2 Jan 2006 15:04:05")) || strings.Contains(l.text, t.Format("2 Jan 15:04:05")) {
			return true
		}
	}
	return false
}

// brief drives pulses that must be seen, and a blip that must not be. It gives
// the number of pulses.
func brief(ctx context.Context, s *stage) (int, error) {
	if !s.short {
		if err := blip(ctx, s); err != nil {
			return 0, err
		}
	}
	const opened, rung = 3, 5
	slow := slices.Repeat([]string{doorOpen, "sleep=0.3", doorClosed, "sleep=0.6"}, opened)
	fast := slices.Repeat([]string{"high", "sleep=0.1", "low", "sleep=0.4"}, rung)
	if _, err := s.board.drive(ctx, door, slow...); err != nil {
		return 0, err
	}
	_, err := s.board.drive(ctx, bell, fast...)
	return opened + rung, err
}

// blip opens the door for less than its debounce time. That needs a machine
// which is not kept from running for 50 ms, so the short form goes without it.
func blip(ctx context.Context, s *stage) error {
	for range 5 {
		at, err := s.board.drive(ctx, door, doorOpen, "sleep=0.005", doorClosed)
		if err != nil {
			return err
		}
		if at[1].Sub(at[0]) < 30*time.Millisecond {
			time.Sleep(300 * time.Millisecond) // so that the next pulse is one of its own
			return nil
		}
		// This machine was busy, and the blip was none: it may have been told.
	}
	return fmt.Errorf("this machine is too busy for a blip of 5 ms")
}

// allTold waits until the mails tell n events between them.
func allTold(ctx context.Context, s *stage, n int) error {
	told := 0
	err := await(ctx, mailLimit, "all events are told", func() (bool, error) {
		letters, err := s.mails()
		told = 0
		for _, l := range letters {
			told += len(l.events)
		}
		return told >= n, err
	})
	if err != nil {
		return fmt.Errorf("%w (%d of %d)", err, told, n)
	}
	return nil
}
