package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"pinbell/config"
	"pinbell/notify/clock"
)

// Finding is what a check came to.
type Finding string

// The findings. A warning keeps nobody from their alarm today; what was not
// tried was not, because what it depends on has failed.
const (
	fine    Finding = "ok"
	warn    Finding = "warn"
	fault   Finding = "fault"
	skipped Finding = "skipped"
)

// Check is one thing that doctor looked at.
type Check struct {
	Name     string   `json:"name"`
	State    Finding  `json:"state"`
	Sentence string   `json:"sentence"`         // what is so
	Remedy   string   `json:"remedy,omitempty"` // what the owner can do
	Detail   []string `json:"detail,omitempty"` // what else was seen
}

// doctor looks at everything between a sensor and the owner's inbox, in the
// order in which an alarm passes it. It leaves nothing changed, disturbs no daemon,
// and waits for nothing longer than a minute, but for a mail that it is to
// send (longestTest).
type doctor struct {
	places
	send     bool
	progress *progress
	tell     func(Check) // hears of each check as it is done

	checks  []Check
	cfg     *config.Config // nil: there is none to work with
	daemon  *Report        // nil: none answers
	unheard error          // why none does
	account account        // whom the daemon runs as
	clock   *clock.Clock
	over    func() bool // told to stop: what is found from then on means nothing
}

func doctorCommand() *cobra.Command {
	var d doctor
	var asJSON bool
	c := d.addState(d.addConfig(&cobra.Command{
		Use: "doctor", Short: "Look for what would keep an alarm from arriving, and tell what helps",
		Long: "Looks at the config, the board, the clock, the way to the mail server and into the\n" +
			"account, the day's quota, the store and the daemon. It sends nothing unless --send.\n" +
			"Exit code 3 when there is a fault, 2 when the config is wrong.",
		RunE: func(c *cobra.Command, _ []string) error {
			out := c.OutOrStdout()
			d.progress = newProgress(c.ErrOrStderr())
			d.tell = newSheet(out).line
			if asJSON {
				d.tell = func(Check) {}
			}
			d.examine(c.Context())
			if c.Context().Err() != nil {
				return errors.New("broken off")
			}
			if err := d.conclude(out, asJSON); err != nil {
				return err
			}
			return d.exit()
		},
	}))
	c.Flags().BoolVar(&d.send, "send", false, "also send one mail, the way alerts go")
	c.Flags().BoolVar(&asJSON, "json", false, "for programs")
	return c
}

// examine makes all checks. What does not depend on a fault goes on after it.
func (d *doctor) examine(ctx context.Context) {
	d.daemon, d.unheard = d.askDaemon()
	d.account, d.over = accountOf(d.stateDir(), d.daemon), func() bool { return ctx.Err() != nil }
	d.checkConfig()
	if d.cfg != nil {
		d.checkBoard(ctx)
		d.checkClock(ctx)
		d.checkRoads(ctx)
		d.checkQuota()
	} else {
		for _, name := range []string{"board", "clock", "mail", "quota"} {
			d.found(Check{Name: name, State: skipped, Sentence: "not tried: it needs the config first"})
		}
	}
	d.checkStore(ctx)
	d.checkDaemon()
	if d.cfg != nil && d.send {
		d.checkSend(ctx)
	}
	d.progress.stop()
}

func (d *doctor) askDaemon() (*Report, error) {
	var r Report
	if err := ask(d.stateDir(), request{Command: "status"}, &r); err != nil {
		return nil, err
	}
	return &r, nil
}

// found notes a check that is done.
func (d *doctor) found(c Check) {
	d.progress.stop()
	if d.over() {
		return
	}
	d.checks = append(d.checks, c)
	d.tell(c)
}

// hidden reports whether a daemon may be there that this user cannot ask.
func (d *doctor) hidden() bool {
	_, absent := errors.AsType[noDaemon](d.unheard)
	return d.daemon == nil && !absent
}

// sameConfig reports whether the daemon runs with the config as it is now.
func (d *doctor) sameConfig() bool {
	return d.daemon != nil && d.daemon.Config == sumOf(d.config)
}

// count counts the checks with a finding.
func (d *doctor) count(f Finding) (n int) {
	for _, c := range d.checks {
		if c.State == f {
			n++
		}
	}
	return n
}

func (d *doctor) conclude(out io.Writer, asJSON bool) error {
	if asJSON {
		return printJSON(out, d.checks)
	}
	faults, warnings := d.count(fault), d.count(warn)
	verdict := count(faults, "fault") + ", " + count(warnings, "warning") + "."
	switch {
	case faults == 0 && warnings == 0:
		verdict = "All is well."
	case faults == 0:
		verdict = "No fault, " + count(warnings, "warning") + "."
	}
	_, err := fmt.Fprintln(out, "\n"+verdict)
	return err
}

// exit is the error with the exit code; what there is to say has been said.
func (d *doctor) exit() error {
	switch {
	case d.cfg == nil:
		return exit{exitUsage, errors.New("")}
	case d.count(fault) > 0:
		return exit{exitFault, errors.New("")}
	}
	return nil
}

// printJSON writes a value for programs, readable by people too.
func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// checkConfig reads the config. All else but the store and the daemon depends
// on it.
func (d *doctor) checkConfig() {
	cfg, problems := config.Load(d.config)
	d.cfg = cfg
	c := Check{Name: "config", State: fine, Sentence: d.config + " is fine"}
	faults := 0
	for _, p := range problems {
		c.Detail = append(c.Detail, p.String())
		if !p.Warning {
			faults++
		}
	}
	switch {
	case cfg == nil:
		c.State, c.Sentence = fault, fmt.Sprintf("%s has %s", d.config, count(faults, "problem"))
		c.Remedy = "Put right what stands above; `pinbell check` looks again."
	case len(problems) > 0:
		c.State, c.Sentence = warn, fmt.Sprintf("%s can be worked with, but has %s", d.config, count(len(problems), "warning"))
	default:
		c.Sentence += fmt.Sprintf(": %s, %s", count(len(cfg.Sensors), "sensor"), count(len(cfg.Rules), "rule"))
	}
	if denied := d.account.denied(d.config, toRead); cfg != nil && denied != "" {
		c.State, c.Sentence = fault, "the daemon cannot read "+d.config+": "+denied
		c.Remedy = "Let it be read: sudo chmod a+r " + d.config + " (the password does not stand in it)."
	}
	d.found(c)
}

// bounded runs what the kernel may hold up, and gives up on it after a while.
// What it was waiting for ends with the process.
func bounded[T any](ctx context.Context, limit time.Duration, f func() T) (result T, inTime bool) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan T, 1)
	aside(func() { done <- f() })
	select {
	case result = <-done:
		return result, true
	case <-ctx.Done():
		return result, false
	}
}
