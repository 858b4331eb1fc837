package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"pinbell/scripts/postfix"
)

// alarm raises and clears an alarm, and reads both letters as they lie in the
// mailbox.
func alarm(ctx context.Context, s *site) (string, error) {
	began := time.Now().Truncate(time.Second)
	if err := s.open(ctx); err != nil {
		return "", err
	}
	for n, celsius := range []float64{-14.2, -18} {
		if err := s.temperature(celsius); err != nil {
			return "", err
		}
		if err := s.receipt(ctx, n+1); err != nil {
			return "", err
		}
	}
	letters, err := s.settled(ctx, owner, 2)
	if err != nil {
		return "", err
	}
	if len(letters) != 2 {
		return "", fmt.Errorf("%d letters, not two", len(letters))
	}
	for _, l := range letters {
		if err := l.sound(began); err != nil {
			return "", err
		}
	}
	if !strings.Contains(letters[0].text, awkward) {
		return "", fmt.Errorf("the text lacks %q: %q", awkward, letters[0].text)
	}
	return "raised and cleared, once each, in one thread; `pinbell log` has Postfix's queue ids",
		errors.Join(threaded(letters[0], letters[1]), s.onRecord(ctx, letters))
}

// awkward is a message whose dots SMTP must double, and whose letters and
// length quoted-printable must break.
const awkward = ".dots at the left, früh und spät, in a line that is longer than the seventy-six characters that a line of a mail may have"

// receipt waits for letter n and compares the queue id that pinbell has noted
// with the one under which Postfix received, logged and delivered it.
func (s *site) receipt(ctx context.Context, n int) error {
	letters, err := s.arrive(ctx, owner, n)
	if err != nil {
		return err
	}
	r, err := s.until(ctx, "the receipt", func(r report) bool { return r.untold() == 0 && r.Mail.Last != nil })
	if err != nil {
		return err
	}
	id, l := r.Mail.Last.Verdict.QueueID, letters[n-1]
	if id == "" || l.queue != id {
		return fmt.Errorf("pinbell says queued as %q, and the letter was received as %q", id, l.queue)
	}
	// Postfix logs a delivery a moment after it.
	return errors.Join(s.logged(ctx, id+": message-id="+l.id), s.logged(ctx, id+": to=<"+owner+">"))
}

// sound checks what every letter must have.
func (l letter) sound(began time.Time) error {
	for name, want := range map[string]string{
		"From": account, "To": owner, "Auto-Submitted": "auto-generated", "Return-Path": "<" + account + ">", "Received": "ESMTPSA",
	} {
		if got := l.header.Get(name); !strings.Contains(got, want) {
			return fmt.Errorf("%s: %q has no %q", name, got, want)
		}
	}
	switch {
	case len(l.header["Message-Id"]) != 1 || !strings.HasSuffix(l.id, "@pinbell.test>"):
		return fmt.Errorf("a Message-ID %q", l.header["Message-Id"])
	case l.date.Before(began) || l.date.After(time.Now()):
		return fmt.Errorf("a Date %v, and the alarm was between %v and now", l.date, began)
	case !strings.HasPrefix(l.subject, "[garage] "):
		return fmt.Errorf("a Subject %q", l.subject)
	case !strings.Contains(l.text, "°C"):
		return fmt.Errorf("the text lacks the temperature: %q", l.text)
	}
	return nil
}

// threaded checks that a mail program shows two letters as one conversation:
// the later names the earlier, or both name a third (RFC 5256, REFERENCES).
func threaded(first, second letter) error {
	about := func(l letter) string { return l.header.Get("References") + " " + l.header.Get("In-Reply-To") }
	if strings.Contains(about(second), first.id) {
		return nil
	}
	for _, id := range strings.Fields(about(first)) {
		if strings.Contains(about(second), id) {
			return nil
		}
	}
	return fmt.Errorf("nothing joins %s (%s) and %s (%s)", first.id, about(first), second.id, about(second))
}

