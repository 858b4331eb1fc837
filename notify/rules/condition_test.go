package rules

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pinbell/notify"
	"pinbell/sensors"
)

// house is an environment with one of each kind of sensor.
var house = Env{Modes: []string{"home", "away", "night"}, Sensors: []SensorEnv{
	{Name: "door", Every: 30 * time.Second, Quantities: []sensors.Quantity{sensors.Level}, States: [2]string{"closed", "open"}},
	{Name: "freezer", Every: 10 * time.Second, Quantities: []sensors.Quantity{sensors.Temperature, sensors.Humidity}},
	{Name: "tank", Every: 10 * time.Second, Quantities: []sensors.Quantity{sensors.Value}},
}}

// seen makes a view of the house; nil is a cell that nobody knows.
func seen(door, freezer, tank any) *View {
	v := &View{Slots: make([]Cell, len(house.Sensors)*int(sensors.Quantities))}
	put := func(slot Slot, value any) {
		if number, known := value.(float64); known {
			v.Slots[slot] = Cell{Value: number, Known: true}
		}
	}
	put(SlotOf(0, sensors.Level), door)
	put(SlotOf(1, sensors.Temperature), freezer)
	put(SlotOf(2, sensors.Value), tank)
	return v
}

func at(v *View, minute int) *View {
	v.Minute, v.MinuteKnown = minute, true
	return v
}

func compile(t testing.TB, source string) *Condition {
	t.Helper()
	c, err := Compile(source, house)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return c
}

func TestConditionsAreThreeValued(t *testing.T) {
	night, noon := 23*60, 12*60
	for _, test := range []struct {
		source string
		view   *View
		want   Truth
	}{
		{"freezer.temperature > -15", seen(nil, -14.0, nil), True},
		{"freezer.temperature > -15", seen(nil, -15.0, nil), False},
		{"freezer.temperature >= -15", seen(nil, -15.0, nil), True},
		{"freezer.temperature > -15", seen(nil, nil, nil), Unknown},
		{"not (freezer.temperature > -15)", seen(nil, nil, nil), Unknown},
		{"door.open", seen(1.0, nil, nil), True},
		{"door.closed", seen(1.0, nil, nil), False},
		{"door.level", seen(1.0, nil, nil), True},
		{"not door.open", seen(0.0, nil, nil), True},
		{"door.open or freezer.temperature > -15", seen(1.0, nil, nil), True},
		{"freezer.temperature > -15 or door.open", seen(1.0, nil, nil), True},
		{"door.open or freezer.temperature > -15", seen(0.0, nil, nil), Unknown},
		{"door.open and freezer.temperature > -15", seen(0.0, nil, nil), False},
		{"freezer.temperature > -15 and door.open", seen(0.0, nil, nil), False},
		{"freezer.temperature > -15 && door.open", seen(1.0, nil, nil), Unknown},
		{"-20 < freezer.temperature < -15", seen(nil, -18.0, nil), True},
		{"-20 < freezer.temperature < -15", seen(nil, -14.0, nil), False},
		{"tank.value * 2 - 1 == 5", seen(nil, nil, 3.0), True},
		{"tank.value / 0 > 1", seen(nil, nil, 3.0), Unknown},
		{"-tank.value < -2.5", seen(nil, nil, 3.0), True},
		{"tank.value > freezer.temperature + 20", seen(nil, -18.0, 3.0), True},
		{"door.open == (tank.value > 2)", seen(1.0, nil, 3.0), True},
		{"door.open != (tank.value > 2)", seen(1.0, nil, nil), Unknown},
		{"between('22:00', '06:00')", at(seen(nil, nil, nil), night), True},
		{"between('22:00', '06:00')", at(seen(nil, nil, nil), 5*60+59), True},
		{"between('22:00', '06:00')", at(seen(nil, nil, nil), 6*60), False},
		{"between('22:00', '06:00')", at(seen(nil, nil, nil), 22*60), True},
		{"between('08:00', '20:00')", at(seen(nil, nil, nil), noon), True},
		{"between('08:00', '20:00')", at(seen(nil, nil, nil), night), False},
		{"between('08:00', '20:00')", seen(nil, nil, nil), Unknown},
		{"door.open and between('22:00', '06:00')", at(seen(1.0, nil, nil), night), True},
		{"true or door.open", seen(nil, nil, nil), True},
		{"false and door.open", seen(nil, nil, nil), False},
	} {
		if got := compile(t, test.source).Eval(test.view); got != test.want {
			t.Errorf("%s: got %d, want %d", test.source, got, test.want)
		}
	}
}

