package notify

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is a number of mails in any window of a length. The zero value bounds
// nothing.
type Rate struct {
	Mails int
	Per   time.Duration
}

// String writes the rate as the config has it: "3 per 1h0m0s".
func (r Rate) String() string {
	if r.Mails == 0 {
		return ""
	}
	return fmt.Sprintf("%d per %v", r.Mails, r.Per)
}

// MarshalText writes the rate as the config has it.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads "3 per 1h": from 1 mail on, in a window of a second to 7
// days.
func (r *Rate) UnmarshalText(text []byte) error {
	*r = Rate{}
	if len(text) == 0 {
		return nil
	}
	number, window, found := strings.Cut(string(text), " per ")
	mails, err := strconv.Atoi(strings.TrimSpace(number))
	if !found || err != nil || mails < 1 || mails > 10000 {
		return fmt.Errorf("it is written as in \"3 per 1h\", not %q", text)
	}
	per, err := time.ParseDuration(strings.TrimSpace(window))
	if err != nil || per < time.Second || per > 7*24*time.Hour {
		return fmt.Errorf("the window of %q is not a duration from 1s to 168h", text)
	}
	*r = Rate{mails, per}
	return nil
}
