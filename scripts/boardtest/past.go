package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// pastScenario has the board wake up in the past, and the door opened before
// anybody has told it the time.
func pastScenario(date string) func(context.Context, *stage) (string, error) {
	return func(ctx context.Context, s *stage) (string, error) {
		s.config = doorConfig
		if err := s.switchOn(ctx, power{clock: date, lines: []string{door + "=" + closed}}); err != nil {
			return "", err
		}
		at, err := s.switchLine(ctx, door, open_)
		if err != nil {
			return "", err
		}
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
		return fmt.Sprintf("TLS %s verified, Date off by %.1f s; edge to mail %d ms, right after the start", tls.VersionName(l.TLS)[4:],
			l.At.Sub(l.date).Seconds(), l.At.Sub(at).Milliseconds()), once(letters, 1)
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
	text, err := s.ask(ctx, "status")
	if err == nil && !(strings.Contains(text, "clock trusted") && strings.Contains(text, "behind")) {
		err = fmt.Errorf("pinbell status does not say that the board's clock is behind:\n%s", text)
	}
	return err
}
