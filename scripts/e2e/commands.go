package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// record is a mail as `pinbell log --json` tells it.
type record struct {
	Mail    string
	Verdict struct {
		Code    int
		QueueID string `json:"queue_id"`
	}
	Events []struct{ Serial int }
}

// onRecord compares what pinbell says was told with what lies in the mailbox:
// the same mails, each with its events and Postfix's queue id.
func (s *site) onRecord(ctx context.Context, letters []letter) error {
	out, err := s.ask(ctx, "log", "--json")
	if err != nil {
		return err
	}
	var records []record
	if err := json.Unmarshal([]byte(out), &records); err != nil {
		return fmt.Errorf("pinbell log --json: %w: %s", err, out)
	}
	if len(records) != len(letters) {
		return fmt.Errorf("pinbell log has %d mails, and %d lie in the mailbox", len(records), len(letters))
	}
	for _, l := range letters {
		i := slices.IndexFunc(records, func(r record) bool { return strings.HasPrefix(l.id, "<"+r.Mail+"@") })
		if i < 0 {
			return fmt.Errorf("pinbell log does not know the mail %s", l.id)
		}
		var events []int
		for _, e := range records[i].Events {
			events = append(events, e.Serial)
		}
		if r := records[i]; r.Verdict.QueueID != l.queue || r.Verdict.Code != 250 || !slices.Equal(events, l.events) {
			return fmt.Errorf("pinbell log has %+v for the mail %s with the queue id %s and the events %v", r, l.id, l.queue, l.events)
		}
	}
	return nil
}

// check is a line of `pinbell doctor --json`.
type check struct{ Name, State, Sentence, Remedy string }

// examine runs doctor and gives its checks and its exit code.
func (s *site) examine(ctx context.Context) (checks []check, code int, err error) {
	c := exec.CommandContext(ctx, s.binary, "doctor", "--json", "--config", s.config(), "--state", s.state())
	out, err := c.Output()
	if exited, ok := errors.AsType[*exec.ExitError](err); ok && exited.Exited() {
		err = nil
	}
	if err != nil {
		return nil, 0, err
	}
	if err := json.Unmarshal(out, &checks); err != nil {
		return nil, 0, fmt.Errorf("pinbell doctor --json: %w: %s", err, out)
	}
	return checks, c.ProcessState.ExitCode(), nil
}

// ailment is something wrong, and what doctor is to find.
type ailment struct {
	name  string
	bring func(context.Context, *site) error
	check string   // the first check that is a fault; empty: none is
	words []string // of its sentence and remedy
}

var ailments = []ailment{
	{"nothing", func(context.Context, *site) error { return nil }, "", nil},
	{"a wrong password", func(_ context.Context, s *site) error { return s.setPassword("zzzz-zzzz-zzzz-zzzz") }, "login", []string{"535", account}},
	{"a sender of somebody else's", func(_ context.Context, s *site) error {
		s.notes.from = "somebody@pinbell.test"
		return errors.Join(s.setPassword(password), s.configure())
	}, "sender", []string{"553", "mail.from"}},
	{"an expired certificate", func(ctx context.Context, s *site) error {
		return errors.Join(s.certify(time.Now().Add(-day)), s.postfix.Set(ctx, nil))
	}, "tls", []string{"expired"}},
	{"no server", func(_ context.Context, s *site) error { s.postfix.Stop(); return nil }, "connect", []string{"refuses", "block"}},
}

// healthy examines before any daemon runs, with one thing after the other gone
// wrong, and nothing is sent by it.
func healthy(ctx context.Context, s *site) (string, error) {
	if err := errors.Join(s.postfix.Start(ctx), s.configure()); err != nil {
		return "", err
	}
	for _, a := range ailments {
		if err := a.bring(ctx, s); err != nil {
			return "", err
		}
		checks, code, err := s.examine(ctx)
		if err != nil {
			return "", err
		}
		if err := a.found(checks, code); err != nil {
			return "", fmt.Errorf("with %s wrong: %w", a.name, err)
		}
	}
	if letters, err := s.letters(owner); err != nil || len(letters) > 0 {
		return "", fmt.Errorf("doctor has sent %d mails (%v)", len(letters), err)
	}
	return "doctor finds password, sender, certificate and a server that is away, each with its remedy, and sends nothing", nil
}

func (a ailment) found(checks []check, code int) error {
	i := slices.IndexFunc(checks, func(c check) bool { return c.State == "fault" })
	const faulty = 3 // doctor's exit code
	switch {
	case i < 0 && a.check == "" && code == 0 && len(checks) > 5:
		return nil
	case i < 0 || a.check == "" || code != faulty:
		return fmt.Errorf("exit code %d and %+v", code, checks)
	case checks[i].Name != a.check:
		return fmt.Errorf("the fault is %+v, and not of %s", checks[i], a.check)
	}
	for _, w := range a.words {
		if !strings.Contains(checks[i].Sentence+"\n"+checks[i].Remedy, w) {
			return fmt.Errorf("%q is missing in %+v", w, checks[i])
		}
	}
	return nil
}

// shrinks meets a server that takes the text of a mail and not all of it.
func shrinks(ctx context.Context, s *site) (string, error) {
	if err := errors.Join(s.open(ctx), s.raise()); err != nil {
		return "", err
	}
	letters, err := s.settled(ctx, owner, 1)
	if err != nil {
		return "", err
	}
	if kind := letters[0].header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
		return "", fmt.Errorf("the mail that fits is %s", kind)
	}
	if !strings.Contains(s.daemon.log(), "code=552") {
		return "", errors.New("pinbell's log has no 552 to the whole mail")
	}
	return "552 to the whole mail; its text alone was delivered, at once", nil
}

// retried has the owner end a wait.
func retried(ctx context.Context, s *site) (string, error) {
	if err := errors.Join(s.open(ctx), s.raise()); err != nil {
		return "", err
	}
	if err := s.troubled(ctx, "mail.size", "too large"); err != nil {
		return "", err
	}
	out, err := s.ask(ctx, "outbox")
	if err != nil {
		return "", err
	}
	if !strings.Contains(out, "1 mail") || !strings.Contains(out, "552") {
		return "", fmt.Errorf("pinbell outbox does not say what waits and why: %s", out)
	}
	if err := s.postfix.Set(ctx, roomy); err != nil {
		return "", err
	}
	if _, err := s.ask(ctx, "outbox", "retry", "all"); err != nil {
		return "", err
	}
	_, err = s.settled(ctx, owner, 1)
	return "552 told, and `pinbell outbox` says so; delivered by `outbox retry` when the server took larger mails", err
}
