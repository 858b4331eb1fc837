package clock

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	kernelEvery = 10 * time.Minute // while trusted
	kernelSoon  = 30 * time.Second // while not: it costs one system call
	roundEvery  = time.Hour        // while trusted
	firstPause  = time.Second
	lastPause   = 5 * time.Minute
	// deafPause is the longest pause while no question leaves the board: that
	// burdens nobody, and the mail goes out when the network comes, so the time
	// had better be there first.
	deafPause = 15 * time.Second
)

// Run asks the kernel, else the servers, again and again until told to stop.
func (c *Clock) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		pause := time.NewTimer(c.look(ctx))
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
	return nil
}

// Ask asks the kernel, else each server once, and returns when they have
// spoken or failed to, within twice replyWait: for one who does not stay for Run.
func (c *Clock) Ask(ctx context.Context) { c.look(ctx) }

// look asks whoever is to be asked now, and says how long until the next look.
func (c *Clock) look(ctx context.Context) time.Duration {
	if c.lookAtKernel() {
		return kernelEvery
	}
	if servers, due := c.due(); due {
		servers = c.askAll(ctx, servers)
		if ctx.Err() != nil {
			return 0 // what they said while being cut off means nothing
		}
		c.weigh(servers)
	}
	return c.rest()
}

// rest judges, tells, and says how long until the next look.
func (c *Clock) rest() time.Duration {
	defer c.tell()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.judge()
	soon := kernelSoon
	if c.trust == Trusted {
		soon = kernelEvery
	} else if left := patience - time.Since(c.start); left > 0 {
		soon = left
	}
	return max(0, min(soon, time.Until(c.next)))
}

// lookAtKernel takes the kernel's word, if it gives it. The servers are then
// asked at once when it no longer does.
func (c *Clock) lookAtKernel() bool {
	synced, bound := c.cfg.Kernel()
	c.mu.Lock()
	wall, now := c.wall(), time.Now()
	if !synced || !c.believable(wall) {
		c.mu.Unlock()
		return false
	}
	c.settleOn(fix{source: fromKernel, at: now, truth: wall, bound: bound})
	c.next, c.tries = time.Time{}, 0
	c.mu.Unlock()
	c.tell()
	return true
}

// due gives a copy of the servers, and whether they are to be asked now.
func (c *Clock) due() ([]server, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.servers), !time.Now().Before(c.next)
}

// weigh draws the conclusion from what the servers said.
func (c *Clock) weigh(servers []server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.servers, c.found = servers, compare(servers)
	if c.found.agreed {
		c.settleOn(fix{
			source: fromServers, at: now, voices: c.found.voices,
			truth: c.found.common.base.Add(now.Sub(c.start)), bound: c.found.common.bound,
		})
	}
	c.judge()
	c.next = now.Add(c.pause())
}

// settleOn makes f what the time is known by. The lock is held.
func (c *Clock) settleOn(f fix) {
	f.since = c.fix.since
	if c.trust != Trusted || c.fix.source != f.source {
		f.since = f.truth
	}
	c.fix = f
	c.believe(Trusted)
}

// judge decides how far to believe the board's own clock while nobody vouches
// for it. One server's voice neither makes nor breaks it; but where two
// contradict each other and it agrees with neither, there are three stories and
// no reason to prefer ours. The lock is held.
func (c *Clock) judge() {
	now, wall := time.Now(), c.wall()
	switch {
	case c.trust == Trusted:
	case !c.believable(wall):
		c.believe(Unknown)
	case c.seconded(now, wall):
		c.believe(Plausible)
	case c.found.divided() || now.Sub(c.start) < patience:
		c.believe(Unknown)
	default:
		c.believe(Plausible)
	}
}

// seconded reports whether any server's answer is near the board's clock.
func (c *Clock) seconded(now, wall time.Time) bool {
	return slices.ContainsFunc(c.found.answers, func(a answer) bool {
		return wall.Sub(a.base.Add(now.Sub(c.start))).Abs() <= near+a.bound
	})
}

// pause is how long until the servers are asked again: twice as long from try
// to try, less up to a quarter, so that boards that woke together do not ask
// together. The lock is held.
func (c *Clock) pause() time.Duration {
	if c.trust == Trusted {
		c.tries = 0
		return shaken(roundEvery)
	}
	longest := lastPause
	if !slices.ContainsFunc(c.servers, func(s server) bool { return !unreached(s.err) }) {
		longest = deafPause
	}
	wait := longest
	if c.tries < 10 {
		wait = min(longest, firstPause<<c.tries)
	}
	c.tries++
	return shaken(wait)
}

func shaken(d time.Duration) time.Duration { return d - rand.N(d/4) }
