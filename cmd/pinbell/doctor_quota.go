package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"pinbell/notify/outbox"
)

// checkQuota tells what is left of the day's limits, by the ledger of this
// board: what others send from the account, only the provider knows.
func (d *doctor) checkQuota() {
	d.progress.start("reading the ledger")
	c := Check{Name: "quota", State: fine}
	st, err := d.ledger()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Sentence = "this board has sent nothing yet, and may send " + grouped(d.cfg.Limits.PerDay) + " mails a day"
	case err != nil:
		c.State, c.Sentence = warn, "the ledger cannot be read: "+err.Error()
		c.Remedy = "Where a daemon has it, ask as a user who may ask the daemon (sudo)."
	default:
		c = quota(c, st)
	}
	d.found(c)
}

// ledger asks the daemon, and the store where none runs.
func (d *doctor) ledger() (outbox.Status, error) {
	if d.daemon != nil {
		return d.daemon.Mail.Status, nil
	}
	if d.hidden() {
		return outbox.Status{}, d.unheard
	}
	roads, err := roads(d.cfg, d.clock)
	if err != nil {
		return outbox.Status{}, err
	}
	box, err := outbox.Peek(outbox.Config{Dir: d.stateDir(), Limits: limits(d.cfg), Roads: roads, Clock: d.clock})
	if err != nil {
		return outbox.Status{}, err
	}
	return box.Status(), nil
}

// quota judges how much is left within the 24 hours that end now.
func quota(c Check, st outbox.Status) Check {
	parts := []string{fmt.Sprintf("%s of %s mails within 24 h", grouped(st.Today), grouped(st.PerDay))}
	full, near := used(st.Today, st.PerDay)
	for _, r := range st.Roads {
		var caps []string
		if r.MailCap > 0 {
			caps = append(caps, fmt.Sprintf("%s of %s messages", grouped(r.Mails), grouped(r.MailCap)))
		}
		if r.RecipientCap > 0 {
			caps = append(caps, fmt.Sprintf("%s of %s recipients", grouped(r.Recipients), grouped(r.RecipientCap)))
		}
		if len(caps) > 0 {
			parts = append(parts, strings.Join(caps, ", ")+" by "+r.Name)
		}
		fullMails, nearMails := used(r.Mails, r.MailCap)
		fullTo, nearTo := used(r.Recipients, r.RecipientCap)
		full, near = full || fullMails || fullTo, near || nearMails || nearTo
	}
	c.Sentence = strings.Join(parts, "; ")
	const rarer = "Give the rule that fires so often a longer `for`, an `until` or an `at_most`, or raise [limits]; `pinbell log` shows which rule it is."
	switch {
	case full:
		c.State, c.Remedy = fault, "Nothing more goes out before the oldest of these is 24 hours old; what happens waits, and goes out together. "+rarer
	case st.Limit != "":
		c.State, c.Remedy = warn, "The limit "+st.Limit+" holds mails back until "+st.FreeAt.Local().Format("15:04")+". "+rarer
	case near:
		c.State, c.Remedy = warn, "Little is left, and a part of it is kept for critical rules ([limits] reserve). "+rarer
	}
	return c
}

// used reports whether a limit is reached, or four fifths of it; 0 is none.
func used(n, limit int) (full, near bool) {
	return limit > 0 && n >= limit, limit > 0 && n >= limit-limit/5
}

// grouped writes a number as people do: 1,000.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
