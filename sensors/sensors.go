// Package sensors turns pins, chips and kernel files into a stream of
// Readings.
//
// It promises that a value it hands on was measured: a read that fails in any
// way is a Reading with a Fault and without a value. It never decides what a
// value means, never waits for the network or the clock, and never stops one
// sensor because another one is broken.
//
// A sensor is polled (Poll, one loop per bus) or watched for edges (Watch, one
// loop per line). Both loops own what they read from and keep no state that a
// restart would miss: a level is read again at start and at a slow beat.
package sensors

import "time"

// Measure is one quantity as a driver has just measured it, in the
// quantity's unit.
type Measure struct {
	Quantity Quantity
	Value    float64
}

// Sensor is something that can be asked for a measurement. It is used by one
// goroutine at a time.
type Sensor interface {
	// Sense measures once and appends what it measured to buf. It opens the
	// device if that is needed, and returns within a bounded time. With an
	// error, nothing that it appended counts; the error is a *Fault.
	Sense(buf []Measure) ([]Measure, error)
	// Close lets go of the device. Sense may be called again after it.
	Close() error
}

// Reading is one quantity of a sensor at an instant, or a Fault of the whole
// sensor.
type Reading struct {
	Sensor   int       // the sensor's position in the config, from 0
	Quantity Quantity  // None with a Fault
	Value    float64   // in the quantity's unit; meaningless with a Fault
	At       time.Time // when it was measured, with Go's monotonic time
	Fault    *Fault    // why there is no value; nil with a value
}

// Fault says why a sensor has no value. It is an error whose text people read.
type Fault struct {
	Sentence string // "bme280 at 0x76 on bus 1 does not answer"
	Remedy   string // what the owner can do: "Check the wiring (SDA pin 3, SCL pin 5)."
	Err      error  // the cause, with its errno where there is one; may be nil
}

func (f *Fault) Error() string {
	if f.Err == nil {
		return f.Sentence
	}
	return f.Sentence + ": " + f.Err.Error()
}

func (f *Fault) Unwrap() error { return f.Err }
