package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pinbell/notify/clock"
)

// pastScenario has the board wake up in the past. The door is opened at once,
// and deaf says for how long after that no time server answers.
func pastScenario(date string, deaf time.Duration) func(context.Context, *stage) (string, error) {
	return func(ctx context.Context, s *stage) (string, error) {
		s.config = doorConfig
		s.tellTime(deaf == 0)
		if err := s.switchOn(ctx, power{clock: date, lines: []string{door + "=" + doorClosed}}); err != nil {
			return "", err
		}
		at, err := s.switchLine(ctx, door, doorOpen)
		if err != nil {
			return "", err
		}
		select {
		case <-ctx.Done():
		case <-time.After(deaf):
		}
		if letters, err := s.mails(); deaf > 0 && (len(letters) > 0 || err != nil) {
			return "", fmt.Errorf("%d mails were sent before the time was known (%v)", len(letters), err)
		}
		s.tellTime(true)
		letters, err := s.letters(ctx, 1)
		if err != nil {
			return "", err
		}
		l := letters[0]
		if err := l.about("door-open", "Raised", at); err != nil {
			return "", err
		}
		if l.TLS < tls.VersionTLS12 || l.User != account {
			return "", fmt.Errorf("the mail came by TLS %#x from user %q", l.TLS, l.User)
		}
		if err := stillPast(ctx, s, date); err != nil {
			return "", err
		}
		if err := s.terminate(ctx); err != nil {
			return "", err
		}
		if letters, err = s.mails(); err != nil {
			return "", err
		}
		when := "right after the start"
		if deaf > 0 {
			when = fmt.Sprintf("no time server in the first %.0f s", deaf.Seconds())
		}
		return fmt.Sprintf("%s verified, Date %.1f s before the mail came; edge to mail %d ms, %s", tls.VersionName(l.TLS),
			l.At.Sub(l.date).Seconds(), l.At.Sub(at).Milliseconds(), when), once(letters, 1)
	}
}

// stillPast checks that pinbell has left the board's clock alone, and says so.
func stillPast(ctx context.Context, s *stage, date string) error {
	out, err := s.board.exec(ctx, "date +%s")
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
	begin, _ := time.Parse(time.DateOnly, date)
	if err != nil || time.Unix(seconds, 0).Sub(begin).Abs() > 10*time.Minute {
		return fmt.Errorf("the board's clock began at %s and says %q now", date, out)
	}
	r, err := s.status(ctx)
	if err == nil && (r.Clock.Trust != clock.Trusted || r.Clock.Offset < 365*24*time.Hour || !strings.Contains(r.Clock.Sentence, "behind")) {
		err = fmt.Errorf("pinbell status does not say that the board's clock is behind: %+v", r.Clock)
	}
	return err
}
