package config

import (
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"pinbell/notify"
)

func TestGuessedRates(t *testing.T) {
	for text, want := range map[string]string{
		"3": "3 per 1h", "3 per hour": "3 per 1h", "3/h": "3 per 1h", "2 mails per day": "2 per 24h", "5 / 10 min": "5 per 10m",
		"1x per 90s": "1 per 1m30s", "4 times a week": "4 per 168h", "4 an hour": "4 per 1h", "10 every 1h30m": "10 per 1h30m", "0 per 1h": "3 per 1h",
		"3 per 1ms": "3 per 1s", "3 per 30d": "3 per 168h", "99999 per 1h": "10000 per 1h", "often": "3 per 1h", "": "3 per 1h", "3 per fortnight": "3 per 1h",
		"99999999999999999999 per 1h": "3 per 1h", "3 per 1e99s": "3 per 1h", "3 per -1h": "3 per 1h",
	} {
		if got := rateHint("rule[0].at_most", text); got != `Try at_most = "`+want+`".` {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestEveryGuessedRateIsOneAndEveryWrongOneIsExplained(t *testing.T) {
	texts := rapid.OneOf(rapid.StringMatching(`[0-9+-]{0,6} ?(per|/|an?|every) ?[0-9.]{0,7} ?[a-z]{0,6}`), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		text := texts.Draw(t, "text")
		guess, err := strconv.Unquote(strings.TrimSuffix(strings.TrimPrefix(rateHint("rule[0].at_most", text), "Try at_most = "), "."))
		var rate notify.Rate
		if err != nil || rate.UnmarshalText([]byte(guess)) != nil || rate.Mails == 0 {
			t.Fatalf("for %q the guess is %q", text, guess)
		}
		if text == "" || rate.UnmarshalText([]byte(text)) == nil {
			return
		}
		if sentence, at := wrongRate(text); strings.Contains(sentence, "not written") || at < 0 || at > len(text) {
			t.Fatalf("of %q it says %q at %d", text, sentence, at)
		}
	})
}
