package rules

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pinbell/sensors"
)

// memory is the naive reference of all windows: it keeps every reading, and
// answers by definition.
type memory struct {
	readings map[Slot][]reading
	silent   map[Slot]time.Duration // after so long without a reading it is
}

type reading struct {
	at    time.Duration
	value float64
}

// cell is the newest reading at an instant, if that is fresh.
func (m *memory) cell(slot Slot, at time.Duration) (reading, bool) {
	all := m.readings[slot]
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].at <= at {
			return all[i], at < all[i].at+m.silent[slot]
		}
	}
	return reading{}, false
}

// steps gives the number of the step that an instant is in, and how many of
// them a window has.
func steps(length, at time.Duration) (number, n int64) {
	step := max(time.Second, (length+59*time.Second)/(60*time.Second)*time.Second)
	return int64(at / step), int64(length / step)
}

// inside are the readings of the window that ends at an instant.
func (m *memory) inside(slot Slot, length, now time.Duration) (in []reading) {
	last, n := steps(length, now)
	for _, r := range m.readings[slot] {
		if number, _ := steps(length, r.at); r.at <= now && number > last-n {
			in = append(in, r)
		}
	}
	return in
}

// covered reports whether the slot was known in so many tenths of the steps.
func (m *memory) covered(slot Slot, length, now time.Duration, tenths int64) bool {
	last, n := steps(length, now)
	covered := map[int64]bool{}
	for i, r := range m.readings[slot] {
		end := min(r.at+m.silent[slot], now)
		if all := m.readings[slot]; i+1 < len(all) {
			end = min(end, all[i+1].at)
		}
		from, _ := steps(length, r.at)
		to, _ := steps(length, end)
		for number := max(from, last-n+1); number <= to; number++ {
			covered[number] = true
		}
	}
	return 10*int64(len(covered)) >= tenths*n
}

func (m *memory) measure(kind string, slot Slot, length, now time.Duration) Range {
	in := m.inside(slot, length, now)
	if _, known := m.cell(slot, now); !known || len(in) == 0 {
		return Range{}
	}
	values := make([]float64, len(in))
	for i, r := range in {
		values[i] = r.value
	}
	switch whole := m.covered(slot, length, now, 9); {
	case kind == "min" && whole:
		return Range{slices.Min(values), slices.Min(values), true}
	case kind == "min":
		return Range{math.Inf(-1), slices.Min(values), true}
	case kind == "max" && whole:
		return Range{slices.Max(values), slices.Max(values), true}
	case kind == "max":
		return Range{slices.Max(values), math.Inf(1), true}
	case !m.covered(slot, length, now, 5) || len(in) < 2:
		return Range{}
	case kind == "avg":
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		return Range{sum / float64(len(in)), sum / float64(len(in)), true}
	}
	return leastSquares(in, length)
}