// raise makes the freezer too warm, once.
func (s *site) raise() error { return s.temperature(-14.2) }

// wrongPassword is replaced while the daemon runs.
func wrongPassword(ctx context.Context, s *site) (string, error) {
	if err := errors.Join(s.setPassword("zzzz-zzzz-zzzz-zzzz"), s.open(ctx), s.raise()); err != nil {
		return "", err
	}
	if err := s.troubled(ctx, "mail.login", account, "535"); err != nil {
		return "", err
	}
	const refused = "SASL PLAIN authentication failed"
	if err := s.logged(ctx, refused); err != nil {
		return "", err
	}
	if letters, err := s.letters(owner); err != nil || len(letters) > 0 {
		return "", fmt.Errorf("%d letters without a login (%v)", len(letters), err)
	}
	if err := s.setPassword(password); err != nil {
		return "", err
	}
	began := time.Now()
	if _, err := s.settled(ctx, owner, 1); err != nil {
		return "", err
	}
	if n := strings.Count(s.postfix.Log(), refused); n != 1 {
		return "", fmt.Errorf("%d wrong logins reached Postfix, and one is enough to know", n)
	}
	return fmt.Sprintf("one wrong login, 535 told; delivered %.0f s after the file was replaced, without a restart", time.Since(began).Seconds()), nil
}

// unknownRecipient is beside one that exists.
func unknownRecipient(ctx context.Context, s *site) (string, error) {
	const nobody = "nobody@pinbell.test"
	s.notes.to = []string{nobody, owner}
	if err := errors.Join(s.open(ctx), s.raise()); err != nil {
		return "", err
	}
	if err := s.troubled(ctx, "mail.recipient", nobody, "550"); err != nil {
		return "", err
	}
	if _, err := s.arrive(ctx, owner, 1); err != nil {
		return "", err
	}
	r, err := s.until(ctx, "nothing waits", func(r report) bool { return r.untold() == 0 })
	if err != nil {
		return "", err
	}
	letters, err := s.letters(owner)
	if err == nil {
		err = once(letters, 1)
	}
	if err == nil && r.Mail.Last.Verdict.QueueID == "" {
		err = errors.New("no queue id is on record")
	}
	return "550 told by name; the other recipient has the mail", err
}

// wrongSender is put right by its owner.
func wrongSender(ctx context.Context, s *site) (string, error) {
	s.notes.from = "somebody@pinbell.test"
	if err := errors.Join(s.open(ctx), s.raise()); err != nil {
		return "", err
	}
	if err := s.troubled(ctx, "mail.sender", "553", "mail.from"); err != nil {
		return "", err
	}
	if letters, err := s.letters(owner); err != nil || len(letters) > 0 {
		return "", fmt.Errorf("%d letters from a sender that is refused (%v)", len(letters), err)
	}
	s.notes.from = account
	if err := errors.Join(s.stop(), s.openPinbell(ctx)); err != nil {
		return "", err
	}
	_, err := s.settled(ctx, owner, 1)
	return "553 told with its remedy; delivered after mail.from was put right", err
}

// tooLarge is not even tried, as long as not even its text is small enough by
// what Postfix says that it takes.
func tooLarge(ctx context.Context, s *site) (string, error) {
	if err := errors.Join(s.open(ctx), s.raise()); err != nil {
		return "", err
	}
	if err := s.troubled(ctx, "mail.size", "too large"); err != nil {
		return "", err
	}
	if letters, err := s.letters(owner); err != nil || len(letters) > 0 {
		return "", fmt.Errorf("%d letters that are too large (%v)", len(letters), err)
	}
	if err := errors.Join(s.postfix.Set(ctx, roomy), s.stop(), s.openPinbell(ctx)); err != nil {
		return "", err
	}
	_, err := s.settled(ctx, owner, 1)
	return "told; kept through a restart, and delivered when the server took larger mails", err
}

