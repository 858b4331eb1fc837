package outbox

import (
	"encoding/binary"
	"slices"
	"time"

	"pinbell/notify"
)

// Limits bound how many mails are handed to servers. They hold over any window
// of an hour and of 24 hours, not over calendar days, so that midnight opens
// no flood. Zero bounds nothing.
type Limits struct {
	PerHour    int     // mails
	PerDay     int     // mails
	Recipients int     // a day, counting every RCPT
	Reserve    float64 // 0 to 1: the part of each that is kept for critical
}

// Ledger remembers what was handed over within the last 24 hours, and what may
// have been. An entry is in the store before its mail is sent: a crash loop
// cannot become a mail storm.
type Ledger []Entry

// Entry is one mail's way to one server.
type Entry struct {
	At         int64 // Unix seconds, by the time that mails' dates are from
	Recipients int
	Road       uint32 // its mark
}

const day = 24 * time.Hour

// fresh is how long a mail that was counted may wait for its handing over
// before it has to be counted anew. Windows are longer by as much.
const fresh = 2 * time.Second

// isFresh reports whether a mail that was counted then may go now.
func (e Entry) isFresh(now time.Time) bool {
	age := now.Unix() - e.At
	return age >= 0 && age < int64(fresh/time.Second)
}

// Add counts a mail and forgets what is older than a day. An entry from
// further ahead than a day was written by a clock that was wrong.
func (l Ledger) Add(e Entry) Ledger {
	kept := slices.DeleteFunc(slices.Clone(l), func(old Entry) bool {
		return old.At < e.At-int64((day+fresh)/time.Second) || old.At > e.At+int64(day/time.Second)
	})
	return append(kept, e)
}

// Without takes an entry back: its mail was not taken.
func (l Ledger) Without(e Entry) Ledger {
	if i := slices.Index(l, e); i >= 0 {
		return slices.Delete(slices.Clone(l), i, i+1)
	}
	return l
}

// tally is what a ledger comes to at an instant, for one road or for all.
type tally struct {
	now                   time.Time
	hour, day, recipients int
	// oldest are the first entries of the windows, in Unix seconds; 0: none.
	oldestOfHour, oldestOfDay int64
}

// anyRoad is the mark of none.
const anyRoad = 0

// tally counts the windows that end now, with the whole second that they begin
// in: an entry may be of its end. Entries of the next day count too:
// the clock may have gone back.
func (l Ledger) tally(now time.Time, road uint32) tally {
	t := tally{now: now}
	soon := now.Add(time.Hour).Unix() // a clock that went back must not close the hour for longer
	hour, today, tomorrow := now.Add(-time.Hour-fresh).Unix(), now.Add(-day-fresh).Unix(), now.Add(day).Unix()
	for _, e := range l {
		if e.At < today || e.At > tomorrow || road != anyRoad && e.Road != road {
			continue
		}
		t.day++
		t.recipients += e.Recipients
		if t.oldestOfDay == 0 || e.At < t.oldestOfDay {
			t.oldestOfDay = e.At
		}
		if e.At < hour || e.At > soon {
			continue
		}
		t.hour++
		if t.oldestOfHour == 0 || e.At < t.oldestOfHour {
			t.oldestOfHour = e.At
		}
	}
	return t
}

// allows reports whether one more mail to so many recipients may go; if not,
// when to ask again and which limit says so. A single mail to more than the
// day's recipients goes when nothing else did: it would wait for ever.
func (t tally) allows(limits Limits, severity notify.Severity, recipients int) (ok bool, again time.Time, limit string) {
	limits = limits.less(severity)
	switch {
	case limits.PerHour > 0 && t.hour >= limits.PerHour:
		return false, t.leaves(t.oldestOfHour, time.Hour), "per_hour"
	case limits.PerDay > 0 && t.day >= limits.PerDay:
		return false, t.leaves(t.oldestOfDay, day), "per_day"
	case limits.Recipients > 0 && t.day > 0 && t.recipients+recipients > limits.Recipients:
		return false, t.leaves(t.oldestOfDay, day), "recipients"
	}
	return true, time.Time{}, ""
}

// leaves is when the oldest entry of the window drops out of it.
func (t tally) leaves(oldest int64, window time.Duration) time.Time {
	if oldest == 0 {
		return t.now.Add(window)
	}
	return time.Unix(oldest, 0).Add(window + fresh + time.Second)
}

// less is what the limits leave to mails that may not use the reserve. An
// hour's reserve is rounded down, so that a small limit is what it says.
func (l Limits) less(severity notify.Severity) Limits {
	if severity == notify.Critical {
		return l
	}
	l.PerHour -= int(float64(l.PerHour) * l.Reserve)
	l.PerDay -= min(max(l.PerDay-1, 0), int(float64(l.PerDay)*l.Reserve+0.5))
	l.Recipients -= int(float64(l.Recipients) * l.Reserve)
	return l
}

// encode writes the ledger as varints: seconds since the entry before,
// recipients, and the road's mark.
func (l Ledger) encode() []byte {
	var b []byte
	last := int64(0)
	for _, e := range l {
		b = binary.AppendVarint(b, e.At-last)
		b = binary.AppendUvarint(b, uint64(e.Recipients))
		b = binary.AppendUvarint(b, uint64(e.Road))
		last = e.At
	}
	return b
}

// decodeLedger reads what encode wrote; what does not read ends it.
func decodeLedger(b []byte) (l Ledger) {
	last := int64(0)
	for len(b) > 0 {
		delta, n := binary.Varint(b)
		if n <= 0 {
			return l
		}
		recipients, m := binary.Uvarint(b[n:])
		if m <= 0 || recipients > 1e6 {
			return l
		}
		road, k := binary.Uvarint(b[n+m:])
		if k <= 0 || road > 1<<32-1 {
			return l
		}
		last += delta
		l = append(l, Entry{At: last, Recipients: int(recipients), Road: uint32(road)})
		b = b[n+m+k:]
	}
	return l
}