func TestMistakesHavePlaceSentenceAndHint(t *testing.T) {
	for _, test := range []struct {
		source, sentence, hint string
		column                 int
	}{
		{"freezr.temperature > 1", `there is no sensor named "freezr"`, "Did you mean freezer?", 1},
		{"xyz.temperature > 1", `there is no sensor named "xyz"`, "The sensors are door, freezer, tank.", 1},
		{"freezer.temprature > 1", `sensor "freezer" has no "temprature"`, "Did you mean freezer.temperature?", 9},
		{"freezer.pressure > 1", `sensor "freezer" has no "pressure"`, "It has freezer.temperature, freezer.humidity.", 9},
		{"door.opne", `sensor "door" has no "opne"`, "Did you mean door.open?", 6},
		{"freezer > 1", "freezer is a sensor", "freezer.temperature", 1},
		{"freezer.temperature", "true or false", "Compare it", 9},
		{"freezer.temperature > ", "ends too early", "missing", 22},
		{"", "the expression is empty", "Write a condition", 1},
		{"freezer.temperature = 1", "a single = compares nothing", "==", 21},
		{"door.open > 1", `">" takes a number on its left`, "", 6},
		{"door.open == 1", "a truth and a number cannot be compared", "", 11},
		{"door.open and 1", `"and" takes a truth on its right`, "", 15},
		{"not freezer.temperature", `"not" does not go with a number`, "", 1},
		{"avg(freezer.temperature) > 1", "avg takes two things", `avg(freezer.temperature, "10m")`, 1},
		{"avg(freezer.temperature, 600) > 1", "stands in quotes", `"10m"`, 26},
		{"avg(freezer.temperature, '10 minutes') > 1", `"10 minutes" is not a length of time`, `"90s"`, 26},
		{"avg(freezer.temperature, '5s') > 1", "5s is too short for avg, the least is 10s", "", 26},
		{"avg(freezer.temperature, '200h') > 1", "200h is too long for avg, the most is 168h", "", 26},
		{"max(freezer.temperature, '15s') > 1", "read every 10s, so there are not two readings in 15s", `"20s"`, 26},
		{"avg(door.open, '10m') > 1", "avg takes a measure", "held", 10},
		{"rate(door.open, '10m') > 1", "rate takes a measure", "count", 11},
		{"avg(freezer.temperature + 1, '10m') > 1", "avg takes one quantity of a sensor", "avg(", 25},
		{"avg(max(freezer.temperature, '10m'), '1h') > 1", "max cannot stand inside of avg", "side by side", 5},
		{"held(count(door.open, '10m') > 3, '1h')", "count cannot stand inside of held", "side by side", 6},
		{"avg(freezer, '10m') > 1", "freezer is a sensor", "freezer.temperature", 5},
		{"avg(freezr.temperature, '10m') > 1", `no sensor named "freezr"`, "freezer", 5},
		{"avg(freezer.temperature, '10m')", "this is a number", "Compare", 1},
		{"count(freezer.temperature, '5m') > 1", "count takes what is true or false, and this is a number", `count(freezer.temperature > 5, "5m")`, 15},
		{"count(door.open, '5m')", "this is a number", "Compare", 1},
		{"count(door.open, '5m', '6m') > 1", "two things", "count", 1},
		{"held(freezer.temperature, '5m')", "held takes what is true or false", "held(freezer.temperature > 5", 14},
		{"held(door.open, '0s')", "0s is too short for held", "", 17},
		{"held(between('22:00', '06:00'), '1h')", "no sensor in what held looks at", "door.open", 6},
		{"changed(door.open and door.open)", "one quantity or state", "changed(door.open", 19},
		{"changed()", "two things", "newest reading", 1},
		{"age(freezer) > 600", "stands in quotes", `"10m"`, 16},
		{"age(freezer) == '10m'", "an age grows all the time", "< <= >", 14},
		{"age(freezer.temperature) > '10m'", "by its name alone", "age(freezer)", 13},
		{"age(freezr) > '10m'", `no sensor named "freezr"`, "freezer", 5},
		{"age(freezer, door) > '10m'", "one sensor, not 2", "age(freezer)", 1},
		{"age(freezer) > age(tank)", "in quotes", `"10m"`, 16},
		{"age(freezer)", "this is a length of time", "Compare", 1},
		{"age(freezer) + 1 > 2", "an age grows all the time", "< <= >", 14},
		{"average(freezer.temperature, '10m') > 1", "average is not a function", "avg(freezer", 1},
		{"agv(freezer.temperature, '10m') > 1", "agv is not a function", "Did you mean age?", 1},
		{"helt(door.open, '10m')", "helt is not a function", "Did you mean held?", 1},
		{"filter(door.open, 3)", "filter is not a function", "age, avg, between", 1},
		{"freezer.temperature | avg('x') > 1", `"x" is not a length of time`, "10m", 27},
		{"weekday == 'saturday'", `"saturday" is not a day of the week`, `"sat"`, 12},
		{"weekday == 'xyz'", `"xyz" is not a day of the week`, "sun, mon", 12},
		{"weekday == 6", "stands in quotes", "weekday ==", 12},
		{"weekday > 'sat'", "with ==, !=, or in", "weekday in", 9},
		{"weekday in 'sat'", "with ==, !=, or in", "weekday in", 9},
		{"weekday in []", "with ==, !=, or in", "weekday in", 9},
		{"weekday in ['sat', 6]", "in quotes", "weekday in", 20},
		{"'sat' in weekday", "in goes with weekday, not with a text", "weekday in", 7},
		{"weekday", "this is a day of the week", "Compare", 1},
		{"weekdy == 'sat'", `no sensor named "weekdy"`, "weekday", 1},
		{"mode == 'awya'", `"awya" is not a mode`, `"away"`, 9},
		{"mode == 'holiday'", `"holiday" is not a mode`, "home, away, night", 9},
		{"mode == weekday", "in quotes", "mode ==", 9},
		{"freezer.temperature in [1, 2]", "in goes with weekday", "weekday in", 21},
		{"[1] == [2]", "cannot be compared", "", 5},
		{"between('22:00')", "two times of day, not 1", "between", 1},
		{"between('22:00', '6:00')", `"6:00" is not a time of day`, "between", 18},
		{"between('22:00', '25:00')", `"25:00" is not a time of day`, "between", 18},
		{"between(1, 2)", "in quotes", "between", 9},
		{"between('22:00', '22:00')", "never holds", "whole day", 1},
		{"door.open ? true : false", "not part of the rule language", "", 24},
		{"[door.open]", "this is a list", "Compare", 1},
		{"door.open and freezer.temperature ^ 2 > 1", `"^" is not part`, "and, or, not", 35},
		{"door?.open", "not part of the rule language", "", 7},
		{"'text'", "this is a text", "Compare", 1},
	} {
		_, err := Compile(test.source, house)
		m, ok := err.(*Mistake)
		if !ok {
			t.Errorf("%s: compiled", test.source)
			continue
		}
		if !strings.Contains(m.Sentence, test.sentence) || !strings.Contains(m.Hint, test.hint) || m.Line != 1 || m.Column != test.column {
			t.Errorf("%s:\n got %d:%d %q, hint %q\nwant 1:%d %q, hint %q", test.source, m.Line, m.Column, m.Sentence, m.Hint, test.column, test.sentence, test.hint)
		}
		if caret := strings.Split(m.Snippet, "\n"); len(caret) != 2 || len(caret[1]) != m.Column {
			t.Errorf("%s: the caret is not under column %d:\n%s", test.source, m.Column, m.Snippet)
		}
	}
}

