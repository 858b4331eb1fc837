package clock

import (
	"fmt"
	"strings"
	"time"

	"pinbell/notify"
)

// The codes of the troubles that a Clock raises.
const (
	UnknownCode  = "time.unknown"
	DisagreeCode = "time.disagree"
)

// What helps when servers give no time, and when they contradict each other.
const (
	RemedySilent = "UDP port 123 may be blocked on this network: have it opened, " +
		"or name a time server that can be reached under [time] servers."
	RemedyDivided = "Name other servers under [time] servers; three or more, so that one that is wrong can be told from the rest."
)

// tell raises or ends the troubles that the clock's state amounts to.
func (c *Clock) tell() {
	c.mu.Lock()
	unknown, disagree := c.unknown(), c.disagree()
	c.mu.Unlock()
	c.report(UnknownCode, unknown)
	c.report(DisagreeCode, disagree)
}

func (c *Clock) report(code string, t *notify.Trouble) {
	if t == nil {
		c.cfg.Troubles.Clear(code, "")
		return
	}
	t.Code = code
	c.cfg.Troubles.Raise(*t)
}

// unknown is the trouble of a clock that nobody vouches for, nil before it has
// been one for a while. The lock is held.
func (c *Clock) unknown() *notify.Trouble {
	now := time.Now()
	if c.trust == Trusted || now.Sub(c.start) < patience || c.found.divided() {
		return nil
	}
	wall, trust := c.best(now)
	t := &notify.Trouble{
		Sentence: "The time is not known: the board's clock says " + instant(wall) + ", and " + c.whoAnswers() + ".",
		Doing: "pinbell watches on, keeps what it has to tell, asks again at least every 5 minutes, " +
			"and dates what happened meanwhile once it knows the time.",
		Remedy: RemedySilent,
	}
	if trust == Plausible {
		t.Sentence = "The time is unchecked: it is what the board's own clock says, and " + c.whoAnswers() + "."
		t.Doing = "pinbell sends mail all the same, marks its times as unchecked, and asks again at least every 5 minutes."
	}
	return t
}

// whoAnswers says how many servers gave a time, and why the others did not.
func (c *Clock) whoAnswers() string {
	n := len(c.found.answers)
	head := fmt.Sprintf("only %d of %d time servers answers", n, len(c.servers))
	switch {
	case len(c.servers) == 0:
		return "no time server is configured"
	case n == 0:
		head = "no time server gives the time"
	}
	var why []string
	for _, s := range c.servers {
		if s.err != nil {
			why = append(why, s.name+": "+s.fault())
		}
	}
	if len(why) == 0 {
		return head
	}
	return head + " (" + strings.Join(why, "; ") + ")"
}

// disagree is the trouble of servers that contradict each other, nil while
// enough of them do agree or the kernel vouches. The lock is held.
func (c *Clock) disagree() *notify.Trouble {
	now := time.Now()
	if !c.found.divided() || c.found.agreed || c.vouched(now) {
		return nil
	}
	_, trust := c.best(now)
	return &notify.Trouble{
		Sentence: "The time servers disagree: " + c.stories(now) + ".",
		Doing:    meanwhile[trust],
		Remedy:   RemedyDivided,
	}
}

// stories compares what the servers say, and the board's clock, with the first
// of them: differences stay as they are while time goes on.
func (c *Clock) stories(now time.Time) string {
	var first server
	var told []string
	for _, s := range c.servers {
		switch {
		case !s.answered():
		case first.name == "":
			first = s
		default:
			told = append(told, s.name+" "+compared(s.said.base.Sub(first.said.base), first.name))
		}
	}
	ahead := c.wall().Sub(first.said.base.Add(now.Sub(c.start)))
	return strings.Join(append(told, "the board's own clock "+compared(ahead, first.name)), ", ")
}

func compared(ahead time.Duration, with string) string {
	switch {
	case ahead.Abs() < 2*slack:
		return "agrees with " + with
	case ahead < 0:
		return "is " + notify.Span(ahead) + " behind " + with
	}
	return "is " + notify.Span(ahead) + " ahead of " + with
}

var meanwhile = map[Trust]string{
	Unknown:   "pinbell believes none of them, watches on, keeps what it has to tell, and asks again at least every 5 minutes.",
	Plausible: "pinbell goes by the board's own clock, which one of them confirms, marks its times as unchecked, and asks again at least every 5 minutes.",
	Trusted:   "pinbell keeps the time that it had checked before, and asks again every hour.",
}

// vouched reports whether the kernel's word is recent.
func (c *Clock) vouched(now time.Time) bool {
	return c.trust == Trusted && c.fix.source == fromKernel && now.Sub(c.fix.at) < kernelEvery
}

func instant(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04 UTC") }
