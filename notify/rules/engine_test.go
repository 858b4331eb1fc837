package rules

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/sensors"
)

// ledger is a Store in memory that outlives engines, as a disk does.
type ledger struct {
	serial  uint64
	states  map[string][]byte
	events  []notify.Event
	commits int
}

func (l *ledger) NextSerial() uint64      { l.serial++; return l.serial }
func (l *ledger) State(key string) []byte { return l.states[key] }
func (l *ledger) Commit(ts []Transition) {
	l.commits++
	for _, t := range ts {
		l.events = append(l.events, t.Event)
		if t.State == nil {
			delete(l.states, t.Key)
		} else {
			l.states[t.Key] = t.State
		}
	}
}

// told lists the events as "kind name at second since start".
func (l *ledger) told(start time.Time) string {
	var all []string
	for _, ev := range l.events {
		all = append(all, ev.Kind.String()+" "+ev.Rule+ev.Sensor+" "+ev.At.Wall.Sub(start).Round(time.Millisecond).String())
	}
	return strings.Join(all, ", ")
}

// bench is an engine in a bubble with a channel to feed it.
type bench struct {
	t        *testing.T
	start    time.Time
	ledger   *ledger
	troubles notify.Troubles
	synced   bool
	boot     string
	in       chan []sensors.Reading
	engine   *Engine
	stop     func()
}

func newBench(t *testing.T) *bench {
	return &bench{t: t, start: time.Now(), synced: true, boot: "boot-1", ledger: &ledger{states: map[string][]byte{}}}
}

// run starts an engine over the bench's ledger, as a start of the daemon does.
func (b *bench) run(rules ...Rule) {
	b.in = make(chan []sensors.Reading)
	clk := clock.New(clock.Config{
		Floor: b.start.Add(-time.Hour), Boot: b.boot, Up: time.Since(b.start) + time.Minute, Troubles: &b.troubles,
		Kernel: func() (bool, time.Duration) { return b.synced, time.Millisecond },
	})
	b.engine = New(Config{
		Rules: rules, To: []string{"alex@icloud.com"}, Location: time.UTC, Clock: clk, Store: b.ledger,
		Troubles: &b.troubles, Log: slog.New(slog.DiscardHandler),
		Sensors: []Sensor{
			{SensorEnv: house.Sensors[0], Title: "Garage door", SilentAfter: 150 * time.Second},
			{SensorEnv: house.Sensors[1], Title: "Freezer", SilentAfter: 50 * time.Second},
			{SensorEnv: house.Sensors[2], Title: "Tank", SilentAfter: 1000 * time.Hour},
		},
	})
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error, 2)
	go func() { ended <- clk.Run(ctx) }()
	synctest.Wait()
	go func() { ended <- b.engine.Run(ctx, b.in) }()
	b.stop = func() { cancel(); <-ended; <-ended }
	synctest.Wait()
}

func (b *bench) read(slot Slot, value float64) {
	b.in <- []sensors.Reading{{Sensor: slot.Sensor(), Quantity: slot.Quantity(), Value: value, At: time.Now()}}
	synctest.Wait()
}

func (b *bench) fail(sensor int) {
	b.in <- []sensors.Reading{{Sensor: sensor, At: time.Now(), Fault: &sensors.Fault{Sentence: "it does not answer", Remedy: "Check the wiring."}}}
	synctest.Wait()
}

func (b *bench) expect(want string) {
	b.t.Helper()
	synctest.Wait()
	if got := b.ledger.told(b.start); got != want {
		b.t.Errorf("told:\n got %s\nwant %s", got, want)
	}
}

var (
	doorLevel = SlotOf(0, sensors.Level)
	freezerT  = SlotOf(1, sensors.Temperature)
	freezerH  = SlotOf(1, sensors.Humidity)
)

func warm(t *testing.T) Rule {
	r := *ruled(t, "freezer.temperature > -15", "freezer.temperature < -17", 30*time.Second, time.Minute, 10*time.Minute)
	r.Name, r.Title, r.To = "freezer-warm", "Freezer warm", []string{"alex@icloud.com"}
	return r
}

