package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"pinbell/notify/smtp/smtptest"
)

// card makes an empty SD card.
func (s *stage) card(ctx context.Context) (string, error) {
	image := filepath.Join(s.dir, "card.img")
	_, err := s.board.do(ctx, stepLimit, "mkdisk", image)
	return image, err
}

// past is what the board's clock says at each power-on of the scenarios with
// power cuts, as it does on a board without a battery.
const past = "2019-06-01"

// cutScenario cuts the power twice: while a mail waits for its server, and
// when the server has a mail and the board does not know that yet.
func cutScenario(ctx context.Context, s *stage) (string, error) {
	card, err := s.card(ctx)
	if err != nil {
		return "", err
	}
	s.config = doorConfig
	s.closeMail()
	if err := s.switchOn(ctx, power{clock: past, disk: card, lines: []string{door + "=" + doorClosed}}); err != nil {
		return "", err
	}
	if err := s.trusted(ctx); err != nil {
		return "", err
	}
	opened, err := storedThenCut(ctx, s, doorOpen)
	if err != nil {
		return "", err
	}
	var atDot atomic.Bool
	cut := make(chan error, 1)
	if err := s.openMail(func(smtptest.Mail) {
		if atDot.CompareAndSwap(true, false) {
			cut <- s.board.off(ctx, "kill")
		}
	}); err != nil {
		return "", err
	}
	if err := s.switchOn(ctx, power{clock: past, disk: card, lines: []string{door + "=" + doorOpen}}); err != nil {
		return "", err
	}
	letters, err := s.letters(ctx, 1)
	if err != nil {
		return "", err
	}
	if err := letters[0].about("door-open", "Raised", opened); err != nil {
		return "", err
	}
	atDot.Store(true)
	shut, err := s.switchLine(ctx, door, doorClosed)
	if err != nil {
		return "", err
	}
	select {
	case err = <-cut:
	case <-time.After(mailLimit):
		err = errors.New("no mail came that the power could be cut at")
	}
	if err != nil {
		return "", err
	}
	return secondCopy(ctx, s, card, shut)
}

// storedThenCut moves the door while the mail server is away, and cuts the
// power once pinbell says that it has something to tell.
func storedThenCut(ctx context.Context, s *stage, level string) (time.Time, error) {
	at, err := s.switchLine(ctx, door, level)
	if err != nil {
		return at, err
	}
	_, err = s.until(ctx, stepLimit, "an event is stored", func(r report) bool { return r.Mail.Waiting+r.Mail.Sealed > 0 })
	if err != nil {
		return at, err
	}
	return at, s.board.off(ctx, "kill")
}

// secondCopy boots after the cut at the final dot: the same mail comes again.
func secondCopy(ctx context.Context, s *stage, card string, shut time.Time) (string, error) {
	if err := s.switchOn(ctx, power{clock: past, disk: card, lines: []string{door + "=" + doorClosed}}); err != nil {
		return "", err
	}
	letters, err := s.letters(ctx, 3)
	if err != nil {
		return "", err
	}
	if !strings.Contains(letters[1].text, "Cleared") || !letters[1].says(shut) {
		return "", fmt.Errorf("the second mail should say that the door was closed at %s: %q", clockTime(shut), letters[1].text)
	}
	if letters[1].MessageID != letters[2].MessageID {
		return "", errors.New("what was sent again after the cut has another Message-ID")
	}
	if err := s.terminate(ctx); err != nil {
		return "", err
	}
	if letters, err = s.mails(); err != nil {
		return "", err
	}
	return fmt.Sprintf("cut before delivery: told after the boot with the right time; cut at the final dot: %d mails, %d Message-IDs, nothing lost",
		len(letters), 2), once(letters, 2)
}

// undatedScenario has one event in a life in which the time was never known,
// and one in a life in which it became known before the power was cut.
func undatedScenario(ctx context.Context, s *stage) (string, error) {
	card, err := s.card(ctx)
	if err != nil {
		return "", err
	}
	s.config = doorConfig
	s.closeMail()
	s.tellTime(false)
	if err := s.switchOn(ctx, power{clock: past, disk: card, lines: []string{door + "=" + doorClosed}}); err != nil {
		return "", err
	}
	if _, err := storedThenCut(ctx, s, doorOpen); err != nil {
		return "", err
	}
	if err := s.switchOn(ctx, power{clock: past, disk: card, lines: []string{door + "=" + doorOpen}}); err != nil {
		return "", err
	}
	shut, err := learntThenCut(ctx, s)
	if err != nil {
		return "", err
	}
	if err := s.openMail(nil); err != nil {
		return "", err
	}
	if err := s.switchOn(ctx, power{clock: past, disk: card, lines: []string{door + "=" + doorClosed}}); err != nil {
		return "", err
	}
	if err := allTold(ctx, s, 2); err != nil {
		return "", err
	}
	letters, err := s.mails()
	if err != nil {
		return "", err
	}
	if all := texts(letters); !strings.Contains(all, "unknown") || strings.Contains(all, "2019") {
		return "", fmt.Errorf("the mails should say that the time of the first event is unknown: %q", all)
	} else if !anySays(letters, shut) {
		return "", fmt.Errorf("the mails do not have the time of the second event, %s: %q", clockTime(shut), all)
	}
	return "time never known before the cut: said to be unknown; learnt before the cut: right", errors.Join(s.terminate(ctx), once(letters, 2))
}

// learntThenCut closes the door, lets the board learn the time after that, and
// cuts the power.
func learntThenCut(ctx context.Context, s *stage) (time.Time, error) {
	shut, err := s.switchLine(ctx, door, doorClosed)
	if err != nil {
		return shut, err
	}
	if _, err := s.until(ctx, stepLimit, "two events are stored", func(r report) bool { return r.Mail.Waiting == 2 }); err != nil {
		return shut, err
	}
	s.tellTime(true)
	if err := s.trusted(ctx); err != nil {
		return shut, err
	}
	if _, err := s.until(ctx, stepLimit, "a mail is sealed", func(r report) bool { return r.Mail.Sealed > 0 }); err != nil {
		return shut, err
	}
	return shut, s.board.off(ctx, "kill")
}

func texts(letters []letter) string {
	var b strings.Builder
	for _, l := range letters {
		b.WriteString(l.text)
	}
	return b.String()
}

func anySays(letters []letter, at time.Time) bool {
	for _, l := range letters {
		if l.says(at) {
			return true
		}
	}
	return false
}
