package mail

import (
	"time"

	"pinbell/notify"
	"pinbell/sensors"
)

// samples are mails of every kind and severity, of a measure and of a level,
// with all that an event can have and with nothing, alone and in digests.
func samples() (mails []notify.Mail) {
	at := notify.Moment{Wall: time.Unix(1_790_000_000, 0), Boot: "sample", Up: time.Hour, Trusted: true}
	since := at
	since.Wall, since.Up = at.Wall.Add(-5*time.Minute), at.Up-5*time.Minute
	measure := notify.Term{Op: ">", Limit: 30, Lowest: 29, Highest: 32,
		Fact: notify.Fact{Sensor: "rack", Title: "Rack", Quantity: sensors.Temperature, Value: 31.5}}
	level := notify.Term{Op: "==", Limit: 1,
		Fact: notify.Fact{Sensor: "door", Title: "Door", Quantity: sensors.Level, Value: 1, State: "open"}}
	var all []notify.Event
	for kind := notify.Raised; kind <= notify.Test; kind++ {
		for severity := notify.Info; severity <= notify.Critical; severity++ {
			for _, terms := range [][]notify.Term{{measure, level}, {level}, nil} {
				e := notify.Event{
					Serial: uint64(len(all) + 1), Incident: 1, Kind: kind, Rule: "sample", Title: "Sample", Severity: severity,
					Message: "Look after it.", At: at, Since: since, Began: since, Terms: terms, For: time.Minute,
				}
				if kind == notify.Lost || kind == notify.Returned {
					e.Rule, e.Sensor, e.Cause, e.Remedy = "", "rack", "it does not answer", "Check the wiring."
				}
				all = append(all, e)
			}
		}
	}
	for _, e := range append(all, notify.Event{Kind: notify.Raised, Rule: "bare", At: notify.Moment{Undated: true}}) {
		mails = append(mails, sample(e))
	}
	return append(mails, sample(all...), sample(all[0], all[0], all[0]))
}

func sample(events ...notify.Event) notify.Mail {
	return notify.Mail{ID: "1.sample", Sealed: time.Unix(1_790_000_002, 0), Checked: true, Events: events}
}
