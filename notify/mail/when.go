package mail

import (
	"time"

	"pinbell/notify"
)

const undated = "at an unknown time before the last start of the board"

// when says the whole date: "Sat 14 Nov 2026 22:41:07 GMT".
func (l letter) when(m notify.Moment) string {
	return l.dated(m, "Mon 2 Jan 2006 15:04:05")
}

// clock is when without the year, for tables.
func (l letter) clock(m notify.Moment) string {
	if m.Undated {
		return "(time unknown)"
	}
	return l.dated(m, "Mon 2 Jan 15:04:05")
}

func (l letter) dated(m notify.Moment, layout string) string {
	switch {
	case m.Undated:
		return undated
	case m.IsZero():
		return "at an unknown time"
	}
	t := m.Wall.In(l.location())
	s := t.Format(layout) + " " + zoneOf(t)
	if !m.Trusted && l.Checked {
		s += " (unchecked)"
	}
	return s
}

// zones are the names of zones that people know, and the offset that they mean
// by them, in minutes. Elsewhere the same letters may mean another zone: IST is
// India's time, Ireland's and Israel's.
var zones = map[string]int{
	"UTC": 0, "GMT": 0, "BST": 60, "WET": 0, "WEST": 60, "CET": 60, "CEST": 120, "EET": 120, "EEST": 180, "MSK": 180,
	"EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
	"AKST": -540, "AKDT": -480, "HST": -600, "JST": 540, "AWST": 480, "ACST": 570, "ACDT": 630,
	"AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
}

// zoneOf names a time's zone, or gives its offset.
func zoneOf(t time.Time) string {
	name, offset := t.Zone()
	if minutes, known := zones[name]; known && minutes*60 == offset {
		return name
	}
	return t.Format("-0700")
}

// short is the time of day: "22:41".
func (l letter) short(m notify.Moment) string {
	if m.Undated || m.IsZero() {
		return ""
	}
	return m.Wall.In(l.location()).Format("15:04")
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
