package replay

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"pinbell/sensors"
	"pinbell/sensors/sensortest"
)

const evening = `time, door.level, freezer.temperature, freezer.humidity
# the door is opened, the freezer's wire comes off
0s,   0, -18.5, 40
2.5s, 1, -18.2, 41
10m,  1, ,
1h,   0, -12,   45
`

func read(t testing.TB, text string) *Scenario {
	t.Helper()
	s, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sensorOf(t testing.TB, s *Scenario, name string) sensors.Sensor {
	t.Helper()
	sensor, err := s.Sensor(name)
	if err != nil {
		t.Fatal(err)
	}
	return sensor
}

func TestConform(t *testing.T) {
	for _, name := range []string{"door", "freezer"} {
		t.Run(name, func(t *testing.T) {
			sensortest.Conform(t, func(t *testing.T) sensortest.Subject {
				s := read(t, "time,door.level,freezer.pressure,freezer.temperature\n0s,1,1013,-18\n1h,,,\n2h,0,1014,-17\n")
				return sensortest.Subject{
					Sensor: sensorOf(t, s, name), Quantities: s.Quantities(name),
					Break: func() { s.Start(time.Now().Add(-time.Hour)) },
					Mend:  func() { s.Start(time.Now().Add(-2 * time.Hour)) },
				}
			})
		})
	}
}

func TestARowHoldsUntilTheNextAndTheLastForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := read(t, evening)
		door, freezer := sensorOf(t, s, "door"), sensorOf(t, s, "freezer")
		start := time.Now()
		for _, c := range []struct {
			at   time.Duration
			door float64
			cold float64 // 0: no answer
		}{
			{0, 0, -18.5}, {2499 * time.Millisecond, 0, -18.5}, {2500 * time.Millisecond, 1, -18.2},
			{10*time.Minute - 1, 1, -18.2}, {10 * time.Minute, 1, 0}, {time.Hour - 1, 1, 0},
			{time.Hour, 0, -12}, {1000 * time.Hour, 0, -12},
		} {
			time.Sleep(time.Until(start.Add(c.at)))
			if got := sensortest.Sense(t, door)[0].Value; got != c.door {
				t.Errorf("after %v the door is %v, want %v", c.at, got, c.door)
			}
			if c.cold == 0 {
				fault := sensortest.SenseFault(t, freezer)
				if want := "freezer does not answer (its cells of the scenario are empty)"; fault.Sentence != want {
					t.Errorf("sentence %q, want %q", fault.Sentence, want)
				}
			} else if got := sensortest.Sense(t, freezer)[0].Value; got != c.cold {
				t.Errorf("after %v the freezer is at %v, want %v", c.at, got, c.cold)
			}
		}
	})
}

func TestScenarioStartsWithItsFirstSenseOrAsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := read(t, "time,door.level\n0s,0\n10s,1\n")
		time.Sleep(time.Hour)
		door := sensorOf(t, s, "door")
		if got := sensortest.Sense(t, door)[0].Value; got != 0 {
			t.Errorf("at the first Sense: %v, want the first row", got)
		}
		s.Start(time.Now().Add(-10 * time.Second))
		if got := sensortest.Sense(t, door)[0].Value; got != 1 {
			t.Errorf("10 s after its start: %v, want the second row", got)
		}
		s.Start(time.Now().Add(time.Second))
		sensortest.SenseFault(t, door)
	})
}

func TestBeforeTheFirstRowNothingIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		door := sensorOf(t, read(t, "time,door.level\n10s,1\n"), "door")
		fault := sensortest.SenseFault(t, door)
		if want := "door has nothing to say yet: the scenario's first row is at 10s"; fault.Sentence != want {
			t.Errorf("sentence %q, want %q", fault.Sentence, want)
		}
		time.Sleep(10 * time.Second)
		sensortest.Sense(t, door)
	})
}

func TestWhatAScenarioTellsOfItself(t *testing.T) {
	s := read(t, evening)
	if got := s.Names(); !slices.Equal(got, []string{"door", "freezer"}) {
		t.Errorf("names %v", got)
	}
	if got := s.Quantities("freezer"); !slices.Equal(got, []sensors.Quantity{sensors.Temperature, sensors.Humidity}) {
		t.Errorf("the freezer's quantities %v", got)
	}
	if got := s.Quantities("attic"); got != nil {
		t.Errorf("quantities of a sensor that is not there: %v", got)
	}
	if got := s.Length(); got != time.Hour {
		t.Errorf("length %v, want 1h", got)
	}
	_, err := s.Sensor("attic")
	if want := `the scenario has no sensor "attic" (it has door, freezer)`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestDatesCountFromTheFirstRow(t *testing.T) {
	s := read(t, "\ufefftime,door.level\r\n2026-10-25T01:59:00+01:00,0\r\n2026-10-25T01:01:00Z,1\r\n")
	if got := s.Length(); got != 2*time.Minute {
		t.Errorf("length %v, want 2m across the change of the clocks", got)
	}
}

// Any table, asked at any time, says what a search by eye finds.
func TestSenseAgreesWithTheTable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.Int64Range(1, 1e10), 1, 20).Draw(rt, "steps")
		ask := time.Duration(rapid.Int64Range(0, 2e11).Draw(rt, "ask"))
		text, from, want := &strings.Builder{}, time.Duration(0), -1.0
		text.WriteString("time,x.value\n")
		for i, step := range steps {
			from += time.Duration(step)
			text.WriteString(from.String() + "," + string(rune('0'+i%10)) + "\n")
			if from <= ask {
				want = float64(i % 10)
			}
		}
		s := read(t, text.String())
		got, found := s.at(ask)
		if found != (want >= 0) || found && got.cells[0] != want {
			rt.Fatalf("at %v: %v (%v), want %v in\n%s", ask, got.cells, found, want, text)
		}
	})
}

func TestSteadySenseAllocatesNothing(t *testing.T) {
	freezer := sensorOf(t, read(t, evening), "freezer")
	buf := sensortest.Sense(t, freezer)
	if n := testing.AllocsPerRun(100, func() { freezer.Sense(buf[:0]) }); n != 0 {
		t.Errorf("%v allocations a reading, want none", n)
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "night.csv")
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "night.csv") {
		t.Errorf("an absent file: %v", err)
	}
	os.WriteFile(path, []byte("time,door.level\n0s,2\n"), 0o644)
	_, err := Load(path)
	if want := "read scenario " + path + ": line 2, column 4: a level is 0 or 1, not 2"; err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
	os.WriteFile(path, []byte(evening), 0o644)
	if _, err := Load(path); err != nil {
		t.Error(err)
	}
}

func BenchmarkSense(b *testing.B) {
	freezer := sensorOf(b, read(b, evening), "freezer")
	buf, _ := freezer.Sense(nil)
	b.ReportAllocs()
	for b.Loop() {
		freezer.Sense(buf[:0])
	}
}
