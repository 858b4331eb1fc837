package mail

import (
	"fmt"
	"strings"

	"pinbell/notify"
)

// MessageID is the mail's own, with brackets: the same at every attempt and by
// every road.
func MessageID(m notify.Mail, h Letterhead) string {
	return "<" + letter{m, h}.id(m.ID) + ">"
}

// maxID bounds a mail's ID, so that a boundary made of it keeps to 70
// characters (RFC 2046, section 5.1.1).
const maxID = 48

// isID reports whether a mail's ID is one word, or two with a dot between.
func isID(id string) bool {
	left, right, dotted := strings.Cut(id, ".")
	isWord := func(s string) bool { return s != "" && s == token(s) }
	return len(id) <= maxID && isWord(left) && (!dotted || isWord(right))
}

// id is a local part on the mails' domain. What could not stand in a header is
// left out: of a mail that is rendered, nothing.
func (l letter) id(local string) string {
	words := strings.Split(local, ".")
	for i := range words {
		words[i] = token(words[i])
	}
	return strings.Join(words, ".") + "@" + l.domain()
}

func (l letter) domain() string {
	if l.Domain != "" {
		return domain("pinbell@" + l.Domain)
	}
	return domain(l.From.Address)
}

// thread is what the mails about one incident refer to, so that mail programs
// show them together: the ID of the mail that began it, or would have if its
// event had been the first of a mail. That mail itself refers to nothing.
//
// A mail about several incidents refers to nothing either. Mail programs take
// each ID in References for an answer to the one before (RFC 5256, section 3):
// one digest would join its incidents' threads into one for ever, and whoever
// mutes one of them would mute all.
//
// Mails of old have an ID without a dot, which does not tell where their
// incident's other mails have theirs; they stand alone.
func (l letter) thread() string {
	_, store, dotted := strings.Cut(l.ID, ".")
	first := l.Events[0]
	for _, e := range l.Events {
		if e.Incident != first.Incident {
			return ""
		}
	}
	began := fmt.Sprintf("%d.%s", first.Incident, store)
	if !dotted || first.Incident == 0 || began == l.ID {
		return ""
	}
	return "<" + l.id(began) + ">"
}
