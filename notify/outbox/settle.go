package outbox

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
)

// Record is what the log keeps of a mail: the only receipt there is.
type Record struct {
	Mail     string          `json:"mail"`
	To       []string        `json:"to"`
	Sealed   time.Time       `json:"sealed"`
	Settled  time.Time       `json:"settled"`
	Attempts int             `json:"attempts"`
	Verdict  notify.Verdict  `json:"verdict"`
	Events   []RecordedEvent `json:"events"`
}

// RecordedEvent is an event as the log keeps it.
type RecordedEvent struct {
	Serial uint64        `json:"serial"`
	Kind   notify.Kind   `json:"kind"`
	Rule   string        `json:"rule,omitempty"`
	Sensor string        `json:"sensor,omitempty"`
	Title  string        `json:"title"`
	At     notify.Moment `json:"at"`
}

// Next gives the mail that is to be sent now, sealing one if that is allowed.
// If there is none it says until when there will be none, unless Wake is
// signalled first.
func (b *Box) Next(now time.Time) (mail notify.Mail, ok bool, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle = false
	if p := b.due(now); p != nil {
		return p.Mail, true, time.Time{}
	}
	if b.seal() {
		b.flush()
		return b.mails[len(b.mails)-1].Mail, true, time.Time{}
	}
	b.tellLimit()
	b.idle = true
	return notify.Mail{}, false, b.nextDue(now)
}

// Busy says that the courier cannot send for now: events wait unsealed, and
// what is over before they can be told goes into one mail.
func (b *Box) Busy() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle = false
}

// Due reports whether there is anything to send now or later.
func (b *Box) Due() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.mails) > 0 || len(b.waiting) > 0
}

// Tend tries a failed disk again when that is due, and dates what waits as
// soon as the time is trusted: after a power cut nobody could any more.
func (b *Box) Tend(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dateWaiting() {
		b.flush()
	}
	if !b.retry.IsZero() && !now.Before(b.retry) {
		b.retry = time.Time{}
		b.flush()
	}
}

// tendBy is when Tend has something to do, if that is before next.
func (b *Box) tendBy(next time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.retry.IsZero() && b.retry.Before(next) {
		return b.retry
	}
	return next
}

func (b *Box) due(now time.Time) *parcel {
	for _, p := range b.mails {
		if !now.Before(p.next) {
			return p
		}
	}
	return nil
}

// nextDue is when Next should be asked again; now plus an hour if nothing is
// known to come.
func (b *Box) nextDue(now time.Time) time.Time {
	next := now.Add(time.Hour)
	for _, p := range b.mails {
		if p.next.Before(next) {
			next = p.next
		}
	}
	if b.limited != "" {
		if wall, _ := b.Clock.Time(); now.Add(b.freeAt.Sub(wall)).Before(next) {
			next = now.Add(max(b.freeAt.Sub(wall), time.Second))
		}
	}
	return next
}

func (b *Box) tellLimit() {
	if b.limited == "" {
		b.Troubles.Clear("mail.limit", "")
		return
	}
	names := map[string]string{
		"per_hour": "The limit of mails an hour ([limits] per_hour) is reached.",
		"per_day":  "The limit of mails a day ([limits] per_day, less the reserve for critical) is reached.",
	}
	sentence, known := names[b.limited]
	if !known {
		sentence = "The provider's limit of recipients a day is reached."
	}
	b.Troubles.Raise(notify.Trouble{
		Code: "mail.limit", Sentence: sentence,
		Doing:  "What waits goes out together, in one mail, as soon as the limit allows.",
		Remedy: "If this happens often, give the rule that fires so often a longer `for` or an `until`, or raise the limit.",
	})
}

// Settle takes the verdict of an attempt at a mail. A verdict about the session
// (Down) charges no mail.
func (b *Box) Settle(id string, v notify.Verdict, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.mails, func(p *parcel) bool { return p.ID == id })
	if i < 0 || v.Outcome == notify.Down {
		return
	}
	p := b.mails[i]
	p.tries++
	p.last = v
	switch v.Outcome {
	case notify.Accepted:
		b.accepted(i, v, now)
	case notify.Unknown:
		p.next = now.Add(backoff(p.tries, 5*time.Second, 10*time.Minute))
	case notify.Refused:
		// For good, says the server; but a spam filter's mood and an owner's
		// repair both undo that, and an event must not be lost to either.
		p.next = now.Add(max(v.Wait, backoff(2*p.tries, 30*time.Second, day)))
	default:
		p.next = now.Add(max(v.Wait, backoff(p.tries, 15*time.Second, 30*time.Minute)))
	}
}

