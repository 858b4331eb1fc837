package mail

import "fmt"

// maxBlocks bounds a digest. What is beyond it is counted, and in the log.
const maxBlocks = 100

// digest tells many events, a block for each rule or sensor.
func (l letter) digest(p *page, blocks []block) {
	first, last := l.Events[0], l.Events[len(l.Events)-1]
	p.line("%s on this board. The first: %s. The last: %s.", count(len(l.Events), "event"), l.when(first.At), l.when(last.At))
	for i, b := range blocks {
		if i == maxBlocks {
			p.paragraph(fmt.Sprintf("And %d more.", len(blocks)-maxBlocks))
			return
		}
		l.block(p, b)
	}
}

func (l letter) block(p *page, b block) {
	last := b.last()
	p.paragraph(headline(last))
	if n := len(b.events); n > 1 {
		p.row("first", l.clock(b.first().At)+"     "+b.first().Kind.String())
		if n > 2 {
			p.row("between", count(n-2, "event"))
		}
	}
	p.row("last", l.clock(last.At)+"     "+last.Kind.String())
	if lowest, highest, known := b.extremes(); known {
		q := last.Terms[0].Quantity
		p.row("highest", q.Format(highest)+"     lowest "+q.Format(lowest))
		p.row("limit", asked(last.Terms[0])+spanned(" for ", last.For))
	}
	p.row("message", oneLine(message(last), maxText))
	p.row("cause", oneLine(last.Cause, maxText))
	p.row("remedy", oneLine(last.Remedy, maxText))
}
