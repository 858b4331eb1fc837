// Package capture gets what rules want attached to their mails: a file, the
// answer of a web address, or the output of a program.
//
// It promises that a picture is of the moment of the alarm and not of when the
// network came back, that a mail waits for it no longer than a deadline, and
// that what could not be had is a sentence in the mail. What it got is kept
// until the mail is settled, on disk where there is one, so that a mail has the
// same content at every attempt and a restart still has the picture.
//
// It never follows a source that never ends, opens no device, runs no shell,
// and gives a program none of pinbell's secrets.
//
//	wanted ──asked──► under way ──► had, or a fault ──► on disk ──Forget──► gone
//	   └────────────deadline──────────────┘
//
// Its bounds: four sources at once, each one only once at a time; 64 things
// wanted and not had; a size for each and for all together, where the oldest
// make room; 1,000 things kept. A disk that fails leaves things in memory,
// within the same bounds.
package capture

import (
	"context"
	"crypto/x509"
	"log/slog"
	"slices"
	"sync"
	"time"

	"pinbell/notify"
)

// Config is what a Camera works with. Only the fields that say so may be left
// out.
type Config struct {
	Dir      string           // where things are kept, of its own; "": in memory only
	Deadline time.Duration    // how long a mail waits; 0: 10 s
	MaxBytes int              // of one thing; 0: 5 MB
	MaxTotal int              // of all that is kept; 0: 40 MB
	Now      func() time.Time // the best time known, for Taken and for certificates; nil: the board's
	Roots    *x509.CertPool   // of a private authority, for https; nil: the public ones
	Done     func()           // if set, hears each time that things were had or given up, from Run's goroutines
	Log      *slog.Logger     // nil: none
}

