package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// print writes the table: what ran, on what, and what came of it.
func (t *test) print(out io.Writer) {
	fmt.Fprintf(out, "\npinbell %s (ARMv6) on emulated boards\n", t.version)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, o := range t.outcomes {
		result := "ok"
		if o.err != nil {
			result, o.said = "FAILED", firstLine(o.err)
		}
		fmt.Fprintf(w, "%s\t%s\t%.0f s\t%s\n", o.name, result, o.took.Seconds(), o.said)
	}
	w.Flush()
	for _, name := range slices.Sorted(maps.Keys(t.machines)) {
		t.machines[name].print(out)
	}
}

// print says what a machine is and what was measured on it.
func (f *figures) print(out io.Writer) {
	fmt.Fprintln(out, f.machine)
	line := func(what string, all []time.Duration) {
		if len(all) > 0 {
			fmt.Fprintf(out, "  %s: %s (median/worst of %d)\n", what, span(all), len(all))
		}
	}
	line("daemon's start to ready", f.ready)
	line("kernel's start to ready", f.booted)
	line("SIGTERM to exit status 0", f.stops)
	if f.rss > 0 {
		fmt.Fprintf(out, "  memory: %.1f MB resident, %.1f MB of it private\n", float64(f.rss)/1024, float64(f.anon)/1024)
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// verdict is an error unless all that was to run has run and passed.
func (t *test) verdict(ctx context.Context) error {
	var failed []string
	for _, o := range t.outcomes {
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
	case len(t.outcomes) == 0:
		return errors.New("there is no such scenario")
	}
	return nil
}

// outcome is a line of the table.
type outcome struct {
	name string
	said string // the scenario's figures, in words
	took time.Duration
	err  error
}
