package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"strings"
	"sync"
	"time"

	"pinbell/config"
	"pinbell/notify"
	letters "pinbell/notify/mail"
	"pinbell/notify/rules"
	"pinbell/notify/smtp/smtptest"
	"pinbell/sensors"
)

// show tells a person what the demo's daemon does, as it does it.
type show struct {
	out    io.Writer
	cfg    *config.Config
	server *smtptest.Server
	start  time.Time

	mu       sync.Mutex
	last     map[string]string // by sensor: what was shown last
	raisedAt map[uint64]time.Time
	events   int
	told     int // events in accepted mails
	mails    int
	slowest  time.Duration // from event to accepted mail
}

func newShow(out io.Writer, cfg *config.Config, server *smtptest.Server) *show {
	return &show{out: out, cfg: cfg, server: server, start: time.Now(), last: map[string]string{}, raisedAt: map[uint64]time.Time{}}
}

func (s *show) title(st *stage, keep bool) {
	fmt.Fprintf(s.out, `pinbell demo: the daemon of "pinbell run" on a simulated garage.
Its door is left open, its freezer warms up and recovers, a sensor in the cellar falls silent.
Three time servers and a mail server (%s: STARTTLS, verified certificate, login) run on this machine.
It takes about half a minute%s.

`, st.mail.Addr(), map[bool]string{true: ", and then stays up until Ctrl-C"}[keep])
}

// line writes one line of the timeline.
func (s *show) line(what, format string, args ...any) {
	fmt.Fprintf(s.out, "%5.1f s  %-8s %s\n", time.Since(s.start).Seconds(), what, fmt.Sprintf(format, args...))
}

// readings shows what the sensors say when it is another thing than before.
func (s *show) readings(all []sensors.Reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range all {
		sensor := s.cfg.Sensors[r.Sensor]
		text := ""
		switch {
		case r.Fault != nil:
			text = r.Fault.Sentence
		case r.Quantity == sensors.Level:
			text = sensor.States[int(r.Value)]
		default:
			text = r.Quantity.Format(r.Value)
		}
		if key := sensor.Name + r.Quantity.String(); s.last[key] != text {
			s.last[key] = text
			s.line("reading", "%-8s %s", sensor.Name, text)
		}
	}
}

func (s *show) heard(all []rules.Transition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range all {
		ev := t.Event
		s.events++
		s.raisedAt[ev.Serial] = time.Now()
		s.line(strings.ToUpper(ev.Kind.String()), "%s", s.why(ev))
	}
}

// why says what made an event.
func (s *show) why(ev notify.Event) string {
	if ev.Sensor != "" {
		return ev.Title + ": " + map[notify.Kind]string{notify.Lost: "no reading for " + notify.Span(ev.At.Up-ev.Since.Up), notify.Returned: "reads again"}[ev.Kind]
	}
	text := ev.Title
	for _, r := range s.cfg.Rules {
		if r.Name == ev.Rule && ev.Kind != notify.Cleared {
			text += ", because " + r.WhenText + " for " + notify.Span(ev.At.Up-ev.Since.Up)
		} else if r.Name == ev.Rule && r.UntilText != "" {
			text += " is over, because " + r.UntilText
		} else if r.Name == ev.Rule {
			text += " is over, because not " + r.WhenText
		}
	}
	for _, t := range ev.Terms[:min(1, len(ev.Terms))] {
		text += " (now " + t.Text() + ")"
	}
	return text
}

// verdict shows the mail as its reader sees it.
func (s *show) verdict(m notify.Mail, v notify.Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.Outcome != notify.Accepted {
		s.line("mail", "%s at %s: %d %s", v.Outcome, v.Step, v.Code, v.Reply)
		return
	}
	s.mails++
	for _, ev := range m.Events {
		s.told++
		s.slowest = max(s.slowest, time.Since(s.raisedAt[ev.Serial]))
	}
	first := m.Events[0].Serial
	s.line("mail", "accepted by %s (queued as %s), %d ms after its event:", v.Relay, v.QueueID, time.Since(s.raisedAt[first]).Milliseconds())
	accepted := s.server.Mails()
	if len(accepted) == 0 {
		return
	}
	text, err := letter(accepted[len(accepted)-1].Bytes)
	if err != nil {
		text = err.Error()
	}
	fmt.Fprintf(s.out, "\n%s\n", frame(text))
}

// letter decodes a message as a mail program does.
func letter(data []byte) (string, error) {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return "", fmt.Errorf("read the mail: %w", err)
	}
	var b strings.Builder
	words := new(mime.WordDecoder)
	for _, name := range []string{"From", "To", "Subject", "Date"} {
		value, err := words.DecodeHeader(m.Header.Get(name))
		if err != nil {
			return "", fmt.Errorf("read the header %s: %w", name, err)
		}
		fmt.Fprintf(&b, "%-8s %s\n", name+":", value)
	}
	text, err := letters.ReadText(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	b.WriteString("\n" + text)
	return strings.TrimRight(b.String(), "\n"), nil
}

// frame draws a line at the left of a text.
func frame(text string) string {
	return "    ┌" + strings.Repeat("─", 70) + "\n    │ " + strings.ReplaceAll(text, "\n", "\n    │ ") + "\n    └" + strings.Repeat("─", 70) + "\n"
}

// wait stops the demo when the scenario is over and all is told.
func (s *show) wait(ctx context.Context, scenario time.Duration, keep bool, stop func()) {
	end := time.NewTimer(scenario)
	defer end.Stop()
	select {
	case <-ctx.Done():
		return
	case <-end.C:
	}
	if keep {
		s.say("The scenario is over; its last row goes on. Ctrl-C ends the demo.")
		<-ctx.Done()
		return
	}
	for until := time.Now().Add(demoTail); time.Now().Before(until) && !s.done() && ctx.Err() == nil; {
		time.Sleep(100 * time.Millisecond)
	}
	stop()
}

func (s *show) say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.out, text)
}

func (s *show) done() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events > 0 && s.told >= s.events
}

// summary counts, and fails if something was not told.
func (s *show) summary() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "Summary: %s, %s accepted with %d of them, each within %d ms of its event, in %.0f s.\n",
		count(s.events, "event"), count(s.mails, "mail"), s.told, s.slowest.Milliseconds(), time.Since(s.start).Seconds())
	if s.events == 0 || s.told < s.events {
		return fmt.Errorf("%d of %s were not told", s.events-s.told, count(s.events, "event"))
	}
	fmt.Fprintln(s.out, "Next: config/pinbell.example.toml is the file to write for a board of your own.")
	return nil
}
