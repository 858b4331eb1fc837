package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/notify/rules"
	"pinbell/sensors"
)

func itoa(n int) string { return strconv.Itoa(n) }

func statusCommand() *cobra.Command {
	var p places
	var asJSON bool
	c := p.addState(&cobra.Command{
		Use: "status", Short: "Tell what the running daemon sees, waits for and cannot do",
		RunE: func(c *cobra.Command, _ []string) error {
			var raw json.RawMessage
			if err := ask(p.stateDir(), request{Command: "status"}, &raw); err != nil {
				return err
			}
			if asJSON {
				_, err := fmt.Fprintln(c.OutOrStdout(), string(raw))
				return err
			}
			var r Report
			if err := json.Unmarshal(raw, &r); err != nil {
				return fmt.Errorf("read the daemon's answer: %w", err)
			}
			r.write(c.OutOrStdout())
			return nil
		},
	})
	c.Flags().BoolVar(&asJSON, "json", false, "for programs")
	return c
}

// write shows a report as people read it: one line, or one line each, for what
// is told, seen, sent and wrong.
func (r *Report) write(w io.Writer) {
	fmt.Fprintf(w, "pinbell %s on %s, up %s, %s\n", r.Version, r.Device, notify.Span(r.Up), r.Clock.Sentence)
	section(w, "RULES", r.rules())
	section(w, "SENSORS", r.sensors())
	section(w, "MAIL", r.mail())
	section(w, "TROUBLE", r.troubles())
}

// section writes a heading and its lines beside it.
func section(w io.Writer, heading string, lines []string) {
	for i, line := range lines {
		if i > 0 {
			heading = ""
		}
		fmt.Fprintf(w, "%-8s  %s\n", heading, line)
	}
}

func (r *Report) rules() []string {
	names := map[string][]string{}
	for _, rule := range r.Rules {
		names[rule.State] = append(names[rule.State], rule.Name)
	}
	var lines []string
	for _, rule := range r.Rules {
		switch rule.State {
		case "raised":
			lines = append(lines, r.raised(rule))
		case "pending":
			lines = append(lines, fmt.Sprintf("pending: %s, fires in %s if it stays so", rule.Name, notify.Span(rule.FiresIn)))
		}
	}
	var rest []string
	if n := len(names["quiet"]); n > 0 {
		rest = append(rest, fmt.Sprintf("%d quiet", n))
	}
	if unknown := names["unknown"]; len(unknown) > 0 {
		rest = append(rest, fmt.Sprintf("%d unknown: %s", len(unknown), strings.Join(unknown, ", ")))
	}
	if len(rest) > 0 {
		lines = append(lines, strings.Join(rest, " · "))
	}
	if len(lines) == 0 {
		return []string{"none"}
	}
	return lines
}

func (r *Report) raised(rule rules.RuleStatus) string {
	text := fmt.Sprintf("raised: %s (%s) since %s, %s", rule.Name, rule.Severity, r.clockTime(rule.Since), told(rule.Told-r.Mail.Untold[rule.Incident]))
	if rule.Reminder > 0 {
		text += ", next reminder in " + notify.Span(rule.Reminder)
	}
	if rule.Unknown {
		text += "; now unknown"
	}
	return text
}

// clockTime is a moment of today as hours and minutes, an older one with its
// day.
func (r *Report) clockTime(m notify.Moment) string {
	if m.Undated {
		return "before the last start of the board"
	}
	t := m.Wall.Local()
	if r.Clock.Time.Sub(t).Abs() > 20*time.Hour {
		return t.Format("Mon 2 Jan 15:04")
	}
	return t.Format("15:04:05")
}

// told counts what has reached a mail server that took it.
func told(n int) string {
	switch {
	case n <= 0:
		return "not told yet"
	case n == 1:
		return "told once"
	}
	return fmt.Sprintf("told %d times", n)
}

func (r *Report) sensors() []string {
	var seen, lost []string
	for _, s := range r.Sensors {
		if text := reading(s); s.Fault != "" || s.Lost || !s.Read {
			lost = append(lost, text)
		} else {
			seen = append(seen, text)
		}
	}
	var lines []string
	for len(seen) > 0 { // as many to a line as fit a terminal
		n, width := 0, 0
		for n < len(seen) && (n == 0 || width+len(seen[n]) < 90) {
			width += len(seen[n]) + 3
			n++
		}
		lines = append(lines, strings.Join(seen[:n], " · "))
		seen = seen[n:]
	}
	return append(lines, lost...)
}

