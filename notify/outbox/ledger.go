package outbox

import (
	"encoding/binary"
	"slices"
	"time"

	"pinbell/notify"
)

// Limits bound how many mails are sealed. They hold over any window of an hour
// and of 24 hours, not over calendar days, so that midnight opens no flood.
type Limits struct {
	PerHour    int     // mails
	PerDay     int     // mails
	Reserve    float64 // 0 to 1: the part of PerDay that is kept for critical
	Recipients int     // the provider's cap a day, counting every RCPT; 0: none
}

// Ledger remembers what was sealed within the last 24 hours. It is kept in
// the store: a crash loop cannot become a mail storm.
type Ledger []Entry

// Entry is one sealed mail.
type Entry struct {
	At         int64 // Unix seconds, by the time that the mail's Date is from
	Recipients int
}

const day = 24 * time.Hour

// Add counts a mail and forgets what is older than a day. An entry from
// further ahead than a day was written by a clock that was wrong.
func (l Ledger) Add(e Entry) Ledger {
	kept := slices.DeleteFunc(slices.Clone(l), func(old Entry) bool {
		return old.At <= e.At-int64(day/time.Second) || old.At > e.At+int64(day/time.Second)
	})
	return append(kept, e)
}

// Within counts mails and recipients in the window that ends now. Entries of
// the next day count too: the clock may have gone back.
func (l Ledger) Within(now time.Time, window time.Duration) (mails, recipients int) {
	from, until := now.Add(-window).Unix(), now.Add(day).Unix()
	for _, e := range l {
		if e.At > from && e.At <= until {
			mails++
			recipients += e.Recipients
		}
	}
	return mails, recipients
}

// Allows reports whether one more mail to so many recipients may be sealed
// now; if not, when to ask again and which limit says so.
func (l Ledger) Allows(limits Limits, now time.Time, severity notify.Severity, recipients int) (ok bool, again time.Time, limit string) {
	perDay := limits.PerDay
	if severity != notify.Critical {
		perDay -= int(float64(limits.PerDay)*limits.Reserve + 0.5)
	}
	hour, _ := l.Within(now, time.Hour)
	mails, addressed := l.Within(now, day)
	switch {
	case hour >= limits.PerHour:
		return false, l.leaves(now, time.Hour), "per_hour"
	case mails >= perDay:
		return false, l.leaves(now, day), "per_day"
	case limits.Recipients > 0 && mails > 0 && addressed+recipients > limits.Recipients:
		return false, l.leaves(now, day), "recipients"
	}
	return true, time.Time{}, ""
}

// leaves is when the oldest entry of the window drops out of it. There may be
// none, where a limit is zero: then an hour from now is soon enough to ask.
func (l Ledger) leaves(now time.Time, window time.Duration) time.Time {
	oldest := int64(0)
	for _, e := range l {
		if e.At > now.Add(-window).Unix() && (oldest == 0 || e.At < oldest) {
			oldest = e.At
		}
	}
	if oldest == 0 {
		return now.Add(time.Hour)
	}
	return time.Unix(oldest, 0).Add(window + time.Second)
}

// encode writes the ledger as pairs of varints: seconds since the entry
// before, and recipients.
func (l Ledger) encode() []byte {
	var b []byte
	last := int64(0)
	for _, e := range l {
		b = binary.AppendVarint(b, e.At-last)
		b = binary.AppendUvarint(b, uint64(e.Recipients))
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
		last += delta
		l = append(l, Entry{At: last, Recipients: int(recipients)})
		b = b[n+m:]
	}
	return l
}
