package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"pinbell/notify/clock/ntptest"
	"pinbell/notify/smtp/smtptest"
)

// The names under which the guest finds this machine.
const (
	mailHost = "mail.pinbell.test"
	timeHost = "time.pinbell.test"
	account  = "garage@pinbell.test"
	password = "abcd-efgh-ijkl-mnop"
)

// host is what the board reaches: three time servers, and a mail server that
// can go away and come back at the same port.
type host struct {
	times []*ntptest.Server
	mail  *smtptest.Server
	port  *smtptest.Port  // the mail server's, ours while that is away
	ca    []byte          // PEM of the authority of the mail server that ran last
	kept  []smtptest.Mail // of mail servers that have gone
}

func newHost() (h *host, err error) {
	h = &host{}
	for range 3 {
		s, err := ntptest.Start("127.0.0.1:0")
		if err != nil {
			return h, err
		}
		h.times = append(h.times, s)
	}
	if h.port, err = smtptest.HoldPort(); err != nil {
		return h, err
	}
	return h, h.openMail(nil)
}

// openMail starts the mail server. accepted, if not nil, is called with each
// mail when the server has it and the client does not know that yet.
func (h *host) openMail(accepted func(smtptest.Mail)) error {
	s, err := smtptest.Start(smtptest.Options{
		Addr: h.port.Addr(), Name: mailHost,
		Username: account, Password: password, Accepted: accepted,
	})
	if err != nil {
		return err
	}
	h.mail = s
	h.ca, err = os.ReadFile(s.CAFile())
	return err
}

// closeMail takes the mail server away: its port refuses.
func (h *host) closeMail() {
	if h.mail != nil {
		h.kept = append(h.kept, h.mail.Mails()...)
		h.mail.Close()
		h.mail = nil
	}
}

// tellTime has all time servers answer, or none.
func (h *host) tellTime(yes bool) {
	for _, s := range h.times {
		s.Set(ntptest.Answer{Silent: !yes})
	}
}

func (h *host) close() {
	h.closeMail()
	if h.port != nil {
		h.port.Close()
	}
	for _, s := range h.times {
		s.Close()
	}
}

// mails are all that were accepted, of all the mail servers' lives.
func (h *host) mails() ([]letter, error) {
	all := slices.Clone(h.kept)
	if h.mail != nil {
		all = append(all, h.mail.Mails()...)
	}
	letters := make([]letter, len(all))
	for i, m := range all {
		var err error
		if letters[i], err = open(m); err != nil {
			return nil, fmt.Errorf("mail %d: %w", i+1, err)
		}
	}
	return letters, nil
}

// await looks again and again until enough says so, and fails after limit
// with what was waited for.
func await(ctx context.Context, limit time.Duration, what string, enough func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		ok, err := enough()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%s: not within %v", what, limit)
			}
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// letters waits until there are n.
func (h *host) letters(ctx context.Context, n int) (letters []letter, err error) {
	err = await(ctx, mailLimit, fmt.Sprintf("mail %d", n), func() (bool, error) {
		letters, err = h.mails()
		return len(letters) >= n, err
	})
	return letters, err
}

// mailLimit bounds the wait for a mail that is on its way: a first round of
// questions to the time servers and a try that failed before may lie in between.
const mailLimit = 3 * time.Minute
