package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"pinbell/notify"
)

// The bounds of a notify.Rate, as its UnmarshalText has them.
const (
	mostMails   = 10000
	leastWindow = time.Second
	mostWindow  = 7 * 24 * time.Hour
)

// rate reads "3 per 1h".
func (c *check) rate(path string, in any, out reflect.Value, tag tags) {
	text, ok := in.(string)
	if !ok {
		c.wrong(path, rateHint(path, fmt.Sprint(in)), "a number of mails and a length of time are wanted here, not %s", describe(in))
		return
	}
	if text, ok = c.text(path, text, tag); !ok {
		return
	}
	var rate notify.Rate
	if err := rate.UnmarshalText([]byte(text)); err == nil {
		out.Set(reflect.ValueOf(rate))
		return
	}
	sentence, at := wrongRate(text)
	p := c.wrong(path, rateHint(path, text), "%s", sentence)
	if place := c.where(path); place.verbatim {
		p.Line, p.Column = place.textLine, place.textColumn+utf8.RuneCountInString(text[:at])
	}
}

// wrongRate says what is wrong with a rate, and where in it.
func wrongRate(text string) (sentence string, at int) {
	number, window, found := strings.Cut(text, " per ")
	if !found {
		return shown(text) + " is not a number of mails and a length of time", 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(number))
	begin := len(text) - len(strings.TrimLeft(window, " "))
	d, windowErr := time.ParseDuration(strings.TrimSpace(window))
	switch {
	case err != nil:
		return shown(number) + " is not a whole number of mails", 0
	case n < 1:
		return "at least 1 mail must be allowed", 0
	case n > mostMails:
		return fmt.Sprintf("%d mails are too many, the most is %d", n, mostMails), 0
	case windowErr != nil:
		return shown(window) + " is not a duration", begin
	case d < leastWindow:
		return fmt.Sprintf("%s is too short, the least is %s", strings.TrimSpace(window), brief(leastWindow)), begin
	case d > mostWindow:
		return fmt.Sprintf("%s is too long, the most is %s", strings.TrimSpace(window), brief(mostWindow)), begin
	}
	return "this is not written as a rate", 0
}

var looseRate = regexp.MustCompile(`^\s*([0-9]+)\s*(?:(?:mails?|times?|x)\s*)?(?:(?:per|an?|every|each|in|/)\s*(.*))?$`)

// rateHint shows how what was probably meant is written.
func rateHint(path, text string) string {
	mails, window := 3, time.Hour
	if m := looseRate.FindStringSubmatch(strings.ToLower(text)); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n > 0 {
			mails = min(n, mostMails)
		}
		length := m[2]
		if length != "" && !('0' <= length[0] && length[0] <= '9') {
			length = "1" + length // "an hour"
		}
		if d, err := time.ParseDuration(length); err == nil {
			window = d
		} else if d, ok := meant(length, "h"); ok {
			window = d
		}
	}
	window = min(max(window, leastWindow), mostWindow)
	return fmt.Sprintf("Try %s = %q.", leaf(path), fmt.Sprintf("%d per %s", mails, brief(window)))
}
