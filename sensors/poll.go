package sensors

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Polled is a sensor that is asked at a steady beat.
type Polled struct {
	ID     int                 // the sensor's position in the config: Reading.Sensor
	Sensor Sensor              //
	Every  time.Duration       // above zero
	Offset [Quantities]float64 // calibration: added to each value, in its unit
}

// Poll asks all sensors of one bus, each at its own period, and hands over
// what they said: one wake-up and one batch for everything that is due. The
// batch belongs to the receiver.
//
// All sensors are asked at once, then on a grid that begins there, so that
// equal periods stay together. Beats that pass while a slow sensor is read are
// not made up: a sensor that was asked in the same batch goes on with its next
// beat, another one is asked once, late. Handing over waits for the receiver or
// the end.
//
// Poll returns after ctx is done and the sensors are closed, with the errors
// of closing; a Sense that is under way then is waited for.
func Poll(ctx context.Context, all []Polled, out chan<- []Reading) error {
	for i := range all {
		if all[i].Every <= 0 {
			return fmt.Errorf("poll sensor %d: a period of %v is not above zero", all[i].ID, all[i].Every)
		}
	}
	p := poller{all: all, due: make([]time.Duration, len(all)), start: time.Now()}
	p.run(ctx, out)
	return closeAll(all)
}

// poller is the state of one Poll.
type poller struct {
	all      []Polled
	due      []time.Duration // since start
	start    time.Time
	measures []Measure // reused from Sense to Sense
	size     int       // the longest batch so far
}

func (p *poller) run(ctx context.Context, out chan<- []Reading) {
	if len(p.all) == 0 {
		<-ctx.Done()
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		batch := p.batch(ctx)
		if ctx.Err() != nil {
			return
		}
		if len(batch) > 0 {
			select {
			case <-ctx.Done():
				return
			case out <- batch:
			}
		}
		timer.Reset(p.wait())
	}
}

// batch asks every sensor that is due, and sets when each is due again: at its
// first beat after the whole batch, so that equal periods stay together.
func (p *poller) batch(ctx context.Context) []Reading {
	began := time.Since(p.start)
	batch := make([]Reading, 0, max(p.size, len(p.all)))
	for i := range p.all {
		if ctx.Err() != nil {
			return nil
		}
		if p.due[i] <= began {
			batch = p.ask(&p.all[i], batch)
		}
	}
	p.size = max(p.size, len(batch))
	ended := time.Since(p.start)
	for i := range p.all {
		if p.due[i] <= began {
			p.due[i] = next(ended, p.all[i].Every)
		}
	}
	return batch
}

// next is the first beat of the grid after now.
func next(now, every time.Duration) time.Duration { return now - now%every + every }

// wait is how long nothing is due.
func (p *poller) wait() time.Duration {
	soonest := p.due[0]
	for _, due := range p.due[1:] {
		soonest = min(soonest, due)
	}
	return soonest - time.Since(p.start)
}

// ask adds a sensor's readings to the batch: its values, or one Fault.
func (p *poller) ask(s *Polled, batch []Reading) []Reading {
	measures, err := s.Sensor.Sense(p.measures[:0])
	at := time.Now()
	if err != nil {
		return append(batch, Reading{Sensor: s.ID, At: at, Fault: asFault(err)})
	}
	p.measures = measures
	before := len(batch)
	for _, m := range measures {
		r := Reading{Sensor: s.ID, Quantity: m.Quantity, At: at}
		if r.Value = m.Value + s.Offset[m.Quantity]; math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
			fault := &Fault{Sentence: fmt.Sprintf("it measured a %v of %v, which is no number", m.Quantity, r.Value),
				Remedy: "Check the sensor and its scale or offset in the config."}
			return append(batch[:before], Reading{Sensor: s.ID, At: at, Fault: fault})
		}
		batch = append(batch, r)
	}
	return batch
}

func asFault(err error) *Fault {
	if fault, ok := errors.AsType[*Fault](err); ok {
		return fault
	}
	return &Fault{Sentence: "it could not be read", Remedy: "Check the sensor and its wiring.", Err: err}
}

func closeAll(all []Polled) error {
	var errs []error
	for i := range all {
		if err := all[i].Sensor.Close(); err != nil {
			errs = append(errs, fmt.Errorf("close sensor %d: %w", all[i].ID, err))
		}
	}
	return errors.Join(errs...)
}
