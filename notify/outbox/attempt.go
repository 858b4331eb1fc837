package outbox

import (
	"slices"
	"time"

	"pinbell/notify"
)

// Attempt is one try at a mail, or several in a row that came to the same.
type Attempt struct {
	At      time.Time      `json:"at"`              // the first of them
	Last    time.Time      `json:"last,omitzero"`   // the last of them, where there are several
	Times   int            `json:"times,omitempty"` // how many they are; 0 is one
	Road    string         `json:"road"`            // the server's name
	Verdict notify.Verdict `json:"verdict"`
}

// count is how many attempts it stands for.
func (a Attempt) count() int { return max(a.Times, 1) }

func (a Attempt) like(b Attempt) bool {
	x, y := a.Verdict, b.Verdict
	return a.Road == b.Road && x.Outcome == y.Outcome && x.Step == y.Step && x.Code == y.Code && x.Enhanced == y.Enhanced
}

// maxAttempts bounds what is kept of a mail's attempts: the first ones, which
// say how it began, and the newest.
const maxAttempts = 10

// tried adds an attempt.
func tried(all []Attempt, a Attempt) []Attempt {
	all = slices.Clone(all) // who lists what waits may still read the one before
	if n := len(all); n > 0 && all[n-1].like(a) {
		last := &all[n-1]
		last.Times, last.Last, last.Verdict = last.count()+1, a.At, a.Verdict
		return all
	}
	for len(all) >= maxAttempts {
		all = slices.Delete(all, maxAttempts/2, maxAttempts/2+1)
	}
	return append(all, a)
}

// parcel is a sealed mail on its way.
type parcel struct {
	notify.Mail
	// Handed counts how often it was handed to a server. It is in the store
	// before that is done.
	Handed   int       `json:"handed,omitempty"`
	Attempts []Attempt `json:"attempts,omitempty"` // those before the newest handing

	charge  *Entry    // in the ledger for the handing to come or under way; nil: none
	sending bool      // the courier has it
	tries   int       // verdicts about this mail since the start
	failing time.Time // since when servers have not taken it; zero: none was asked
	next    time.Time // not before; zero: now
	from    int       // the road that it is to try next; those before not before home
	home    time.Time
}

func (p *parcel) last() notify.Verdict {
	if len(p.Attempts) == 0 {
		return notify.Verdict{}
	}
	return p.Attempts[len(p.Attempts)-1].Verdict
}

func (p *parcel) load() load {
	return load{
		severity: severest(p.Events), recipients: len(p.To), from: p.from, home: p.home,
		doubtful: p.last().Outcome == notify.Unknown,
	}
}

// afterRestart keeps a mail that was handed over again and again, without a
// word of what came of it, from being that in every start of a crash loop.
func (p *parcel) afterRestart(now time.Time) {
	if p.Handed > 2 {
		p.next = now.Add(backoff(p.Handed-2, 5*time.Second, 5*time.Minute))
	}
}

// Record is what the log keeps of a mail: the only receipt there is.
type Record struct {
	Mail     string          `json:"mail"`
	To       []string        `json:"to"`
	Sealed   time.Time       `json:"sealed"`
	Settled  time.Time       `json:"settled"`           // when it was accepted, or dropped
	Dropped  bool            `json:"dropped,omitempty"` // by the owner, and not accepted
	Tries    int             `json:"tries"`
	Attempts []Attempt       `json:"attempts,omitempty"` // those before the last one, likes together
	Road     string          `json:"road,omitempty"`     // the server that took it
	Verdict  notify.Verdict  `json:"verdict"`            // the last one
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
	Merged int           `json:"merged,omitempty"` // earlier ones that it stands for
}

func recorded(events []notify.Event) (all []RecordedEvent) {
	for _, ev := range events {
		all = append(all, RecordedEvent{ev.Serial, ev.Kind, ev.Rule, ev.Sensor, ev.Title, ev.At, ev.Merged})
	}
	return all
}

func (p *parcel) record(wall time.Time) Record {
	r := Record{Mail: p.ID, To: p.To, Sealed: p.Sealed, Settled: wall.UTC(), Events: recorded(p.Events)}
	for _, a := range p.Attempts {
		r.Tries += a.count()
	}
	if n := len(p.Attempts); n > 0 {
		r.Attempts, r.Road, r.Verdict = p.Attempts[:n-1], p.Attempts[n-1].Road, p.Attempts[n-1].Verdict
	}
	return r
}