func (c *Config) complete() {
	if c.Deadline <= 0 {
		c.Deadline = 10 * time.Second
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 5e6
	}
	if c.MaxTotal <= 0 {
		c.MaxTotal = 40e6
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Done == nil {
		c.Done = func() {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// maxWaiting bounds what is wanted and not had yet, maxKept what is remembered
// altogether.
const (
	maxWaiting = 64
	maxKept    = 1000
)

// Camera gets what events want attached, and keeps it. Its methods may be
// called by several goroutines.
type Camera struct {
	Config
	began time.Time
	// Tests make the disk fail, and master time.
	write func(path string, parts ...[]byte) error
	ask   func(context.Context, source) outcome

	wake    chan struct{} // Run has something to look at
	unsaved chan struct{} // and so has what it keeps on disk

	mu      sync.Mutex
	events  map[uint64][]*piece
	kept    int      // pieces in events
	total   int      // bytes in events, in memory and on disk
	floor   uint64   // events up to this one were thrown out
	waiting []*piece // not settled
	queue   []*errand
	busy    map[string]bool // sources being asked
	trash   []key           // files to remove
	failing bool            // the disk, and that was logged
	news    []piece         // settled, and not logged yet
}

// key says where a piece belongs: an event's serial, and the place in its
// Attach.
type key struct {
	serial uint64
	index  int
}

// piece is one thing that an event wants attached.
type piece struct {
	key
	notify.Attachment // Data is nil when it is on disk alone

	due     time.Time // when it is given up
	begun   bool      // its source is being asked
	settled bool      // it has Data or a Fault for good
	gone    bool      // nobody wants it any more
	size    int       // of Data, wherever that is
	version int       // changes with what is to be on disk
	saved   int       // the version that is on disk; 0: none
}

// New makes a camera with what is left in its folder from before; it starts
// nothing. Files of events that nobody asks for any more stay until Keep.
func New(c Config) *Camera {
	c.complete()
	camera := &Camera{
		Config: c, began: time.Now(), write: writeFile,
		wake: make(chan struct{}, 1), unsaved: make(chan struct{}, 1),
		events: map[uint64][]*piece{}, busy: map[string]bool{},
	}
	camera.ask = camera.reallyAsk
	camera.load()
	return camera
}

// Take queues what the event wants attached. It never waits; what there is no
// place for becomes a fault.
func (c *Camera) Take(ev notify.Event) {
	if len(ev.Attach) == 0 {
		return
	}
	due := time.Now().Add(c.Deadline)
	stems := stemsOf(ev.Attach)
	c.mu.Lock()
	if _, known := c.events[ev.Serial]; !known {
		for i, raw := range ev.Attach {
			c.want(raw, &piece{key: key{ev.Serial, i}, due: due, Attachment: notify.Attachment{Source: shown(raw), Name: stems[i]}})
		}
		c.thin()
	}
	c.mu.Unlock()
	poke(c.wake)
}

// want queues one piece, beside others that wait for the same source.
func (c *Camera) want(raw string, p *piece) {
	c.add(p)
	s, err := parse(raw)
	switch {
	case err != nil:
		c.close(p, outcome{err: fault("is not understood: " + err.Error())})
		return
	case len(c.waiting) >= maxWaiting:
		c.close(p, outcome{err: fault("was not asked: too many at once")})
		return
	}
	c.waiting = append(c.waiting, p)
	for _, e := range c.queue {
		if e.raw == raw {
			e.pieces = append(e.pieces, p)
			return
		}
	}
	c.queue = append(c.queue, &errand{source: s, pieces: []*piece{p}})
}

func (c *Camera) add(p *piece) {
	c.events[p.serial] = append(c.events[p.serial], p)
	c.kept++
	c.total += p.size
}

// Pending reports whether something that the event wants is still under way,
// and within its deadline.
func (c *Camera) Pending(serial uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	return slices.ContainsFunc(c.events[serial], func(p *piece) bool { return !p.settled && now.Before(p.due) })
}

// Files gives what there is, in the order of the event's Attach, with a Fault
// where there is none. Once the event is no longer Pending the answer stays the
// same, but for what makes room for newer things.
func (c *Camera) Files(ev notify.Event) []notify.Attachment {
	files := make([]notify.Attachment, len(ev.Attach))
	stems := stemsOf(ev.Attach)
	why := c.missing(ev.Serial)
	for i, raw := range ev.Attach {
		files[i] = notify.Attachment{Source: shown(raw), Name: stems[i], Fault: why}
	}
	for _, p := range c.have(ev.Serial) {
		if p.index >= len(files) {
			continue
		}
		files[p.index] = p.Attachment
		if p.size > 0 && p.Data == nil {
			files[p.index] = c.fetched(p)
		}
	}
	return files
}

// have copies what is known of an event's pieces.
func (c *Camera) have(serial uint64) []piece {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer poke(c.wake)
	var all []piece
	for _, p := range c.events[serial] {
		if !p.settled {
			c.expired(p)
		}
		one := *p
		if !p.settled {
			one.Fault = "has given nothing yet"
		}
		all = append(all, one)
	}
	return all
}

// missing says why nothing is known of an event's pieces.
func (c *Camera) missing(serial uint64) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if serial <= c.floor {
		return madeRoom
	}
	return "was lost in a restart"
}

// Forget lets go of what an event wanted: its mail is settled.
func (c *Camera) Forget(serial uint64) {
	c.mu.Lock()
	c.drop(serial)
	c.mu.Unlock()
	c.clear()
}

// Keep forgets all events but these. It is for the start, when the outbox
// knows what still waits.
func (c *Camera) Keep(serials []uint64) {
	c.mu.Lock()
	for serial := range c.events {
		if !slices.Contains(serials, serial) {
			c.drop(serial)
		}
	}
	c.mu.Unlock()
	c.clear()
}

// drop forgets an event in memory; its files are left to clear.
func (c *Camera) drop(serial uint64) {
	for _, p := range c.events[serial] {
		p.gone = true
		c.kept--
		c.total -= p.size
		if p.saved > 0 {
			c.trash = append(c.trash, p.key)
		}
	}
	c.waiting = slices.DeleteFunc(c.waiting, func(p *piece) bool { return p.gone })
	delete(c.events, serial)
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default: // it will look anyway
	}
}
