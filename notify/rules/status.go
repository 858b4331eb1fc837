package rules

import (
	"context"
	"time"

	"pinbell/notify"
	"pinbell/sensors"
)

// Status is what the engine knows now, for people and for --json.
type Status struct {
	Rules   []RuleStatus   `json:"rules"`
	Sensors []SensorStatus `json:"sensors"`
}

// RuleStatus is one rule. State is quiet, pending (true, but not yet for long
// enough), raised, or unknown (a sensor it asks has no fresh reading).
type RuleStatus struct {
	Name     string        `json:"name"`
	Title    string        `json:"title"`
	Severity string        `json:"severity"`
	State    string        `json:"state"`
	Incident uint64        `json:"incident,omitempty"`
	Since    notify.Moment `json:"since,omitzero"`        // raised, pending: since when the condition holds
	FiresIn  time.Duration `json:"fires_in,omitempty"`    // pending: ns until it fires, if it stays so
	Told     int           `json:"told,omitempty"`        // raised: events of this incident so far
	Reminder time.Duration `json:"reminder_in,omitempty"` // raised: ns until the next reminder
	Unknown  bool          `json:"unknown_now,omitempty"` // raised, but its condition cannot be answered now
}

// SensorStatus is one sensor with its newest values.
type SensorStatus struct {
	Name   string        `json:"name"`
	Title  string        `json:"title"`
	Values []notify.Fact `json:"values"`
	Read   bool          `json:"read"`            // it has been read since the start
	Age    time.Duration `json:"age"`             // ns since the newest reading, or since the start
	Lost   bool          `json:"lost"`            // silent for longer than silent_after
	Fault  string        `json:"fault,omitempty"` // why the newest read failed
	Remedy string        `json:"remedy,omitempty"`
	Every  time.Duration `json:"every"` // ns
}

// Status asks the loop what it knows.
func (e *Engine) Status(ctx context.Context) (st Status, err error) {
	err = e.inside(ctx, func() { st = e.status(time.Now()) })
	return st, err
}

func (e *Engine) status(now time.Time) Status {
	st := Status{Rules: make([]RuleStatus, len(e.rules)), Sensors: make([]SensorStatus, len(e.sensors))}
	for i := range e.rules {
		st.Rules[i] = e.ruleStatus(&e.rules[i], now)
	}
	for i := range e.sensors {
		st.Sensors[i] = e.sensorStatus(i, now)
	}
	return st
}

func (e *Engine) ruleStatus(r *rule, now time.Time) RuleStatus {
	rs := RuleStatus{Name: r.Name, Title: r.Title, Severity: r.Severity.String(), State: "quiet"}
	switch s := r.state; {
	case s.Raised:
		rs.State, rs.Incident, rs.Since, rs.Told, rs.Unknown = "raised", r.incident.Serial, r.incident.Since, s.Told+1, s.Unknown
		if !s.Reminder.IsZero() {
			rs.Reminder = s.Reminder.Sub(now)
		}
	case s.Unknown || r.When.Eval(&e.view) == Unknown:
		rs.State = "unknown"
	case !s.Since.IsZero():
		rs.State, rs.Since, rs.FiresIn = "pending", e.Clock.At(s.Since), r.For-s.Held-now.Sub(s.Mark)
	}
	return rs
}

func (e *Engine) sensorStatus(i int, now time.Time) SensorStatus {
	s := &e.sensors[i]
	st := SensorStatus{Name: s.Name, Title: s.Title, Read: s.read, Age: now.Sub(s.last), Lost: s.stale, Every: s.Every}
	if s.fault != nil {
		st.Fault, st.Remedy = s.fault.Error(), s.fault.Remedy
	}
	for _, q := range s.Quantities {
		if q != sensors.None {
			st.Values = append(st.Values, e.fact(SlotOf(i, q), now))
		}
	}
	return st
}
