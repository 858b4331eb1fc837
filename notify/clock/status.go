package clock

import (
	"fmt"
	"strings"
	"time"

	"pinbell/notify"
)

// Status is the clock as people are shown it.
type Status struct {
	Time     time.Time     `json:"time"`
	Trust    Trust         `json:"trust"`
	Source   string        `json:"source"`           // kernel, ntp or none
	Error    time.Duration `json:"error,omitempty"`  // how far off trusted time may be, now
	Offset   time.Duration `json:"offset,omitempty"` // trusted time minus the board's clock
	Since    time.Time     `json:"since,omitzero"`   // since when the source has vouched, in trusted time
	Servers  []Server      `json:"servers,omitempty"`
	Sentence string        `json:"sentence"`
}

// Server is what came of asking a time server last.
type Server struct {
	Name   string        `json:"name"`
	Asked  time.Duration `json:"asked,omitempty"`  // how long ago; 0 with no Err and no Error: not yet
	Offset time.Duration `json:"offset,omitempty"` // its time minus the board's clock
	Error  time.Duration `json:"error,omitempty"`  // how far off its time may be
	Err    string        `json:"err,omitempty"`    // why it gave no time
}

// Status gives the clock as it stands.
func (c *Clock) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	s := Status{Source: fromNobody}
	s.Time, s.Trust = c.best(now)
	if s.Trust == Trusted {
		s.Source, s.Since = c.fix.source, c.fix.since
		s.Error = c.fix.bound + now.Sub(c.fix.at)/drift
		s.Offset = s.Time.Sub(c.wall())
	}
	for _, server := range c.servers {
		s.Servers = append(s.Servers, c.word(server, now))
	}
	s.Sentence = s.sentence(c.fix.voices)
	return s
}

func (c *Clock) word(s server, now time.Time) Server {
	w := Server{Name: s.name}
	if s.asked.IsZero() {
		return w
	}
	w.Asked = now.Sub(s.asked)
	if s.err != nil {
		w.Err = s.fault()
		return w
	}
	w.Offset = s.said.base.Add(now.Sub(c.start)).Sub(c.wall())
	w.Error = s.said.bound
	return w
}

func (s Status) sentence(voices int) string {
	switch {
	case s.Source == fromKernel:
		return "clock trusted (kernel, ±" + rough(s.Error) + ")" + s.aside()
	case s.Source == fromServers:
		return fmt.Sprintf("clock trusted (%d of %d time servers, ±%s)", voices, len(s.Servers), rough(s.Error)) + s.aside()
	case s.Trust == Plausible:
		return "clock unchecked: no time server vouches for it"
	}
	return "time not known: the board's clock says " + s.Time.Format(time.DateTime) + " UTC, and nothing speaks for it"
}

// aside says how wrong the board's own clock is, where a person would notice.
func (s Status) aside() string {
	if s.Offset.Abs() < 2*time.Second {
		return ""
	}
	return "; the board's own clock " + compared(-s.Offset, "it") + ", and pinbell leaves it so"
}

// rough is a bound on an error, in one or two digits.
func rough(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", max(1, (d+time.Millisecond-1)/time.Millisecond))
	case d < 10*time.Second:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
	}
	return notify.Span(d)
}