// accepted moves a mail to the log. Recipients that were put off get the same
// mail later.
func (b *Box) accepted(i int, v notify.Verdict, now time.Time) {
	p := b.mails[i]
	wall, trust := b.Clock.Time()
	if trust == clock.Trusted {
		b.store.put(floorKey, encodeUint(uint64(wall.Unix())))
	}
	r := record(p, v, wall)
	b.last = &r
	b.store.record(encode(r))
	p.To = later(v.Rejected)
	if len(p.To) > 0 {
		p.next = now.Add(max(v.Wait, backoff(p.tries, 15*time.Second, 30*time.Minute)))
		b.store.put(mailKey(p.ID), encode(p.Mail))
	} else {
		b.mails = slices.Delete(b.mails, i, i+1)
		b.store.put(mailKey(p.ID), nil)
	}
	b.flush()
}

// later lists the recipients that were refused for now.
func later(rejected []notify.Rejection) (to []string) {
	for _, r := range rejected {
		if !r.Permanent {
			to = append(to, r.To)
		}
	}
	return to
}

func record(p *parcel, v notify.Verdict, wall time.Time) Record {
	r := Record{Mail: p.ID, To: p.To, Sealed: p.Sealed, Settled: wall.UTC(), Attempts: p.tries, Verdict: v}
	for _, ev := range p.Events {
		r.Events = append(r.Events, RecordedEvent{ev.Serial, ev.Kind, ev.Rule, ev.Sensor, ev.Title, ev.At})
	}
	return r
}

// backoff doubles from first to most, and strays by a fifth, so that boards
// which lost one power line do not come back in step.
func backoff(tries int, first, most time.Duration) time.Duration {
	wait := most
	if tries < 30 {
		wait = min(first<<max(tries-1, 0), most)
	}
	return time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64()))
}

// Log gives the newest n records of mails that were accepted, newest first.
func (b *Box) Log(n int) ([]Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log(n)
}

func (b *Box) log(n int) (records []Record, err error) {
	raw, err := b.store.newest(n)
	for _, data := range raw {
		var r Record
		if json.Unmarshal(data, &r) == nil {
			records = append(records, r)
		}
	}
	return records, err
}

// Status is what waits and what was told, for `pinbell status`.
type Status struct {
	Waiting     int            `json:"waiting"`          // events in no mail yet
	Sealed      int            `json:"sealed"`           // mails on their way
	Oldest      notify.Moment  `json:"oldest,omitzero"`  // of the events that are not told yet
	Limit       string         `json:"limit,omitempty"`  // the limit that holds mails back
	FreeAt      time.Time      `json:"free_at,omitzero"` // when it lets the next one through
	Last        *Record        `json:"last,omitempty"`   // newest accepted mail
	Today       int            `json:"today"`            // mails sealed within 24 hours
	PerDay      int            `json:"per_day"`
	LastVerdict notify.Verdict `json:"last_verdict,omitzero"` // of a mail that is still on its way
	RetryIn     time.Duration  `json:"retry_in,omitempty"`    // ns until the first of the mails that were put off or refused is tried again; 0: one is due
	Untold      map[uint64]int `json:"untold,omitempty"`      // by incident: how many of its events wait or are on their way
	Memory      bool           `json:"memory_only"`           // the disk does not take anything
}

// Status copies what is known now.
func (b *Box) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	wall, _ := b.Clock.Time()
	st := Status{
		Waiting: len(b.waiting), Sealed: len(b.mails), Limit: b.limited, Last: b.last, PerDay: b.Limits.PerDay,
		Memory: b.Dir != "" && b.store.db == nil,
	}
	if b.limited != "" {
		st.FreeAt = b.freeAt
	}
	st.Today, _ = b.ledger.Within(wall, day)
	if len(b.mails) > 0 {
		st.Oldest, st.LastVerdict = b.mails[0].Events[0].At, b.mails[0].last
	} else if len(b.waiting) > 0 {
		st.Oldest = b.waiting[0].At
	}
	st.RetryIn = b.retryIn(time.Now())
	st.Untold = b.untold()
	return st
}

// retryIn is how long no sealed mail is due.
func (b *Box) retryIn(now time.Time) (wait time.Duration) {
	for i, p := range b.mails {
		if left := max(0, p.next.Sub(now)); i == 0 || left < wait {
			wait = left
		}
	}
	return wait
}

func (b *Box) untold() map[uint64]int {
	n := map[uint64]int{}
	for _, ev := range b.waiting {
		n[ev.Incident] += 1 + ev.Merged
	}
	for _, p := range b.mails {
		for _, ev := range p.Events {
			n[ev.Incident] += 1 + ev.Merged
		}
	}
	return n
}
