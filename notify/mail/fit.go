package mail

import (
	"fmt"
	"slices"
	"strings"
)

// Gmail shows the first 102 kB of a mail's HTML and hides the rest behind a
// link, where nobody looks for an alarm.
const (
	maxHTML  = 90_000 // bytes
	maxFrame = 25_000 // of them, at the most for what goes with every mail, but for pictures
)

// fitted is the HTML of nodes in so many bytes. It leaves out sections that
// find no room, and says how many; it cuts paragraphs and lists. The other nodes
// stay: they are small, and pictures are parts of the mail.
func fitted(nodes []node, room int) *sheet {
	s, left := new(sheet), 0
	room -= 150 // for what is said of those left out
	pieces := make([]string, len(nodes))
	for i, n := range nodes {
		pieces[i] = inHTML(n)
		if !yields(n) {
			room -= len(pieces[i])
		}
	}
	for i, n := range nodes {
		piece := pieces[i]
		_, isSection := n.(section)
		switch {
		case isSection && (left > 0 || s.Len()+len(piece) > room-room/16): // some is for what follows them
			left++
			continue
		case yields(n) && !isSection:
			piece = cut(n, piece, room-s.Len())
		case !yields(n):
			room += len(piece)
		}
		s.more(&left)
		s.WriteString(piece)
	}
	s.more(&left)
	return s
}

// yields reports whether a node can be shorter, or left out.
func yields(n node) bool {
	switch n.(type) {
	case section, para, list:
		return true
	}
	return false
}

func inHTML(n node) string {
	piece := new(sheet)
	n.html(piece)
	return piece.String()
}

// more says how many sections were left out, if any were.
func (s *sheet) more(left *int) {
	if *left > 0 {
		para(fmt.Sprintf("And %d more, which the text form of this mail shows.", *left)).html(s)
	}
	*left = 0
}

// cut is a piece of HTML for a node, or where there is no room for it, for as
// much of the node as there is room for.
func cut(n node, piece string, room int) string {
	for len(piece) > room {
		switch longer := n.(type) {
		case para:
			if len(longer) < 100 {
				return ""
			}
			text := strings.TrimSuffix(string(longer), remark)
			n = para(strings.ToValidUTF8(text[:len(text)*3/4], "") + remark)
		case list:
			items := longer.items
			if last := len(items) - 1; last >= 0 && items[last] == rest {
				items = items[:last]
			}
			if len(items) == 0 {
				return ""
			}
			longer.items = append(slices.Clone(items[:len(items)*3/4]), rest)
			n = longer
		}
		piece = inHTML(n)
	}
	return piece
}

// What ends a paragraph and a list that were cut.
const (
	remark = "… (the text form of this mail has all of it)"
	rest   = "More of this is in the text form of this mail."
)
