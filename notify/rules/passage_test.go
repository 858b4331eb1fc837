package rules

import (
	"runtime"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify"
	"pinbell/sensors"
)

var tankV = SlotOf(2, sensors.Value)

func titled(t testing.TB, name, when string) Rule {
	r := *ruled(t, when, "", 0)
	r.Name = name
	return r
}

// beat reads the door and the freezer for as long as asked, so that neither is
// silent.
func (b *bench) beat(door, freezer float64, times int) {
	for range times {
		b.read(doorLevel, door)
		b.read(freezerT, freezer)
		time.Sleep(10 * time.Second)
	}
}

func TestWindowsWakeAtTheInstantThatTimeAloneChangesThem(t *testing.T) {
	for name, test := range map[string]struct {
		when string
		play func(b *bench)
		want string
	}{
		"held is exact": {`held(door.open, "65s")`, func(b *bench) {
			b.beat(0, -20, 1)
			b.beat(1, -20, 8)
			b.beat(0, -20, 1)
		}, "raised r 1m15s, cleared r 1m30s"},
		"held begins anew after an interruption": {`held(door.open, "30s")`, func(b *bench) {
			b.beat(0, -20, 1)
			b.beat(1, -20, 2)
			b.beat(0, -20, 1)
			b.beat(1, -20, 4)
		}, "raised r 1m10s"},
		"held before the start is not known, and then it is": {`not held(door.open, "30s")`, func(b *bench) {
			b.beat(1, -20, 4)
			b.beat(0, -20, 1)
		}, "raised r 40s"},
		"age is exact": {`age(freezer) >= "35s"`, func(b *bench) {
			b.beat(0, -20, 1)
			time.Sleep(26 * time.Second)
			b.beat(0, -20, 1)
		}, "raised r 35s, cleared r 36s"},
		"age of a sensor that was never read": {`age(freezer) > "10m"`, func(b *bench) {
			for range 62 {
				b.read(doorLevel, 0)
				time.Sleep(10 * time.Second)
			}
		}, "lost freezer 50s, raised r 10m0s"},
		"count drops as what it counted leaves": {`count(door.open, "1m") >= 2`, func(b *bench) {
			b.beat(0, -20, 1) // 0 s
			b.beat(1, -20, 1) // 10 s
			b.beat(0, -20, 1)
			b.beat(1, -20, 1) // 30 s
			b.beat(0, -20, 5)
		}, "raised r 30s, cleared r 1m10s"},
		"what never became true is known late": {`count(door.open, "1m") == 0`, func(b *bench) {
			b.beat(0, -20, 7)
		}, "raised r 53s"},
		"changed lasts for as long as asked": {`changed(door.open, "15s")`, func(b *bench) {
			b.beat(0, -20, 2)
			b.beat(1, -20, 3)
		}, "raised r 20s, cleared r 35s"},
		"changed alone lasts until the next reading": {`changed(freezer.temperature)`, func(b *bench) {
			b.beat(0, -20, 2)
			b.beat(0, -19, 3)
		}, "raised r 20s, cleared r 30s"},
		"an average is known after half of it": {`avg(freezer.temperature, "1m") > -15`, func(b *bench) {
			b.beat(0, -10, 7)
		}, "raised r 29s"},
		"an average is not moved by one reading": {`avg(freezer.temperature, "1m") > -15`, func(b *bench) {
			b.beat(0, -20, 6)
			b.beat(0, -10, 2)
			b.beat(0, -20, 6)
		}, ""},
		"a bound decides at once": {`max(freezer.temperature, "10m") > -15`, func(b *bench) {
			b.beat(0, -10, 2)
		}, "raised r 0s"},
		"and only where it can": {`max(freezer.temperature, "1m") < -15`, func(b *bench) {
			b.beat(0, -20, 7)
		}, "raised r 53s"},
		"a highest reading leaves": {`max(freezer.temperature, "1m") > -15`, func(b *bench) {
			b.beat(0, -10, 1)
			b.beat(0, -20, 7)
		}, "raised r 0s, cleared r 1m0s"},
		"a silent sensor makes its window unknown": {`avg(freezer.temperature, "1m") > -15 or not (avg(freezer.temperature, "1m") > -15)`, func(b *bench) {
			b.beat(0, -20, 2)
			time.Sleep(time.Minute)
		}, "raised r 29s, lost freezer 1m0s"},
		"what holds anyway needs no silent sensor": {`door.open or avg(freezer.temperature, "1m") > -15`, func(b *bench) {
			time.Sleep(time.Minute)
			b.read(doorLevel, 1)
		}, "lost freezer 50s, raised r 1m0s"},
		"a rate is per hour": {`rate(freezer.temperature, "5m") > 59`, func(b *bench) {
			for i := range 20 { // a degree a minute
				b.beat(0, -20+float64(i)/6, 1)
			}
		}, "raised r 2m25s"},
		"a swing is made of two windows": {`max(freezer.temperature, "1m") - min(freezer.temperature, "1m") >= 4`, func(b *bench) {
			b.beat(0, -20, 2)
			b.beat(0, -16, 1)
		}, "raised r 20s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.run(titled(t, "r", test.when))
				test.play(b)
				b.expect(test.want)
				b.stop()
			})
		})
	}
}

func TestARestartBeginsWindowsEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		r := titled(t, "r", `avg(freezer.temperature, "1m") > -15`)
		b.run(r)
		b.beat(0, -10, 6)
		b.stop()
		b.run(r) // raised it stays, and what it was is not known for half a minute
		b.beat(0, -20, 6)
		b.stop()
		b.expect("raised r 29s, cleared r 1m29s")
	})
}

func TestAModeIsAskedForAndSwitched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(titled(t, "alarm", `door.open and mode != "home"`), titled(t, "long", `held(door.open and mode in ["away", "night"], "10s")`))
		defer b.stop()
		b.beat(1, -20, 1)
		for _, mode := range []string{"away", "night", "home"} {
			if err := b.engine.SetMode(t.Context(), mode); err != nil {
				t.Fatal(err)
			}
			b.beat(1, -20, 1)
		}
		b.expect("raised alarm 10s, raised long 20s, cleared alarm 30s, cleared long 30s")
	})
}

func TestEventsSayWhatAWindowComesTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(titled(t, "avg", `avg(freezer.temperature, "1m") > -15`), titled(t, "count", `count(door.open, "1m") >= 2`),
			titled(t, "age", `age(freezer) >= "30s"`), titled(t, "changed", `changed(tank.value, "1m")`), titled(t, "held", `held(door.open, "5s")`))
		defer b.stop()
		b.read(tankV, 5)
		b.beat(0, -12, 1)
		b.beat(1, -10, 1)
		b.beat(0, -11, 1)
		b.beat(1, -11, 1)
		b.read(tankV, 3)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		term := map[string]notify.Term{}
		for _, ev := range b.ledger.events {
			if ev.Kind == notify.Raised {
				term[ev.Rule] = ev.Terms[0]
				if ev.Rule == "avg" && !slices.ContainsFunc(ev.Others, func(f notify.Fact) bool { return f.Quantity == sensors.Temperature && f.Value == -11 }) {
					t.Errorf("others %+v: the reading itself is missing", ev.Others)
				}
			}
		}
		avg := term["avg"]
		if avg.Title != "Freezer" || avg.Quantity != sensors.Temperature || avg.Text() != "-11.0 °C" || avg.Window.String() != "average of 1 min" || avg.Op != ">" || avg.Limit != -15 {
			t.Errorf("avg: %+v", avg)
		}
		for rule, want := range map[string]string{"count": "twice in 1 min", "age": "last read 30 s ago", "changed": "3", "held": "open"} {
			if got := term[rule].Text(); got != want {
				t.Errorf("%s: %q, want %q: %+v", rule, got, want, term[rule])
			}
		}
		if c := term["changed"]; c.Op != "!=" || c.Limit != 5 {
			t.Errorf("changed: %+v", c)
		}
	})
}

func TestEventOfAnAverageCarriesTheCourseOfItsReadings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(titled(t, "r", `avg(freezer.temperature, "3m") > -15`))
		defer b.stop()
		b.beat(0, -18, 3)
		b.beat(0, -10, 9)
		b.expect("raised r 1m27s")
		if ev := b.ledger.events[0]; ev.Trace == nil || ev.Trace.Low[0] != -18 || ev.Terms[0].Highest != -10-24.0/9 {
			t.Errorf("trace %+v, terms %+v", ev.Trace, ev.Terms)
		}
	})
}

