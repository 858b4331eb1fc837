package sensors_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/sensors"
)

// probe is a sensor whose answers the test decides.
type probe struct {
	takes    time.Duration
	answer   func(n int) ([]sensors.Measure, error) // n counts from 0; nil: n °C
	closing  error
	asked    []time.Time
	closed   int
	closedAt time.Time
}

func (p *probe) Sense(buf []sensors.Measure) ([]sensors.Measure, error) {
	n := len(p.asked)
	p.asked = append(p.asked, time.Now())
	time.Sleep(p.takes)
	if p.answer == nil {
		return append(buf, sensors.Measure{Quantity: sensors.Temperature, Value: float64(n)}), nil
	}
	got, err := p.answer(n)
	return append(buf, got...), err
}

func (p *probe) Close() error {
	p.closed++
	p.closedAt = time.Now()
	return p.closing
}

// batch is what was handed over, and when, since the start.
type batch struct {
	after    time.Duration
	readings []sensors.Reading
}

// poll runs Poll for a while in a bubble of time and gives what it handed over.
func poll(t *testing.T, during time.Duration, all ...sensors.Polled) (batches []batch) {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	out, done := make(chan []sensors.Reading), make(chan error)
	go func() { done <- sensors.Poll(ctx, all, out) }()
	for {
		select {
		case readings := <-out:
			batches = append(batches, batch{time.Since(start), readings})
		case err := <-done:
			if err != nil {
				t.Errorf("Poll: %v", err)
			}
			return batches
		}
	}
}

func (b batch) String() string {
	var ids []string
	for _, r := range b.readings {
		ids = append(ids, fmt.Sprint(r.Sensor))
	}
	return fmt.Sprintf("%v: %s", b.after, strings.Join(ids, " "))
}

func beats(batches []batch) (list []string) {
	for _, b := range batches {
		list = append(list, b.String())
	}
	return list
}

func bubble(t *testing.T, test func(t *testing.T)) { synctest.Test(t, test) }

func TestEverythingDueIsOneBatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		got := beats(poll(t, 4500*time.Millisecond,
			sensors.Polled{ID: 7, Sensor: &probe{}, Every: time.Second},
			sensors.Polled{ID: 8, Sensor: &probe{}, Every: 2 * time.Second},
			sensors.Polled{ID: 9, Sensor: &probe{}, Every: time.Second}))
		want := []string{"0s: 7 8 9", "1s: 7 9", "2s: 7 8 9", "3s: 7 9", "4s: 7 8 9"}
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

// The slow sensor takes 2.2 s of each 5. The beats that pass meanwhile are not
// made up, the one of a sensor that had its turn with the slow one is skipped,
// that of another is late, and all stay on their grid.
func TestMissedBeatsAreNotMadeUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		start := time.Now()
		second, third, slow := &probe{}, &probe{}, &probe{takes: 2200 * time.Millisecond}
		poll(t, 9500*time.Millisecond,
			sensors.Polled{ID: 0, Sensor: second, Every: time.Second},
			sensors.Polled{ID: 1, Sensor: third, Every: 3 * time.Second},
			sensors.Polled{ID: 2, Sensor: slow, Every: 5 * time.Second})
		for name, c := range map[string]struct {
			asked []time.Time
			want  []string
		}{
			"every second": {second.asked, []string{"0s", "3s", "4s", "5s", "8s", "9s"}},
			"every third":  {third.asked, []string{"0s", "3s", "7.2s", "9s"}},
			"the slow one": {slow.asked, []string{"0s", "5s"}},
		} {
			var got []string
			for _, at := range c.asked {
				got = append(got, at.Sub(start).String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: asked at %v, want %v", name, got, c.want)
			}
		}
	})
}

// Equal periods stay together even when a batch ends just beyond a beat.
func TestEqualPeriodsStayTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all := make([]sensors.Polled, 3)
		for i := range all {
			all[i] = sensors.Polled{ID: i, Sensor: &probe{takes: 400 * time.Millisecond}, Every: time.Second}
		}
		for _, b := range poll(t, 20*time.Second, all...) {
			if len(b.readings) != 3 {
				t.Errorf("a batch of %v, want all three", b)
			}
		}
	})
}

func TestReadingHasValueOffsetAndTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		start := time.Now()
		p := sensors.Polled{ID: 3, Every: time.Hour, Sensor: &probe{takes: 40 * time.Millisecond,
			answer: func(int) ([]sensors.Measure, error) {
				return []sensors.Measure{{Quantity: sensors.Temperature, Value: -18}, {Quantity: sensors.Humidity, Value: 40}}, nil
			}}}
		p.Offset[sensors.Temperature] = -0.5
		got := poll(t, time.Minute, p)[0].readings
		at := start.Add(40 * time.Millisecond)
		want := []sensors.Reading{
			{Sensor: 3, Quantity: sensors.Temperature, Value: -18.5, At: at},
			{Sensor: 3, Quantity: sensors.Humidity, Value: 40, At: at},
		}
		if !slices.Equal(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestFailedReadIsAFaultNeverAValue(t *testing.T) {
	fault := &sensors.Fault{Sentence: "bme280 at 0x76 on bus 1 does not answer", Remedy: "Check the wiring."}
	one := sensors.Measure{Quantity: sensors.Temperature, Value: 20}
	for _, c := range []struct {
		name   string
		answer []sensors.Measure
		err    error
		want   string
	}{
		{"fault", nil, fault, fault.Sentence},
		{"value and fault", []sensors.Measure{one}, fault, fault.Sentence},
		{"wrapped fault", nil, fmt.Errorf("oh: %w", fault), fault.Sentence},
		{"any error", nil, errors.New("boo"), "it could not be read"},
		{"NaN", []sensors.Measure{one, {Quantity: sensors.Humidity, Value: math.NaN()}}, nil, "it measured a humidity of NaN, which is no number"},
		{"Inf", []sensors.Measure{{Quantity: sensors.Pressure, Value: math.Inf(-1)}, one}, nil, "it measured a pressure of -Inf, which is no number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				broken := &probe{answer: func(int) ([]sensors.Measure, error) { return c.answer, c.err }}
				got := poll(t, time.Second,
					sensors.Polled{ID: 0, Sensor: &probe{}, Every: time.Minute},
					sensors.Polled{ID: 1, Sensor: broken, Every: time.Minute},
					sensors.Polled{ID: 2, Sensor: &probe{}, Every: time.Minute})[0]
				if got.String() != "0s: 0 1 2" {
					t.Fatalf("got %v, want one reading of each sensor", got)
				}
				r := got.readings[1]
				if r.Fault == nil || r.Quantity != sensors.None || r.Value != 0 || r.At.IsZero() {
					t.Fatalf("got %+v, want a fault without a value", r)
				}
				if r.Fault.Sentence != c.want || r.Fault.Remedy == "" {
					t.Errorf("got %q (%q), want %q", r.Fault.Sentence, r.Fault.Remedy, c.want)
				}
			})
		})
	}
}

