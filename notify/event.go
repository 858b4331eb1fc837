package notify

import (
	"fmt"
	"time"

	"pinbell/sensors"
)

// Kind is what an Event tells.
type Kind uint8

// The kinds. Raised, Reminder and Cleared are of a rule; Lost and Returned are
// of a sensor that fell silent and of its first reading after that; Test is
// asked for by the owner.
const (
	Raised Kind = iota + 1
	Reminder
	Cleared
	Lost
	Returned
	Test
)

var kinds = [...]string{"", "raised", "reminder", "cleared", "lost", "returned", "test"}

func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// MarshalText writes the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the kind's name.
func (k *Kind) UnmarshalText(text []byte) error {
	for i := range kinds {
		if i > 0 && kinds[i] == string(text) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("no such kind of event: %q", text)
}

// Event is a transition that its owner is told of. It carries everything that
// a mail says about it, as it stood when it happened.
type Event struct {
	Serial   uint64   `json:"serial"`   // one counter for all events, from 1
	Incident uint64   `json:"incident"` // Serial of the raised or lost event that began it
	Kind     Kind     `json:"kind"`
	Rule     string   `json:"rule,omitempty"`   // the rule's name; empty for Lost, Returned, Test
	Sensor   string   `json:"sensor,omitempty"` // the sensor's name, for Lost and Returned
	Title    string   `json:"title"`            // as people call it: "Freezer warm"
	Severity Severity `json:"severity"`
	To       []string `json:"to"`                // addresses
	Message  string   `json:"message,omitempty"` // the owner's own words
	Cause    string   `json:"cause,omitempty"`   // Lost: why there is no reading
	Remedy   string   `json:"remedy,omitempty"`  // Lost: what the owner can do

	At    Moment        `json:"at"`            // when it happened
	Since Moment        `json:"since"`         // when the condition became true, or the last reading came
	Began Moment        `json:"began"`         // Cleared, Reminder, Returned: At of the event that began the incident
	For   time.Duration `json:"for,omitempty"` // how long the rule asks it to hold

	Terms  []Term          `json:"terms,omitempty"`  // what the rule compares, the telling one first
	Others []Fact          `json:"others,omitempty"` // what else the board sees
	Clears string          `json:"clears,omitempty"` // the rule's until, as written
	Told   int             `json:"told,omitempty"`   // reminders told before this event
	Next   []time.Duration `json:"next,omitempty"`   // waits until the reminders to come, the last one repeating
	Merged int             `json:"merged,omitempty"` // earlier events of the same rule or sensor that this one stands for, when too many waited

	Trace  *Trace   `json:"trace,omitempty"`  // the recent course of the first of Terms, where that is a measure
	Attach []string `json:"attach,omitempty"` // what the rule wants attached: "file:…", "http://…", "exec:…"
	AtMost Rate     `json:"at_most,omitzero"` // how many mails of the rule are sent at most
}

// Trace is the recent course of a quantity, as it stood at an event: the lowest
// and the highest reading of each Step, oldest first, the last step ending at
// the event. A step without a reading has Low above High.
type Trace struct {
	Step time.Duration `json:"step"`
	Low  []float32     `json:"low"` // in the quantity's unit
	High []float32     `json:"high"`
}

// Term is one comparison of a rule's condition, as it stood at the event.
type Term struct {
	Fact
	Op      string  `json:"op"`                // > >= < <= == !=
	Limit   float64 `json:"limit"`             // in the quantity's unit; what Op compares with
	Lowest  float64 `json:"lowest,omitempty"`  // extremes since the condition became true
	Highest float64 `json:"highest,omitempty"` // both zero when unknown
}

// Fact is one quantity of a sensor, as it stood at an event.
type Fact struct {
	Sensor   string           `json:"sensor"`             // name
	Title    string           `json:"title"`              // as people call it
	Quantity sensors.Quantity `json:"quantity,omitempty"` // None: the sensor has no reading
	Value    float64          `json:"value"`              // in the quantity's unit
	State    string           `json:"state,omitempty"`    // a level's word: "open"
	Silent   time.Duration    `json:"silent,omitempty"`   // since the last reading, where there is no fresh one
	Since    Moment           `json:"since,omitzero"`     // a level: since when it has been so
	Window   Window           `json:"window,omitzero"`    // what Value is of, where that is not one reading
}

// Known reports whether the fact has a value.
func (f Fact) Known() bool { return f.Quantity != sensors.None && f.Silent == 0 }

// Text is the value as people read it: "-14.2 °C", "open", "no reading".
func (f Fact) Text() string {
	switch {
	case !f.Known():
		return "no reading"
	case f.State != "":
		return f.State
	}
	return f.Window.Format(f.Quantity, f.Value)
}
