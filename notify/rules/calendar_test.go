package rules

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"pinbell/notify/clock"
	"pinbell/sensors"
)

func TestWeekdaysAndModes(t *testing.T) {
	v := at(seen(nil, nil, nil), 5)
	v.Weekday, v.Mode = int(time.Saturday), "away"
	unknown := seen(nil, nil, nil)
	for source, want := range map[string]Truth{
		`weekday == "sat"`: True, `weekday == "sun"`: False, `weekday != "sat"`: False, `"sat" == weekday`: True,
		`weekday in ["sat", "sun"]`: True, `weekday not in ["sat", "sun"]`: False, `weekday in ["mon"]`: False, `not (weekday == "mon")`: True,
		`mode == "away"`: True, `mode != "away"`: False, `mode in ["home", "away"]`: True, `mode not in ["home", "night"]`: True, `"night" == mode`: False,
	} {
		c := compile(t, source)
		if got := c.Eval(v); got != want {
			t.Errorf("%s: got %d, want %d", source, got, want)
		}
		if got := c.Eval(unknown); got != Unknown {
			t.Errorf("%s: got %d where neither day nor mode is known", source, got)
		}
	}
}

// Each line is a night on which a zone's clocks are put forward or back, and
// what a rule tells on it: the instants are in UTC.
func TestDaysWithASwitchOfClocksAreRight(t *testing.T) {
	for _, test := range []struct {
		zone, from, when, want string
	}{
		{"Europe/London", "2000-03-25T12:00:00Z", `between("22:00", "06:00")`, "raised 25T22:00, cleared 26T05:00"},
		{"Europe/London", "2000-03-25T23:00:00Z", `between("01:30", "02:30")`, "raised 26T01:00, cleared 26T01:30"}, // 01:00 is 02:00
		{"Europe/London", "2000-10-28T12:00:00Z", `between("22:00", "06:00")`, "raised 28T21:00, cleared 29T06:00"},
		{"Europe/London", "2000-10-28T12:00:00Z", `between("01:30", "02:30")`, "raised 29T00:30, cleared 29T01:00, raised 29T01:30, cleared 29T02:30"}, // 01:30 is twice
		{"Europe/London", "2000-03-25T12:00:00Z", `weekday == "sun"`, "raised 26T00:00, cleared 26T23:00"},
		{"Europe/London", "2000-10-28T12:00:00Z", `weekday == "sun"`, "raised 28T23:00, cleared 30T00:00"},
		{"America/New_York", "2000-04-01T12:00:00Z", `weekday == "sun"`, "raised 02T05:00, cleared 03T04:00"},
		{"America/New_York", "2000-10-28T12:00:00Z", `weekday == "sun"`, "raised 29T04:00, cleared 30T05:00"},
		{"America/New_York", "2000-04-01T12:00:00Z", `between("22:00", "06:00")`, "raised 02T03:00, cleared 02T10:00"},
		{"America/New_York", "2000-10-28T12:00:00Z", `between("22:00", "06:00")`, "raised 29T02:00, cleared 29T11:00"},
		{"Australia/Lord_Howe", "2000-03-25T00:00:00Z", `weekday == "sun"`, "raised 25T13:00, cleared 26T13:30"}, // half an hour
		{"Australia/Lord_Howe", "2000-08-26T00:00:00Z", `weekday == "sun"`, "raised 26T13:30, cleared 27T13:00"},
		{"Australia/Lord_Howe", "2000-08-26T00:00:00Z", `between("22:00", "06:00")`, "raised 26T11:30, cleared 26T19:00"},
	} {
		t.Run(test.zone+" "+test.from+" "+test.when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				zone, err := time.LoadLocation(test.zone)
				if err != nil {
					t.Fatal(err)
				}
				from, err := time.Parse(time.RFC3339, test.from)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Until(from))
				if got := told(t, zone, "tank.value > 0 and "+test.when, 44*time.Hour); !strings.HasPrefix(got+",", test.want+",") { // and the next days
					t.Errorf("told %s, want %s", got, test.want)
				}
			})
		})
	}
}

// told runs a rule for a while in a zone, and lists its events with their
// instants in UTC.
func told(t *testing.T, zone *time.Location, when string, span time.Duration) (list string) {
	l := &ledger{states: map[string][]byte{}}
	clk := clock.New(clock.Config{Floor: time.Now().Add(-time.Hour), Boot: "boot", Up: time.Minute, Kernel: func() (bool, time.Duration) { return true, time.Millisecond }})
	e := New(Config{Rules: []Rule{titled(t, "r", when)}, Location: zone, Clock: clk, Store: l, Log: slog.New(slog.DiscardHandler),
		Sensors: []Sensor{{SensorEnv: house.Sensors[0], SilentAfter: 1000 * time.Hour}, {SensorEnv: house.Sensors[1], SilentAfter: 1000 * time.Hour}, {SensorEnv: house.Sensors[2], SilentAfter: 1000 * time.Hour}}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	in := make(chan []sensors.Reading)
	go func() { ended <- clk.Run(ctx) }()
	synctest.Wait()
	go func() { ended <- e.Run(ctx, in) }()
	in <- []sensors.Reading{{Sensor: 2, Quantity: sensors.Value, Value: 1, At: time.Now()}}
	time.Sleep(span)
	cancel()
	<-ended
	<-ended
	for i, ev := range l.events {
		if i > 0 {
			list += ", "
		}
		list += ev.Kind.String() + " " + ev.At.Wall.UTC().Format("02T15:04")
	}
	return list
}

func TestAnOldReadingDoesNotTurnTheTimeOfDayBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t) // a bubble begins at midnight UTC
		b.run(titled(t, "r", `tank.value > 0 and between("00:01", "06:00")`))
		defer b.stop()
		b.read(tankV, 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		b.in <- []sensors.Reading{{Sensor: 0, Quantity: sensors.Level, Value: 1, At: time.Now().Add(-time.Millisecond)}}
		b.expect("lost freezer 50s, raised r 1m0s")
	})
}
