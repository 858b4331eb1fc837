package mail

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pinbell/notify"
)

const (
	maxFacts    = 40
	maxTroubles = 20
)

// others says what else the board saw at the last event.
func (l letter) others() []node {
	if len(l.Events) == 0 {
		return nil
	}
	var facts []string
	all := l.Events[len(l.Events)-1].Others
	for i, f := range all[:min(len(all), maxFacts)] {
		if i > 0 && f.Sensor == all[i-1].Sensor && f.Known() && f.Since.IsZero() {
			facts[len(facts)-1] += ", " + text(f) // one more quantity of the same sensor
			continue
		}
		facts = append(facts, l.fact(f))
	}
	if len(facts) == 0 {
		return nil
	}
	return []node{para("Also on this board: " + strings.Join(facts, " · ") + more(len(all), maxFacts))}
}

func (l letter) fact(f notify.Fact) string {
	switch {
	case !f.Known():
		return name(f) + ": no reading" + spanned(" for ", f.Silent)
	case f.Since.IsZero() || f.Since.Undated:
		return name(f) + " " + text(f)
	}
	return name(f) + " " + text(f) + " (since " + l.brief(f.Since) + ")"
}

func more(n, shown int) string {
	if n <= shown {
		return ""
	}
	return fmt.Sprintf(" · and %d more", n-shown)
}

// troubles tells along what kept pinbell from its promise. When it began is
// left out: that is by the board's own clock.
func (l letter) troubles() []node {
	told := list{title: "What keeps pinbell from its work:"}
	troubles := slices.DeleteFunc(slices.Clone(l.Troubles), l.isTold)
	for _, t := range troubles[:min(len(troubles), maxTroubles)] {
		told.items = append(told.items, joined(t.Lead(), t.Doing, t.Remedy))
	}
	if n := len(troubles); n > maxTroubles {
		told.items = append(told.items, fmt.Sprintf("And %d more.", n-maxTroubles))
	}
	return []node{told}
}

// isTold reports whether a trouble is what one of the events tells: a sensor's
// fault is the cause of its silence.
func (l letter) isTold(t notify.Trouble) bool {
	return slices.ContainsFunc(l.Events, func(e notify.Event) bool {
		return e.Kind == notify.Lost && e.Sensor != "" && e.Sensor == t.About
	})
}

// joined makes sentences of parts that may lack a full stop.
func joined(sentences ...string) string {
	var list []string
	for _, s := range sentences {
		if s = oneLine(s, maxText); s == "" {
			continue
		}
		if !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "!") && !strings.HasSuffix(s, "?") {
			s += "."
		}
		list = append(list, s)
	}
	return strings.Join(list, " ")
}

// notes say what a reader should know about the mail itself.
func (l letter) notes() (nodes []node) {
	if !l.Checked {
		nodes = append(nodes, para("The times in this mail are by the board's own clock. No time server has checked it."))
	} else if waited := l.waited(); waited >= late {
		nodes = append(nodes, para("This mail was written "+notify.Span(waited)+" after the event, at "+l.when(notify.Moment{Wall: l.Sealed, Trusted: true})+"."))
	}
	if road := oneLine(l.Road, maxTitle); road != "" {
		nodes = append(nodes, para("This mail came by "+road+", because the first server for mail did not take it."))
	}
	if l.Slim == notify.TextOnly {
		nodes = append(nodes, para("This mail is text alone: its server takes no larger one."))
	}
	return nodes
}

// waited is how long the mail's only event lay before it was written.
func (l letter) waited() time.Duration {
	if len(l.Events) != 1 || l.Events[0].At.Undated || l.Events[0].At.IsZero() {
		return 0
	}
	return l.Sealed.Sub(l.Events[0].At.Wall)
}

func (l letter) footer() []string {
	parts := []string{oneLine(l.Device, maxName), "pinbell " + oneLine(l.Version, maxName)}
	if rules := l.rules(); rules != "" {
		parts = append(parts, "rule "+rules)
	}
	parts = append(parts, "event "+serials(l.Events))
	return []string{"How it is now: pinbell status (on the board)", strings.Join(parts, " · ")}
}

// rate says what a rule's own limit is, or nothing if it has none.
func rate(r notify.Rate) string {
	if r.Mails == 0 {
		return ""
	}
	return count(r.Mails, "mail") + " per " + window(r.Per) + " of this rule"
}

func window(d time.Duration) string {
	switch d {
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	case 24 * time.Hour:
		return "day"
	case 7 * 24 * time.Hour:
		return "week"
	}
	return notify.Span(d)
}
