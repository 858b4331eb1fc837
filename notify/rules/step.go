package rules

import (
	"time"

	"pinbell/notify"
)

// Rule is one alarm: when it is raised, when it is over, and who is told.
type Rule struct {
	Name     string // unique; letters, digits and hyphens
	Title    string // as people call it: "Freezer warm"
	Message  string // the owner's own words
	When     *Condition
	Until    *Condition // nil: not When
	For      time.Duration
	Severity notify.Severity
	Repeat   []time.Duration // waits between reminders, the last one going on; none: no reminders
	To       []string
	AtMost   notify.Rate // mails of this rule; zero: as many as the limits allow
	Attach   []string    // what goes with its mails: "file:…", "http://…", "exec:…"
	WhenText string      // the expressions as written
	// UntilText is empty where Until is nil.
	UntilText string
}

// State is what a rule remembers between steps. The zero State is quiet.
//
//	quiet ──when──► pending ──held For──► raised ──until──► quiet
//	                   └───not when───► quiet
//
// While a condition is unknown a rule stays where it is: pending does not
// count on, raised still reminds.
type State struct {
	Raised   bool
	Since    time.Time     // when the condition became true; zero while quiet
	Held     time.Duration // how long it was seen to be true, up to Mark
	Mark     time.Time     // Held counts on from here; zero while unknown
	Reminder time.Time     // when the next reminder is due; zero: none
	Told     int           // reminders since it was raised
	Unknown  bool          // the newest view could not answer
	Lowest   float64       // extremes of the first compared quantity since Since
	Highest  float64
	Seen     bool // Lowest and Highest count
}

// Step is the whole decision: what becomes of a rule's state with a view at
// an instant, and which transition that is (0: none). It is pure. now never
// goes back.
func (r *Rule) Step(s State, v *View, now time.Time) (State, notify.Kind) {
	when := r.When.Eval(v)
	over := r.over(when, v)
	s.Unknown = when == Unknown && over != True
	if s.Raised {
		return r.stepRaised(s, v, now, over)
	}
	switch {
	case over == True || when == False:
		return State{}, 0
	case when == Unknown || over == Unknown:
		s.Unknown = true
		if !s.Mark.IsZero() {
			s.Held += now.Sub(s.Mark)
			s.Mark = time.Time{}
		}
		return s, 0
	}
	return r.stepPending(s, v, now)
}

// over asks whether the rule is well: its until, or else that when is false.
func (r *Rule) over(when Truth, v *View) Truth {
	if r.Until == nil {
		return when.not()
	}
	return r.Until.Eval(v)
}

func (r *Rule) stepPending(s State, v *View, now time.Time) (State, notify.Kind) {
	if s.Since.IsZero() {
		s.Since = now
	}
	if !s.Mark.IsZero() {
		s.Held += now.Sub(s.Mark)
	}
	s.Mark = now
	s.extremes(r.When, v)
	if s.Held < r.For {
		return s, 0
	}
	s.Raised = true
	s.Reminder = r.reminder(0, now)
	return s, notify.Raised
}

func (r *Rule) stepRaised(s State, v *View, now time.Time, over Truth) (State, notify.Kind) {
	s.extremes(r.When, v)
	switch {
	case over == True:
		return State{Lowest: s.Lowest, Highest: s.Highest, Seen: s.Seen}, notify.Cleared
	case !s.Reminder.IsZero() && !now.Before(s.Reminder):
		s.Told++
		s.Reminder = r.reminder(s.Told, now)
		return s, notify.Reminder
	}
	return s, 0
}

// reminder gives the instant of the reminder that follows told others.
func (r *Rule) reminder(told int, now time.Time) time.Time {
	if len(r.Repeat) == 0 {
		return time.Time{}
	}
	return now.Add(r.Repeat[min(told, len(r.Repeat)-1)])
}

// Wake gives the instant at which Step must be asked even if no reading comes;
// zero: none.
func (r *Rule) Wake(s State) time.Time {
	switch {
	case s.Raised:
		return s.Reminder
	case s.Mark.IsZero():
		return time.Time{}
	}
	return s.Mark.Add(r.For - s.Held)
}

func (s *State) extremes(c *Condition, v *View) {
	value, known := c.telling(v)
	if !known {
		return
	}
	if !s.Seen {
		s.Lowest, s.Highest, s.Seen = value, value, true
	}
	s.Lowest, s.Highest = min(s.Lowest, value), max(s.Highest, value)
}
