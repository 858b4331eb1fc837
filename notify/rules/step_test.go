package rules

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"pinbell/notify"
)

func ruled(t testing.TB, when, until string, hold time.Duration, repeat ...time.Duration) *Rule {
	t.Helper()
	r := &Rule{Name: "r", When: compile(t, when), For: hold, Repeat: repeat}
	if until != "" {
		r.Until = compile(t, until)
	}
	return r
}

// day is an arbitrary start.
var dayOne = time.Date(2026, 11, 14, 22, 0, 0, 0, time.UTC)

// play steps a rule through (second, freezer temperature) pairs; nil is no
// reading. It gives what was told, by second.
func play(r *Rule, script ...any) map[int]notify.Kind {
	told := map[int]notify.Kind{}
	var s State
	for i := 0; i < len(script); i += 2 {
		second := script[i].(int)
		var kind notify.Kind
		s, kind = r.Step(s, seen(nil, script[i+1], nil), dayOne.Add(time.Duration(second)*time.Second))
		if kind != 0 {
			told[second] = kind
		}
	}
	return told
}

func TestRuleLife(t *testing.T) {
	const warm, between, cold = -14.0, -16.0, -18.0
	hysteresis := ruled(t, "freezer.temperature > -15", "freezer.temperature < -17", 0)
	for name, test := range map[string]struct {
		rule   *Rule
		script []any
		want   map[int]notify.Kind
	}{
		"true at start fires once":                  {hysteresis, []any{0, warm, 1, warm, 2, warm}, map[int]notify.Kind{0: notify.Raised}},
		"between the limits nothing changes":        {hysteresis, []any{0, warm, 1, between, 2, warm, 3, between}, map[int]notify.Kind{0: notify.Raised}},
		"until ends it":                             {hysteresis, []any{0, warm, 1, cold, 2, warm}, map[int]notify.Kind{0: notify.Raised, 1: notify.Cleared, 2: notify.Raised}},
		"unknown neither raises nor clears":         {hysteresis, []any{0, nil, 1, warm, 2, nil, 3, warm}, map[int]notify.Kind{1: notify.Raised}},
		"it must hold":                              {ruled(t, "freezer.temperature > -15", "", 5*time.Second), []any{0, warm, 4, warm, 5, warm}, map[int]notify.Kind{5: notify.Raised}},
		"a dip begins the hold anew":                {ruled(t, "freezer.temperature > -15", "", 5*time.Second), []any{0, warm, 4, cold, 5, warm, 9, warm, 10, warm}, map[int]notify.Kind{10: notify.Raised}},
		"unknown time does not count towards for":   {ruled(t, "freezer.temperature > -15", "", 5*time.Second), []any{0, warm, 2, nil, 8, warm, 10, warm, 11, warm}, map[int]notify.Kind{11: notify.Raised}},
		"without until, not when ends it":           {ruled(t, "freezer.temperature > -15", "", 0), []any{0, warm, 1, between}, map[int]notify.Kind{0: notify.Raised, 1: notify.Cleared}},
		"when and until both true do not alternate": {ruled(t, "freezer.temperature > -15", "freezer.temperature < 0", 0), []any{0, warm, 1, warm, 2, warm}, map[int]notify.Kind{}},
		"reminders grow rarer and the last goes on": {ruled(t, "freezer.temperature > -15", "", 0, 2*time.Second, 5*time.Second),
			[]any{0, warm, 1, warm, 2, warm, 6, warm, 7, warm, 11, warm, 12, warm, 13, cold}, map[int]notify.Kind{0: notify.Raised, 2: notify.Reminder, 7: notify.Reminder, 12: notify.Reminder, 13: notify.Cleared}},
		"a raised rule reminds while it is unknown": {ruled(t, "freezer.temperature > -15", "", 0, 2*time.Second), []any{0, warm, 2, nil}, map[int]notify.Kind{0: notify.Raised, 2: notify.Reminder}},
	} {
		got := play(test.rule, test.script...)
		if len(got) != len(test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
		for second, kind := range test.want {
			if got[second] != kind {
				t.Errorf("%s: at %d s got %v, want %v", name, second, got[second], kind)
			}
		}
	}
}

func TestWakeIsTheInstantAtWhichARuleFires(t *testing.T) {
	r := ruled(t, "freezer.temperature > -15", "", 5*time.Minute, time.Hour)
	s, _ := r.Step(State{}, seen(nil, -14.0, nil), dayOne)
	wake := r.Wake(s)
	if want := dayOne.Add(5 * time.Minute); !wake.Equal(want) {
		t.Fatalf("wakes at %v, want %v", wake, want)
	}
	s, kind := r.Step(s, seen(nil, -14.0, nil), wake)
	if kind != notify.Raised || !r.Wake(s).Equal(wake.Add(time.Hour)) {
		t.Fatalf("got %v and wakes at %v, want raised and a reminder in an hour", kind, r.Wake(s))
	}
}

func TestExtremesAreKeptForTheMail(t *testing.T) {
	r := ruled(t, "freezer.temperature > -15", "freezer.temperature < -17", 0)
	var s State
	for i, value := range []float64{-14, -12.5, -14.5, -16} {
		s, _ = r.Step(s, seen(nil, value, nil), dayOne.Add(time.Duration(i)*time.Second))
	}
	if s.Lowest != -16 || s.Highest != -12.5 {
		t.Errorf("got %v to %v, want -16 to -12.5", s.Lowest, s.Highest)
	}
}

// TestRaisedAndClearedAlternate plays random readings against a naive
// reference that looks at the whole history each time.
func TestRaisedAndClearedAlternate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hold := rapid.IntRange(0, 4).Draw(t, "for")
		when, _ := Compile("freezer.temperature > -15", house)
		until, _ := Compile("freezer.temperature < -17", house)
		r := &Rule{When: when, Until: until, For: time.Duration(hold) * time.Second}
		readings := rapid.SliceOfN(rapid.SampledFrom([]any{nil, -14.0, -16.0, -18.0}), 1, 60).Draw(t, "readings")
		var s State
		var got []notify.Kind
		for i, value := range readings {
			var kind notify.Kind
			s, kind = r.Step(s, seen(nil, value, nil), dayOne.Add(time.Duration(i)*time.Second))
			got = append(got, kind)
		}
		want := reference(readings, hold)
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("for %d s, readings %v: at %d got %v, want %v", hold, readings, i, got, want)
			}
		}
	})
}

// reference counts, at each second, for how many seconds the condition has
// been seen to hold in a row, seconds that begin unknown left out.
func reference(readings []any, hold int) []notify.Kind {
	kinds := make([]notify.Kind, len(readings))
	raised := false
	held, last := -1, any(nil) // -1: not true
	for i, value := range readings {
		switch {
		case raised && value == -18.0:
			raised, held, kinds[i] = false, -1, notify.Cleared
		case raised, value == nil:
			if !raised && held >= 0 && last == -14.0 {
				held++
			}
		case value != -14.0:
			held = -1
		default:
			if held < 0 {
				held = 0
			} else if last == -14.0 {
				held++
			}
			if held >= hold {
				raised, kinds[i] = true, notify.Raised
			}
		}
		last = value
	}
	return kinds
}