func TestTheProgramWakesAtMostOnceASecondForItsWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var rules []Rule
		for i, length := range []string{"10s", "47s", "61s", "97s", "5m", "7m", "1h"} {
			if i > 0 {
				rules = append(rules, titled(t, "a"+length, `avg(tank.value, "`+length+`") > 9`), titled(t, "m"+length, `max(tank.value, "`+length+`") > 9`))
			}
			rules = append(rules, titled(t, "c"+length, `count(door.open, "`+length+`") > 9`))
		}
		b.run(rules...)
		b.stop()
		e := b.engine
		for i := range 3 {
			e.reading(&sensors.Reading{Sensor: tankV.Sensor(), Quantity: tankV.Quantity(), Value: 1, At: time.Now()})
			e.reading(&sensors.Reading{Sensor: 0, Quantity: sensors.Level, Value: float64(i % 2), At: time.Now()})
			time.Sleep(time.Duration(i) * 1234 * time.Millisecond)
		}
		e.advance(time.Now()) // from here on it wakes when it wants to
		e.pass()
		wakes, start := 0, time.Now()
		for !e.next.IsZero() && time.Since(start) < time.Hour {
			time.Sleep(time.Until(e.next))
			e.advance(time.Now())
			e.pass()
			wakes++
			if e.next.Sub(e.now) < time.Second && !e.next.IsZero() {
				t.Fatalf("at %v the next wake is %v later", e.now.Sub(start), e.next.Sub(e.now))
			}
		}
		if wakes < 10 || wakes > 3600 {
			t.Errorf("%d wakes in an hour", wakes)
		}
	})
}

// BenchmarkReadingThroughWindows is one reading that 100 rules look at through
// windows, 25 different ones of four kinds.
func BenchmarkReadingThroughWindows(b *testing.B) {
	var rules []Rule
	for i := range 100 {
		kind := []string{"avg", "min", "max", "rate"}[i%4]
		rules = append(rules, *ruled(b, kind+"(freezer.temperature, '"+strconv.Itoa(10+i%25)+"m') > 1e6", "", time.Minute))
	}
	benchmarkReading(b, rules)
}

// BenchmarkReadingThroughOneWindow is one reading through one rule.
func BenchmarkReadingThroughOneWindow(b *testing.B) {
	for _, kind := range []string{"avg", "min", "rate", "count", "held"} {
		source := kind + "(freezer.temperature, '10m') > 1e6"
		if kind == "count" || kind == "held" {
			source = kind + "(freezer.temperature > 1e6, '10m') == (freezer.temperature > 1e6)"
		}
		if kind == "count" {
			source = "count(freezer.temperature > 1e6, '10m') > 3"
		}
		b.Run(kind, func(b *testing.B) {
			benchmarkReading(b, []Rule{*ruled(b, source, "freezer.humidity > 1e6", time.Minute)})
		})
	}
	b.Run("none", func(b *testing.B) {
		benchmarkReading(b, []Rule{*ruled(b, "freezer.temperature > 1e6", "freezer.humidity > 1e6", time.Minute)})
	})
}

func benchmarkReading(b *testing.B, rules []Rule) {
	e := New(Config{Rules: rules, Sensors: []Sensor{{SensorEnv: house.Sensors[0]}, {SensorEnv: house.Sensors[1]}, {SensorEnv: house.Sensors[2]}}, Location: time.UTC, Troubles: &notify.Troubles{}})
	reading := []sensors.Reading{{Sensor: freezerT.Sensor(), Quantity: freezerT.Quantity(), At: time.Now()}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		reading[0].Value = -20 + float64(i&1)
		reading[0].At = reading[0].At.Add(100 * time.Millisecond)
		e.take(reading)
		e.wake()
	}
}

func TestReadingThroughWindowsAllocatesNothing(t *testing.T) {
	if n := testing.Benchmark(BenchmarkReadingThroughWindows).AllocsPerOp(); n != 0 {
		t.Errorf("%d allocations a reading", n)
	}
}

func TestAWindowStaysBelowTwoKilobytesAndIsShared(t *testing.T) {
	sizes := func(lengths int) (uint64, int) {
		var rules []Rule
		for i := range 1000 {
			rules = append(rules, *ruled(t, "avg(freezer.temperature, '"+strconv.Itoa(60+i%lengths)+"s') > 1", "", 0))
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		e := windowedBy(rules[0].When, [2]time.Duration{time.Hour, time.Hour})
		e = New(Config{Rules: rules, Sensors: e.Sensors, Location: time.UTC})
		runtime.GC()
		runtime.ReadMemStats(&after)
		defer runtime.KeepAlive(e)
		return after.HeapAlloc - before.HeapAlloc, len(e.windows)
	}
	one, n := sizes(1)
	if n != 1 {
		t.Fatalf("%d windows for a thousand rules that ask the same", n)
	}
	many, n := sizes(1000)
	each := (int64(many) - int64(one)) / 999
	if n != 1000 || each > 2048 {
		t.Errorf("%d windows of %d bytes each", n, each)
	}
	t.Logf("%d bytes a window", each)
}
