package outbox

import (
	"context"
	"fmt"
	"hash/fnv"
	netmail "net/mail"
	"time"

	"pinbell/notify"
	"pinbell/notify/mail"
	"pinbell/notify/smtp"
)

// Road is one way for mails to leave the board. The first one is taken; each
// further one when those before it have failed for long enough.
type Road struct {
	Name string          // the server's
	From netmail.Address // whom its account may send as
	// Limits are the provider's caps and the owner's own for this road; they
	// hold beside those of the box.
	Limits Limits
	After  time.Duration // how long the road before must have failed; critical mails do not wait
	Open   func(context.Context) (Session, notify.Verdict)
	// Password is what the next login will use; nil: there is none.
	Password func() (notify.Secret, error)
}

// Session is an open connection that mails can be handed over.
type Session interface {
	Send(context.Context, notify.Mail, mail.Letterhead) notify.Verdict
	Ended() bool // the next mail needs another session
	Close()
}

// mark names a road in the ledger, whatever its place in the config becomes.
func (r *Road) mark() uint32 {
	h := fnv.New32a()
	h.Write([]byte(r.Name + "\x00" + r.From.Address))
	return max(h.Sum32(), anyRoad+1)
}

// OverSMTP makes the Open of a road that a relay serves.
func OverSMTP(relay *smtp.Relay) func(context.Context) (Session, notify.Verdict) {
	return func(ctx context.Context) (Session, notify.Verdict) {
		session, v := relay.Open(ctx)
		if session == nil {
			return nil, v
		}
		return overSMTP{session}, v
	}
}

type overSMTP struct{ *smtp.Session }

func (s overSMTP) Send(ctx context.Context, m notify.Mail, h mail.Letterhead) notify.Verdict {
	message, err := mail.Render(m, h)
	if err != nil {
		return notify.Verdict{Outcome: notify.Refused, Step: "render", Reply: err.Error(), Trouble: &notify.Trouble{
			Code: "mail.render", About: m.ID, Sentence: fmt.Sprintf("Mail %s cannot be written: %v.", m.ID, err),
			Doing:  "pinbell keeps it and tries again ever more rarely. Other mails go on.",
			Remedy: "This is a mistake in pinbell: `pinbell outbox` shows what the mail tells. A newer version may have it mended.",
		}}
	}
	return s.Session.Send(ctx, smtp.Envelope{From: h.From.Address, To: m.To, Message: message})
}

// passable is what the courier knows of a road: nothing goes there before At,
// because it has failed since Since.
type passable struct {
	At    time.Time
	Since time.Time // zero: it works, as far as is known
}

// load is what the choice of a road depends on, of a mail or of what could
// become one.
type load struct {
	severity   notify.Severity
	recipients int
	doubtful   bool // its last attempt ended without a receipt: it may have arrived
	// Roads before from have just put off this very mail: not before home.
	from int
	home time.Time
}

// patience is how long the road before must have failed for this load.
func (r *Road) patience(l load) time.Duration {
	if l.severity == notify.Critical && !l.doubtful {
		return 0
	}
	return r.After
}

// choice is a road for a load, or why there is none now.
type choice struct {
	road  int // -1: none
	again time.Time
	limit string // the limit that closes the way; empty: none does
}

// tallies are what the ledger comes to for each road, and for all together in
// the place after them.
func (b *Box) tallies(wall time.Time) []tally {
	all := make([]tally, 0, len(b.Roads)+1)
	for i := range b.Roads {
		all = append(all, b.ledger.tally(wall, b.Roads[i].mark()))
	}
	return append(all, b.ledger.tally(wall, anyRoad))
}

// choose gives the first road that a load may take now. A road whose quota
// stays used up for longer than the next one's After gives way to that at
// once: nothing would come of waiting.
func (b *Box) choose(l load, open []passable, counts []tally, now time.Time) choice {
	total := counts[len(b.Roads)]
	if ok, again, limit := total.allows(b.Limits, l.severity, l.recipients); !ok {
		return choice{-1, now.Add(again.Sub(total.now)), limit}
	}
	best := choice{road: -1, again: now.Add(time.Hour)}
	for i := range b.Roads {
		if i < l.from && now.Before(l.home) {
			best.sooner(l.home, "")
			continue
		}
		free, limit := b.free(i, l, open[i], counts[i], now)
		if !now.Before(free) {
			return choice{road: i}
		}
		best.sooner(free, limit)
		if i+1 == len(b.Roads) {
			break
		}
		if turn := b.Roads[i+1].turn(l, now, open[i].Since, free); turn.After(now) {
			best.sooner(turn, limit)
			break
		}
	}
	return best
}

func (c *choice) sooner(at time.Time, limit string) {
	if at.Before(c.again) {
		c.again, c.limit = at, limit
	}
}

// free is when a road takes a load, as far as is known, and the limit that
// says so.
func (b *Box) free(i int, l load, way passable, count tally, now time.Time) (at time.Time, limit string) {
	road := &b.Roads[i]
	own := road.Limits
	own.Reserve = b.Limits.Reserve
	ok, again, limit := count.allows(own, l.severity, l.recipients)
	if !ok {
		return later(way.At, now.Add(again.Sub(count.now))), limit + " of " + road.Name
	}
	return way.At, ""
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// turn is when a load may take this road instead of the one before, which has
// failed since then, or is closed by its quota until free.
func (r *Road) turn(l load, now, failed, free time.Time) time.Time {
	wait := r.patience(l)
	switch {
	case !failed.IsZero():
		return failed.Add(wait)
	case free.Sub(now) > wait:
		return now
	}
	return free
}
