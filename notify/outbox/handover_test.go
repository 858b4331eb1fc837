package outbox

import (
	"net/mail"
	"time"

	"pinbell/notify"
)

// one is the usual single road.
var one = []Road{{Name: "relay", From: mail.Address{Address: "garage@icloud.com"}}}

// open passes every road.
func (b *Box) open() []passable { return make([]passable, len(b.Roads)) }

// Next and Settle hand over as the courier does, by the first road that is
// chosen, while all are open.
func (b *Box) Next(now time.Time) (notify.Mail, bool, time.Time) {
	e, ok, until := b.next(now, b.open())
	if ok {
		b.begin(e)
	}
	return e.Mail, ok, until
}

func (b *Box) Settle(id string, v notify.Verdict, now time.Time) {
	b.settle(errand{notify.Mail{ID: id}, 0}, v, now)
}

// cut ends a box as a power cut does: what is not on disk is gone.
func cut(b *Box) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.burst.over()
	b.store.detach()
}