func TestMistakeOnTheSecondLineIsShownThere(t *testing.T) {
	_, err := Compile("door.open and\n  freezr.temperature > 1", house)
	m := err.(*Mistake)
	if m.Line != 2 || m.Column != 3 || m.Snippet != "  freezr.temperature > 1\n  ^" {
		t.Errorf("got %d:%d\n%s", m.Line, m.Column, m.Snippet)
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"door.open", "freezer.temperature > -15 and between('22:00','06:00')", "((", "a\nb", "tank.value in [1]", "-", "let x = 1; x", "door.open |\t", "'\xff'", "freezer.temperature>1e999",
		"avg(freezer.temperature,'10m')>-15 or rate(tank.value,'1h')<-5", "count(door.open,'5m')>=3 and held(door.open,'10m')", "count(door.open, .#)",
		"age(freezer)>='10m'", "changed(tank.value) and weekday in ['sat','sun'] or mode != 'away'", "max(min('1h',2),'1h')", "weekday not in []", "weekday|avg()", "age(age(door))<'1h'", "count(count)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		c, err := Compile(source, house)
		if err != nil {
			if m := err.(*Mistake); m.Sentence == "" || m.Line < 1 || m.Column < 1 {
				t.Fatalf("%q: %+v", source, m)
			}
			return
		}
		v := at(seen(1.0, -14.0, nil), 5)
		v.Windows = make([]Range, len(c.Windows()))
		c.Eval(v)
		c.terms(v, func(comparison) notify.Fact { return notify.Fact{} })
		c.telling(v)
	})
}

