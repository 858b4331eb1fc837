package notify

import (
	"fmt"
	"time"
)

// Span says how long something took, as people say it: the two largest units,
// the second one only where it adds something. "45 s", "5 min", "1 h 20 min",
// "3 d 4 h". Below a minute it is to the second; a negative span is its length.
func Span(d time.Duration) string {
	d = d.Abs()
	switch {
	case d < time.Minute-time.Second/2:
		return fmt.Sprintf("%d s", d.Round(time.Second)/time.Second)
	case d < 10*time.Minute-time.Second/2:
		return pair(d.Round(time.Second), time.Minute, "min", time.Second, "s")
	case d < time.Hour-time.Minute/2:
		return fmt.Sprintf("%d min", d.Round(time.Minute)/time.Minute)
	case d < 24*time.Hour-time.Minute/2:
		return pair(d.Round(time.Minute), time.Hour, "h", time.Minute, "min")
	}
	const day = 24 * time.Hour
	if years := 2 * 365 * day; d >= years {
		return fmt.Sprintf("%d years", d/(365*day))
	}
	return pair(d.Round(time.Hour), day, "d", time.Hour, "h")
}

func pair(d, large time.Duration, largeName string, small time.Duration, smallName string) string {
	if rest := d % large / small; rest > 0 {
		return fmt.Sprintf("%d %s %d %s", d/large, largeName, rest, smallName)
	}
	return fmt.Sprintf("%d %s", d/large, largeName)
}
