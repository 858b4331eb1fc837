package rules

import (
	"fmt"
	"time"

	"pinbell/notify"
	"pinbell/sensors"
)

// fresh notes a good reading of a sensor.
func (e *Engine) fresh(s *sensor, at time.Time) {
	if s.fault != nil {
		s.fault = nil
		e.Troubles.Clear(faultCode, s.Name)
	}
	s.last, s.read, s.stale = at, true, false
}

// returned tells that a sensor is back if its silence was told. It comes after
// the whole batch, so that all that the sensor measures is known by then.
func (e *Engine) returned(i int) {
	if s := &e.sensors[i]; s.lost && !s.stale && s.read {
		s.lost = false
		e.tellSensor(i, notify.Returned, s.last, s.last)
	}
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
		e.view.Slots[SlotOf(i, q)].Known = false
	}
	for _, q := range s.Quantities {
		e.feed(SlotOf(i, q), e.now, false)
		for _, r := range e.readers[SlotOf(i, q)] {
			e.touched[r] = true
		}
	}
	e.settle()
	if !s.lost {
		s.lost = true
		e.tellSensor(i, notify.Lost, now, s.last)
	}
}
