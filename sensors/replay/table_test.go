package replay

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestMistakesHaveAPlaceAndASentence(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "line 1, column 1: the table is empty: its first line is a header like time,door.level"},
		{"# only a remark\n", "line 1, column 1: the table is empty: its first line is a header like time,door.level"},
		{"when,door.level\n", `line 1, column 1: the first column is called time, not "when"`},
		{"time\n0s\n", "line 1, column 1: the header names no sensor: add a column like door.level"},
		{"time,door\n", `line 1, column 6: a column is called by sensor and quantity, like door.level, not "door"`},
		{"time,.level\n", `line 1, column 6: a column is called by sensor and quantity, like door.level, not ".level"`},
		{"time,2nd.level\n", `line 1, column 6: a column is called by sensor and quantity, like door.level, not "2nd.level"`},
		{"time,door.colour\n", `line 1, column 6: there is no quantity "colour": it is one of temperature, humidity, pressure, voltage, current, power, illuminance, co2, level, value`},
		{"time,door.level,door.level\n", "line 1, column 17: door.level is there twice"},
		{"time,door.level\n", "line 1, column 1: the table has no row below its header"},
		{"time,door.level\n0s\n", "line 2, column 1: the row has 1 cells, the header 2"},
		{"time,door.level\n0s,0,1\n", "line 2, column 1: the row has 3 cells, the header 2"},
		{"time,door.level\n0s,0\n5,1\n", `line 3, column 1: "5" is no time: write how long after the start ("90s", "2.5h"), or a date ("2026-01-31T22:15:00Z")`},
		{"time,door.level\n0s,0\n2026-01-31T22:15:00Z,1\n", `line 3, column 1: "2026-01-31T22:15:00Z": a table has dates or times since its start, not both`},
		{"time,door.level\n2026-01-31T22:15:00Z,0\n1m,1\n", `line 3, column 1: "1m": a table has dates or times since its start, not both`},
		{"time,door.level\n-1s,0\n", "line 2, column 1: -1s is before the start"},
		{"time,door.level\n10s,0\n10s,1\n", "line 3, column 1: 10s is not later than the row before"},
		{"time,door.level\n0s,open\n", `line 2, column 4: "open" is no number; a cell is a number, or empty where the sensor does not answer`},
		{"time,x.value\n0s,nan\n", `line 2, column 4: "nan" is no number; a cell is a number, or empty where the sensor does not answer`},
		{"time,x.value\n0s,1e999\n", `line 2, column 4: "1e999" is no number; a cell is a number, or empty where the sensor does not answer`},
		{"time,door.level\n0s,0.5\n", "line 2, column 4: a level is 0 or 1, not 0.5"},
		{"time,f.temperature,f.humidity\n0s,1,\n", "line 2, column 6: f has a value here and none there: fill all of its cells, or none"},
		{"time,door.level\n0s,\"0\n", "line 2, column 7: a quotation mark is where none can be, or its partner is missing"},
	} {
		_, err := Read(strings.NewReader(c.text))
		if err == nil || err.Error() != c.want {
			t.Errorf("%q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestFailureToReadIsNoMistakeOfTheTable(t *testing.T) {
	broken := errors.New("the card is gone")
	_, err := Read(brokenReader{broken})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

// Whatever the bytes, there is a scenario that can be asked, or a mistake with
// a place and one line.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{evening, "time,x.value\n2026-01-31T22:15:00Z,1\n", "time,\"x.value\"\n0s,\"1\"\n", "time,a.level\n\n0s,\n", "\ufefftime"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Read(strings.NewReader(text))
		if err != nil {
			m, ok := errors.AsType[*Mistake](err)
			if !ok || m.Line < 1 || m.Column < 1 || m.Sentence == "" || strings.ContainsAny(m.Sentence, "\n\r") {
				t.Errorf("%q: %#v", text, err)
			}
			return
		}
		if len(s.Names()) == 0 || s.Length() < 0 {
			t.Errorf("%q: sensors %v, length %v", text, s.Names(), s.Length())
		}
		for _, name := range s.Names() {
			sensor, _ := s.Sensor(name)
			got, err := sensor.Sense(nil)
			for _, m := range got {
				if err == nil && (math.IsNaN(m.Value) || math.IsInf(m.Value, 0)) {
					t.Errorf("%q: %s says %v", text, name, m)
				}
			}
		}
	})
}
