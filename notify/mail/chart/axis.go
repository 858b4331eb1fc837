package chart

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// scale is the range of values that is shown, and which of them are named.
type scale struct {
	from, to float64
	ticks    []float64
}

// scale makes room for all readings and the limit, with some air around them.
// A flat line lies in the middle.
func (c Chart) scale(course Course) scale {
	low, high := course.Lowest, course.Highest
	if c.limited() {
		low, high = min(low, c.Limit), max(high, c.Limit)
	}
	air := (high - low) * 0.12
	if least := max(math.Abs(low), math.Abs(high), 1) * 1e-6; air < least { // float32 has no finer steps
		air = max(math.Abs(high)*0.05, 0.5)
	}
	s := scale{from: low - air, to: high + air}
	s.ticks = ticks(s.from, s.to)
	return s
}

// ticks are round values in a range: three to six of them.
func ticks(from, to float64) (list []float64) {
	const wanted = 4
	raw := (to - from) / wanted
	size := math.Pow(10, math.Floor(math.Log10(raw)))
	step := size
	for _, factor := range []float64{1, 2, 2.5, 5, 10} {
		if step = size * factor; step >= raw {
			break
		}
	}
	for k := math.Ceil(from / step); k*step <= to && len(list) < 12; k++ {
		list = append(list, k*step+0) // no negative zero
	}
	return list
}

// Number writes an axis' value: no more digits than it needs.
func Number(v float64) string {
	switch a := math.Abs(v); {
	case a != 0 && (a >= 1e6 || a < 1e-4):
		return strconv.FormatFloat(v, 'g', 3, 64)
	default:
		return strconv.FormatFloat(math.Round(v*1e6)/1e6+0, 'f', -1, 64)
	}
}

// instant is a place on the time axis.
type instant struct {
	ago   time.Duration
	label string
}

// maxInstants is how many labels there is room for.
const maxInstants = 6

var roundSpans = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

const day = 24 * time.Hour

// instants are round times of day, oldest first; without a time, round spans
// before the end.
func (p *plot) instants() (list []instant) {
	each := apart(p.Span)
	if p.End.IsZero() {
		for ago := each * (p.Span / each); ago >= 0; ago -= each {
			list = append(list, instant{ago, before(ago)})
		}
		return list
	}
	for t := dawn(p.End.Add(-p.Span), each); !t.After(p.End) && len(list) < 4*maxInstants; t = following(t, each) {
		if ago := p.End.Sub(t); ago <= p.Span {
			list = append(list, instant{ago, label(t, each)})
		}
	}
	return list
}

// apart is the round span of which there are no more than there is room for.
func apart(span time.Duration) time.Duration {
	for _, each := range roundSpans {
		if span/each < maxInstants {
			return each
		}
	}
	days := span/(maxInstants*day) + 1
	return days * day
}

// dawn is the last round time of day at or before t, by the clock on the wall.
func dawn(t time.Time, each time.Duration) time.Time {
	y, m, d := t.Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, t.Location())
	if each >= day {
		return midnight
	}
	passed := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
	return time.Date(y, m, d, 0, 0, int(passed/each*each/time.Second), 0, t.Location())
}

// following is the next round time of day. On the day on which an hour comes
// twice or not at all, it is the next one that exists and is later.
func following(t time.Time, each time.Duration) time.Time {
	y, m, d := t.Date()
	seconds := t.Hour()*3600 + t.Minute()*60 + t.Second()
	for n := 1; n < 10; n++ {
		next := time.Date(y, m, d, 0, 0, seconds+n*int(each/time.Second), 0, t.Location())
		if each >= day {
			next = time.Date(y, m, d+n*int(each/day), 0, 0, 0, 0, t.Location())
		}
		if next.After(t) {
			return next
		}
	}
	return t.Add(each)
}

func label(t time.Time, each time.Duration) string {
	switch midnight := t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0; {
	case each >= day:
		return t.Format("2 Jan")
	case midnight:
		return t.Format("Mon 2")
	case each < time.Minute:
		return t.Format("15:04:05")
	}
	return t.Format("15:04")
}

// before says how long before the end: "-2 h", and "end" for the end itself.
func before(ago time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"d", day}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	i := slices.IndexFunc(units, func(u struct {
		name string
		size time.Duration
	}) bool {
		return ago >= u.size && ago%u.size == 0
	})
	if i < 0 {
		return "end"
	}
	return "-" + strconv.FormatInt(int64(ago/units[i].size), 10) + " " + units[i].name
}
