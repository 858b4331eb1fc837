package capture

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"pinbell/notify"
)

// atOnce is how many sources are asked side by side.
const atOnce = 4

// errand is one asking of a source, for all that waited for it by then. So two
// rules that the same door sets off share one picture, and a camera that only
// one program can open is never opened by two.
type errand struct {
	source
	pieces []*piece
}

// outcome is what a source came to.
type outcome struct {
	data  []byte
	taken time.Time
	err   error
}

// Run asks the sources until ctx ends. It returns when all that it began has
// ended: programs are killed, and connections closed.
func (c *Camera) Run(ctx context.Context) error {
	var working sync.WaitGroup
	defer func() {
		working.Wait()
		c.announce()
		c.save() // what came while the last ones ended
	}()
	working.Go(func() { c.saveOn(ctx) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(c.expire()))
		c.announce()
		for _, e := range c.begin() {
			working.Go(func() { c.fulfil(ctx, e) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		case <-timer.C:
		}
	}
}

// begin takes errands from the queue, as many as may be under way.
func (c *Camera) begin() (ready []*errand) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = slices.DeleteFunc(c.queue, func(e *errand) bool {
		e.pieces = slices.DeleteFunc(e.pieces, func(p *piece) bool { return p.settled || p.gone })
		if len(e.pieces) == 0 {
			return true
		}
		if c.busy[e.raw] || len(c.busy) >= atOnce {
			return false
		}
		c.busy[e.raw] = true
		for _, p := range e.pieces {
			p.begun = true
		}
		ready = append(ready, e)
		return true
	})
	return ready
}

// fulfil asks a source for the pieces of an errand.
func (c *Camera) fulfil(ctx context.Context, e *errand) {
	due := e.pieces[len(e.pieces)-1].due // the latest
	asking, cancel := context.WithDeadline(ctx, due)
	defer cancel()
	o := c.ask(asking, e.source)
	if o.err != nil && asking.Err() != nil {
		o.err = fault("gave nothing within " + span(c.Deadline))
	}
	c.mu.Lock()
	delete(c.busy, e.raw)
	if ctx.Err() == nil { // else it was us who broke it off
		for _, p := range e.pieces {
			c.close(p, o)
		}
	}
	c.mu.Unlock()
	poke(c.wake)
}

// announce tells of what was settled: to the log, to Done, and to what saves.
func (c *Camera) announce() {
	c.mu.Lock()
	news := c.news
	c.news = nil
	c.mu.Unlock()
	if len(news) == 0 {
		return
	}
	poke(c.unsaved)
	for _, p := range news {
		if p.Fault != "" {
			c.Log.Warn("nothing to attach", "event", p.serial, "source", p.Source, "fault", p.Fault)
		} else {
			c.Log.Info("attached", "event", p.serial, "source", p.Source, "name", p.Name, "bytes", p.size)
		}
	}
	c.Done()
}

// reallyAsk gets a source's bytes, or a fault.
func (c *Camera) reallyAsk(ctx context.Context, s source) (o outcome) {
	o.taken = c.Now()
	switch s.scheme {
	case "file":
		var changed time.Time
		if o.data, changed, o.err = readFile(s.path, c.MaxBytes, func() { leave(ctx) }); o.err == nil {
			o.taken = c.dated(changed)
		}
	case "exec":
		o.data, o.err = output(ctx, s.args, c.MaxBytes)
	default:
		o.data, o.err = c.get(ctx, s.address)
	}
	return o
}

// expire gives up what is due, and gives the instant when more will be.
func (c *Camera) expire() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := time.Now().Add(time.Hour)
	for _, p := range slices.Clone(c.waiting) {
		if !c.expired(p) && p.due.Before(next) {
			next = p.due
		}
	}
	return next
}

// expired gives a piece up if it is due.
func (c *Camera) expired(p *piece) bool {
	if time.Now().Before(p.due) {
		return false
	}
	if p.begun {
		c.close(p, outcome{err: fault("gave nothing within " + span(c.Deadline))})
	} else {
		c.close(p, outcome{err: fault("was not asked within " + span(c.Deadline) + ": others were before it")})
	}
	return true
}

// close settles a piece, once: what comes after its deadline comes too late.
func (c *Camera) close(p *piece, o outcome) {
	if p.settled || p.gone {
		return
	}
	p.settled = true
	p.version++
	c.waiting = slices.DeleteFunc(c.waiting, func(other *piece) bool { return other == p })
	if p.Fault = ""; o.err != nil {
		p.Fault = o.err.Error()
	} else {
		p.Data, p.size, p.Taken = o.data, len(o.data), o.taken.Round(0)
		p.Type = typeOf(o.data)
		p.Name = nameFor(p.Name, p.Type)
		c.total += p.size
	}
	if len(c.news) >= maxKept { // nobody listens
		c.news = nil
	}
	c.news = append(c.news, piece{key: p.key, size: p.size, Attachment: notify.Attachment{Source: p.Source, Name: p.Name, Fault: p.Fault}})
	c.makeRoom()
}

const madeRoom = "was thrown out to make room for newer ones"

// makeRoom throws out the oldest things until the rest is within the bound.
func (c *Camera) makeRoom() {
	for c.total > c.MaxTotal {
		var oldest *piece
		for _, all := range c.events {
			for _, p := range all {
				if p.size > 0 && (oldest == nil || p.before(oldest)) {
					oldest = p
				}
			}
		}
		c.total -= oldest.size
		oldest.Data, oldest.size, oldest.Type, oldest.Fault = nil, 0, "", madeRoom
		oldest.version++
	}
}

func (p *piece) before(other *piece) bool {
	return p.serial < other.serial || p.serial == other.serial && p.index < other.index
}

// thin forgets the oldest events when too many are remembered.
func (c *Camera) thin() {
	for c.kept > maxKept {
		oldest := ^uint64(0)
		for serial := range c.events {
			oldest = min(oldest, serial)
		}
		c.floor = max(c.floor, oldest)
		c.drop(oldest)
	}
}

// dated gives the best time known for a file's time. Both are by the board's
// clock; if that has been set since pinbell began, or makes no sense, the file
// counts as new. (A file's time wraps in 2038 on 32-bit boards.)
func (c *Camera) dated(changed time.Time) time.Time {
	now := time.Now()
	set := now.Round(0).Sub(c.began.Round(0)) - now.Sub(c.began)
	age := now.Sub(changed)
	if set.Abs() > time.Second || age < 0 || age > 365*24*time.Hour {
		age = 0
	}
	return c.Now().Add(-age)
}

// fault is why there is nothing to attach: a sentence's end.
type fault string

func (f fault) Error() string { return string(f) }

// size says a number of bytes as people do.
func size(n int) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.4g MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.4g KB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}

func tooLarge(most int) fault { return fault("is larger than " + size(most)) }

func span(d time.Duration) string {
	if d < time.Second {
		return d.String()
	}
	return notify.Span(d)
}
