package mail

import (
	"time"

	"pinbell/notify"
)

const undated = "at an unknown time before the last start of the board"

// when says the whole date: "Sat 14 Nov 2026 22:41:07 GMT".
func (l letter) when(m notify.Moment) string {
	return l.dated(m, "Mon 2 Jan 2006 15:04:05 MST")
}

// clock is when without the year, for tables.
func (l letter) clock(m notify.Moment) string {
	if m.Undated {
		return "(time unknown)"
	}
	return l.dated(m, "Mon 2 Jan 15:04:05 MST")
}

func (l letter) dated(m notify.Moment, layout string) string {
	switch {
	case m.Undated:
		return undated
	case m.IsZero():
		return "at an unknown time"
	}
	s := m.Wall.In(l.location()).Format(layout)
	if !m.Trusted && l.Checked {
		s += " (unchecked)"
	}
	return s
}

// brief says a time as shortly as it is clear on the day of the mail: "22:41",
// "Sat 22:41", "14 Nov 22:41".
func (l letter) brief(m notify.Moment) string {
	t, sealed := m.Wall.In(l.location()), l.Sealed.In(l.location())
	age := sealed.Sub(t).Abs()
	switch {
	case age < 24*time.Hour && t.YearDay() == sealed.YearDay():
		return t.Format("15:04")
	case age < 6*24*time.Hour:
		return t.Format("Mon 15:04")
	case age < 300*24*time.Hour:
		return t.Format("2 Jan 15:04")
	}
	return t.Format("2 Jan 2006")
}

// late is how old an event may be before its subject says when it was.
const late = 10 * time.Minute

func (l letter) isLate(m notify.Moment) bool {
	return m.Undated || !m.IsZero() && l.Sealed.Sub(m.Wall).Abs() > late
}

// stamp is the end of a subject whose event is not of now.
func (l letter) stamp(m notify.Moment) string {
	switch {
	case m.Undated:
		return " (time unknown)"
	case l.isLate(m):
		return " at " + l.brief(m)
	}
	return ""
}

// between is the time from one moment to a later one, 0 if it cannot be told.
// Within one start of the board it does not depend on any clock being right.
func between(from, to notify.Moment) time.Duration {
	switch {
	case from.IsZero() || to.IsZero():
		return 0
	case from.Boot != "" && from.Boot == to.Boot:
		return max(0, to.Up-from.Up)
	case from.Undated || to.Undated:
		return 0
	}
	return max(0, to.Wall.Sub(from.Wall))
}