func reading(s rules.SensorStatus) string {
	var values []string
	for _, v := range s.Values {
		if v.Known() {
			values = append(values, v.Text())
		}
	}
	text := s.Name + " " + strings.Join(values, ", ")
	if len(values) > 0 && s.Values[0].Quantity != sensors.Level {
		text += " " + notify.Span(s.Age) + " ago"
	}
	if s.Lost || !s.Read {
		text = s.Name + " NO READING " + notify.Span(s.Age)
	}
	if s.Fault != "" {
		text += ": " + s.Fault
	}
	return text
}

func (r *Report) mail() []string {
	m := &r.Mail
	first := fmt.Sprintf("%d waiting", m.Waiting+m.Sealed)
	if m.Waiting+m.Sealed > 0 {
		first += ", the oldest since " + r.clockTime(m.Oldest)
	}
	switch {
	case m.Waiting+m.Sealed > 0 && r.Clock.Trust == clock.Unknown:
		first += ", until the time is known: TLS and the mail's date need it"
	case m.Sending > 0:
		first += fmt.Sprintf(", talking to %s for %s", m.Relay, notify.Span(m.Sending))
	case m.NextTryIn > 0 && m.Waiting+m.Sealed > 0:
		first += ", next try in " + notify.Span(m.NextTryIn)
	}
	if m.Limit != "" {
		first += ", held by the limit " + m.Limit + " until " + m.FreeAt.Local().Format("15:04")
	}
	if m.Last != nil {
		first += fmt.Sprintf("; last accepted %s by %s", r.clockTime(notify.Moment{Wall: m.Last.Settled}), m.Last.Verdict.Relay)
		if id := m.Last.Verdict.QueueID; id != "" {
			first += " (queued as " + id + ")"
		}
	} else {
		first += "; none accepted yet by " + m.Relay
	}
	lines := append([]string{first, fmt.Sprintf("%d of the %d mails that limits allow in 24 hours", m.Today, m.PerDay)}, m.roads()...)
	if v := m.LastVerdict; v.Outcome != 0 {
		lines = append(lines, fmt.Sprintf("last attempt %s (%s: %s)", ended[v.Outcome], v.Step, strings.TrimSpace(code(v.Code)+" "+v.Reply)))
	}
	return lines
}

// roads says of each road what its provider still takes and since when it
// fails. A single road without caps that works has nothing to say.
func (m *MailReport) roads() (lines []string) {
	for _, r := range m.Roads {
		var parts []string
		if r.MailCap > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d mails", r.Mails, r.MailCap))
		} else if len(m.Roads) > 1 {
			parts = append(parts, count(r.Mails, "mail"))
		}
		if r.RecipientCap > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d recipients", r.Recipients, r.RecipientCap))
		}
		if len(parts) > 0 {
			parts[len(parts)-1] += " in 24 hours"
		}
		if r.FailingFor > 0 {
			parts = append(parts, "failing for "+notify.Span(r.FailingFor))
		}
		if r.NextSessionIn > 0 {
			parts = append(parts, "next try in "+notify.Span(r.NextSessionIn))
		}
		if len(parts) > 0 {
			lines = append(lines, r.Name+": "+strings.Join(parts, ", "))
		}
	}
	return lines
}

// ended is an outcome in plain words.
var ended = map[notify.Outcome]string{
	notify.Accepted: "was accepted", notify.Refused: "was refused", notify.Deferred: "was put off", notify.Unknown: "got no receipt", notify.Down: "did not get through",
}

func code(n int) string {
	if n == 0 {
		return ""
	}
	return itoa(n)
}

func (r *Report) troubles() (lines []string) {
	for _, t := range r.Troubles {
		lines = append(lines, t.Lead()+" (since "+r.clockTime(notify.Moment{Wall: t.Since})+")")
		for _, more := range []string{t.Doing, t.Remedy} {
			if more != "" {
				lines = append(lines, "  "+more)
			}
		}
	}
	return lines
}
