package rules

import (
	"fmt"
	"time"

	"pinbell/notify"
	"pinbell/sensors"
)

// fresh notes a good reading of a sensor, and tells that it is back if its
// silence was told.
func (e *Engine) fresh(s *sensor, at time.Time) {
	if s.fault != nil {
		s.fault = nil
		e.Troubles.Clear(faultCode, s.Name)
	}
	before := s.last
	s.last, s.read, s.stale = at, true, false
	if !s.lost {
		return
	}
	s.lost = false
	e.tellSensor(s, notify.Returned, e.Clock.At(at), before)
}

const faultCode = "sensor.fault"

func (e *Engine) faulty(s *sensor, f *sensors.Fault) {
	if s.fault == nil || s.fault.Sentence != f.Sentence {
		e.Troubles.Raise(notify.Trouble{
			Code: faultCode, About: s.Name, Sentence: f.Error(),
			Doing:  retries(s.Every),
			Remedy: f.Remedy,
		})
	}
	s.fault = f
}

func retries(every time.Duration) string {
	if every < time.Second {
		return "pinbell goes on trying."
	}
	return fmt.Sprintf("pinbell tries again every %s.", notify.Span(every))
}

// silence makes a sensor's cells unknown when its newest reading is no longer
// fresh, and tells it once.
func (e *Engine) silence(i int, now time.Time) {
	s := &e.sensors[i]
	if s.stale || now.Before(s.last.Add(s.SilentAfter)) {
		return
	}
	s.stale = true
	for _, q := range s.Quantities {
		slot := SlotOf(i, q)
		e.view.Slots[slot].Known = false
		for _, r := range e.readers[slot] {
			e.step(r, now)
		}
	}
	if !s.lost {
		s.lost = true
		e.tellSensor(s, notify.Lost, e.Clock.At(now), s.last)
	}
}
