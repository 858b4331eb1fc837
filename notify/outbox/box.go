// Package outbox keeps what is decided and not yet told.
//
// It promises that an event, once Commit has returned, reaches an accepted
// mail: through restarts, power cuts and weeks without a network. It promises
// that every attempt at a mail has the same content, date and Message-ID. It
// drops nothing; what cannot be told now waits, and goes out together.
//
// An event is in one of three places, and each has its key in the store:
//
//	waiting  event/…  stored, in no mail yet        left by sealing
//	sealed   mail/…   in a mail, with a fixed ID     left by an Accepted verdict
//	told     log      in a mail that was accepted    bounded, oldest forgotten
//
// Beside them the store has what was handed to servers (handed, by road), the
// mails that each rule's own rate has seen accepted (rate/…) and the logins that
// were refused (login/…). A mail is in the ledger on disk before it is handed
// over, so a crash loop uses up the limits and sends no more than they allow.
// Roads are taken in their order; a further one when those before have failed
// for as long as it asks, or at once for critical.
//
// Responsibility moves at two instants: from the engine to the outbox when
// Commit's transaction is on disk, and from the outbox to the mail server when
// that has answered the final dot with 2xx and the settling transaction is on
// disk. Mails that leave faster than the card writes share that one. A power
// cut before it sends them again, with equal Message-IDs. When the disk fails,
// all of this goes on in memory.
package outbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/notify/rules"
)

// FileName is the store's name within the state directory.
const FileName = "pinbell.db"

// Config is what a Box works with.
type Config struct {
	// Dir is the state directory; empty keeps everything in memory, for a
	// program that sends one mail and ends.
	Dir      string
	Limits   Limits // the owner's, over all roads
	Roads    []Road // in the order in which they are taken; at least one
	Clock    *clock.Clock
	Troubles *notify.Troubles
	Pictures Pictures // nil: nothing is attached
}

// Pictures gets what rules want attached, while the alarm is young.
type Pictures interface {
	Take(notify.Event) // begins to, and does not wait
	Pending(serial uint64) bool
	Files(notify.Event) []notify.Attachment
	Forget(serial uint64)
	Keep(serials []uint64) // forget all others
}

// Box is the outbox. Its methods may be called from any goroutine.
type Box struct {
	Config
	wake chan struct{}

	mu      sync.Mutex
	store   *store
	id      string // of this store, in every mail's ID; empty before the first one
	serial  uint64
	waiting []notify.Event // oldest first
	mails   []*parcel      // oldest first
	ledger  Ledger
	rates   map[string]Ledger // by rule: its mails, where it has a rate of its own
	idle    bool              // the courier could send now, so sealing need not wait for it
	limited string            // the limit that holds mails back; empty: none
	freeAt  time.Time         // when that limit lets the next one through
	last    *Record           // newest accepted mail
	retry   time.Time         // when a failed disk is tried again
	hurry   bool              // the owner wants the waits of the roads to end
	burst   burst
}

const (
	serialKey = "serial"
	ledgerKey = "handed"
	// pairsKey was the ledger's before it had roads: pairs, which would be read
	// as nonsense now.
	pairsKey = "ledger"
	floorKey = "floor"
	idKey    = "id"
)

// Open opens the outbox in its directory. Only ErrInUse, or a directory that
// cannot be had, is an error: with any other fault of the disk the outbox
// works in memory and says so as a trouble.
func Open(c Config) (*Box, error) {
	b := &Box{Config: c, wake: make(chan struct{}, 1), store: newStore(filepath.Join(c.Dir, FileName)), rates: map[string]Ledger{}}
	if c.Dir == "" {
		return b, nil
	}
	err := os.MkdirAll(c.Dir, 0o700)
	if err == nil {
		var aside string
		aside, err = b.store.open()
		if errors.Is(err, ErrInUse) {
			return nil, err
		}
		if aside != "" {
			b.tellAside(aside)
		}
	}
	b.disk(err)
	b.read()
	b.keepPictures()
	return b, nil
}

func (b *Box) tellAside(aside string) {
	b.Troubles.Raise(notify.Trouble{
		Code: "store.aside", About: FileName,
		Sentence: "The store of what is to be told could not be read, so a new one was begun.",
		Doing:    "The old file was kept as " + aside + ". What it had still to tell is not told.",
		Remedy:   "The card may be wearing out: copy what matters from it and replace it soon.",
	})
}

