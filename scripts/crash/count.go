package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"pinbell/notify/smtp/smtptest"
)

// told gives, by serial, the mails that it came in.
func (p *proof) told() map[uint64][]smtptest.Mail {
	told := map[uint64][]smtptest.Mail{}
	for _, m := range p.server.Mails() {
		for _, n := range serials(m) {
			told[n] = append(told[n], m)
		}
	}
	return told
}

// serials are the numbers of a mail's events, from a header such as "3, 5-7".
func serials(m smtptest.Mail) (all []uint64) {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Bytes))
	if err != nil {
		return nil
	}
	for part := range strings.FieldsFuncSeq(parsed.Header.Get("X-Pinbell-Events"), func(r rune) bool { return r == ',' || r == ' ' }) {
		first, last, _ := strings.Cut(part, "-")
		from, _ := strconv.ParseUint(first, 10, 64)
		to, _ := strconv.ParseUint(cmp.Or(last, first), 10, 64)
		for n := from; n <= to; n++ {
			all = append(all, n)
		}
	}
	return all
}

func (p *proof) events() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.committed)
}

// missing are the events that no accepted mail tells.
func (p *proof) missing() (missing []uint64) {
	told := p.told()
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := range p.committed {
		if len(told[n]) == 0 {
			missing = append(missing, n)
		}
	}
	slices.Sort(missing)
	return missing
}

// tally is what a run comes to.
type tally struct {
	events, told, missing, twice int
	mails, repeated              int
	different                    int // events told by mails with two Message-IDs
	changed                      int // copies of a mail that are not the same, byte by byte
}

func (p *proof) tally() tally {
	told := p.told()
	t := tally{events: p.events(), told: len(told), missing: len(p.missing()), twice: len(p.twice)}
	for _, mails := range told {
		if slices.ContainsFunc(mails, func(m smtptest.Mail) bool { return m.MessageID != mails[0].MessageID }) {
			t.different++
		}
	}
	first, had := map[string]smtptest.Mail{}, map[string]bool{}
	for _, m := range p.server.Mails() {
		t.mails++
		if again, known := first[m.MessageID]; !known {
			first[m.MessageID] = m
		} else if !bytes.Equal(again.Bytes, m.Bytes) {
			t.changed++
		}
		// The rest of a mail's recipients is no repetition.
		if slices.ContainsFunc(m.To, func(to string) bool { return had[m.MessageID+to] }) {
			t.repeated++
		}
		for _, to := range m.To {
			had[m.MessageID+to] = true
		}
	}
	return t
}

func (p *proof) count(kills int, took time.Duration) error {
	t, misdeeds := p.tally(), p.server.Misdeeds()
	var deeds []string
	for _, name := range slices.Sorted(maps.Keys(misdeeds)) {
		deeds = append(deeds, fmt.Sprintf("%s %d", name, misdeeds[name]))
	}
	fmt.Printf("kills %d (at any time %d, after a commit %d, at a receipt %d); the server's misdeeds: %s\n",
		kills, p.deaths[anyTime], p.deaths[atCommit], p.deaths[atReceipt], strings.Join(deeds, ", "))
	fmt.Printf("events committed %d · told %d · missing %d · numbers given twice %d (told too: %d that were stored, and the log had no time to say so)\n",
		t.events, t.events-t.missing, t.missing, t.twice, t.told-(t.events-t.missing))
	fmt.Printf("mails accepted %d · repeated with the same Message-ID %d · copies that differ %d · events told with another Message-ID %d · %.0f s\n",
		t.mails, t.repeated, t.changed, t.different, took.Seconds())
	if t.missing+t.twice+t.different+t.changed > 0 || t.events == 0 {
		return fmt.Errorf("missing are %v; all but the repeated mails should be none", p.missing())
	}
	return nil
}
