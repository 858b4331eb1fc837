// Package replay turns a recorded or written history into sensors: a table of
// comma-separated values.
//
//	time,door.level,freezer.temperature,freezer.humidity
//	0s,  0,         -18.5,              40
//	10m, 1,         -18.2,              41
//	12m, 1,         ,
//
// The first column is a duration since the start, or a date and time (RFC
// 3339) since the first row's. A row holds until the next one, the last for
// ever. A sensor whose cells are empty does not answer. Lines that begin with #
// are remarks.
//
// It promises that a table is read whole or refused with the place of its
// first mistake, and that what a sensor says depends on the time since the
// start alone: a sensor that is asked rarely misses rows and delays none. It
// reads its table once and waits for nothing.
package replay

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"pinbell/sensors"
)

// Scenario is a history. It may be used by several goroutines.
type Scenario struct {
	names   []string // of the sensors, as they come in the header
	sensors map[string]columns
	rows    []row

	mu    sync.Mutex
	start time.Time
}

// columns are a sensor's, with their places in a row.
type columns struct {
	quantities []sensors.Quantity
	at         []int
}

// row is what all sensors say from a time on; NaN is no answer.
type row struct {
	from  time.Duration
	cells []float64
}

// Names gives the sensors' names in the order of the header.
func (s *Scenario) Names() []string { return slices.Clone(s.names) }

// Quantities gives what the named sensor measures, in the order of the
// header; nothing if the scenario has no such sensor.
func (s *Scenario) Quantities(name string) []sensors.Quantity {
	return slices.Clone(s.sensors[name].quantities)
}

// Length is when the last row begins.
func (s *Scenario) Length() time.Duration { return s.rows[len(s.rows)-1].from }

// Start sets when the scenario begins. Without it, that is the first Sense of
// any of its sensors.
func (s *Scenario) Start(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start = at
}

// Sensor gives the named sensor.
func (s *Scenario) Sensor(name string) (sensors.Sensor, error) {
	c, ok := s.sensors[name]
	if !ok {
		return nil, fmt.Errorf("the scenario has no sensor %q (it has %s)", name,
			strings.Join(slices.Sorted(maps.Keys(s.sensors)), ", "))
	}
	return &sensor{name: name, columns: c, scenario: s}, nil
}

// now is the time since the start.
func (s *Scenario) now() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.start.IsZero() {
		s.start = time.Now()
	}
	return time.Since(s.start)
}

// at finds the row that holds; none before the first one begins.
func (s *Scenario) at(now time.Duration) (row, bool) {
	after := sort.Search(len(s.rows), func(i int) bool { return s.rows[i].from > now })
	if after == 0 {
		return row{}, false
	}
	return s.rows[after-1], true
}

// sensor is one of a scenario.
type sensor struct {
	name     string
	columns  columns
	scenario *Scenario
}

func (s *sensor) Sense(buf []sensors.Measure) ([]sensors.Measure, error) {
	row, begun := s.scenario.at(s.scenario.now())
	if !begun {
		return buf, &sensors.Fault{
			Sentence: fmt.Sprintf("%s has nothing to say yet: the scenario's first row is at %v", s.name, s.scenario.rows[0].from),
			Remedy:   "Wait, or give the scenario a row at 0s.",
		}
	}
	for i, q := range s.columns.quantities {
		v := row.cells[s.columns.at[i]]
		if math.IsNaN(v) {
			return buf, &sensors.Fault{
				Sentence: s.name + " does not answer (its cells of the scenario are empty)",
				Remedy:   "Nothing is broken: the scenario has it so.",
			}
		}
		buf = append(buf, sensors.Measure{Quantity: q, Value: v})
	}
	return buf, nil
}

// Close does nothing: the scenario goes on.
func (s *sensor) Close() error { return nil }
