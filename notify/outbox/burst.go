package outbox

import "time"

// A burst settles several mails in one transaction where they leave faster
// than the card can write: a thousand transactions would take longer than a
// thousand mails. A power cut within a burst sends its last mails again, with
// equal Message-IDs; it loses none.
type burst struct {
	n     int // mails that are settled in memory and not on disk
	timer *time.Timer
	last  time.Time // newest settling
}

const (
	longestBurst = 50 * time.Millisecond
	largestBurst = 64
)

// flushSoon makes a settling durable: now, or with the ones that follow on its
// heels.
func (b *Box) flushSoon(now time.Time) {
	follows := now.Sub(b.burst.last) < longestBurst
	b.burst.last = now
	if b.burst.n++; !follows || b.burst.n >= largestBurst || b.Dir == "" {
		b.flush()
		return
	}
	if b.burst.timer == nil {
		b.burst.timer = time.AfterFunc(longestBurst, b.endBurst)
	}
}

func (b *Box) endBurst() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.burst.n > 0 {
		b.flush()
	}
}

// over is called by each flush, which takes all that waits for one.
func (b *burst) over() {
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	b.n = 0
}
