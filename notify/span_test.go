package notify

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSpanSaysItAsPeopleDo(t *testing.T) {
	const s, m, h, d = time.Second, time.Minute, time.Hour, 24 * time.Hour
	for _, c := range []struct {
		span time.Duration
		want string
	}{
		{0, "0 s"}, {400 * time.Millisecond, "0 s"}, {45 * s, "45 s"}, {59*s + 600*time.Millisecond, "1 min"},
		{m, "1 min"}, {90 * s, "1 min 30 s"}, {5 * m, "5 min"}, {9*m + 59*s + 700*time.Millisecond, "10 min"},
		{12*m + 20*s, "12 min"}, {59*m + 40*s, "1 h"}, {h, "1 h"}, {80 * m, "1 h 20 min"},
		{23*h + 59*m + 40*s, "1 d"}, {d, "1 d"}, {76 * h, "3 d 4 h"}, {12*d + 4*h + 10*m, "12 d 4 h"},
		{56 * 365 * d, "56 years"}, {-5 * m, "5 min"},
	} {
		if got := Span(c.span); got != c.want {
			t.Errorf("Span(%v) = %q, want %q", c.span, got, c.want)
		}
	}
}

func TestSpanNeverSaysSixtyOrTwentyFour(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(2*365*24*time.Hour)).Draw(t, "d"))
		switch got := Span(d); {
		case has(got, "60 s"), has(got, "60 min"), has(got, "24 h"):
			t.Fatalf("Span(%v) = %q", d, got)
		}
	})
}

// has reports whether the unit in text is exactly that.
func has(text, unit string) bool {
	for i := 0; i+len(unit) <= len(text); i++ {
		if text[i:i+len(unit)] == unit && (i == 0 || text[i-1] == ' ') && (i+len(unit) == len(text) || text[i+len(unit)] == ' ') {
			return true
		}
	}
	return false
}
