package config

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxDuration bounds what has no bound of its own.
const maxDuration = 10 * 365 * 24 * time.Hour

// duration reads text like "90s". A bare number would leave the unit open.
// Unless min says otherwise, a duration is more than nothing.
func (c *check) duration(path string, in any, out reflect.Value, tag tags) {
	text, ok := in.(string)
	if !ok {
		c.wrong(path, durationHint(path, fmt.Sprint(in), tag), "durations are text with a unit")
		return
	}
	d, err := time.ParseDuration(text)
	least, leastErr := time.ParseDuration(tag.Get("min"))
	most, mostErr := time.ParseDuration(tag.Get("max"))
	if mostErr != nil {
		most = maxDuration
	}
	switch {
	case err != nil && text == "":
		c.wrong(path, durationHint(path, text, tag), "this is empty")
	case err != nil:
		c.wrong(path, durationHint(path, text, tag), "%s is not a duration", shown(text))
	case d < 0:
		c.wrong(path, durationHint(path, strings.TrimLeft(text, "-"), tag), "this is a negative duration")
	case leastErr != nil && d == 0:
		c.wrong(path, durationHint(path, strings.TrimLeft(text, "+-0"), tag), "this must be longer than nothing")
	case leastErr == nil && d < least:
		c.wrong(path, "", "%s is too short, the least is %s", text, brief(least))
	case d > most:
		c.wrong(path, "", "%s is too long, the most is %s", text, brief(most))
	default:
		out.SetInt(int64(d))
	}
}

var (
	loose = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Zµ]*)\.?$`)
	units = map[string]time.Duration{
		"millisecond": time.Millisecond, "msec": time.Millisecond, "ms": time.Millisecond,
		"second": time.Second, "sec": time.Second, "s": time.Second,
		"minute": time.Minute, "min": time.Minute, "m": time.Minute,
		"hour": time.Hour, "hr": time.Hour, "h": time.Hour,
		"day": 24 * time.Hour, "d": 24 * time.Hour, "week": 7 * 24 * time.Hour, "w": 7 * 24 * time.Hour,
	}
)

// durationHint shows how what was probably meant is written; an entry of a
// list is shown without its key.
func durationHint(path, text string, tag tags) string {
	unit := tag.Get("unit")
	if unit == "" {
		unit = "m"
	}
	guess := "5" + unit
	if d, ok := meant(text, unit); ok {
		guess = brief(d)
	}
	if strings.HasSuffix(path, "]") {
		return fmt.Sprintf("Try %q.", guess)
	}
	return fmt.Sprintf("Try %s = %q.", leaf(path), guess)
}

// meant reads a length of time in any of the ways in which people write one;
// a bare number counts in unit.
func meant(text, unit string) (time.Duration, bool) {
	m := loose.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return 0, false
	}
	word := strings.ToLower(m[2])
	if word == "" {
		word = unit
	}
	length, known := units[word]
	if !known {
		length = units[strings.TrimSuffix(word, "s")]
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	f := n * float64(length)
	return time.Duration(min(f, math.MaxInt64/2)), f >= float64(time.Millisecond) && f <= math.MaxInt64/2
}

// brief is a duration without the units that say nothing: "5m", not "5m0s".
func brief(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// shown quotes an owner's word for a sentence, cut where it is long.
func shown(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		text = string(runes[:40]) + "…"
	}
	return strconv.Quote(text)
}
