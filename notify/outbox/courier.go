package outbox

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/notify/mail"
	"pinbell/notify/smtp"
)

// Courier carries mails from the box over its roads, one at a time. It waits
// for a time that TLS can be checked with, and while no road leads anywhere it
// tries for ever, ever more rarely.
type Courier struct {
	Box        *Box
	Letterhead mail.Letterhead
	Clock      *clock.Clock
	Troubles   *notify.Troubles
	Log        *slog.Logger
	// Settled, if set, hears of every verdict.
	Settled func(notify.Mail, notify.Verdict)
	// Working, if set, hears when mails begin to be sent, and when that ends.
	Working func(bool)

	ways []way                      // of the roads, in their order
	seen atomic.Pointer[[]passable] // of the ways, for other goroutines
	busy atomic.Int64               // since when a mail is on the line, from epoch; 0: none is
}

// grace is how long a mail that is being sent may take to end when the
// program is told to stop.
const grace = 3 * time.Second

// longestProbe is how long an alarm may have to wait for a look at the roads.
const longestProbe = 10 * time.Second

// Run sends until ctx ends.
func (c *Courier) Run(ctx context.Context) error {
	c.ways = make([]way, len(c.Box.Roads))
	recalled := false
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timed := c.Clock.Changed()
		recalled = recalled || c.recall()
		timer.Reset(time.Until(c.Box.tendBy(c.round(ctx))))
		select {
		case <-ctx.Done():
			return nil
		case <-c.Box.Wake():
		case <-timed:
		case <-timer.C:
		}
	}
}

// recall takes up what the store knows of the roads, once the time is known.
func (c *Courier) recall() bool {
	if _, trust := c.Clock.Time(); trust == clock.Unknown {
		return false
	}
	for i := range c.ways {
		c.Box.recall(&c.ways[i], &c.Box.Roads[i], time.Now())
	}
	return true
}

// epoch is where Courier.busy counts from, by the monotonic clock: the board's
// own may be set while a mail is on the line.
var epoch = time.Now()

// Stuck reports for how long one mail has been on the line; 0 while there is
// none. A session has a deadline, so this has a bound as long as all is well.
func (c *Courier) Stuck() time.Duration {
	since := c.busy.Load()
	if since == 0 {
		return 0
	}
	return time.Since(epoch) - time.Duration(since)
}

// round sends what is due and gives the instant of the next round.
func (c *Courier) round(ctx context.Context) time.Time {
	c.Box.Tend(time.Now())
	if _, trust := c.Clock.Time(); trust == clock.Unknown {
		c.Box.Busy()
		return time.Now().Add(time.Minute)
	}
	defer c.work(false)
	defer c.hangUp()
	for ctx.Err() == nil {
		now := time.Now()
		e, ok, until := c.Box.next(now, c.passable(now))
		if !ok {
			c.probe(ctx)
			return c.lookAgain(now, until)
		}
		c.work(true)
		if v := c.carry(ctx, e); v.Outcome != 0 {
			c.settle(e, v)
		}
	}
	return time.Now()
}

// passable is what the box may count on. A new password opens a road that
// refused the one before, and so does the owner's word.
func (c *Courier) passable(now time.Time) []passable {
	hurried := c.Box.hurried()
	all := make([]passable, len(c.ways))
	for i := range c.ways {
		w := &c.ways[i]
		if hurried || now.Before(w.openAt) && w.newPassword(&c.Box.Roads[i]) {
			w.openAt = time.Time{}
		}
		all[i] = passable{At: w.openAt, Since: w.since}
	}
	c.seen.Store(&all)
	return all
}

// probe opens a session on each road that has failed, when its wait is over and
// there is nothing to send: what is wrong no more is not called a trouble until
// the next alarm.
func (c *Courier) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, longestProbe) // an alarm may come meanwhile
	defer cancel()
	for i := range c.ways {
		w := &c.ways[i]
		if w.since.IsZero() || time.Now().Before(w.openAt) || ctx.Err() != nil {
			continue
		}
		var v notify.Verdict
		w.session, v = c.Box.Roads[i].Open(ctx)
		c.heed(i, &v)
		c.tellRoad(w, v)
	}
	c.passable(time.Now())
}

// lookAgain is when a wait ends, or when it is time to look for a password
// that may have been replaced meanwhile.
func (c *Courier) lookAgain(now, until time.Time) time.Time {
	for i := range c.ways {
		w := &c.ways[i]
		if w.refused != "" && c.Box.Due() {
			until = sooner(until, now.Add(passwordLook))
		}
		if !w.since.IsZero() && w.openAt.After(now) {
			until = sooner(until, w.openAt)
		}
	}
	return until
}

// work notes that a mail is on the line, or that none is any more.
func (c *Courier) work(now bool) {
	since := int64(0)
	if now {
		since = int64(time.Since(epoch))
	}
	if before := c.busy.Swap(since); (before != 0) != now && c.Working != nil {
		c.Working(now)
	}
}