// disk raises or clears the trouble of working without a disk.
func (b *Box) disk(err error) {
	if err == nil {
		b.retry = time.Time{}
		b.Troubles.Clear("store.memory", b.Dir)
		return
	}
	sentence, remedy := b.diskFault(err)
	b.Troubles.Raise(notify.Trouble{
		Code: "store.memory", About: b.Dir, Sentence: sentence, Remedy: remedy,
		Doing: "Alarms go on, kept in memory only: a power cut now would lose what has not been mailed yet. pinbell tries to write every minute.",
	})
	b.retry = time.Now().Add(time.Minute)
}

// diskFault says why nothing can be written, and what helps.
func (b *Box) diskFault(err error) (sentence, remedy string) {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "The disk is full, so nothing can be saved in " + b.Dir + ".",
			"Make room on it: `df -h " + b.Dir + "` shows how full it is."
	case errors.Is(err, syscall.EROFS):
		return "The disk is read-only, so nothing can be saved in " + b.Dir + ".",
			"A failing card does that: look at `dmesg`, and replace the card if it reports errors."
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return "pinbell may not write to its state directory " + b.Dir + ".",
			"The directory and " + FileName + " in it must belong to the user that pinbell runs as: `ls -la " + b.Dir + "`."
	}
	why := err
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		why = errno
	}
	return fmt.Sprintf("Nothing can be saved in %s: %v.", b.Dir, why),
		"Look at the card: `df -h " + b.Dir + "` and `dmesg`."
}

// Close lets go of the file. What was committed is on disk already.
func (b *Box) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Dir == "" {
		return nil
	}
	b.burst.over()
	err := b.store.flush()
	b.store.detach()
	return err
}

// Wake is signalled when there may be something new to send.
func (b *Box) Wake() <-chan struct{} { return b.wake }

// State gives the record under a key of the engine's; nil: none.
func (b *Box) State(key string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.store.live["state/"+key]
}

// NextSerial numbers events. The number becomes durable with the event.
func (b *Box) NextSerial() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serial++
	return b.serial
}

// Commit stores transitions, and where the courier is free and the limits
// allow also the mail that tells them: one transaction for all of it.
func (b *Box) Commit(transitions []rules.Transition) {
	b.mu.Lock()
	for _, t := range transitions {
		b.store.put("state/"+t.Key, t.State)
		b.add(t.Event)
	}
	b.store.put(serialKey, encodeUint(b.serial))
	b.condense()
	if b.idle {
		b.idle = !b.seal(time.Now(), make([]passable, len(b.Roads)))
	}
	b.flush()
	if b.Pictures != nil {
		for _, t := range transitions {
			b.Pictures.Take(t.Event)
		}
	}
	b.mu.Unlock()
	b.Nudge()
}

// Nudge wakes the courier: there may be something to send now.
func (b *Box) Nudge() {
	select {
	case b.wake <- struct{}{}:
	default: // the courier has not yet taken the signal before this one
	}
}

func (b *Box) add(ev notify.Event) {
	b.waiting = append(b.waiting, ev)
	b.store.put(eventKey(ev.Serial), encode(ev))
}

// flush makes what has changed durable, or leaves it in memory and says so.
func (b *Box) flush() {
	b.burst.over()
	if b.Dir == "" {
		return
	}
	if b.store.live[idKey] == nil && b.id != "" {
		b.store.put(idKey, []byte(b.id))
	}
	err := b.store.flush()
	if errors.Is(err, errLate) {
		b.takeUp()
		err = b.store.flush()
	}
	b.disk(err)
	if b.store.aside != "" {
		b.tellAside(b.store.aside)
		b.store.aside = ""
	}
}

// Floor is the newest trusted time at which a mail was accepted; zero if none
// was. The mail server's certificate was valid then: a floor that false time
// servers could set would lock the board out.
func (b *Box) Floor() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := decodeUint(b.store.live[floorKey]); s != 0 {
		return time.Unix(int64(s), 0)
	}
	return time.Time{}
}

func eventKey(serial uint64) string { return fmt.Sprintf("event/%016x", serial) }

func mailKey(id string) string { return "mail/" + id }

func rateKey(rule string) string { return "rate/" + rule }

// encode writes a record of our own types, which always have a JSON form.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func encodeUint(n uint64) []byte { return fmt.Appendf(nil, "%d", n) }

func decodeUint(b []byte) (n uint64) {
	fmt.Sscanf(string(b), "%d", &n) // an unreadable one is zero
	return n
}
