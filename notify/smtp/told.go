package smtp

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Servers that let a stranger wait (greylisting) often say for how long, as
// "try again in 300 seconds", "greylisted for 5 minutes" or "come back in
// 00:04:59". Nothing fixes the form, so only a number with a unit, close behind
// a word that invites to come again, counts: "no input for 300 seconds" does not.
var toldForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:again|retry|retrying|back|wait|resend|reconnect|gr[ae]y-?list\w*)\b[^0-9]{0,40}` +
		`(?:(\d{1,2}):(\d\d):(\d\d)\b|(\d{1,6}) ?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b)`)
})

// toldWait is how long a reply asks to wait, a week at most; 0 when it does
// not say.
func toldWait(text string) time.Duration {
	if !strings.ContainsAny(text, "0123456789") {
		return 0
	}
	m := toldForm().FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	var wait time.Duration
	if m[4] == "" {
		wait = times(m[1], time.Hour) + times(m[2], time.Minute) + times(m[3], time.Second)
	} else {
		wait = times(m[4], map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour}[m[5][0]|0x20])
	}
	return min(wait, 7*24*time.Hour)
}

// times reads at most six digits, so that nothing overflows.
func times(digits string, unit time.Duration) time.Duration {
	n, _ := strconv.Atoi(digits)
	return time.Duration(n) * unit
}
