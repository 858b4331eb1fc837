package notify

import (
	"time"

	"pinbell/sensors"
)

// Window says that a value is not a reading but what a stretch of readings
// comes to. The zero Window is of a plain reading.
type Window struct {
	Kind   string        `json:"kind"`   // as rules name it: avg, min, max, rate, count
	Length time.Duration `json:"length"` // how far it looks back
}

// String is the window as people say it after the quantity: "average of 10 min".
// It is empty for a plain reading.
func (w Window) String() string {
	switch w.Kind {
	case "avg":
		return "average of " + Span(w.Length)
	case "min":
		return "lowest of " + Span(w.Length)
	case "max":
		return "highest of " + Span(w.Length)
	case "rate":
		return "change over " + Span(w.Length)
	case "count":
		return "times in " + Span(w.Length)
	}
	return w.Kind
}

// Format is a value of the window with its unit: a rate is per hour, and a
// count has no unit.
func (w Window) Format(q sensors.Quantity, v float64) string {
	switch w.Kind {
	case "rate":
		return q.Format(v) + " per hour"
	case "count":
		return sensors.Value.Format(v)
	}
	return q.Format(v)
}