func TestSensorComesBackAfterFaults(t *testing.T) {
	bubble(t, func(t *testing.T) {
		flaky := &probe{answer: func(n int) ([]sensors.Measure, error) {
			if n < 2 {
				return nil, &sensors.Fault{Sentence: "not yet"}
			}
			return []sensors.Measure{{Quantity: sensors.Temperature, Value: 4}}, nil
		}}
		got := poll(t, 2500*time.Millisecond, sensors.Polled{Sensor: flaky, Every: time.Second})
		for i, b := range got {
			if (b.readings[0].Fault == nil) != (i == 2) {
				t.Errorf("reading %d: %+v", i, b.readings[0])
			}
		}
	})
}

// The batch is the receiver's: Poll must not write into it again.
func TestBatchIsNotTouchedAfterItWasHandedOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for i, b := range poll(t, 10*time.Second, sensors.Polled{Sensor: &probe{}, Every: time.Second}) {
			if got := b.readings[0].Value; got != float64(i) {
				t.Errorf("batch %d holds %v", i, got)
			}
		}
	})
}

func TestSlowReceiverHoldsPollBackAndLosesNoBatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p, out, done := &probe{}, make(chan []sensors.Reading), make(chan error)
		go func() { done <- sensors.Poll(ctx, []sensors.Polled{{Sensor: p, Every: time.Second}}, out) }()
		for i := range 3 {
			time.Sleep(3500 * time.Millisecond)
			if got := (<-out)[0].Value; got != float64(i) {
				t.Errorf("batch %d holds %v: one was lost", i, got)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestStopClosesAllSensorsWhateverPollWaitsFor(t *testing.T) {
	for _, c := range []struct {
		name  string
		stop  time.Duration
		takes time.Duration
		read  bool
		want  time.Duration // when Poll has ended
		asked int           // of the second sensor
	}{
		{"waiting for the beat", 1500 * time.Millisecond, 0, true, 1500 * time.Millisecond, 2},
		{"handing over", 1500 * time.Millisecond, 0, false, 1500 * time.Millisecond, 1},
		{"while a sensor is read", 300 * time.Millisecond, 500 * time.Millisecond, true, 500 * time.Millisecond, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				first, second := &probe{takes: c.takes}, &probe{}
				ctx, cancel := context.WithTimeout(t.Context(), c.stop)
				defer cancel()
				out := make(chan []sensors.Reading)
				if c.read {
					go func() {
						for {
							select {
							case <-out:
							case <-ctx.Done():
								return
							}
						}
					}()
				}
				start := time.Now()
				err := sensors.Poll(ctx, []sensors.Polled{{Sensor: first, Every: time.Second}, {Sensor: second, Every: time.Second}}, out)
				if took := time.Since(start); err != nil || took != c.want {
					t.Errorf("ended after %v with %v, want %v and nil", took, err, c.want)
				}
				if first.closed != 1 || second.closed != 1 || len(second.asked) != c.asked {
					t.Errorf("closed %d and %d times, the second asked %d times, want 1, 1 and %d",
						first.closed, second.closed, len(second.asked), c.asked)
				}
			})
		})
	}
}

func TestPollWithoutSensorsWaitsForTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		start := time.Now()
		if got := poll(t, time.Minute); got != nil || time.Since(start) != time.Minute {
			t.Errorf("got %v after %v", got, time.Since(start))
		}
	})
}

func TestErrorsOfClosingAreTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stuck := errors.New("stuck")
	good := &probe{}
	err := sensors.Poll(ctx, []sensors.Polled{{ID: 4, Sensor: &probe{closing: stuck}, Every: 1}, {Sensor: good, Every: 1}}, nil)
	if !errors.Is(err, stuck) || !strings.HasPrefix(err.Error(), "close sensor 4: ") || good.closed != 1 {
		t.Errorf("error %v, the other closed %d times", err, good.closed)
	}
}

func TestPeriodHasToBeAboveZero(t *testing.T) {
	p := &probe{}
	for _, every := range []time.Duration{0, -time.Second} {
		err := sensors.Poll(t.Context(), []sensors.Polled{{ID: 2, Sensor: p, Every: every}}, nil)
		if err == nil || !strings.Contains(err.Error(), "sensor 2") || len(p.asked) > 0 {
			t.Errorf("period %v: %v", every, err)
		}
	}
}
