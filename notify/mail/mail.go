// Package mail writes the letter: a sealed notify.Mail in, the bytes of an
// Internet message (RFC 5322, RFC 2045) out.
//
// A document is made of the mail once and written twice, as text and as HTML;
// pictures and files go along as parts, and what a server finds too large is
// left out by Mail.Slim, which the mail then says.
//
// It promises that the same Mail gives the same bytes at every attempt by one
// road and the same Message-ID by all of them, that the subject can be
// understood on a lock screen, that the first line says what happened and when,
// and that nothing in it, whether a name, a title, a reading, a file or the
// owner's words and templates, can add a header, a recipient, a part or an
// element. What it writes is 7-bit with lines of at most 998 bytes, and the
// HTML fetches nothing. It keeps no state, does no input or output and decides
// nothing: limits and reminders were decided before sealing.
package mail

import (
	"cmp"
	"errors"
	"fmt"
	netmail "net/mail"
	"time"

	"pinbell/notify"
)

// Letterhead is what all mails of a board share.
type Letterhead struct {
	Device   string          // the board's name, in every subject
	Location *time.Location  // of every time shown; nil is UTC
	From     netmail.Address // the sender's name and address, by the road that is taken
	Version  string          // pinbell's own
	Domain   string          // of Message-IDs, equal by whatever road a mail goes; empty: that of From
	Road     string          // the server's name, where it is not the first road; empty: it is

	Templates Templates // the owner's; what is not there is in pinbell's words
}

// Letter is a mail in full, ready to be put into a message or handed to a
// server that makes one.
type Letter struct {
	ID         string // "118.k3f9x2ab@icloud.com": the same at every attempt and by every road
	MessageID  string // the same in brackets
	References string // the Message-ID that began the thread, in brackets; empty: this mail begins one
	Subject    string // one line
	Text       string // lines end in "\n"
	HTML       string // refers to Inline by "cid:"; empty where only the text goes
	Inline     []Part // charts, and pictures shown in HTML
	Attached   []Part
}

// Part is a file that goes with a letter.
type Part struct {
	Name      string // a file's name, without a path
	Type      string // "image/png"
	ContentID string // without brackets; of Inline only
	Data      []byte
}

// Compose writes the letter. It fails on an ID or an address that cannot stand
// in a header, and on a mail without events or recipients.
func Compose(m notify.Mail, h Letterhead) (Letter, error) {
	l := letter{m, h}
	if err := l.check(); err != nil {
		return Letter{}, fmt.Errorf("write mail %q: %w", m.ID, err)
	}
	subject, d := l.words()
	letter := Letter{
		ID: l.id(l.ID), MessageID: MessageID(m, h), References: l.thread(),
		Subject: subject, Text: d.text(),
	}
	if m.Slim == notify.TextOnly {
		return letter, nil
	}
	letter.HTML = d.html(subject)
	letter.Inline = l.charts()
	pictures, others := l.parts()
	letter.Inline = append(letter.Inline, pictures...)
	letter.Attached = others
	return letter, nil
}

// Subject says the mail in a line, what matters most first: a lock screen shows
// about 40 characters.
func Subject(m notify.Mail, h Letterhead) string {
	subject, _ := letter{m, h}.words()
	return subject
}

// Text is the mail's text as people read it, with lines that end in "\n".
func Text(m notify.Mail, h Letterhead) string {
	_, d := letter{m, h}.words()
	return d.text()
}

// letter is a mail on its letterhead.
type letter struct {
	notify.Mail
	Letterhead
}

func (l letter) location() *time.Location { return cmp.Or(l.Location, time.UTC) }

func (l letter) check() error {
	if !isID(l.ID) {
		return errors.New("its ID is not made of letters and digits, with one dot at the most")
	}
	if len(l.Events) == 0 {
		return errors.New("it tells nothing")
	}
	to := l.recipients()
	if len(to) == 0 {
		return errors.New("it has no recipient")
	}
	for _, address := range append(to, l.From.Address) {
		if !addressable(address) {
			return fmt.Errorf("%q is not an address that mail can be sent to", address)
		}
	}
	return nil
}