// carry sends one mail, over the session of the one before if that still
// stands. Without an outcome the mail was dropped while the session opened.
func (c *Courier) carry(ctx context.Context, e errand) notify.Verdict {
	ctx, cancel := withGrace(ctx)
	defer cancel()
	road, w := &c.Box.Roads[e.road], &c.ways[e.road]
	if w.session == nil || w.session.Ended() {
		var v notify.Verdict
		if w.session, v = road.Open(ctx); w.session == nil {
			return v
		}
	}
	m, ok := c.Box.begin(e)
	if !ok {
		return notify.Verdict{}
	}
	head := c.Letterhead
	head.From, head.Domain = road.From, domain(c.Box.Roads[0].From.Address)
	if e.road > 0 {
		head.Road = road.Name
		m.Troubles = c.withTroubles(m.Troubles, e.road)
	}
	return w.session.Send(ctx, m, head)
}

// withTroubles adds why the roads before were not taken.
func (c *Courier) withTroubles(told []notify.Trouble, road int) []notify.Trouble {
	told = slices.Clip(told)
	for _, w := range c.ways[:road] {
		for _, t := range w.told {
			if !slices.ContainsFunc(told, func(u notify.Trouble) bool { return same(t, u) }) {
				told = append(told, t)
			}
		}
	}
	return told
}

func same(t, u notify.Trouble) bool { return t.Code == u.Code && t.About == u.About }

// hangUp ends the sessions of a round.
func (c *Courier) hangUp() {
	for i := range c.ways {
		if s := c.ways[i].session; s != nil {
			s.Close()
			c.ways[i].session = nil
		}
	}
}

// withGrace gives a context that outlives ctx by grace, so that stopping does
// not break off a mail of which nobody would know whether it arrived.
func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return late, func() { stop(); cancel() }
}

func (c *Courier) settle(e errand, v notify.Verdict) {
	now := time.Now()
	c.Box.settle(e, v, now)
	c.heed(e.road, &v)
	c.passable(now)
	c.tell(e, v)
	if c.Settled != nil {
		c.Settled(e.Mail, v)
	}
}

// heed keeps what a verdict says about a road, and puts the wait that follows
// into its words.
func (c *Courier) heed(road int, v *notify.Verdict) {
	w := &c.ways[road]
	before := w.refusals
	w.learn(*v, time.Now(), &c.Box.Roads[road])
	if wait := time.Until(w.openAt).Round(time.Minute); v.Trouble != nil && wait > v.Wait && v.Wait > 0 {
		told := *v.Trouble
		told.Doing = smtp.Doing(*v, wait)
		v.Trouble = &told
	}
	if w.refusals != before || w.refusals == 0 { // a new password has begun the count anew
		c.Box.remember(w, &c.Box.Roads[road])
	}
}

// tell puts a verdict into the log and the troubles. What the session proves
// to be over is cleared.
func (c *Courier) tell(e errand, v notify.Verdict) {
	level, w := slog.LevelInfo, &c.ways[e.road]
	if v.Outcome != notify.Accepted {
		level = slog.LevelWarn
	}
	c.Log.Log(context.Background(), level, "mail "+v.Outcome.String(), "mail", e.ID, "events", len(e.Events), "relay", v.Relay,
		"step", v.Step, "code", v.Code, "reply", v.Reply, "queue_id", v.QueueID)
	c.tellRoad(w, v)
}

// tellRoad raises what a verdict says is wrong with a road, and clears what it
// proves to be over: a session that came about ends what kept others from it.
func (c *Courier) tellRoad(w *way, v notify.Verdict) {
	if v.Outcome != notify.Down {
		w.told = slices.DeleteFunc(w.told, func(t notify.Trouble) bool {
			over := v.Trouble == nil || !same(t, *v.Trouble)
			if over {
				c.Troubles.Clear(t.Code, t.About)
			}
			return over
		})
	}
	if v.Trouble != nil {
		c.Troubles.Raise(*v.Trouble)
		w.told = append(slices.DeleteFunc(w.told, func(t notify.Trouble) bool { return same(t, *v.Trouble) }), *v.Trouble)
	}
}

// Ways is how the roads fare, in their order: since when each fails, and when
// it is tried again.
func (c *Courier) Ways() []RoadStatus {
	st, now := c.Box.Status().Roads, time.Now()
	if seen := c.seen.Load(); seen != nil {
		for i, p := range *seen {
			if !p.Since.IsZero() {
				st[i].FailingFor = now.Sub(p.Since)
			}
			st[i].NextSessionIn = max(0, p.At.Sub(now))
		}
	}
	return st
}

// NextSession is when a road is tried again after sessions that failed; not in
// the future while any of them is open.
func (c *Courier) NextSession() (first time.Time) {
	if seen := c.seen.Load(); seen != nil {
		for i, p := range *seen {
			if i == 0 || p.At.Before(first) {
				first = p.At
			}
		}
	}
	return first
}
