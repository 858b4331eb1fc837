// Package sensortest holds what every sensor must do, whatever it is made of.
// A driver's test says how to make one, how to break it and how to mend it;
// Conform does the rest. It knows nothing about any driver.
package sensortest

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pinbell/sensors"
)

// Subject is a sensor under test.
type Subject struct {
	Sensor     sensors.Sensor
	Quantities []sensors.Quantity // what one Sense yields, in this order
	Break      func()             // from now on it can't be read; nil: it can't break
	Mend       func()             // from now on it can be read again
}

// Mended is how many times a mended sensor may still fail: one reading may be
// lost to finding out that the device has to be opened or set up again.
const Mended = 1

// Conform tests a fresh Subject for each claim, in a bubble of time: what a
// driver waits for takes none.
func Conform(t *testing.T, fresh func(t *testing.T) Subject) {
	claims := []struct {
		name  string
		claim func(t *testing.T, s Subject)
	}{
		{"SensesItsQuantitiesInOrder", sensesItsQuantities},
		{"AppendsToWhatIsThere", appends},
		{"CloseBeforeSenseAndTwiceIsFine", closesAnyTime},
		{"SensesAgainAfterClose", sensesAfterClose},
		{"FailedReadIsAFaultNeverAValue", failsWithFault},
		{"ComesBackByItself", comesBack},
	}
	for _, c := range claims {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := fresh(t)
				t.Cleanup(func() { s.Sensor.Close() })
				c.claim(t, s)
			})
		})
	}
}

// Sense measures once and fails the test if that fails.
func Sense(t *testing.T, s sensors.Sensor) []sensors.Measure {
	t.Helper()
	got, err := s.Sense(nil)
	if err != nil {
		t.Fatalf("Sense failed: %v", err)
	}
	return got
}

// SenseFault measures once and fails the test unless that yields a Fault that
// people can read, and no value.
func SenseFault(t *testing.T, s sensors.Sensor) *sensors.Fault {
	t.Helper()
	kept := sensors.Measure{Quantity: sensors.Value, Value: 42}
	got, err := s.Sense([]sensors.Measure{kept})
	if err == nil {
		t.Fatalf("Sense gave %v, want a fault", got[1:])
	}
	fault, ok := err.(*sensors.Fault)
	if !ok {
		t.Fatalf("the error is a %T, want a *sensors.Fault: %v", err, err)
	}
	if len(got) < 1 || got[0] != kept {
		t.Errorf("with a fault, what was in buf became %v", got)
	}
	readable(t, fault)
	return fault
}

// readable checks what the log, the status and the mail rely on.
func readable(t *testing.T, f *sensors.Fault) {
	t.Helper()
	if f.Sentence == "" || strings.ContainsAny(f.Sentence, "\n\r\x00") || strings.HasSuffix(f.Sentence, ".") {
		t.Errorf("sentence %q: want one line without a full stop", f.Sentence)
	}
	if f.Remedy == "" || strings.Contains(f.Remedy, "\n") || !strings.HasSuffix(f.Remedy, ".") {
		t.Errorf("remedy %q: want one line with a full stop", f.Remedy)
	}
	if !strings.HasPrefix(f.Error(), f.Sentence) {
		t.Errorf("the error %q does not begin with the sentence %q", f.Error(), f.Sentence)
	}
	if f.Err != nil && !errors.Is(f, f.Err) {
		t.Errorf("the cause %v is not wrapped", f.Err)
	}
}

func sensesItsQuantities(t *testing.T, s Subject) {
	for range 3 {
		check(t, s, Sense(t, s.Sensor))
	}
}

func check(t *testing.T, s Subject, got []sensors.Measure) {
	t.Helper()
	var quantities []sensors.Quantity
	for _, m := range got {
		quantities = append(quantities, m.Quantity)
		if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			t.Errorf("%v is %v, which is no number", m.Quantity, m.Value)
		}
		if m.Quantity == sensors.Level && m.Value != 0 && m.Value != 1 {
			t.Errorf("a level is %v, want 0 or 1", m.Value)
		}
	}
	if !slices.Equal(quantities, s.Quantities) {
		t.Errorf("Sense gave %v, want %v", quantities, s.Quantities)
	}
}

func appends(t *testing.T, s Subject) {
	kept := []sensors.Measure{{Quantity: sensors.Value, Value: 1}, {Quantity: sensors.CO2, Value: 400}}
	got, err := s.Sensor.Sense(slices.Clone(kept))
	if err != nil {
		t.Fatalf("Sense failed: %v", err)
	}
	if len(got) < len(kept) || !slices.Equal(got[:len(kept)], kept) {
		t.Fatalf("Sense made %v of %v, want it kept in front", got, kept)
	}
	check(t, s, got[len(kept):])
}

func closesAnyTime(t *testing.T, s Subject) {
	for range 2 {
		if err := s.Sensor.Close(); err != nil {
			t.Errorf("Close before Sense: %v", err)
		}
	}
	Sense(t, s.Sensor)
	for range 2 {
		if err := s.Sensor.Close(); err != nil {
			t.Errorf("Close after Sense: %v", err)
		}
	}
}

func sensesAfterClose(t *testing.T, s Subject) {
	for range 3 {
		check(t, s, Sense(t, s.Sensor))
		s.Sensor.Close()
	}
}

func failsWithFault(t *testing.T, s Subject) {
	if s.Break == nil {
		t.Skip("it can't break")
	}
	Sense(t, s.Sensor)
	s.Break()
	for range 3 {
		SenseFault(t, s.Sensor)
	}
	if err := s.Sensor.Close(); err != nil {
		t.Errorf("Close of a broken sensor: %v", err)
	}
	SenseFault(t, s.Sensor)
}

func comesBack(t *testing.T, s Subject) {
	if s.Break == nil {
		t.Skip("it can't break")
	}
	s.Break()
	SenseFault(t, s.Sensor)
	s.Mend()
	for range Mended {
		s.Sensor.Sense(nil)
	}
	check(t, s, Sense(t, s.Sensor))
}
