package outbox

import (
	"fmt"
	"strings"
	"time"

	"pinbell/notify"
)

// Status is what waits and what was told, for `pinbell status`.
type Status struct {
	Waiting     int            `json:"waiting"`          // events in no mail yet
	Sealed      int            `json:"sealed"`           // mails on their way
	Oldest      notify.Moment  `json:"oldest,omitzero"`  // of the events that are not told yet
	Limit       string         `json:"limit,omitempty"`  // the limit that holds mails back
	FreeAt      time.Time      `json:"free_at,omitzero"` // when it lets the next one through
	Last        *Record        `json:"last,omitempty"`   // newest accepted mail
	Today       int            `json:"today"`            // mails handed over within 24 hours
	PerDay      int            `json:"per_day"`
	Roads       []RoadStatus   `json:"roads"`                 // in the order in which they are taken
	LastVerdict notify.Verdict `json:"last_verdict,omitzero"` // of a mail that is still on its way
	RetryIn     time.Duration  `json:"retry_in,omitempty"`    // ns until the first of the mails that were put off or refused is tried again; 0: one is due
	Untold      map[uint64]int `json:"untold,omitempty"`      // by incident: how many of its events wait or are on their way
	Memory      bool           `json:"memory_only"`           // the disk does not take anything
}

// RoadStatus is what went by a road within 24 hours, and its caps; 0: none.
type RoadStatus struct {
	Name          string        `json:"name"`
	Mails         int           `json:"mails"`
	Recipients    int           `json:"recipients"`
	MailCap       int           `json:"mail_cap,omitempty"`
	RecipientCap  int           `json:"recipient_cap,omitempty"`
	FailingFor    time.Duration `json:"failing_for,omitempty"` // ns; 0: it works, as far as is known
	NextSessionIn time.Duration `json:"next_session_in,omitempty"`
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
	counts := b.tallies(wall)
	st.Today = counts[len(b.Roads)].day
	for i := range b.Roads {
		r, count := &b.Roads[i], counts[i]
		st.Roads = append(st.Roads, RoadStatus{Name: r.Name, Mails: count.day, Recipients: count.recipients, MailCap: r.Limits.PerDay, RecipientCap: r.Limits.Recipients})
	}
	if len(b.mails) > 0 {
		st.Oldest, st.LastVerdict = b.mails[0].Events[0].At, b.mails[0].last()
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

// tellLimit says that a limit holds mails back. A rule's own rate is what its
// owner wants, and no trouble.
func (b *Box) tellLimit() {
	limit, road, _ := strings.Cut(b.limited, " of ")
	if b.limited == "" || limit == ruleRate || limit == fairShare {
		b.Troubles.Clear("mail.limit", "")
		return
	}
	what := map[string]string{"per_hour": "mails an hour", "per_day": "mails a day", "recipients": "recipients a day"}[limit]
	sentence, remedy := fmt.Sprintf("The limit of %s ([limits] %s) is reached.", what, limit), "raise the limit"
	if road != "" {
		sentence, remedy = fmt.Sprintf("The limit of %s by %s is reached.", what, road), "add a second road ([[mail.fallback]])"
	}
	b.Troubles.Raise(notify.Trouble{
		Code: "mail.limit", Sentence: sentence,
		Doing:  "What waits goes out together, in one mail, as soon as the limit allows. A part is kept for critical rules ([limits] reserve).",
		Remedy: "If this happens often, give the rule that fires so often a longer `for`, an `until` or an `at_most`, or " + remedy + ".",
	})
}
