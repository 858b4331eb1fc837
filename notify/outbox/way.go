package outbox

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strings"
	"time"

	"pinbell/notify"
	"pinbell/notify/smtp"
)

// way is what the courier knows of a road.
//
//	open ──session fails, or the account is refused──► waiting ──openAt──► open
//
// since stays until a session comes about: with a mail, or when the courier
// looks whether the road works again.
type way struct {
	session  Session          // of this round; nil: none
	downs    int              // failures in a row
	refusals int              // refused logins in a row
	since    time.Time        // of the first of them; zero: the road works
	openAt   time.Time        // no session before this
	told     []notify.Trouble // raised for this road, and not over
	refused  notify.Secret    // the password that was refused; empty: none was
}

// The waits between sessions that failed.
const (
	firstRetry = 2 * time.Second
	lastRetry  = 5 * time.Minute
	// longestCalm is the longest wait after refused logins, which begins with
	// the verdict's and doubles: whoever hammers an account gets it locked.
	longestCalm = 12 * time.Hour
)

// passwordLook is how often a refused password is compared with the one that
// is there now.
const passwordLook = 15 * time.Second

// learn draws from a verdict what it says about the road.
func (w *way) learn(v notify.Verdict, now time.Time, road *Road) {
	w.refused = ""
	if v.Step == "auth" && road.Password != nil {
		w.refused, _ = road.Password() // one that cannot be read is a trouble of its own
	}
	if v.Outcome != notify.Down && !v.Account {
		w.downs, w.refusals, w.since, w.openAt = 0, 0, time.Time{}, time.Time{}
		return
	}
	w.downs++
	if w.since.IsZero() {
		w.since = now
	}
	wait := v.Wait
	if smtp.RefusedLogin(v) {
		wait = min(v.Wait<<min(w.refusals, 6), longestCalm)
		w.refusals++
	}
	w.openAt = now.Add(max(wait, backoff(w.downs, firstRetry, lastRetry)))
	if w.session != nil {
		w.session.Close()
		w.session = nil
	}
}

// newPassword reports whether the owner has replaced a password that was
// refused: then there is nothing to wait for.
func (w *way) newPassword(road *Road) bool {
	if w.refused == "" || road.Password == nil {
		return false
	}
	secret, err := road.Password()
	if err != nil || secret == w.refused {
		return false
	}
	w.refusals = 0
	return true
}

// domain is what stands behind an address's @.
func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// refusal is what the store keeps of logins that were refused, so that a
// program which is started again and again does not hammer the account.
type refusal struct {
	At    time.Time `json:"at"`
	Times int       `json:"times"` // in a row
	Mark  uint32    `json:"mark"`  // of the password, too short to find it by
}

// After so many refused logins in a row a new start waits with the next one.
// Both are small: whoever starts pinbell again has mostly mended something.
const (
	refusalsAtStart = 3
	calmAtStart     = 10 * time.Minute
)

func refusalKey(road *Road) string { return "login/" + road.Name }

// recall takes up what the store knows of a road's refused logins. Another
// password has not been refused.
func (b *Box) recall(w *way, road *Road, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var r refusal
	if json.Unmarshal(b.store.live[refusalKey(road)], &r) != nil || r.Mark != b.mark(road) {
		return
	}
	wall, _ := b.Clock.Time()
	w.refusals = r.Times
	if ago := wall.Sub(r.At); r.Times >= refusalsAtStart && ago >= 0 && ago < calmAtStart {
		w.openAt, w.since = now.Add(calmAtStart-ago), now
		if road.Password != nil {
			w.refused, _ = road.Password()
		}
	}
}

// remember keeps a road's refused logins, or that they are over.
func (b *Box) remember(w *way, road *Road) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := refusalKey(road)
	switch wall, _ := b.Clock.Time(); {
	case w.refusals > 0:
		b.store.put(key, encode(refusal{wall.UTC(), w.refusals, b.mark(road)}))
	case b.store.live[key] != nil:
		b.store.put(key, nil)
	default:
		return
	}
	b.flush()
}

// mark tells a road's password from another one.
func (b *Box) mark(road *Road) uint32 {
	if road.Password == nil {
		return 0
	}
	secret, err := road.Password()
	if err != nil {
		return 0
	}
	sum := sha256.Sum256([]byte(b.name() + "\x00" + secret.Reveal()))
	return binary.BigEndian.Uint32(sum[:])
}
