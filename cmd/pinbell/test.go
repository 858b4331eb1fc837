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

// sendTest puts a test event through an outbox of its own, in memory, and the
// same courier, clock and relay as the daemon's. It ends with the first
// verdict.
func sendTest(ctx context.Context, cfg *config.Config, out io.Writer) error {
	troubles := &notify.Troubles{}
	box, err := outbox.Open(outbox.Config{Limits: limits(cfg), Troubles: troubles})
	if err != nil {
		return err
	}
	clk := clock.New(clock.Config{Servers: cfg.Time.Servers, Floor: buildTime(), Troubles: troubles})
	box.Clock = clk
	if box.Roads, err = roads(cfg, clk); err != nil {
		return err
	}
	box.Roads = box.Roads[:1]
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var verdict notify.Verdict
	courier := &outbox.Courier{
		Box: box, Letterhead: letterhead(cfg), Clock: clk, Troubles: troubles, Log: newLog(io.Discard),
		Settled: func(_ notify.Mail, v notify.Verdict) { verdict = v; stop() },
	}
	fmt.Fprintf(out, "Asking for the time, then sending a test mail to %s by %s ...\n", strings.Join(cfg.Mail.To, ", "), box.Roads[0].Name)
	now := clk.At(time.Now())
	box.Commit([]rules.Transition{{Event: notify.Event{
		Serial: box.NextSerial(), Kind: notify.Test, Title: "Test mail from pinbell", To: cfg.Mail.To, At: now, Since: now,
	}}})
	var all errgroup.Group
	all.Go(func() error { return clk.Run(ctx) })
	all.Go(func() error { return courier.Run(ctx) })
	if err := all.Wait(); err != nil {
		return err
	}
	fmt.Fprintln(out, clk.Status().Sentence)
	return tellTest(out, verdict, troubles.List())
}

func tellTest(out io.Writer, v notify.Verdict, troubles []notify.Trouble) error {
	if v.Outcome == notify.Accepted {
		fmt.Fprintf(out, "Accepted by %s", v.Relay)
		if v.QueueID != "" {
			fmt.Fprintf(out, " (queued as %s)", v.QueueID)
		}
		fmt.Fprintln(out, ". Look into the inbox, and into the junk folder.")
		for _, r := range v.Rejected {
			fmt.Fprintf(out, "But not for %s: %d %s\n", r.To, r.Code, r.Reply)
		}
		if len(v.Rejected) > 0 {
			return errors.New("not all recipients were accepted")
		}
		return nil
	}
	for _, t := range troubles {
		fmt.Fprintf(out, "\n%s\n", t.Lead())
		if t.Remedy != "" {
			fmt.Fprintln(out, t.Remedy)
		}
	}
	if v.Outcome == 0 {
		return errors.New("the test mail was not sent in time")
	}
	reply := strings.TrimSpace(code(v.Code) + " " + v.Reply)
	return fmt.Errorf("the test mail was not accepted: %s at %s: %s", v.Outcome, v.Step, reply)
}
