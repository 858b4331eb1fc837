package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
)

// longestAsk bounds a round of questions to time servers: a name and an answer
// take five seconds each at most.
const longestAsk = 12 * time.Second

// checkClock asks the kernel and each time server. The clock that it comes to
// is the one that certificates are then checked with, as in the daemon.
func (d *doctor) checkClock(ctx context.Context) {
	d.progress.start("asking the kernel and %s for the time", count(len(d.cfg.Time.Servers), "time server"))
	config := clock.Config{Servers: d.cfg.Time.Servers, Floor: buildTime()}
	d.clock = clock.New(config)
	st := heard(ctx, d.clock)
	if st.Source == "kernel" && len(d.cfg.Time.Servers) > 0 {
		// The daemon asks servers only when the kernel stops vouching. A doctor
		// tells beforehand what it would hear then.
		config.Kernel = func() (bool, time.Duration) { return false, 0 }
		st.Servers = heard(ctx, clock.New(config)).Servers
	}
	d.found(timeKnown(st))
	for _, s := range st.Servers {
		d.found(timeServer(s, st))
	}
}

// heard asks once, whoever is to be asked.
func heard(ctx context.Context, c *clock.Clock) clock.Status {
	ctx, cancel := context.WithTimeout(ctx, longestAsk)
	defer cancel()
	c.Ask(ctx)
	return c.Status()
}

// timeKnown judges the time that alarms and certificates go by.
func timeKnown(st clock.Status) Check {
	c := Check{Name: "clock", State: fine, Sentence: strings.TrimPrefix(st.Sentence, "clock ")}
	answered := 0
	for _, s := range st.Servers {
		if s.Err == "" {
			answered++
		}
	}
	board := "the board's clock says " + st.Time.UTC().Format("2 Jan 2006 15:04 UTC")
	switch {
	case st.Trust == clock.Trusted:
	case st.Time.Before(buildTime()):
		c.State, c.Sentence = fault, "the time is not known: "+board+", which is before this pinbell was made, and no time server corrects it"
		c.Remedy = "A board whose clock has no battery wakes in the past. Mail waits until the time is known: its date and the server's certificate depend on it. " + clock.RemedySilent
	case answered == 0 && len(st.Servers) == 0:
		c.State, c.Sentence = warn, "the time is unchecked: "+board+", the kernel does not vouch for it, and no time server is configured"
		c.Remedy = "Name time servers under [time] servers, or let the system keep the clock in step (`timedatectl`)."
	case answered == 0:
		c.State, c.Sentence = warn, "the time is unchecked: "+board+", the kernel does not vouch for it, and no time server gives the time"
		c.Remedy = "pinbell sends mail all the same, and marks its times as unchecked. " + clock.RemedySilent
	case answered == 1 && len(st.Servers) > 1:
		c.State, c.Sentence = warn, "the time is unchecked: "+board+", and a single time server is no evidence"
		c.Remedy = clock.RemedySilent
	default:
		c.State, c.Sentence = fault, "the time servers contradict each other, and the kernel does not vouch for the clock; "+board
		c.Remedy = clock.RemedyDivided
	}
	return c
}

// timeServer judges one server's answer. Others may make up for it.
func timeServer(s clock.Server, st clock.Status) Check {
	c := Check{Name: s.Name, State: fine}
	switch {
	case s.Err != "":
		c.State, c.Sentence = warn, "gives no time: "+s.Err
		if st.Trust == clock.Trusted {
			c.Remedy = "The time is known all the same. " + clock.RemedySilent
		}
		if s.Err == "its name cannot be looked up" {
			c.Remedy = "Check its name under [time] servers, and that the board's name server answers."
		}
	case s.Asked == 0:
		c.State, c.Sentence = warn, fmt.Sprintf("gave no time within %s", notify.Span(longestAsk))
	default:
		c.Sentence = fmt.Sprintf("the board's clock is %s, ± %s", offset(s.Offset), short(s.Error))
	}
	if off := s.Offset - st.Offset; s.Err == "" && st.Trust == clock.Trusted && off.Abs() > s.Error+st.Error+2*time.Second {
		c.State, c.Remedy = warn, "This server is wrong by "+short(off.Abs())+", and outvoted: name another one under [time] servers."
	}
	return c
}

// offset says how the board's clock differs from a server's time, of which
// ahead is the server's minus the board's.
func offset(ahead time.Duration) string {
	switch {
	case ahead.Abs() < time.Millisecond:
		return "right"
	case ahead < 0:
		return short(ahead) + " ahead of it"
	}
	return short(ahead) + " behind it"
}

// short is a span below a second in milliseconds.
func short(d time.Duration) string {
	d = d.Abs()
	if d < time.Second {
		return fmt.Sprintf("%d ms", (d+time.Millisecond-1)/time.Millisecond)
	}
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return notify.Span(d)
}
