package rules

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"pinbell/notify"
	"pinbell/sensors"
)

// sample is a reading as the naive reference keeps it: all of them.
type sample struct {
	at    time.Duration // since the first one
	value float64
}

// course looks at all samples to say what a history should.
func course(all []sample, every, now time.Duration) *notify.Trace {
	step, limit := stepsOf(every)
	latest := now
	for _, s := range all {
		latest = max(latest, s.at)
	}
	for latest/step >= historySteps && step < limit {
		step *= 2
	}
	t := &notify.Trace{Step: step}
	end, known := int64(latest/step), 0
	for number := max(0, end-historySteps+1); number <= end; number++ {
		low, high := float32(1), float32(0)
		for _, s := range all {
			if v := sixDigits(float32(s.value)); s.at >= 0 && int64(s.at/step) == number {
				if low > high {
					low, high = v, v
				}
				low, high = min(low, v), max(high, v)
			}
		}
		empty := low > high
		if !empty {
			known++
		} else if known == 0 || number == end {
			continue
		}
		t.Low, t.High = append(t.Low, low), append(t.High, high)
	}
	if known < 2 {
		return nil
	}
	return t
}

// stepsOf are the shortest and the longest step for a sensor read every so
// often.
func stepsOf(every time.Duration) (shortest, longest time.Duration) {
	longest = historyStep
	for longest < 2*every {
		longest *= 2
	}
	shortest = longest
	for shortest/2 >= 2*every && shortest/2 >= time.Second {
		shortest /= 2
	}
	return shortest, longest
}

func TestHistoryIsWhatAllReadingsTogetherSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		every := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(2*time.Hour)).Draw(t, "every"))
		h, start := newHistory(every), time.Now()
		var all []sample
		var at time.Duration
		for i := range rapid.IntRange(1, 80).Draw(t, "readings") {
			gap := rapid.SampledFrom([]time.Duration{0, every, every, every, 3 * every, 40 * every, 500 * every, 3 * time.Minute, 7 * time.Hour}).Draw(t, "gap")
			late := rapid.SampledFrom([]time.Duration{0, 0, 0, 0, every, 10 * every, time.Hour}).Draw(t, "late")
			if at += gap; i == 0 {
				at, late = 0, 0
			}
			s := sample{at - late, rapid.Float64Range(-50, 50).Draw(t, "value")}
			h.add(start.Add(s.at), s.value)
			all = append(all, s)
		}
		now := at + time.Duration(rapid.Int64Range(0, int64(8*time.Hour)).Draw(t, "until the event"))
		got, want := h.trace(start.Add(now)), course(seenInTime(all, every), every, now)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("read every %v, event at %v, readings %v:\n got %v\nwant %v", every, now, all, got, want)
		}
	})
}

// seenInTime leaves out the readings that were so late that their step had
// gone already when they came.
func seenInTime(all []sample, every time.Duration) (seen []sample) {
	step, limit := stepsOf(every)
	var latest time.Duration
	for _, s := range all {
		latest = max(latest, s.at)
		for latest/step >= historySteps && step < limit {
			step *= 2
		}
		if s.at >= 0 && s.at/step > latest/step-historySteps {
			seen = append(seen, s)
		}
	}
	return seen
}

func TestHistoryShowsSixHoursOfASensorThatIsReadOften(t *testing.T) {
	for _, every := range []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute} {
		h, start := newHistory(every), time.Now()
		for at := time.Duration(0); at <= 13*time.Hour; at += every {
			h.add(start.Add(at), 1)
		}
		trace := h.trace(start.Add(13 * time.Hour))
		if span := time.Duration(len(trace.Low)) * trace.Step; span != 6*time.Hour {
			t.Errorf("read every %v it shows %v, want 6 h", every, span)
		}
	}
}

func TestHistoryOfARareSensorHasNoGapsWithoutMissedReadings(t *testing.T) {
	for _, every := range []time.Duration{time.Second, 7 * time.Second, 89 * time.Second, 15 * time.Minute, 6 * time.Hour} {
		h, start := newHistory(every), time.Now()
		for i := range 400 {
			jitter := time.Duration(i%3-1) * every / 4
			h.add(start.Add(time.Duration(i+1)*every+jitter), 20)
			trace := h.trace(start.Add(time.Duration(i+1)*every + jitter))
			if trace == nil {
				continue
			}
			for n := range trace.Low {
				if trace.Low[n] > trace.High[n] {
					t.Fatalf("read every %v, after %d readings step %d of %d (%v each) is a gap", every, i+1, n, len(trace.Low), trace.Step)
				}
			}
		}
	}
}