// roomy is a Postfix that takes every mail.
var roomy = postfix.Settings{"message_size_limit": "1000000"}

// outage has alarms come and go while Postfix is away.
func outage(ctx context.Context, s *site) (string, error) {
	if err := s.open(ctx); err != nil {
		return "", err
	}
	s.postfix.Stop()
	const events = 6
	for n := range events {
		if err := s.temperature([]float64{-14, -18}[n%2]); err != nil {
			return "", err
		}
		if err := s.committed(ctx, n+1); err != nil {
			return "", err
		}
	}
	if err := s.troubled(ctx, "mail.network", "refuses connections", "block"); err != nil {
		return "", err
	}
	if err := s.postfix.Start(ctx); err != nil {
		return "", err
	}
	letters, err := s.settled(ctx, owner, events)
	return fmt.Sprintf("%d events while it was away arrived once, in %d mails", events, len(letters)), err
}

// committed waits until the daemon's log says that so many events are stored.
func (s *site) committed(ctx context.Context, n int) error {
	return await(ctx, limit, fmt.Sprintf("event %d", n), func() (bool, error) {
		return strings.Count(s.daemon.log(), "msg=event ") >= n, nil
	})
}

// greylisted is put off at first.
func greylisted(ctx context.Context, s *site) (string, error) {
	if err := errors.Join(s.open(ctx), s.raise()); err != nil {
		return "", err
	}
	if err := s.logged(ctx, "450 4.2.0"); err != nil {
		return "", err
	}
	if err := s.troubled(ctx, "mail.recipient", "450", "passes by itself"); err != nil {
		return "", err
	}
	began := time.Now()
	if err := s.postfix.Set(ctx, postfix.Settings{"smtpd_recipient_restrictions": s.ordinary()["smtpd_recipient_restrictions"]}); err != nil {
		return "", err
	}
	_, err := s.settled(ctx, owner, 1)
	return fmt.Sprintf("450 waited out, delivered once after %.0f s", time.Since(began).Seconds()), err
}

// expired has a certificate of yesterday.
func expired(ctx context.Context, s *site) (string, error) {
	until := time.Now().Add(-day)
	if err := errors.Join(s.certify(until), s.open(ctx), s.raise()); err != nil {
		return "", err
	}
	if err := s.troubled(ctx, "mail.certificate", until.UTC().Format("2006"), "expired"); err != nil {
		return "", err
	}
	if err := s.logged(ctx, "SSL_accept error"); err != nil { // so there was a handshake to refuse
		return "", err
	}
	if log := s.postfix.Log(); strings.Contains(log, "auth=") || strings.Contains(log, "sasl_") || s.dovecot.asked() {
		return "", errors.New("a login was tried over an unverified connection")
	}
	if letters, err := s.letters(owner); err != nil || len(letters) > 0 {
		return "", fmt.Errorf("%d letters over an unverified connection (%v)", len(letters), err)
	}
	if err := errors.Join(s.certify(time.Now().Add(day)), s.postfix.Set(ctx, nil)); err != nil {
		return "", err
	}
	_, err := s.settled(ctx, owner, 1)
	return "the dates are told, and no login was tried; delivered when the certificate was renewed", err
}

// asked reports whether any login was tried.
func (d *dovecot) asked() bool { return strings.Contains(d.log(), account) }

// testMail is what an owner sends first, before any daemon runs.
func testMail(ctx context.Context, s *site) (string, error) {
	if err := errors.Join(s.postfix.Start(ctx), s.configure()); err != nil {
		return "", err
	}
	out, err := s.run(ctx, "test", "--config", s.config())
	if err != nil {
		return "", err
	}
	letters, err := s.arrive(ctx, owner, 1)
	if err != nil {
		return "", err
	}
	if id := letters[0].queue; id == "" || !strings.Contains(out, id) {
		return "", fmt.Errorf("`pinbell test` does not name the queue id %q: %s", id, out)
	}
	return "`pinbell test` names the queue id under which Postfix delivered", nil
}
