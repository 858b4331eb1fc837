package mail

import (
	"fmt"
	"slices"
)

const (
	// maxBlocks bounds a digest. What is beyond it is counted, and in the log.
	maxBlocks = 100
	// maxCharts is for how many blocks a digest has a chart.
	maxCharts = 3
)

// digest tells many events, a section for each rule or sensor.
func (l letter) digest(blocks []block) []node {
	first, last := l.Events[0], l.Events[len(l.Events)-1]
	nodes := []node{lead(fmt.Sprintf("%s on this board. The first: %s. The last: %s.",
		count(total(blocks), "event"), l.when(first.At), l.when(last.At)))}
	charted := l.charted(blocks)
	for i, b := range blocks {
		if i == maxBlocks {
			return append(nodes, para(fmt.Sprintf("And %d more, which `pinbell log` shows.", len(blocks)-maxBlocks)))
		}
		s := l.section(b)
		if slices.Contains(charted, b.last().Serial) {
			s.chart = l.chart(b.last())
		}
		nodes = append(nodes, s)
	}
	return nodes
}

func (l letter) section(b block) section {
	last := b.last()
	s := section{tone: b.tone(), title: headline(last)}
	if b.flapping() {
		s.notes = append(s.notes, flapped(b))
	}
	if n := b.count(); n > 1 {
		s.rows.add("first", l.clock(b.first().At), b.first().Kind.String())
		if n > 2 {
			s.rows.add("between", count(n-2, "event"), "")
		}
	}
	s.rows.add("last", l.clock(last.At), last.Kind.String())
	if lowest, highest, known := b.extremes(); known {
		t := last.Terms[0]
		s.rows.add("highest", t.Window.Format(t.Quantity, highest), "lowest "+t.Window.Format(t.Quantity, lowest))
		s.rows.add("limit", asked(last.Terms[0])+spanned(" for ", last.For), "")
	}
	if b.count() > 1 {
		s.rows.add("at most", rate(last.AtMost), "")
	}
	s.rows.words("message", message(last))
	s.rows.words("cause", last.Cause)
	s.rows.words("remedy", last.Remedy)
	return s
}

// flapped says that a rule or sensor flaps, and what helps.
func flapped(b block) string {
	switch last := b.last(); {
	case last.Rule == "":
		return "It flaps: it fell silent " + b.flaps() + ". A loose wire or a weak supply does that."
	case value(last) == "":
		return "It flaps: it was raised " + b.flaps() + `. A longer "for" calms the rule.`
	}
	return "It flaps: it was raised " + b.flaps() + `. A longer "for", or an "until" further from the limit, calms the rule.`
}
