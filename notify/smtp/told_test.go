package smtp

import (
	"testing"
	"time"
)

func TestTheTimeThatAReplyNamesIsRead(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"Greylisted, please try again in 300 seconds":         5 * time.Minute,
		"greylisted for 60 s":                                 time.Minute,
		"Greylisting in action, please come back in 00:04:59": 4*time.Minute + 59*time.Second,
		"Try again in 5 minutes.":                             5 * time.Minute,
		"retry after 1 hour":                                  time.Hour,
		"wait 90s":                                            90 * time.Second,
		"RETRY IN 2 MIN":                                      2 * time.Minute,
		"gray-listed: reconnect within at least 4 minutes":    4 * time.Minute,
		"try again in 99 99 minutes":                          0,
		"try again in 999999 hours":                           7 * 24 * time.Hour,
		"try again in 99:99:99":                               99*time.Hour + 99*time.Minute + 99*time.Second,
		"try again in 0 seconds":                              0,
		"try again later":                                     0,
		"try again in a few moments":                          0,
		"no input for 300 seconds":                            0,
		"timeout waiting for 600 seconds":                     0,
		"50 mails in 10 minutes is too many":                  0,
		"try again in 300":                                    0,
		"try again in 5 months":                               0,
		"try again in 9999999 seconds":                        0,
		"":                                                    0,
	} {
		if got := toldWait(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func FuzzToldWait(f *testing.F) {
	f.Add("Greylisted, please try again in 300 seconds")
	f.Add("come back in 00:04:59")
	f.Add("retry 999999h")
	f.Fuzz(func(t *testing.T, text string) {
		if got := toldWait(text); got < 0 || got > 7*24*time.Hour {
			t.Errorf("%q: %v", text, got)
		}
		for _, at := range allSteps {
			f := finding{step: at, reply: reply{code: 451, lines: []string{text}}}
			lawful(t, f, "custom")
			f.reply.code = 550
			lawful(t, f, "icloud")
		}
	})
}
