// Command e2e runs pinbell against Debian's Postfix, with STARTTLS and logins
// that Dovecot checks, on this machine's loopback, and tells in a table what
// came of each scenario. What counts is what lies in Postfix's mailboxes and
// stands in its log, and what pinbell's own commands say.
//
// Postfix and Dovecot run from folders of its own, on ports that are held for
// them, beside any that the machine may run already. What it starts it ends,
// also after Ctrl-C. It needs root, as Postfix changes users.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"pinbell/scripts/postfix"
)

// wholeLimit bounds all of it.
const wholeLimit = 10 * time.Minute

// scenario is one thing that must work. It says in words what came of it.
type scenario struct {
	name    string
	short   bool             // also in the short form
	postfix postfix.Settings // beside the ordinary ones
	play    func(context.Context, *site) (string, error)
}

var scenarios = []scenario{
	{"alarm", true, nil, alarm},
	{"test-mail", true, nil, testMail},
	{"doctor", true, nil, healthy},
	{"wrong-password", true, nil, wrongPassword},
	{"unknown-recipient", true, nil, unknownRecipient},
	{"wrong-sender", true, nil, wrongSender},
	{"too-large", false, postfix.Settings{"message_size_limit": "400"}, tooLarge},
	{"too-large-reply", false, postfix.Settings{"message_size_limit": "400", "smtpd_discard_ehlo_keywords": "size"}, retried},
	{"shrinks", true, postfix.Settings{"message_size_limit": "3000", "smtpd_discard_ehlo_keywords": "size"}, shrinks},
	{"outage", true, nil, outage},
	{"greylisted", false, postfix.Settings{
		"smtpd_recipient_restrictions": "check_recipient_access inline:{{" + owner + "=450 4.2.0 Greylisted, come again}}, permit_sasl_authenticated, reject",
	}, greylisted},
	{"expired-certificate", true, nil, expired},
	{"per-hour", false, nil, perHour},
	{"at-most", false, nil, atMost},
}

// atOnce is how many scenarios run at the same time: most of them wait.
const atOnce = 4

// options are the command line's.
type options struct {
	short        bool
	only, binary string
}

func main() {
	var o options
	flag.BoolVar(&o.short, "short", false, "only the scenarios for CI; where they cannot run, skip them")
	flag.StringVar(&o.only, "only", "", "only the scenarios whose `name` begins so")
	flag.StringVar(&o.binary, "pinbell", "./pinbell", "the `program` to run")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		stop()
		os.Exit(1)
	}
}

// missing says why none of this can run here; nil if it can.
func missing() error {
	if err := postfix.Missing(); err != nil {
		return err
	}
	if _, err := os.Stat(dovecotProgram); err != nil {
		return errors.New("no Dovecot is installed here (apt-get install dovecot-core)")
	}
	return nil
}

func run(ctx context.Context, o options, out io.Writer) error {
	if err := missing(); err != nil && o.short {
		fmt.Fprintf(out, "e2e: skipped: %v\n", err)
		return nil
	} else if err != nil {
		return fmt.Errorf("cannot run: %w", err)
	}
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return err
	}
	o.binary = binary
	dir, err := os.MkdirTemp("", "pinbell-e2e-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // Postfix's users look into it
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, wholeLimit)
	defer cancel()
	outcomes := o.playAll(ctx, dir)
	print(out, outcomes)
	return verdict(ctx, outcomes)
}

// outcome is a line of the table.
type outcome struct {
	name string
	said string
	took time.Duration
	err  error
}

func (o options) playAll(ctx context.Context, dir string) []outcome {
	var chosen []scenario
	for _, c := range scenarios {
		if (c.short || !o.short) && strings.HasPrefix(c.name, o.only) {
			chosen = append(chosen, c)
		}
	}
	outcomes := make([]outcome, len(chosen))
	free := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, c := range chosen {
		all.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			outcomes[i] = c.perform(ctx, filepath.Join(dir, c.name), o.binary)
		})
	}
	all.Wait()
	return outcomes
}

// perform plays a scenario on a site of its own, and clears the site.
func (c scenario) perform(ctx context.Context, dir, binary string) outcome {
	began := time.Now()
	o := outcome{name: c.name}
	s, err := newSite(ctx, dir, binary, c.postfix)
	if err == nil {
		o.said, err = c.play(ctx, s)
	}
	if err != nil && s != nil {
		fmt.Fprintf(os.Stderr, "---- %s failed: %v\n%s", c.name, err, s.logs())
	}
	if closed := s.close(); err == nil {
		err = closed
	}
	o.err, o.took = err, time.Since(began)
	return o
}

// logs are what a failure is understood by.
func (s *site) logs() string {
	var b strings.Builder
	add := func(name, text string) {
		lines := strings.SplitAfter(text, "\n")
		fmt.Fprintf(&b, "---- %s\n%s", name, strings.Join(lines[max(0, len(lines)-40):], ""))
	}
	add("pinbell", s.daemon.log())
	if s.postfix != nil {
		add("Postfix", s.postfix.Log())
	}
	if s.dovecot != nil {
		add("Dovecot", s.dovecot.log())
	}
	return b.String()
}

func print(out io.Writer, outcomes []outcome) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, o := range outcomes {
		result := "ok"
		if o.err != nil {
			result = "FAILED"
			o.said, _, _ = strings.Cut(o.err.Error(), "\n")
		}
		fmt.Fprintf(w, "%s\t%s\t%.0f s\t%s\n", o.name, result, o.took.Seconds(), o.said)
	}
	w.Flush()
}

// verdict is an error unless all that was to run has run and passed.
func verdict(ctx context.Context, outcomes []outcome) error {
	var failed []string
	for _, o := range outcomes {
		if o.err != nil {
			failed = append(failed, o.name)
		}
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("not done within %v", wholeLimit)
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case failed != nil:
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	case len(outcomes) == 0:
		return errors.New("there is no such scenario")
	}
	return nil
}
