package rules

import (
	"encoding/json"
	"slices"
	"time"

	"pinbell/notify"
	"pinbell/sensors"
)

// maxOthers bounds what a mail says of sensors that the rule does not ask.
const maxOthers = 24

// transition makes an event of a rule's step and queues it for the commit at
// the end of this turn of the loop.
func (e *Engine) transition(r *rule, before State, kind notify.Kind, now time.Time) {
	at := e.Clock.At(now)
	ev := notify.Event{
		Serial: e.Store.NextSerial(), Kind: kind, Rule: r.Name, Title: r.Title, Severity: r.Severity,
		To: r.To, Message: r.Message, At: at, For: r.For, Clears: r.UntilText, Told: before.Told,
		AtMost: r.AtMost,
	}
	if kind == notify.Raised {
		r.incident = incident{Serial: ev.Serial, Since: e.Clock.At(r.state.Since), Began: at}
	}
	ev.Incident, ev.Since, ev.Began = r.incident.Serial, r.incident.Since, r.incident.Began
	ev.Terms = e.terms(r, now)
	ev.Trace = e.course(ev.Terms, now)
	ev.Others = e.others(ev.Terms, now)
	if kind != notify.Cleared { // a picture of what is over alarms nobody
		ev.Attach = r.Attach
	}
	if kind != notify.Cleared && len(r.Repeat) > 0 {
		ev.Next = r.Repeat[min(r.state.Told, len(r.Repeat)-1):]
	}
	e.batch = append(e.batch, Transition{Key: ruleKey(r.Name), State: e.ruleRecord(r), Event: ev})
}

// tellSensor makes an event of a sensor that was lost or has returned.
// reading is when its newest reading came.
func (e *Engine) tellSensor(i int, kind notify.Kind, now, reading time.Time) {
	s, at := &e.sensors[i], e.Clock.At(now)
	ev := notify.Event{
		Serial: e.Store.NextSerial(), Kind: kind, Sensor: s.Name, Title: s.Title,
		Severity: notify.Warning, To: e.To, At: at,
	}
	if kind == notify.Lost {
		s.incident = incident{Serial: ev.Serial, Since: e.Clock.At(reading), Began: at}
		if s.fault != nil {
			ev.Cause, ev.Remedy = s.fault.Error(), s.fault.Remedy
		}
	}
	ev.Incident, ev.Since, ev.Began = s.incident.Serial, s.incident.Since, s.incident.Began
	ev.Others = e.others(nil, now)
	if kind == notify.Lost { // it is what the event is about
		ev.Others = slices.DeleteFunc(ev.Others, func(f notify.Fact) bool { return f.Sensor == s.Name })
	}
	e.batch = append(e.batch, Transition{Key: sensorKey(s.Name), State: e.sensorRecord(s), Event: ev})
}

// terms are the rule's comparisons as they stand, with the extremes that were
// kept for the first one.
func (e *Engine) terms(r *rule, now time.Time) []notify.Term {
	terms := r.When.terms(&e.view, func(c comparison) notify.Fact { return e.compared(c, now) })
	if len(terms) == 0 || !r.state.Seen {
		return terms
	}
	first := e.compared(r.When.compare[0], now)
	for i := range terms {
		if t := &terms[i]; t.Sensor == first.Sensor && t.Quantity == first.Quantity && t.Window == first.Window {
			t.Lowest, t.Highest = r.state.Lowest, r.state.Highest
		}
	}
	return terms
}

// fact is a slot as people are told of it.
func (e *Engine) fact(slot Slot, now time.Time) notify.Fact {
	s := &e.sensors[slot.Sensor()]
	cell := e.view.Slots[slot]
	f := notify.Fact{Sensor: s.Name, Title: s.Title, Quantity: slot.Quantity(), Value: cell.Value}
	if !cell.Known {
		f.Silent = max(now.Sub(s.last), time.Second)
		return f
	}
	if f.Quantity == sensors.Level {
		f.State = s.word(cell.Value)
		if t := s.changed[sensors.Level]; !t.IsZero() {
			f.Since = e.Clock.At(t)
		}
	}
	return f
}