// TestUnknownNeverDecides checks three-valued logic by its meaning: an answer
// given with a cell unknown must be the answer for every value of the cell.
func TestUnknownNeverDecides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := expression(t, 3)
		c, err := Compile(source, house)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		door, temp := rapid.SampledFrom([]any{nil, 0.0, 1.0}).Draw(t, "door"), rapid.SampledFrom([]any{nil, -16.0, -14.0}).Draw(t, "temp")
		said := c.Eval(seen(door, temp, 3.0))
		if said == Unknown {
			return
		}
		for _, d := range []float64{0, 1} {
			for _, f := range []float64{-16, -14} {
				if door != nil && door != d || temp != nil && temp != f {
					continue
				}
				if got := c.Eval(seen(d, f, 3.0)); got != said {
					t.Fatalf("%s: said %d with door %v and temperature %v, but %d with %v and %v", source, said, door, temp, got, d, f)
				}
			}
		}
	})
}

func expression(t *rapid.T, depth int) string {
	leaves := []string{"door.open", "door.closed", "freezer.temperature > -15", "freezer.temperature <= -15", "tank.value == 3"}
	if depth == 0 {
		return rapid.SampledFrom(leaves).Draw(t, "leaf")
	}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return "not (" + expression(t, depth-1) + ")"
	case 1:
		return "(" + expression(t, depth-1) + ") and (" + expression(t, depth-1) + ")"
	case 2:
		return "(" + expression(t, depth-1) + ") or (" + expression(t, depth-1) + ")"
	}
	return expression(t, 0)
}

func TestNearestForgivesTypingSlipsOnly(t *testing.T) {
	names := []string{"freezer", "door", "rack"}
	for word, want := range map[string]string{"freezr": "freezer", "Freezer": "freezer", "dor": "door", "rcak": "rack", "window": "", "x": ""} {
		if got, _ := Nearest(word, names); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}
