package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"pinbell/scripts/postfix"
)

// sender is one that is measured.
type sender struct {
	name    string
	near    int // rounds on loopback; their median counts
	far     int // at the end of the long line: a part in so many of the mails; 0: not measured
	missing func() error
	ready   func(context.Context, *stage) (*held, error)
}

// held is a sender that holds its breath: the mails wait, and it may begin.
type held struct {
	pid  int
	run  func(context.Context) error // sends all; returns when that is done
	stop func()
}

var nothing = func() error { return nil }

var senders = []sender{
	{"pinbell", 5, 1, nothing, ours("drain")},
	{"pinbell without its store", 5, 0, nothing, ours("bare")},
	{"Postfix", 3, 1, postfix.Missing, relayed(nil)},
	{"Postfix, set to reuse TLS connections", 3, 1, postfix.Missing, relayed(postfix.Settings{"smtp_tls_connection_reuse": "yes"})},
	{"msmtp, a process a mail", 1, 20, msmtpMissing, msmtp},
}

// stage is what all senders share.
type stage struct {
	options
	dir   string // open to other users, as Postfix has some
	sink  *child
	at    sinkAddress
	lines [2]line // near and far
}

// line is one way to the sink, and what was measured on it.
type line struct {
	port    int
	results map[string][]result // by sender
}

// result is what one sender did in one round.
type result struct {
	sunk
	took time.Duration
	cpu  time.Duration // user and system, of the sender and its descendants
}

func (r result) rate() float64 { return float64(r.Mails) / r.took.Seconds() }

func bench(ctx context.Context, o options) error {
	s, err := setUp(ctx, o)
	defer s.close()
	if err != nil {
		return err
	}
	able := s.able()
	for round := range 5 {
		for _, x := range able {
			if round < x.near {
				if err := s.measure(ctx, x, &s.lines[0], o.mails); err != nil {
					return err
				}
			}
		}
	}
	for _, x := range able {
		if x.far > 0 && !o.near {
			if err := s.measure(ctx, x, &s.lines[1], max(1, o.mails/x.far)); err != nil {
				return err
			}
		}
	}
	s.print(os.Stdout, able)
	return s.verdict()
}

// able lists the senders that can be measured here, and says why others cannot.
func (s *stage) able() (able []sender) {
	for _, x := range senders {
		if s.only != "" && x.name != s.only {
			continue
		}
		if err := x.missing(); err != nil {
			log.Printf("%s is not measured: %v", x.name, err)
			continue
		}
		able = append(able, x)
	}
	return able
}

func setUp(ctx context.Context, o options) (*stage, error) {
	dir, err := os.MkdirTemp("", "pinbell-mailbench-")
	s := &stage{options: o, dir: dir}
	if err != nil {
		return s, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return s, err
	}
	if s.sink, err = self(ctx, "-role", "sink", "-rtt", o.roundTrip.String()); err != nil {
		return s, err
	}
	err = s.sink.read(&s.at)
	s.lines = [2]line{{s.at.Near, map[string][]result{}}, {s.at.Far, map[string][]result{}}}
	return s, err
}

func (s *stage) close() {
	if s.sink != nil {
		s.sink.end()
	}
	os.RemoveAll(s.dir)
}

// measure has a sender send mails over a line.
func (s *stage) measure(ctx context.Context, x sender, l *line, mails int) error {
	log.Printf("%s ...", x.name)
	dir, err := os.MkdirTemp(s.dir, "round-")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	round := *s
	round.dir, round.mails, round.at.Near = dir, mails, l.port
	r, err := round.play(ctx, x)
	if err == nil && (r.Good != mails || r.Mails != mails) {
		err = fmt.Errorf("%d mails were sent, %d arrived and %d of them are as they should be: %q", mails, r.Mails, r.Good, r.Wrong)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", x.name, err)
	}
	l.results[x.name] = append(l.results[x.name], r)
	return os.RemoveAll(dir)
}

func (s *stage) play(ctx context.Context, x sender) (r result, err error) {
	h, err := x.ready(ctx, s)
	if err != nil {
		return r, err
	}
	defer h.stop()
	cpu, began := spent(h.pid), time.Now()
	if err := h.run(ctx); err != nil {
		return r, err
	}
	r.took = time.Since(began)
	r.cpu = spent(h.pid) - cpu
	return r, s.sink.ask(&r.sunk)
}

// own runs a role of ours that ends by itself, in a folder that it fills.
func (s *stage) own(ctx context.Context, role string) (dir string, err error) {
	dir = filepath.Join(s.dir, role)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	c, err := self(ctx, "-role", role, "-dir", dir, "-mails", strconv.Itoa(s.mails))
	if err != nil {
		return "", err
	}
	return dir, c.end()
}

// ours is a role of this program as a sender.
func ours(role string) func(context.Context, *stage) (*held, error) {
	return func(ctx context.Context, s *stage) (*held, error) {
		dir, err := s.own(ctx, "fill")
		if err != nil {
			return nil, err
		}
		c, err := self(ctx, "-role", role, "-dir", dir, "-ca", s.at.CA, "-port", strconv.Itoa(s.at.Near), "-mails", strconv.Itoa(s.mails))
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

// median is the result in the middle, by its rate.
func median(all []result) result {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b result) int { return int(a.rate() - b.rate()) })
	return sorted[len(sorted)/2]
}
