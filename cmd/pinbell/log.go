package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pinbell/notify"
	"pinbell/notify/outbox"
)

// usualTold is how many mails the log shows unless it is asked for more.
const usualTold = 20

func logCommand() *cobra.Command {
	var p places
	var since string
	var newest int
	var asJSON bool
	c := p.addState(&cobra.Command{
		Use: "log", Short: "Tell what was told: each mail, its events, and the server's receipt",
		Long: "Tells each mail that a server took: the events in it, when it was accepted and by\n" +
			"whom, the server's reply and queue id, and the attempts before that. The newest is\n" +
			"the last. It knows the last 1,000 mails.",
		RunE: func(c *cobra.Command, _ []string) error {
			r := request{Command: "log", Newest: newest}
			if err := r.reachBack(since, c.Flags().Changed("lines")); err != nil {
				return exit{exitUsage, err}
			}
			records, err := toldBy(p.stateDir(), r, c.ErrOrStderr())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), records)
			}
			writeLog(c.OutOrStdout(), records, since)
			return nil
		},
	})
	c.Flags().StringVar(&since, "since", "", "only what was accepted since `then`: 24h, 7d, 2026-11-14, \"2026-11-14 22:00\"")
	c.Flags().IntVarP(&newest, "lines", "n", usualTold, "only the newest `mails`; with --since, all unless given")
	c.Flags().BoolVar(&asJSON, "json", false, "for programs")
	return c
}

// reachBack reads --since and -n.
func (r *request) reachBack(since string, counted bool) error {
	if r.Newest < 1 || r.Newest > maxTold {
		return fmt.Errorf("-n is a number from 1 to %d, not %d", maxTold, r.Newest)
	}
	if since == "" {
		return nil
	}
	if !counted {
		r.Newest = 0
	}
	if ago, ok := parseAgo(since); ok {
		r.Ago = ago
		return nil
	}
	for _, form := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, time.RFC3339} {
		if t, err := time.ParseInLocation(form, since, time.Local); err == nil {
			r.Since = t
			return nil
		}
	}
	return fmt.Errorf("--since %q is neither a time nor a span: write it as in 24h, 7d, 2026-11-14 or \"2026-11-14 22:00\"", since)
}

// parseAgo reads a span; days too, which Go's durations have not.
func parseAgo(text string) (time.Duration, bool) {
	ago, err := time.ParseDuration(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		ago, err = time.ParseDuration(days + "h")
		ago *= 24
	}
	return ago, err == nil && ago > 0
}

// toldBy asks the daemon for its log, and the store where none runs.
func toldBy(dir string, r request, note io.Writer) (records []outbox.Record, err error) {
	err = ask(dir, r, &records)
	if _, absent := errors.AsType[noDaemon](err); !absent {
		return records, err
	}
	box, err := peek(dir)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(note, "pinbell: "+onlyStore)
	return toldSince(box, r, time.Now())
}

// writeLog shows records as people read them.
func writeLog(out io.Writer, records []outbox.Record, since string) {
	if len(records) == 0 && since != "" {
		fmt.Fprintf(out, "No mail was accepted since %s.\n", since)
		return
	}
	if len(records) == 0 {
		fmt.Fprintln(out, "No mail has been accepted yet.")
		return
	}
	for i, r := range records {
		if i > 0 {
			fmt.Fprintln(out)
		}
		writeRecord(out, r)
	}
}

// logTime is how the log writes times: as --since reads them.
func logTime(t time.Time) string { return t.Local().Format(time.DateTime) }

func writeRecord(out io.Writer, r outbox.Record) {
	line := func(what, format string, args ...any) {
		fmt.Fprintf(out, "  %-9s %s\n", what, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(out, "%s  %s\n", logTime(r.Settled), outcome(r))
	for _, ev := range r.Events {
		line(ev.Kind.String(), "%s  %s", momentTime(ev.At), eventName(ev))
	}
	line("to", "%s", strings.Join(r.To, ", "))
	for _, rejected := range r.Verdict.Rejected {
		line("not to", "%s: %d %s", rejected.To, rejected.Code, rejected.Reply)
	}
	if r.Mail != "" {
		line("mail", "%s, sealed %s", r.Mail, logTime(r.Sealed))
	}
	writeAttempts(line, r.Attempts)
	switch {
	case r.Dropped && r.Verdict.Outcome != 0:
		line("last", "%s", came(r.Road, r.Verdict))
	case !r.Dropped:
		line("reply", "%s (%s)", said(r.Verdict), count(r.Tries, "attempt"))
	}
}

// writeAttempts shows what came of attempts, likes together.
func writeAttempts(line func(what, format string, args ...any), all []outbox.Attempt) {
	for _, a := range all {
		times := ""
		if a.Times > 1 {
			times = fmt.Sprintf(", %d times until %s", a.Times, logTime(a.Last))
		}
		line("attempt", "%s  %s%s", logTime(a.At), came(a.Road, a.Verdict), times)
	}
}

// came is what came of an attempt: "by smtp.mail.me.com was put off (dot: 451 4.7.1 Greylisted)".
func came(road string, v notify.Verdict) string {
	return fmt.Sprintf("by %s %s (%s: %s)", road, ended[v.Outcome], v.Step, said(v))
}

func outcome(r outbox.Record) string {
	switch {
	case r.Dropped:
		return "DROPPED by the owner"
	case r.Verdict.QueueID == "":
		return "accepted by " + r.Verdict.Relay
	}
	return "accepted by " + r.Verdict.Relay + ", queued as " + r.Verdict.QueueID
}

// said is a verdict in the server's words: "250 2.0.0 Ok".
func said(v notify.Verdict) string {
	return strings.Join(strings.Fields(code(v.Code)+" "+v.Enhanced+" "+v.Reply), " ")
}

func momentTime(m notify.Moment) string {
	switch {
	case m.Undated:
		return "undated, before a start of the board"
	case !m.Trusted:
		return logTime(m.Wall) + " (unchecked)"
	}
	return logTime(m.Wall)
}

// eventName is what an event was about: "Freezer warm (rule freezer-warm, event 118)".
func eventName(ev outbox.RecordedEvent) string {
	about := fmt.Sprintf("event %d", ev.Serial)
	switch {
	case ev.Rule != "":
		about = "rule " + ev.Rule + ", " + about
	case ev.Sensor != "":
		about = "sensor " + ev.Sensor + ", " + about
	}
	if ev.Merged > 0 {
		about += fmt.Sprintf(", standing for %d more before it", ev.Merged)
	}
	return fmt.Sprintf("%s (%s)", ev.Title, about)
}