// word is what the owner calls a level.
func (s *sensor) word(value float64) string {
	i := 0
	if value != 0 {
		i = 1
	}
	if s.States[i] != "" {
		return s.States[i]
	}
	return [2]string{"inactive", "active"}[i]
}

// others are the facts that terms do not name. The reading itself stands
// beside a window over it.
func (e *Engine) others(terms []notify.Term, now time.Time) []notify.Fact {
	var facts []notify.Fact
	for i := range e.sensors {
		if s := &e.sensors[i]; !s.read && !s.stale {
			continue // it has only not been asked yet
		}
		for _, q := range e.sensors[i].Quantities {
			f := e.fact(SlotOf(i, q), now)
			if !named(terms, f) && len(facts) < maxOthers {
				facts = append(facts, f)
			}
			if !f.Known() {
				break // a silent sensor is silent in all it measures
			}
		}
	}
	return facts
}

func named(terms []notify.Term, f notify.Fact) bool {
	for _, t := range terms {
		if t.Sensor == f.Sensor && t.Quantity == f.Quantity && t.Window == f.Window {
			return true
		}
	}
	return false
}

func ruleKey(name string) string   { return "rule/" + name }
func sensorKey(name string) string { return "sensor/" + name }

// ruleRecord is a raised rule as the store keeps it; a quiet rule needs none.
type ruleRecord struct {
	incident
	Told     int           `json:"told"`
	Reminder notify.Moment `json:"reminder,omitzero"`
	Lowest   float64       `json:"lowest,omitempty"`
	Highest  float64       `json:"highest,omitempty"`
	Seen     bool          `json:"seen,omitempty"`
}

func (e *Engine) ruleRecord(r *rule) []byte {
	if !r.state.Raised {
		return nil
	}
	rec := ruleRecord{incident: r.incident, Told: r.state.Told, Lowest: r.state.Lowest, Highest: r.state.Highest, Seen: r.state.Seen}
	if !r.state.Reminder.IsZero() {
		rec.Reminder = e.Clock.At(r.state.Reminder)
	}
	return encode(rec)
}

func (e *Engine) sensorRecord(s *sensor) []byte {
	if !s.lost {
		return nil
	}
	return encode(s.incident)
}

// encode writes a record of our own types, which always have a JSON form.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// restore takes up what was told before this start. A record that does not
// read is left out: its rule then fires anew, which is the safe side.
func (e *Engine) restore(now time.Time) {
	e.advance(now)
	for i := range e.windows {
		e.look(i)
	}
	for i := range e.sensors {
		s := &e.sensors[i]
		s.last = now
		s.lost = json.Unmarshal(e.Store.State(sensorKey(s.Name)), &s.incident) == nil
	}
	for i := range e.rules {
		r := &e.rules[i]
		var rec ruleRecord
		if json.Unmarshal(e.Store.State(ruleKey(r.Name)), &rec) != nil {
			continue
		}
		r.incident = rec.incident
		r.state = State{Raised: true, Since: now, Told: rec.Told, Lowest: rec.Lowest, Highest: rec.Highest, Seen: rec.Seen}
		r.state.Reminder = e.dueAgain(r.Rule, rec, now)
		r.wake = r.Wake(r.state)
	}
}

// dueAgain is when a reminder is due that was scheduled before this start. If
// nothing tells how much of its wait has passed, the wait begins anew.
func (e *Engine) dueAgain(r *Rule, rec ruleRecord, now time.Time) time.Time {
	if len(r.Repeat) == 0 {
		return time.Time{}
	}
	here := e.Clock.At(now)
	switch at := rec.Reminder; {
	case at.IsZero():
	case at.Boot == here.Boot:
		return now.Add(at.Up - here.Up)
	case at.Trusted && here.Trusted:
		return now.Add(at.Wall.Sub(here.Wall))
	}
	return r.reminder(rec.Told, now)
}