func TestRuleFiresAtTheInstantWithoutAReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(warm(t))
		defer b.stop()
		b.read(freezerT, -14)
		time.Sleep(20 * time.Second)
		b.read(freezerT, -13)
		time.Sleep(15 * time.Second)
		b.expect("raised freezer-warm 30s")
		ev := b.ledger.events[0]
		if ev.Serial != 1 || ev.Incident != 1 || !ev.At.Trusted || ev.Since.Wall.Sub(b.start) != 0 || ev.Clears != "" {
			t.Errorf("event: %+v", ev)
		}
		if len(ev.Terms) != 1 || ev.Terms[0].Text() != "-13.0 °C" || ev.Terms[0].Limit != -15 || ev.Terms[0].Highest != -13 || ev.Terms[0].Lowest != -14 {
			t.Errorf("terms: %+v", ev.Terms)
		}
	})
}

func TestBriefLevelWithinABatchIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		r := *ruled(t, "door.open", "", 0)
		r.Name = "door"
		b.run(r)
		defer b.stop()
		now := time.Now()
		b.in <- []sensors.Reading{
			{Sensor: 0, Quantity: sensors.Level, Value: 1, At: now},
			{Sensor: 0, Quantity: sensors.Level, Value: 0, At: now.Add(time.Millisecond)},
		}
		synctest.Wait()
		b.expect("raised door 0s, cleared door 1ms")
		if b.ledger.commits != 1 {
			t.Errorf("%d commits for one batch", b.ledger.commits)
		}
	})
}

func TestSilenceIsAnEventAndReturnAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(warm(t))
		defer b.stop()
		b.read(freezerT, -20)
		b.read(doorLevel, 0)
		time.Sleep(30 * time.Second)
		b.fail(1)
		time.Sleep(90 * time.Second)
		b.read(freezerT, -20)
		b.read(freezerT, -20)
		b.expect("lost freezer 50s, returned freezer 2m0s")
		lost, returned := b.ledger.events[0], b.ledger.events[1]
		if lost.Cause != "it does not answer" || lost.Remedy != "Check the wiring." || lost.Since.Wall.Sub(b.start) != 0 {
			t.Errorf("lost: %+v", lost)
		}
		if returned.Incident != lost.Serial || returned.Began.Wall.Sub(b.start) != 50*time.Second {
			t.Errorf("returned: %+v", returned)
		}
	})
}

func TestSensorThatNeverAnswersIsLostOnceAcrossRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(warm(t))
		b.read(doorLevel, 0)
		time.Sleep(2 * time.Minute)
		b.stop()
		b.run(warm(t))
		b.read(doorLevel, 0)
		time.Sleep(2 * time.Minute)
		b.read(freezerT, -20)
		b.stop()
		b.expect("lost freezer 50s, returned freezer 4m0s")
	})
}

func TestFaultIsATroubleUntilTheNextGoodReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(warm(t))
		defer b.stop()
		b.fail(1)
		if list := b.troubles.List(); len(list) != 1 || list[0].About != "freezer" || list[0].Remedy != "Check the wiring." || list[0].Doing == "" {
			t.Fatalf("troubles: %+v", list)
		}
		b.read(freezerT, -20)
		if list := b.troubles.List(); len(list) != 0 {
			t.Fatalf("troubles after a good reading: %+v", list)
		}
	})
}

func TestRaisedRuleSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(warm(t))
		b.read(freezerT, -14)
		time.Sleep(40 * time.Second)
		b.stop()
		time.Sleep(10 * time.Second)
		b.run(warm(t)) // 50 s: nothing is told again, and the reminder is still due at 90 s
		b.read(freezerT, -14)
		time.Sleep(45 * time.Second)
		b.read(freezerT, -18)
		b.stop()
		b.expect("raised freezer-warm 30s, reminder freezer-warm 1m30s, cleared freezer-warm 1m35s")
		for _, ev := range b.ledger.events {
			if ev.Incident != 1 || ev.Began.Wall.Sub(b.start) != 30*time.Second {
				t.Errorf("%v: incident %d began %v", ev.Kind, ev.Incident, ev.Began.Wall.Sub(b.start))
			}
		}
	})
}

