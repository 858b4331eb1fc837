// Package clock answers two questions: what time is it, and how far is that to
// be believed. A board without a battery clock wakes in 1970, or at the hour of
// its last shutdown, and nothing on it says so.
//
// It promises that a Trusted time had a witness: the kernel, which says that it
// is kept in step, or time servers that agree with each other; and that it is
// never before Config.Floor. It never sets the board's clock, never takes one
// server's word where three are configured, and never makes anything wait.
//
//	Unknown    nothing speaks for the board's clock, or it is before the floor, or
//	           servers contradict it and each other. Left by any of the below.
//	Plausible  nobody vouches for the board's clock (UDP 123 may be blocked), but
//	           it is past the floor. Mail may be tried: NTP advises, TLS judges.
//	Trusted    once reached it is kept: from then on the time is carried by Go's
//	           monotonic clock, which no one can set, and its error bound grows
//	           with its age until the next witness.
package clock

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/beevik/ntp"

	"pinbell/notify"
)

// Trust is how far a time is to be believed.
type Trust uint8

// The degrees of trust, rising.
const (
	Unknown Trust = iota
	Plausible
	Trusted
)

var trusts = [...]string{"unknown", "plausible", "trusted"}

func (t Trust) String() string { return trusts[int(t)%len(trusts)] }

// MarshalText writes the degree's name.
func (t Trust) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the degree's name.
func (t *Trust) UnmarshalText(text []byte) error {
	for i, name := range trusts {
		if name == string(text) {
			*t = Trust(i)
			return nil
		}
	}
	return fmt.Errorf("no such degree of trust: %q", text)
}

// Horizon is how far after the floor a time may lie. A server that is wrong
// about the future is held back by the others having to agree with it, by this,
// and by the certificates of the mail server, which look expired to it.
const Horizon = 20 * 365 * 24 * time.Hour

const (
	// patience is how long after its start a clock without witnesses stays
	// Unknown: the first questions of a booting board meet a network that is
	// not there yet, and its own clock is then usually behind.
	patience = 30 * time.Second
	// near is how close the board's clock must be to a server's time to count
	// as agreeing with it. A person would still call it the right time.
	near = time.Minute
	// jump is how far the board's clock may leave a time carried by the
	// monotonic clock before that is a step and not drift.
	jump = time.Second
	// drift bounds what a board's crystal loses or gains: 100 parts per million
	// is twice what the cheap ones are specified for.
	drift = 10_000 // a part in so many
)

// Config says whom to ask. Only Servers, Floor and Troubles are meant to be set
// by the program; the rest have defaults and are there so that faults can be
// made to order.
type Config struct {
	Servers []string // host or host:port
	// Floor is the later of the build time and the last trusted time: trusted
	// time is never before it. Store a trusted time as the next floor only
	// after a certificate was valid at it: a floor in the future locks us out.
	Floor    time.Time
	Troubles *notify.Troubles // hears of time.unknown and time.disagree; may be nil

	// Kernel reports whether the kernel says that its clock is kept in step,
	// and its bound on the error. It must not block.
	Kernel func() (synced bool, maxErr time.Duration)
	// Boot is the kernel's boot id and Up the time since that boot, now. An
	// empty Boot has both read from the kernel.
	Boot string
	Up   time.Duration
	// Query asks one server; the options carry a dialer that gives up with us.
	Query func(server string, opt ntp.QueryOptions) (*ntp.Response, error)
}

// Clock tells the time and how far to believe it. Its methods may be called
// from any goroutine, before and while it runs.
type Clock struct {
	cfg   Config
	start time.Time        // the board's clock at New, with the monotonic reading that all else is counted from
	wall  func() time.Time // the board's clock, which may be set at any time

	mu      sync.Mutex
	trust   Trust
	fix     fix
	servers []server
	found   finding // what the servers came to in their last round
	changed chan struct{}
	tries   int       // rounds since the last success
	next    time.Time // when the servers are asked again
}

// fix is a time that had a witness.
type fix struct {
	source string
	at     time.Time     // when, with monotonic reading
	truth  time.Time     // what the time was then
	bound  time.Duration // how far off that may be
	since  time.Time     // since when there has been a witness, in trusted time
	voices int           // servers that agreed, for source ntp
}

