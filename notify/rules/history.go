package rules

import (
	"math"
	"time"

	"pinbell/notify"
	"pinbell/sensors"
)

// A history has historySteps steps of historyStep, which is six hours: long
// enough to show a freezer's defrosting or a battery's evening before the
// alarm, and few enough for an event of some 2 KB.
const (
	historySteps = 120
	historyStep  = 3 * time.Minute
)

// history is the recent course of one quantity: the lowest and the highest
// reading of each step. It begins with steps just long enough to hold two
// readings each, and doubles them whenever they do not suffice, up to limit;
// then the oldest ones go. So there is something to draw from the first minute
// on. It is about 1 KB, of a fixed size, and a reading allocates nothing.
type history struct {
	start  time.Time // of step 0; zero before the first reading
	step   time.Duration
	limit  time.Duration
	newest int64 // step number; it is kept at its number modulo historySteps
	low    [historySteps]float32
	high   [historySteps]float32 // below low: no reading
}

// newHistory makes one for a sensor that is read every so often. A sensor
// that is read rarely has longer steps, so that a gap means a missed reading.
func newHistory(every time.Duration) *history {
	h := &history{step: historyStep}
	for h.step < 2*every {
		h.step *= 2
	}
	h.limit = h.step
	for h.step/2 >= max(2*every, time.Second) {
		h.step /= 2
	}
	for i := range h.low {
		h.forget(i)
	}
	return h
}

func (h *history) forget(i int) { h.low[i], h.high[i] = 1, 0 }

func (h *history) known(i int) bool { return h.low[i] <= h.high[i] }

// add takes a reading. One that is older than the oldest step is left out.
func (h *history) add(at time.Time, value float64) {
	if math.IsNaN(value) {
		return
	}
	if h.start.IsZero() {
		h.start = at
	}
	number := h.reach(at)
	if number < 0 || number <= h.newest-historySteps {
		return
	}
	i, v := int(number%historySteps), narrow(value)
	if !h.known(i) {
		h.low[i], h.high[i] = v, v
		return
	}
	h.low[i], h.high[i] = min(h.low[i], v), max(h.high[i], v)
}

// narrow keeps an infinity, which has no form in JSON, out of the events.
func narrow(v float64) float32 {
	return float32(max(-math.MaxFloat32, min(math.MaxFloat32, v)))
}

// reach makes room up to an instant and gives the number of its step.
func (h *history) reach(at time.Time) int64 {
	since := at.Sub(h.start)
	if since < 0 {
		return -1
	}
	for since/h.step >= historySteps && h.step < h.limit {
		h.fold()
	}
	number := int64(since / h.step)
	h.newest = max(h.newest, number-historySteps) // what lies further back is cleared once, not many times
	for h.newest < number {
		h.newest++
		h.forget(int(h.newest % historySteps))
	}
	return number
}

// fold makes one step of each two. The ring has not gone round yet.
func (h *history) fold() {
	for i := range historySteps / 2 {
		a, b := 2*i, 2*i+1
		low, high := h.low[a], h.high[a]
		switch {
		case !h.known(a):
			low, high = h.low[b], h.high[b]
		case h.known(b):
			low, high = min(low, h.low[b]), max(high, h.high[b])
		}
		h.low[i], h.high[i] = low, high
	}
	for i := historySteps / 2; i < historySteps; i++ {
		h.forget(i)
	}
	h.step *= 2
	h.newest /= 2
}

// trace is the course up to an instant, to six digits; nil if less than two of
// its steps have a reading. Steps without one are left out at its begin, and at
// its end if the step is still under way.
func (h *history) trace(now time.Time) *notify.Trace {
	if h == nil || h.start.IsZero() {
		return nil
	}
	h.reach(now)
	first, last := max(0, h.newest-historySteps+1), h.newest
	for first < last && !h.known(int(first%historySteps)) {
		first++
	}
	if !h.known(int(last % historySteps)) {
		last--
	}
	t, known := &notify.Trace{Step: h.step}, 0
	for number := first; number <= last; number++ {
		i := int(number % historySteps)
		if h.known(i) {
			known++
		}
		t.Low, t.High = append(t.Low, sixDigits(h.low[i])), append(t.High, sixDigits(h.high[i]))
	}
	if known < 2 {
		return nil
	}
	return t
}

// sixDigits saves bytes in the store that nobody could see in a chart: a float
// that was computed has nine digits, and most of them mean nothing.
func sixDigits(v float32) float32 {
	x := float64(v)
	scale := math.Pow10(5 - int(math.Floor(math.Log10(math.Abs(x)))))
	if r := math.Round(x*scale) / scale; !math.IsNaN(r) && !math.IsInf(r, 0) {
		return narrow(r)
	}
	return v // zero, and what is too small to matter
}

// histories are made for the numbers that a rule compares, by slot: any of
// those may be the one that an event is about.
func histories(rules []Rule, all []Sensor) []*history {
	kept := make([]*history, len(all)*int(sensors.Quantities))
	for i := range rules {
		for _, c := range rules[i].When.compare {
			if q := c.slot.Quantity(); q != sensors.Level && q != sensors.None && kept[c.slot] == nil {
				kept[c.slot] = newHistory(all[c.slot.Sensor()].Every)
			}
		}
	}
	return kept
}

// course is the trace that goes with an event about these terms.
func (e *Engine) course(terms []notify.Term, now time.Time) *notify.Trace {
	if len(terms) == 0 {
		return nil
	}
	for slot, h := range e.histories {
		s := Slot(slot)
		if h != nil && s.Quantity() == terms[0].Quantity && e.sensors[s.Sensor()].Name == terms[0].Sensor {
			return h.trace(now)
		}
	}
	return nil
}