func TestReminderAcrossABootWithoutTimeBeginsItsWaitAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(warm(t))
		b.read(freezerT, -14)
		time.Sleep(40 * time.Second)
		b.stop()
		b.boot, b.synced = "boot-2", false
		b.run(warm(t))
		b.read(freezerT, -14)
		b.read(doorLevel, 0)
		time.Sleep(61 * time.Second)
		b.stop()
		last := b.ledger.events[len(b.ledger.events)-1]
		if last.Kind != notify.Reminder || last.At.Up-b.ledger.events[0].At.Up < time.Minute {
			t.Errorf("told: %s", b.ledger.told(b.start))
		}
	})
}

func TestTimeOfDayFiresARuleAtTheMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t) // a bubble begins at midnight UTC
		r := *ruled(t, "door.open and between('00:10', '06:00')", "", 0)
		r.Name = "door"
		b.run(r)
		defer b.stop()
		for range 25 {
			b.read(doorLevel, 1)
			time.Sleep(30 * time.Second)
		}
		b.read(doorLevel, 0)
		b.expect("lost freezer 50s, raised door 10m0s, cleared door 12m30s")
	})
}

func TestStatusShowsEachRuleState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		quiet := *ruled(t, "tank.value > 5", "", 0)
		pending := *ruled(t, "door.open", "", time.Hour)
		unknown := *ruled(t, "freezer.humidity > 50", "", 0)
		quiet.Name, pending.Name, unknown.Name = "quiet", "pending", "unknown"
		raised := warm(t)
		b.run(quiet, pending, unknown, raised)
		defer b.stop()
		b.read(SlotOf(2, sensors.Value), 1)
		b.read(doorLevel, 1)
		b.read(freezerT, -14)
		time.Sleep(40 * time.Second)
		st, err := b.engine.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range st.Rules {
			got += r.Name + " " + r.State + " "
		}
		if want := "quiet quiet pending pending unknown unknown freezer-warm raised "; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if st.Rules[1].FiresIn != time.Hour-40*time.Second || st.Rules[3].Reminder != 50*time.Second || st.Rules[3].Told != 1 {
			t.Errorf("rules: %+v", st.Rules)
		}
		if s := st.Sensors[1]; s.Age != 40*time.Second || s.Values[0].Text() != "-14.0 °C" || s.Values[1].Known() {
			t.Errorf("freezer: %+v", s)
		}
	})
}

// BenchmarkReadingThrough100Rules is one reading on which 100 rules depend.
func BenchmarkReadingThrough100Rules(b *testing.B) {
	var rules []Rule
	for i := range 100 {
		r := *ruled(b, "freezer.temperature > -15 and not (freezer.humidity > 90)", "freezer.temperature < -17", time.Minute, time.Hour)
		r.Name = "r" + string(rune('0'+i%10))
		rules = append(rules, r)
	}
	e := New(Config{Rules: rules, Sensors: []Sensor{{SensorEnv: house.Sensors[0]}, {SensorEnv: house.Sensors[1]}, {SensorEnv: house.Sensors[2]}}, Location: time.UTC, Troubles: &notify.Troubles{}})
	now := time.Now()
	reading := []sensors.Reading{{Sensor: freezerT.Sensor(), Quantity: freezerT.Quantity(), Value: -20, At: now}}
	e.take([]sensors.Reading{{Sensor: freezerH.Sensor(), Quantity: freezerH.Quantity(), Value: 50, At: now}})
	b.ReportAllocs()
	for b.Loop() {
		reading[0].Value = -20 + float64(b.N&1)
		e.take(reading)
		e.wake()
	}
}

func TestReadingThrough100RulesAllocatesNothing(t *testing.T) {
	if n := testing.Benchmark(BenchmarkReadingThrough100Rules).AllocsPerOp(); n != 0 {
		t.Errorf("%d allocations a reading", n)
	}
}
