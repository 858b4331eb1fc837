package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// manyRules all watch the second sensor.
func manyRules(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\n[[rule]]\nname = \"above-%[1]d\"\nwhen = \"second.value > %[1]d\"\n", i+1)
	}
	return b.String()
}

// perHour allows two mails, and the rest goes out in one.
func perHour(ctx context.Context, s *site) (string, error) {
	const rules = 6
	s.notes.perHour, s.notes.rules = 2, manyRules(rules)
	if err := s.open(ctx); err != nil {
		return "", err
	}
	for n := 1; n <= rules; n++ { // each rule by itself, so that each could have a mail
		if err := errors.Join(s.second(n+1), s.committed(ctx, n)); err != nil {
			return "", err
		}
		if n <= s.notes.perHour {
			if _, err := s.arrive(ctx, owner, n); err != nil {
				return "", err
			}
		}
	}
	if _, err := s.until(ctx, "the limit holds four events", func(r report) bool {
		return r.Mail.Limit == "per_hour" && r.untold() == rules-s.notes.perHour
	}); err != nil {
		return "", err
	}
	if letters, err := s.letters(owner); err != nil || len(letters) != s.notes.perHour {
		return "", fmt.Errorf("%d letters, and the limit is %d (%v)", len(letters), s.notes.perHour, err)
	}
	s.notes.perHour = 3
	if err := errors.Join(s.stop(), s.openPinbell(ctx)); err != nil {
		return "", err
	}
	letters, err := s.settled(ctx, owner, rules)
	if err == nil && (len(letters) != 3 || len(letters[2].events) != 4) {
		err = fmt.Errorf("%d letters, and the last tells %v", len(letters), letters[len(letters)-1].events)
	}
	return "two mails, then one digest of four events when the limit allowed a third", err
}

// atMost is a rule's own limit: it flaps, and its mails keep their distance.
func atMost(ctx context.Context, s *site) (string, error) {
	const window = 12
	s.notes.rules = fmt.Sprintf("\n[[rule]]\nname = \"flaps\"\nwhen = \"second.value > 0\"\nat_most = \"1 per %ds\"\n", window)
	if err := s.open(ctx); err != nil {
		return "", err
	}
	const events = 6
	for n := 1; n <= events; n++ {
		if err := errors.Join(s.second(n%2), s.committed(ctx, n)); err != nil {
			return "", err
		}
	}
	letters, err := s.settled(ctx, owner, events)
	if err != nil {
		return "", err
	}
	for i := 1; i < len(letters); i++ {
		// A Date has whole seconds.
		if gap := letters[i].date.Sub(letters[i-1].date); gap < (window-1)*time.Second {
			return "", fmt.Errorf("two mails of the rule within %v", gap)
		}
	}
	return fmt.Sprintf("%d events in %d mails, %d s apart or more", events, len(letters), window), nil
}
