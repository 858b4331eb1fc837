package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// print writes the table: what ran, on what, and what came of it.
func (t *test) print(out io.Writer) {
	fmt.Fprintf(out, "\npinbell %s (ARMv6) on an emulated board: %s\n", t.version, t.info)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, o := range t.outcomes {
		result := "ok"
		if o.err != nil {
			result, o.said = "FAILED", firstLine(o.err)
		}
		fmt.Fprintf(w, "%s\t%s\t%.0f s\t%s\n", o.name, result, o.took.Seconds(), o.said)
	}
	if len(t.ready) > 0 {
		fmt.Fprintf(w, "start\t\t\tdaemon's start to ready %s, kernel's start to ready %s (median/worst of %d)\n", span(t.ready), span(t.booted), len(t.ready))
	}
	if len(t.stops) > 0 {
		fmt.Fprintf(w, "stop\t\t\tSIGTERM to exit status 0 %s (median/worst of %d)\n", span(t.stops), len(t.stops))
	}
	w.Flush()
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
