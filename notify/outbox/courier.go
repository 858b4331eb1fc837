package outbox

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/notify/mail"
	"pinbell/notify/smtp"
)

// Courier carries mails from the box to the relay, one at a time. It waits
// for a time that TLS can be checked with, and while the relay cannot be
// reached it tries for ever, ever more rarely.
type Courier struct {
	Box        *Box
	Relay      *smtp.Relay
	Letterhead mail.Letterhead
	Clock      *clock.Clock
	Troubles   *notify.Troubles
	Log        *slog.Logger
	// Settled, if set, hears of every verdict.
	Settled func(notify.Mail, notify.Verdict)
	// Working, if set, hears when mails begin to be sent, and when that ends.
	Working func(bool)

	downs  int                       // sessions in a row that failed
	openAt time.Time                 // no session before this
	opens  atomic.Pointer[time.Time] // openAt, for other goroutines
	told   []notify.Trouble
	used   notify.Secret // the password of the login that was refused; empty: none was
	busy   atomic.Int64  // Unix seconds since when a mail is being sent; 0: waiting
}

// The waits between sessions that failed.
const (
	firstRetry = 2 * time.Second
	lastRetry  = 5 * time.Minute
)

// passwordLook is how often a refused password is compared with the one that
// is there now.
const passwordLook = 15 * time.Second

// grace is how long a mail that is being sent may take to end when the
// program is told to stop.
const grace = 3 * time.Second

// Run sends until ctx ends.
func (c *Courier) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timed := c.Clock.Changed()
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
	now := time.Now()
	c.Box.Tend(now)
	if _, trust := c.Clock.Time(); trust == clock.Unknown {
		c.Box.Busy()
		return now.Add(time.Minute)
	}
	if now.Before(c.openAt) && !c.newPassword() {
		c.Box.Busy()
		return c.lookAgain(now)
	}
	var session *smtp.Session
	defer func() {
		if session != nil {
			session.Close()
		}
		c.work(false)
	}()
	for ctx.Err() == nil {
		m, ok, until := c.Box.Next(time.Now())
		if !ok {
			return until
		}
		c.work(true)
		var v notify.Verdict
		session, v = c.carry(ctx, session, m)
		c.settle(m, v)
		if v.Outcome == notify.Down {
			return c.lookAgain(time.Now())
		}
	}
	return now
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
// stands. A session that broke is nil afterwards.
func (c *Courier) carry(ctx context.Context, session *smtp.Session, m notify.Mail) (*smtp.Session, notify.Verdict) {
	ctx, cancel := withGrace(ctx)
	defer cancel()
	if session == nil {
		var v notify.Verdict
		if session, v = c.Relay.Open(ctx); session == nil {
			return nil, v
		}
	}
	message, err := mail.Render(m, c.Letterhead)
	if err != nil {
		return session, notify.Verdict{Outcome: notify.Refused, Step: "render", Reply: err.Error()}
	}
	v := session.Send(ctx, smtp.Envelope{From: c.Letterhead.From.Address, To: m.To, Message: message})
	if session.Ended() {
		session = nil
	}
	return session, v
}

// withGrace gives a context that outlives ctx by grace, so that stopping does
// not break off a mail of which nobody would know whether it arrived.
func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return late, func() { stop(); cancel() }
}

// newPassword reports whether the owner has replaced a password that was
// refused: then there is nothing to wait for.
func (c *Courier) newPassword() bool {
	if c.used == "" {
		return false
	}
	secret, err := c.Relay.Password()
	return err == nil && secret != c.used
}

// lookAgain is when a wait for the relay ends, or for a new password.
func (c *Courier) lookAgain(now time.Time) time.Time {
	if look := now.Add(passwordLook); c.used != "" && look.Before(c.openAt) {
		return look
	}
	return c.openAt
}

func (c *Courier) settle(m notify.Mail, v notify.Verdict) {
	now := time.Now()
	c.Box.Settle(m.ID, v, now)
	c.used = ""
	if v.Step == "auth" && c.Relay.Password != nil {
		c.used, _ = c.Relay.Password() // one that cannot be read is a trouble of its own
	}
	openAt := time.Time{} // a session that came about ends the wait of one that did not
	if v.Outcome == notify.Down {
		c.downs++
		openAt = now.Add(max(v.Wait, backoff(c.downs, firstRetry, lastRetry)))
		c.Box.Busy()
	} else {
		c.downs = 0
	}
	c.openAt = openAt
	c.opens.Store(&openAt)
	c.tell(m, v)
	if c.Settled != nil {
		c.Settled(m, v)
	}
}

// tell puts a verdict into the log and the troubles. What an accepted mail
// proves to be over is cleared.
func (c *Courier) tell(m notify.Mail, v notify.Verdict) {
	level := slog.LevelInfo
	if v.Outcome != notify.Accepted {
		level = slog.LevelWarn
	}
	c.Log.Log(context.Background(), level, "mail "+v.Outcome.String(), "mail", m.ID, "events", len(m.Events), "relay", v.Relay,
		"step", v.Step, "code", v.Code, "reply", v.Reply, "queue_id", v.QueueID)
	if v.Outcome == notify.Accepted {
		for _, t := range c.told {
			c.Troubles.Clear(t.Code, t.About)
		}
		c.told = nil
	}
	if v.Trouble != nil {
		c.Troubles.Raise(*v.Trouble)
		c.told = append(c.told, *v.Trouble)
	}
}

// NextSession is when the relay is tried again after sessions that failed;
// not in the future while there is no such wait.
func (c *Courier) NextSession() time.Time {
	if t := c.opens.Load(); t != nil {
		return *t
	}
	return time.Time{}
}
