package outbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
)

// Waiting is a mail on its way, or an event in no mail yet: what it is, for how
// long, why it is not told, and when that is tried next.
type Waiting struct {
	ID       string          `json:"id"`              // of the mail; an event's serial
	Mail     bool            `json:"mail"`            // sealed
	To       []string        `json:"to"`              // whom it has not reached
	Since    notify.Moment   `json:"since"`           // when the oldest of its events happened
	Events   []RecordedEvent `json:"events"`          // oldest first
	Why      string          `json:"why"`             // a few words: "put off by smtp.mail.me.com: 451 try later"
	NextIn   time.Duration   `json:"next_in"`         // ns until it is tried; 0: as soon as the road is free
	Sending  bool            `json:"sending"`         // it is on the line now
	Tries    int             `json:"tries"`           // so far
	Attempts []Attempt       `json:"attempts"`        // likes together
	Severity notify.Severity `json:"severity"`        // of the gravest event
	Limit    string          `json:"limit,omitempty"` // the limit that holds it back
}

// Waiting lists what is not told, oldest first.
func (b *Box) Waiting() []Waiting {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	wall, trust := b.Clock.Time()
	var all []Waiting
	for _, p := range b.mails {
		w := Waiting{
			ID: p.ID, Mail: true, To: p.To, Since: p.Events[0].At, Events: recorded(p.Events), Sending: p.sending,
			NextIn: max(0, p.next.Sub(now)), Tries: p.tries, Attempts: p.Attempts, Severity: severest(p.Events), Why: p.why(),
		}
		if b.pending(p) {
			w.Why = "what it is to bring along is being fetched"
		}
		all = append(all, w)
	}
	for _, ev := range b.waiting {
		w := Waiting{
			ID: strconv.FormatUint(ev.Serial, 10), To: ev.To, Since: ev.At, Events: recorded([]notify.Event{ev}), Severity: ev.Severity,
			Why: "in no mail yet: the mail before it is not through",
		}
		again, ok := b.rate(&ev, wall)
		switch {
		case trust == clock.Unknown:
			w.Why = "until the time is known: TLS and the mail's date need it"
		case !ok:
			w.Limit, w.NextIn = rateName(&ev)+" of "+ev.Rule, max(0, again.Sub(wall))
			rate := b.rateFor(&ev)
			w.Why = fmt.Sprintf("its rule had %d mails within %s, and has no more for now", rate.Mails, notify.Span(rate.Per))
		case b.limited != "":
			w.Limit, w.NextIn = b.limited, max(0, b.freeAt.Sub(wall))
			w.Why = "the limit " + b.limited + " is reached"
		}
		all = append(all, w)
	}
	slices.SortStableFunc(all, func(x, y Waiting) int { return int(x.Events[0].Serial) - int(y.Events[0].Serial) })
	return all
}

// why says what came of a mail's newest attempt.
func (p *parcel) why() string {
	if len(p.Attempts) == 0 {
		return "not tried yet"
	}
	a := p.Attempts[len(p.Attempts)-1]
	said := a.Verdict.Reply
	if a.Verdict.Code != 0 {
		said = fmt.Sprintf("%d %s", a.Verdict.Code, said)
	}
	words := map[notify.Outcome]string{
		notify.Refused: "refused by ", notify.Deferred: "put off by ", notify.Unknown: "no receipt from ", notify.Down: "no way by ",
		notify.Accepted: "still to reach some recipients by ",
	}
	return fmt.Sprintf("%s%s (%s): %s", words[a.Verdict.Outcome], a.Road, a.Verdict.Step, said)
}

// Retry ends the waits of one mail, or of all with an empty ID, and of the
// roads. It reports whether there is such a mail.
func (b *Box) Retry(id string) bool {
	b.mu.Lock()
	found := id == ""
	for _, p := range b.mails {
		if id == "" || p.ID == id {
			p.next, p.from, p.home, found = time.Time{}, 0, time.Time{}, true
		}
	}
	b.hurry = b.hurry || found
	b.mu.Unlock()
	b.Nudge()
	return found
}

// hurried reports, once, that the owner wants no more waiting.
func (b *Box) hurried() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.hurry
	b.hurry = false
	return was
}

// Drop gives up a mail by its ID, or an event in no mail yet by its serial, on
// the owner's word. The log keeps that.
func (b *Box) Drop(id string) (Record, error) {
	defer b.Nudge() // others may have waited for it
	b.mu.Lock()
	defer b.mu.Unlock()
	wall, _ := b.Clock.Time()
	if p := b.parcel(id); p != nil {
		if p.sending {
			return Record{}, fmt.Errorf("mail %s is on the line just now: see in a minute what came of it", id)
		}
		r := p.record(wall)
		r.Dropped = true
		b.uncharge(p)
		b.remove(p)
		b.store.record(encode(r))
		b.flush()
		return r, nil
	}
	i := slices.IndexFunc(b.waiting, func(ev notify.Event) bool { return strconv.FormatUint(ev.Serial, 10) == id })
	if i < 0 {
		return Record{}, fmt.Errorf("nothing waits under %q: `pinbell outbox` lists what does", id)
	}
	ev := b.waiting[i]
	r := Record{Mail: "", To: ev.To, Settled: wall.UTC(), Dropped: true, Events: recorded([]notify.Event{ev})}
	b.waiting = slices.Delete(b.waiting, i, i+1)
	b.store.put(eventKey(ev.Serial), nil)
	if b.Pictures != nil {
		b.Pictures.Forget(ev.Serial)
	}
	b.store.record(encode(r))
	b.flush()
	return r, nil
}

// Log gives the newest n records of mails, newest first. Alarms do not wait
// while they are read.
func (b *Box) Log(n int) ([]Record, error) {
	b.mu.Lock()
	raw, err := b.store.newest(n)
	b.mu.Unlock()
	return decodeRecords(raw), err
}

// decodeRecords leaves out what a newer pinbell wrote in a form of its own.
func decodeRecords(raw [][]byte) (records []Record) {
	for _, data := range raw {
		var r Record
		if json.Unmarshal(data, &r) == nil {
			records = append(records, r)
		}
	}
	return records
}

// newestAccepted looks a little way back in the log; nil: it has none there.
func (b *Box) newestAccepted() *Record {
	raw, _ := b.store.newest(32) // what cannot be read is not shown
	for _, r := range decodeRecords(raw) {
		if !r.Dropped {
			return &r
		}
	}
	return nil
}