const (
	fromKernel  = "kernel"
	fromServers = "ntp"
	fromNobody  = "none"
)

// New makes a Clock. It reads the boot id, asks nobody and starts nothing.
func New(cfg Config) *Clock {
	c := &Clock{cfg: cfg, start: time.Now(), wall: boardTime, changed: make(chan struct{})}
	if c.cfg.Kernel == nil {
		c.cfg.Kernel = askKernel
	}
	if c.cfg.Query == nil {
		c.cfg.Query = ntp.QueryWithOptions
	}
	if c.cfg.Boot == "" {
		c.cfg.Boot, c.cfg.Up = readBoot()
	}
	if c.cfg.Boot == "" {
		// Moments of this process then belong to no other: undated, never misdated.
		c.cfg.Boot = "unread-" + rand.Text()
	}
	if c.cfg.Troubles == nil {
		c.cfg.Troubles = new(notify.Troubles)
	}
	c.servers = distinct(cfg.Servers)
	return c
}

// boardTime is what the board's clock says. Without the monotonic reading,
// arithmetic on it means the wall clock.
func boardTime() time.Time { return time.Now().Round(0).UTC() }

// Time gives the best time known now, and how far to believe it.
func (c *Clock) Time() (time.Time, Trust) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.best(time.Now())
}

// best is Time at now, which has a monotonic reading. The lock is held.
func (c *Clock) best(now time.Time) (time.Time, Trust) {
	wall := c.wall()
	switch c.trust {
	case Trusted:
		return c.trusted(now, wall), Trusted
	case Plausible:
		if c.believable(wall) {
			return wall, Plausible
		}
	}
	return wall, Unknown
}

// trusted carries the fix to now. While the kernel keeps the board's clock in
// step that clock is better than ours; but when it leaves ours at a jump, only
// the kernel can say that it was put right: setting the clock by hand takes the
// kernel's mark away.
func (c *Clock) trusted(now, wall time.Time) time.Time {
	age := now.Sub(c.fix.at)
	held := c.fix.truth.Add(age)
	if c.fix.source != fromKernel {
		return held
	}
	if wall.Sub(held).Abs() <= jump+age/drift {
		return wall
	}
	if synced, bound := c.cfg.Kernel(); synced && c.believable(wall) {
		c.fix.at, c.fix.truth, c.fix.bound = now, wall, bound
		return wall
	}
	return held
}

// believable reports whether t can be a present time at all.
func (c *Clock) believable(t time.Time) bool {
	return !t.Before(c.cfg.Floor) && (c.cfg.Floor.IsZero() || t.Before(c.cfg.Floor.Add(Horizon)))
}

// up is the time from the board's start to t, which has a monotonic reading.
func (c *Clock) up(t time.Time) time.Duration { return c.cfg.Up + t.Sub(c.start) }

// At gives the Moment of t, which must carry the monotonic reading of this
// process, as every time.Now does.
func (c *Clock) At(t time.Time) notify.Moment {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	best, trust := c.best(now)
	return notify.Moment{
		Wall:    best.Add(t.Sub(now)),
		Boot:    c.cfg.Boot,
		Up:      c.up(t),
		Trusted: trust == Trusted,
	}
}

// Date dates an earlier Moment as well as it can be dated now: one of this
// start of the board by the time that has passed since; one of an earlier start
// that was not trusted then by nothing any more.
func (c *Clock) Date(m notify.Moment) notify.Moment {
	if m.IsZero() || m.Trusted {
		return m
	}
	if m.Boot != c.cfg.Boot {
		m.Undated = true
		return m
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if best, trust := c.best(now); trust > Unknown {
		m.Wall = best.Add(m.Up - c.up(now))
		m.Trusted = trust == Trusted
	}
	return m
}

// Changed gives a channel that is closed when trust next improves. Ask for it
// before Time, so that no change falls in between.
func (c *Clock) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// believe sets the trust and tells those who wait when it is more than before.
// The lock is held.
func (c *Clock) believe(t Trust) {
	if t > c.trust {
		close(c.changed)
		c.changed = make(chan struct{})
	}
	c.trust = t
}
