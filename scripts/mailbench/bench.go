package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"pinbell/scripts/postfix"
)

// stage is what all senders share: the sink, the mails as files, and folders.
type stage struct {
	dir     string // open to other users, as Postfix has some
	letters string // folder: the mails as files
	mails   int
	sink    *child
	at      sinkAddress
	port    int // of the sink, near or far
}

// sender is one that is measured. ready does all that is done before the
// mails wait to be sent, and says how to let go.
type sender struct {
	name    string
	missing func() error
	ready   func(context.Context, *stage) (*held, error)
}

// held is a sender that holds its breath.
type held struct {
	pid  int
	run  func(context.Context) error // sends all; returns when that is done
	stop func()
}

var senders = []sender{
	{"pinbell", nil, ours("drain")},
	{"pinbell, bare", nil, ours("bare")},
	{"msmtp", msmtpMissing, msmtp},
	{"Postfix", postfix.Missing, relayed},
}

func bench(ctx context.Context, mails int, roundTrip time.Duration, only string, near bool) error {
	s, err := setUp(ctx, mails, roundTrip)
	if err != nil {
		return err
	}
	defer s.close()
	for _, line := range []struct {
		name string
		port int
	}{{"loopback", s.at.Near}, {fmt.Sprintf("%v round trip", roundTrip), s.at.Far}} {
		if near && line.port != s.at.Near {
			continue
		}
		s.port = line.port
		for _, x := range senders {
			if only != "" && x.name != only {
				continue
			}
			r, err := s.measure(ctx, x)
			if err != nil {
				return fmt.Errorf("%s: %w", x.name, err)
			}
			fmt.Printf("%s %s %.1f/s %v cpu %v logins %d good %d/%d wrong %v bytes %d\n", line.name, x.name, r.rate(), r.took, r.cpu, r.Logins, r.Good, r.Mails, r.Wrong, r.Bytes/max(1, r.Mails))
		}
	}
	return nil
}

func setUp(ctx context.Context, mails int, roundTrip time.Duration) (*stage, error) {
	dir, err := os.MkdirTemp("", "pinbell-mailbench-")
	if err != nil {
		return nil, err
	}
	s := &stage{dir: dir, letters: filepath.Join(dir, "letters"), mails: mails}
	if err := os.Chmod(dir, 0o711); err != nil {
		return s, err
	}
	if err := os.Mkdir(s.letters, 0o755); err != nil {
		return s, err
	}
	if err := s.own(ctx, "write", s.letters); err != nil {
		return s, err
	}
	if s.sink, err = self(ctx, "-role", "sink", "-rtt", roundTrip.String()); err != nil {
		return s, err
	}
	return s, s.sink.read(&s.at)
}

func (s *stage) close() {
	if s.sink != nil {
		s.sink.end()
	}
	os.RemoveAll(s.dir)
}

// own runs a role of ours that ends by itself.
func (s *stage) own(ctx context.Context, role, dir string) error {
	c, err := self(ctx, "-role", role, "-dir", dir, "-mails", strconv.Itoa(s.mails))
	if err != nil {
		return err
	}
	return c.end()
}

func (s *stage) measure(ctx context.Context, x sender) (r result, err error) {
	log.Printf("%s ...", x.name)
	var before sunk
	if err := s.sink.ask(&before); err != nil {
		return r, err
	}
	held, err := x.ready(ctx, s)
	if err != nil {
		return r, err
	}
	defer held.stop()
	cpu, began := spent(held.pid), time.Now()
	if err := held.run(ctx); err != nil {
		return r, err
	}
	r.took = time.Since(began)
	r.cpu = spent(held.pid) - cpu
	return r, s.sink.ask(&r.sunk)
}

// ours is a role of this program as a sender.
func ours(role string) func(context.Context, *stage) (*held, error) {
	return func(ctx context.Context, s *stage) (*held, error) {
		dir, err := os.MkdirTemp(s.dir, "box-")
		if err != nil {
			return nil, err
		}
		if role == "drain" {
			if err := s.own(ctx, "fill", dir); err != nil {
				return nil, err
			}
		}
		c, err := self(ctx, "-role", role, "-dir", dir, "-ca", s.at.CA, "-port", strconv.Itoa(s.port), "-mails", strconv.Itoa(s.mails))
		if err != nil {
			return nil, err
		}
		return hold(c)
	}
}

// hold waits until a sender that is spoken to by lines is ready.
func hold(c *child) (*held, error) {
	if err := c.hear("ready"); err != nil {
		return nil, err
	}
	return &held{
		pid: c.cmd.Process.Pid,
		run: func(context.Context) error {
			if err := c.say("go"); err != nil {
				return err
			}
			return c.hear("done")
		},
		stop: func() { c.end() },
	}, nil
}
