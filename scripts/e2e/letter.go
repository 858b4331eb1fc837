package main

import (
	"bytes"
	"cmp"
	"fmt"
	"mime"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"pinbell/notify/mail"
)

// letter is a mail as Postfix has put it into a mailbox.
type letter struct {
	header  netmail.Header
	id      string // Message-ID with its brackets
	date    time.Time
	subject string
	text    string // the plain text
	events  []int  // the numbers of the events that it tells
	queue   string // Postfix's queue id, from its own Received line
}

// mailbox reads the letters of a maildir, oldest first.
func mailbox(dir string) (all []letter, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "new", "*"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		l, err := open(text)
		if err != nil {
			return nil, fmt.Errorf("a mail that Postfix delivered: %w\n%s", err, text)
		}
		all = append(all, l)
	}
	slices.SortStableFunc(all, func(a, b letter) int {
		return cmp.Or(a.date.Compare(b.date), slices.Compare(a.events, b.events))
	})
	return all, nil
}

func open(text []byte) (l letter, err error) {
	// The mailbox has the system's line ends.
	m, err := netmail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		return l, err
	}
	l.header, l.id = m.Header, m.Header.Get("Message-ID")
	if l.date, err = m.Header.Date(); err != nil {
		return l, err
	}
	if l.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return l, err
	}
	if _, after, found := strings.Cut(m.Header.Get("Received"), " id "); found {
		l.queue = strings.FieldsFunc(after, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == ';' })[0]
	}
	if l.events, err = numbers(m.Header.Get("X-Pinbell-Events")); err != nil {
		return l, err
	}
	l.text, err = mail.ReadText(bytes.NewReader(text))
	return l, err
}

// numbers reads "7" or "3 5-6".
func numbers(s string) (all []int, err error) {
	for part := range strings.FieldsSeq(s) {
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

// once checks that the events 1 to n are in one letter each, and that no
// letter came twice.
func once(letters []letter, n int) error {
	told, ids := map[int]int{}, map[string]bool{}
	for _, l := range letters {
		if ids[l.id] {
			return fmt.Errorf("%s was delivered twice", l.id)
		}
		ids[l.id] = true
		for _, event := range l.events {
			told[event]++
		}
	}
	for event := 1; event <= n; event++ {
		if told[event] != 1 {
			return fmt.Errorf("event %d of %d is told in %d mails", event, n, told[event])
		}
	}
	if len(told) != n {
		return fmt.Errorf("%d events are told, and there should be %d", len(told), n)
	}
	return nil
}
