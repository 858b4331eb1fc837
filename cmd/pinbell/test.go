package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"pinbell/config"
	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/notify/outbox"
	"pinbell/notify/rules"
)

// longestTest bounds `pinbell test`: the clock's first rounds and one session.
const longestTest = 3 * time.Minute

func testCommand() *cobra.Command {
	var p places
	return p.addConfig(&cobra.Command{
		Use: "test", Short: "Send one test mail, the way alerts go",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := load(p.config, c.ErrOrStderr())
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), longestTest)
			defer cancel()
			return sendTest(ctx, cfg, c.OutOrStdout())
		},
	})
}

// sendTest sends a test mail, and tells what came of it.
func sendTest(ctx context.Context, cfg *config.Config, out io.Writer) error {
	fmt.Fprintf(out, "Asking for the time, then sending a test mail to %s by %s ...\n", strings.Join(cfg.Mail.To, ", "), cfg.Mail.Host)
	t, err := attempt(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, t.clock.Sentence)
	return t.tell(out)
}

// tested is what came of a test mail.
type tested struct {
	mail     notify.Mail
	verdict  notify.Verdict // the zero one: none in time
	clock    clock.Status
	troubles []notify.Trouble
}

// attempt puts a test event through an outbox of its own, in memory, and the
// same courier, clock and relay as the daemon's. It ends with the first
// verdict.
func attempt(ctx context.Context, cfg *config.Config) (t tested, err error) {
	troubles := &notify.Troubles{}
	box, err := outbox.Open(outbox.Config{Limits: limits(cfg), Troubles: troubles})
	if err != nil {
		return t, err
	}
	clk := clock.New(clock.Config{Servers: cfg.Time.Servers, Floor: buildTime(), Troubles: troubles})
	box.Clock = clk
	if box.Roads, err = roads(cfg, clk); err != nil {
		return t, err
	}
	box.Roads = box.Roads[:1]
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	courier := &outbox.Courier{
		Box: box, Letterhead: letterhead(cfg), Clock: clk, Troubles: troubles, Log: newLog(io.Discard),
		Settled: func(m notify.Mail, v notify.Verdict) { t.mail, t.verdict = m, v; stop() },
	}
	now := clk.At(time.Now())
	box.Commit([]rules.Transition{{Event: notify.Event{
		Serial: box.NextSerial(), Kind: notify.Test, Title: "Test mail from pinbell", To: cfg.Mail.To, At: now, Since: now,
	}}})
	var all errgroup.Group
	all.Go(func() error { return clk.Run(ctx) })
	all.Go(func() error { return courier.Run(ctx) })
	err = all.Wait()
	t.clock, t.troubles = clk.Status(), troubles.List()
	return t, err
}

// summary is the verdict in a sentence.
func (t tested) summary() string {
	v := t.verdict
	switch {
	case v.Outcome == 0:
		return "the test mail was not sent in time"
	case v.Outcome != notify.Accepted:
		return fmt.Sprintf("the test mail was not accepted: %s at %s: %s", v.Outcome, v.Step, strings.TrimSpace(code(v.Code)+" "+v.Reply))
	case v.QueueID != "":
		return fmt.Sprintf("accepted by %s (queued as %s)", v.Relay, v.QueueID)
	}
	return "accepted by " + v.Relay
}

func (t tested) rejected() (lines []string) {
	for _, r := range t.verdict.Rejected {
		lines = append(lines, fmt.Sprintf("But not for %s: %d %s", r.To, r.Code, r.Reply))
	}
	return lines
}

func (t tested) tell(out io.Writer) error {
	if t.verdict.Outcome == notify.Accepted {
		summary := t.summary()
		fmt.Fprintln(out, strings.ToUpper(summary[:1])+summary[1:]+". Look into the inbox, and into the junk folder.")
		rejected := t.rejected()
		for _, line := range rejected {
			fmt.Fprintln(out, line)
		}
		if len(rejected) > 0 {
			return errors.New("not all recipients were accepted")
		}
		return nil
	}
	for _, trouble := range t.troubles {
		fmt.Fprintf(out, "\n%s\n", trouble.Lead())
		if trouble.Remedy != "" {
			fmt.Fprintln(out, trouble.Remedy)
		}
	}
	return errors.New(t.summary())
}
