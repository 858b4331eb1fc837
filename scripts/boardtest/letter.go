package main

import (
	"bytes"
	"fmt"
	"mime"
	netmail "net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"pinbell/notify/mail"
	"pinbell/notify/smtp/smtptest"
)

// letter is a mail as its reader sees it.
type letter struct {
	smtptest.Mail
	date    time.Time
	subject string
	text    string
	events  []int // the numbers of the events that it tells
}

func open(m smtptest.Mail) (letter, error) {
	l := letter{Mail: m}
	parsed, err := netmail.ReadMessage(bytes.NewReader(m.Bytes))
	if err != nil {
		return l, err
	}
	if l.date, err = parsed.Header.Date(); err != nil {
		return l, err
	}
	if l.subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); err != nil {
		return l, err
	}
	if l.events, err = numbers(parsed.Header.Get("X-Pinbell-Events")); err != nil {
		return l, err
	}
	l.text, err = mail.ReadText(bytes.NewReader(m.Bytes))
	return l, err
}

// numbers reads "7", "40-46" or "3, 5-6".
func numbers(s string) (all []int, err error) {
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		first, err1 := strconv.Atoi(from)
		last, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || last < first {
			return nil, fmt.Errorf("event numbers %q", s)
		}
		for n := first; n <= last; n++ {
			all = append(all, n)
		}
	}
	return all, nil
}

// once checks the promise over a whole scenario: each of the events 1 to n is
// told in one mail, and a second copy of a mail has the same Message-ID and
// the same content.
func once(letters []letter, n int) error {
	told := map[int]string{} // event to Message-ID
	copies := map[string]letter{}
	for _, l := range letters {
		if first, again := copies[l.MessageID]; again {
			if !bytes.Equal(first.Bytes, l.Bytes) {
				return fmt.Errorf("two mails have the Message-ID %s and are not the same", l.MessageID)
			}
			continue
		}
		copies[l.MessageID] = l
		for _, event := range l.events {
			if other := told[event]; other != "" {
				return fmt.Errorf("event %d is told by %s and by %s", event, other, l.MessageID)
			}
			told[event] = l.MessageID
		}
	}
	var missing []int
	for event := 1; event <= n; event++ {
		if told[event] == "" {
			missing = append(missing, event)
		}
	}
	switch {
	case missing != nil:
		return fmt.Errorf("no mail tells event %v of %d", missing, n)
	case len(told) > n:
		return fmt.Errorf("%d events were told, and only %d should have been", len(told), n)
	}
	return nil
}

// span is the median and the worst of some durations, in ms.
func span(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	sorted := slices.Sorted(slices.Values(all))
	return fmt.Sprintf("%d/%d ms", sorted[len(sorted)/2].Milliseconds(), sorted[len(sorted)-1].Milliseconds())
}