// leastSquares puts each reading at the mean of its step, and solves the
// normal equations.
func leastSquares(in []reading, length time.Duration) Range {
	mean := func(number int64) (x, y float64) {
		n := 0.0
		for _, r := range in {
			if k, _ := steps(length, r.at); k == number {
				x, y, n = x+r.at.Hours(), y+r.value, n+1
			}
		}
		return x / n, y / n
	}
	var n, sx, sy, sxx, sxy float64
	origin := in[0].at.Hours()
	for _, r := range in {
		k, _ := steps(length, r.at)
		x, y := mean(k)
		x -= origin
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	first, _ := steps(length, in[0].at)
	last, _ := steps(length, in[len(in)-1].at)
	if first == last {
		return Range{}
	}
	slope := (n*sxy - sx*sy) / (n*sxx - sx*sx)
	return Range{slope, slope, true}
}

// course of a question: what it was from each instant on.
func (m *memory) course(slot Slot, ask func(float64) bool, now time.Duration) (all []struct {
	at time.Duration
	t  Truth
}) {
	add := func(at time.Duration, t Truth) {
		if at <= now {
			all = append(all, struct {
				at time.Duration
				t  Truth
			}{at, t})
		}
	}
	for i, r := range m.readings[slot] {
		add(r.at, truth(ask(r.value)))
		silent := r.at + m.silent[slot]
		if next := m.readings[slot][i+1:]; len(next) == 0 || next[0].at > silent {
			add(silent, Unknown)
		}
	}
	return all
}

func (m *memory) count(slot Slot, ask func(float64) bool, length, now time.Duration) Range {
	if _, known := m.cell(slot, now); !known {
		return Range{}
	}
	n, last := 0.0, Unknown
	newest, size := steps(length, now)
	for _, c := range m.course(slot, ask, now) {
		if number, _ := steps(length, c.at); last == False && c.t == True && number > newest-size {
			n++
		}
		last = c.t
	}
	if m.covered(slot, length, now, 9) {
		return Range{n, n, true}
	}
	return Range{n, math.Inf(1), true}
}

func (m *memory) held(slot Slot, ask func(float64) bool, length, now time.Duration) Range {
	since, seen, last := time.Duration(0), false, Unknown
	for _, c := range m.course(slot, ask, now) {
		if c.t == True && last != True {
			since, seen = c.at, last == False
		}
		last = c.t
	}
	switch {
	case last == True && now-since >= length:
		return Range{1, 1, true}
	case last == True && !seen:
		return Range{}
	}
	return Range{Known: last != Unknown}
}

// changed looks at what was read since the sensor was last silent.
func (m *memory) changed(slot Slot, length, now time.Duration) Range {
	if _, known := m.cell(slot, now); !known {
		return Range{}
	}
	all := m.readings[slot]
	first := len(all) - 1
	for first > 0 && all[first].at-all[first-1].at < m.silent[slot] {
		first--
	}
	if length == 0 {
		if first == len(all)-1 {
			return Range{}
		}
		return answer(truth(all[len(all)-1].value != all[len(all)-2].value))
	}
	for i := first + 1; i < len(all); i++ {
		if all[i].value != all[i-1].value && now-all[i].at < length {
			return Range{1, 1, true}
		}
	}
	return Range{Known: now-all[first].at >= length}
}

func (m *memory) age(slot Slot, length, now time.Duration) Range {
	all := m.readings[slot]
	since := time.Duration(0)
	if len(all) > 0 {
		since = all[len(all)-1].at
	}
	if now-since >= length {
		return Range{1, 1, true}
	}
	return Range{Known: len(all) > 0}
}

// modelled are the windows of one rule, and what the reference says of each.
func modelled(m *memory, length time.Duration) (source string, want []func(now time.Duration) Range) {
	text := length.String()
	tank := SlotOf(2, sensors.Value)
	source = "false and (door.open"
	for _, kind := range []string{"avg", "min", "max", "rate"} {
		source += " or " + kind + "(tank.value, '" + text + "') > 1"
		want = append(want, func(now time.Duration) Range { return m.measure(kind, tank, length, now) })
	}
	open, full := func(v float64) bool { return v == 1 }, func(v float64) bool { return v > 0 }
	source += " or count(door.open, '" + text + "') > 1 or count(tank.value > 0, '" + text + "') > 1"
	source += " or held(door.open, '" + text + "') or held(tank.value > 0, '" + text + "')"
	source += " or changed(door.open, '" + text + "') or changed(door.open) or age(tank) >= '" + text + "')"
	return source, append(want,
		func(now time.Duration) Range { return m.count(doorLevel, open, length, now) },
		func(now time.Duration) Range { return m.count(tank, full, length, now) },
		func(now time.Duration) Range { return m.held(doorLevel, open, length, now) },
		func(now time.Duration) Range { return m.held(tank, full, length, now) },
		func(now time.Duration) Range { return m.changed(doorLevel, length, now) },
		func(now time.Duration) Range { return m.changed(doorLevel, 0, now) },
		func(now time.Duration) Range { return m.age(tank, length, now) },
	)
}

// until lets the engine wake whenever it asks to, up to an instant.
func (e *Engine) until(t *rapid.T, at time.Time) {
	for range 100000 {
		next := e.next
		for i := range e.sensors {
			if s := &e.sensors[i]; !s.stale && (next.IsZero() || s.last.Add(s.SilentAfter).Before(next)) {
				next = s.last.Add(s.SilentAfter)
			}
		}
		if next.IsZero() || next.After(at) {
			return
		}
		e.tick(next)
	}
	t.Fatal("it wakes without end")
}

func TestWindowsAreWhatAllReadingsTogetherSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Half a millisecond keeps a silence from beginning just when a reading comes.
		silent := [2]time.Duration{150*time.Second + 500*time.Microsecond, 50*time.Second + 500*time.Microsecond}
		tank := SlotOf(2, sensors.Value)
		m := &memory{readings: map[Slot][]reading{}, silent: map[Slot]time.Duration{doorLevel: silent[0], tank: silent[1]}}
		length := rapid.SampledFrom([]time.Duration{20 * time.Second, 45 * time.Second, time.Minute, 61 * time.Second, 90 * time.Second, 5 * time.Minute, 10 * time.Minute, time.Hour}).Draw(t, "length")
		source, want := modelled(m, length)
		c, err := Compile(source, house)
		if err != nil {
			t.Fatal(err)
		}
		e := windowedBy(c, silent)
		now := time.Duration(0)
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			now += rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second, 10 * time.Second, 10 * time.Second, 40 * time.Second, 70 * time.Second, 4 * time.Minute, 20 * time.Minute}).Draw(t, "gap")
			now += time.Duration(rapid.SampledFrom([]int{0, 0, 1, 400, 999}).Draw(t, "ms")) * time.Millisecond
			e.until(t, e.epoch.Add(now))
			slot, value := tank, float64(rapid.IntRange(-2, 2).Draw(t, "value"))
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				slot, value = doorLevel, max(0, min(1, value))
				fallthrough
			case 1, 2:
				m.readings[slot] = append(m.readings[slot], reading{now, value})
				e.reading(&sensors.Reading{Sensor: slot.Sensor(), Quantity: slot.Quantity(), Value: value, At: e.epoch.Add(now)})
			}
			for i := range want {
				if got, want := e.view.Windows[i], want[i](now); !alike(got, want) {
					t.Fatalf("%s at %v: got %+v, want %+v\nreadings %v", e.windows[i].key, now, got, want, m.readings)
				}
			}
		}
	})
}

// windowedBy is an engine with one rule that is driven by hand.
func windowedBy(c *Condition, silent [2]time.Duration) *Engine {
	e := New(Config{Rules: []Rule{{When: c}}, Location: time.UTC, Sensors: []Sensor{
		{SensorEnv: house.Sensors[0], SilentAfter: silent[0]}, {SensorEnv: house.Sensors[1], SilentAfter: 10000 * time.Hour}, {SensorEnv: house.Sensors[2], SilentAfter: silent[1]},
	}})
	for i := range e.sensors {
		e.sensors[i].last, e.sensors[i].lost = e.epoch, true // what is lost is not told again
	}
	e.advance(e.epoch)
	for i := range e.windows {
		e.look(i)
	}
	return e
}

func alike(a, b Range) bool {
	near := func(x, y float64) bool { return x == y || math.Abs(x-y) <= 1e-6*max(1, math.Abs(x), math.Abs(y)) }
	return a.Known == b.Known && near(a.Low, b.Low) && near(a.High, b.High)
}