func TestEventsOfANumericRuleCarryTheCourseOfWhatTheyAreAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(warm(t))
		defer b.stop()
		for i := range 5 { // a freezer that warms up by a degree each half minute
			b.read(freezerT, float64(-18+i))
			b.read(doorLevel, 0)
			time.Sleep(30 * time.Second)
		}
		time.Sleep(time.Second)
		b.read(freezerT, -18)
		b.expect("raised freezer-warm 2m30s, cleared freezer-warm 2m31s")
		want := &notify.Trace{
			Step: 22500 * time.Millisecond, // the shortest one for a reading every 10 s
			Low:  []float32{-18, -17, -16, 1, -15, -14},
			High: []float32{-18, -17, -16, 0, -15, -14},
		}
		if got := b.ledger.events[0].Trace; !reflect.DeepEqual(got, want) {
			t.Errorf("raised:\n got %v\nwant %v", got, want)
		}
		want.Low, want.High = append(want.Low, -18), append(want.High, -18)
		if got := b.ledger.events[1].Trace; !reflect.DeepEqual(got, want) {
			t.Errorf("cleared:\n got %v\nwant %v", got, want)
		}
	})
}

func TestTraceIsOfTheTermThatTheEventIsAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		r := *ruled(t, "freezer.humidity > 90 or freezer.temperature > -15", "", 0)
		b.run(r)
		defer b.stop()
		for i := range 3 {
			b.read(freezerH, 40)
			b.read(freezerT, float64(-17+i))
			time.Sleep(25 * time.Second)
		}
		b.read(freezerT, -14)
		ev := b.ledger.events[0]
		if ev.Terms[0].Quantity != sensors.Temperature || ev.Trace == nil || ev.Trace.Low[0] != -17 {
			t.Errorf("the event is about %v, its trace is %v", ev.Terms[0].Quantity, ev.Trace)
		}
	})
}

func TestThereIsNoTraceWhereThereIsNothingToDraw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		door := *ruled(t, "door.open", "", 0)
		door.Name = "door"
		first := *ruled(t, "freezer.temperature > -15", "", 0)
		first.Name = "first"
		b.run(door, first)
		defer b.stop()
		b.read(freezerT, -14)
		time.Sleep(45 * time.Second)
		b.read(doorLevel, 1)
		b.expect("raised first 0s, raised door 45s")
		for _, ev := range b.ledger.events {
			if ev.Trace != nil {
				t.Errorf("%s: %v", ev.Rule, ev.Trace)
			}
		}
	})
}

func TestHistoryBeginsAnewAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(warm(t))
		for range 4 {
			b.read(freezerT, -18)
			b.read(doorLevel, 0)
			time.Sleep(30 * time.Second)
		}
		b.stop()
		b.run(warm(t))
		defer b.stop()
		b.read(freezerT, -14)
		time.Sleep(15 * time.Second)
		b.read(freezerT, -14)
		time.Sleep(16 * time.Second)
		b.expect("raised freezer-warm 2m30s")
		if trace := b.ledger.events[0].Trace; trace != nil {
			t.Errorf("30 s after the restart there is one reading in each of less than two steps, and yet a trace: %v", trace)
		}
		b.read(freezerT, -18) // clears it
		if trace := b.ledger.events[1].Trace; trace == nil || trace.Low[0] != -14 {
			t.Errorf("the trace is not of this start: %v", trace)
		}
	})
}

// TestEventWithAFullTraceStaysSmall has the widest numbers that sensors give.
func TestEventWithAFullTraceStaysSmall(t *testing.T) {
	for name, value := range map[string]float64{"temperature": -14.2345678, "pressure": 1013.2512345, "tiny": -1.2345678e-7, "huge": 1e300} {
		h, start := newHistory(time.Second), time.Now()
		for at := time.Duration(0); at < 7*time.Hour; at += 10 * time.Second {
			h.add(start.Add(at), value*(1+float64(at%7)/1e3))
		}
		text, err := json.Marshal(h.trace(start.Add(7 * time.Hour)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		bound := 2500
		if name == "tiny" || name == "huge" { // no sensor gives these, but a kernel file can
			bound = 3500
		}
		if len(text) > bound {
			t.Errorf("%s: %d bytes, want at most %d: %.200s", name, len(text), bound, text)
		}
	}
}

func TestWhatIsNoNumberLeavesNoTrace(t *testing.T) {
	h, start := newHistory(time.Second), time.Now()
	for i, value := range []float64{1, math.NaN(), 2, math.Inf(1), math.Inf(-1)} {
		h.add(start.Add(time.Duration(i)*2*time.Second), value)
	}
	got := h.trace(start.Add(8 * time.Second))
	if _, err := json.Marshal(got); err != nil || got.High[0] != 1 {
		t.Errorf("%v: %v", got, err)
	}
}
