package mail

import (
	"fmt"
	netmail "net/mail"
	"strings"
	"text/template"
	"time"
	_ "time/tzdata"

	"pinbell/notify"
	"pinbell/sensors"
)

var (
	london = zone("Europe/London")
	head   = Letterhead{
		Device: "garage", Location: london, Version: "1.2.0",
		From: netmail.Address{Name: "Garage", Address: "alex@icloud.com"},
	}
	noon = time.Date(2026, 11, 14, 12, 0, 0, 0, time.UTC)
)

func zone(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return l
}

// at is a trusted moment so long after noon.
func at(d time.Duration) notify.Moment {
	return notify.Moment{Wall: noon.Add(d), Boot: "boot-1", Up: 100*time.Hour + d, Trusted: true}
}

func hms(h, m, s int) time.Duration {
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
}

var night = hms(10, 41, 7) // 22:41:07

// letterOf is a mail that was sealed as soon as its last event had happened.
func letterOf(events ...notify.Event) notify.Mail {
	return notify.Mail{
		ID: fmt.Sprintf("%d.k3f9x2ab", events[0].Serial), Checked: true, To: []string{"alex@icloud.com"}, Events: events,
		Sealed: events[len(events)-1].At.Wall.Add(2 * time.Second),
	}
}

func freezerTerm(v, lowest, highest float64) notify.Term {
	return notify.Term{
		Fact: notify.Fact{Sensor: "freezer", Title: "Freezer", Quantity: sensors.Temperature, Value: v},
		Op:   ">", Limit: -15, Lowest: lowest, Highest: highest,
	}
}

func freezer(kind notify.Kind) notify.Event {
	e := notify.Event{
		Serial: 118, Incident: 118, Kind: kind, Rule: "freezer-warm", Title: "Freezer warm",
		Severity: notify.Warning, To: []string{"alex@icloud.com", "sam@icloud.com"},
		Message: "The freezer has been too warm for five minutes.\nThe spare key is at the neighbour's.",
		At:      at(night), Since: at(night - 5*time.Minute), For: 5 * time.Minute,
		Terms:  []notify.Term{freezerTerm(-14.2, -14.9, -14.1)},
		Others: surroundings, Clears: "freezer.temperature < -17",
		Next: []time.Duration{15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour},
	}
	switch kind {
	case notify.Reminder:
		e.Serial, e.Told, e.Began, e.Next = 120, 1, e.At, e.Next[1:]
		e.At, e.Terms = at(night+hms(1, 15, 0)), []notify.Term{freezerTerm(-13.8, -14.9, -13.6)}
	case notify.Cleared:
		e.Serial, e.Began, e.Next = 121, e.At, nil
		e.At, e.Terms = at(night+hms(0, 42, 0)), []notify.Term{freezerTerm(-17.3, -17.3, -13.6)}
	}
	return e
}

var surroundings = []notify.Fact{
	{Sensor: "door", Title: "Garage door", Quantity: sensors.Level, State: "closed", Since: at(hms(6, 2, 0))},
	{Sensor: "rack", Title: "Rack", Quantity: sensors.Temperature, Value: 41.5},
	{Sensor: "cellar", Title: "Cellar", Silent: 12 * time.Minute},
}

func door() notify.Event {
	return notify.Event{
		Serial: 7, Incident: 7, Kind: notify.Raised, Rule: "door-left-open", Title: "Door left open",
		Severity: notify.Warning, To: []string{"alex@icloud.com"},
		At: at(night), Since: at(night - 10*time.Minute), For: 10 * time.Minute,
		Terms: []notify.Term{{Op: "==", Limit: 1, Fact: notify.Fact{
			Sensor: "door", Title: "Garage door", Quantity: sensors.Level, Value: 1, State: "open"}}},
	}
}

func cellar(kind notify.Kind) notify.Event {
	e := notify.Event{
		Serial: 30, Incident: 30, Kind: kind, Sensor: "cellar", Title: "Cellar", Severity: notify.Warning,
		To: []string{"alex@icloud.com"}, At: at(night), Since: at(night - 12*time.Minute),
		Cause:  "bme280 at 0x76 on bus 1 does not answer",
		Remedy: "Check the wiring (SDA pin 3, SCL pin 5).",
	}
	if kind == notify.Returned {
		e.Serial, e.Began, e.At, e.Cause, e.Remedy = 31, e.At, at(night+19*time.Minute), "", ""
	}
	return e
}

func trial() notify.Event {
	return notify.Event{Serial: 1, Incident: 1, Kind: notify.Test, Title: "Test", To: []string{"alex@icloud.com"}, At: at(night)}
}

// backlog is what a night without network leaves.
func backlog() notify.Mail {
	var events []notify.Event
	for i := range 6 {
		e := freezer(notify.Raised)
		if i%2 == 1 {
			e = freezer(notify.Cleared)
		}
		e.Severity = notify.Critical
		e.Serial, e.At = uint64(40+i), at(night+time.Duration(i)*time.Hour)
		e.Since = at(night + time.Duration(i)*time.Hour - 5*time.Minute)
		if e.Kind == notify.Cleared {
			e.Began = at(night + time.Duration(i-1)*time.Hour)
		}
		events = append(events, e)
	}
	events = append(events, cellar(notify.Lost), door())
	events = append(events[:5], events[6:]...) // the last word on the freezer is raised
	for i, e := range events[5:] {
		e.Since = at(night + 5*time.Hour)
		e.At = at(night + time.Duration(5+i)*time.Hour + 12*time.Minute)
		e.Serial = uint64(45 + i)
		events[5+i] = e
	}
	m := letterOf(events...)
	m.Troubles = []notify.Trouble{{
		Code: "mail.dial", Sentence: "smtp.mail.me.com could not be reached for 8 h.",
		Doing: "pinbell kept what it had to tell.", Remedy: "Check the router.",
	}}
	return m
}

// letters are all kinds of mail, by the names of their golden files.
func letters() map[string]notify.Mail {
	critical := freezer(notify.Raised)
	critical.Severity = notify.Critical
	lost := freezer(notify.Raised)
	lost.At = notify.Moment{Wall: time.Unix(90, 0), Boot: "boot-0", Up: 90 * time.Second, Undated: true}
	lost.Since = notify.Moment{Wall: time.Unix(30, 0), Boot: "boot-0", Up: 30 * time.Second, Undated: true}
	undated, late, unchecked := letterOf(lost), letterOf(freezer(notify.Raised)), letterOf(door())
	undated.Sealed = noon
	late.Sealed = late.Sealed.Add(9 * time.Hour)
	unchecked.Checked = false
	unchecked.Events[0].At.Trusted, unchecked.Events[0].Since.Trusted = false, false
	return map[string]notify.Mail{
		"raised": letterOf(freezer(notify.Raised)), "critical": letterOf(critical), "level": letterOf(door()),
		"reminder": letterOf(freezer(notify.Reminder)), "cleared": letterOf(freezer(notify.Cleared)),
		"lost": letterOf(cellar(notify.Lost)), "returned": letterOf(cellar(notify.Returned)),
		"test": letterOf(trial()), "digest": backlog(),
		"raised-and-cleared": letterOf(freezer(notify.Raised), freezer(notify.Cleared)),
		"undated":            undated, "late": late, "unchecked": unchecked,
	}
}

// stationery is a mail and the letterhead that it is written on.
type stationery struct {
	mail notify.Mail
	head Letterhead
}

// all are mails of every kind and make, by the names of their golden files.
func all() map[string]stationery {
	list := map[string]stationery{}
	for name, m := range letters() {
		list[name] = stationery{m, head}
	}
	road, old := head, letterOf(door())
	road.Road, road.Domain = "smtp.gmail.com", "pinbell.example.org"
	old.ID = "abcdefghij2345672345"
	list["road"], list["old"] = stationery{letterOf(warming(notify.Raised)), road}, stationery{old, head}
	list["chart"] = stationery{letterOf(warming(notify.Reminder)), head}
	list["chart-undated"] = stationery{letters()["undated"], head}
	trace(&list["chart-undated"].mail.Events[0])
	list["attached"] = stationery{withFiles(notify.Whole), head}
	list["slim"] = stationery{withFiles(notify.NoAttachments), head}
	list["text-only"] = stationery{withFiles(notify.TextOnly), head}
	list["flapping"] = stationery{flapping(), head}
	list["cleared-chart"] = stationery{letterOf(warming(notify.Cleared)), head}
	own, err := ParseTemplates(ownSubject, ownBody)
	if err != nil {
		panic(err)
	}
	owners, failing := head, head
	owners.Templates = own
	failing.Templates.Body = template.Must(template.New("body").Parse("{{.Titel}}"))
	list["template"], list["template-failed"] = stationery{letterOf(warming(notify.Raised)), owners}, stationery{letterOf(door()), failing}
	return list
}

// trace gives an event four hours of readings with a gap in them.
func trace(e *notify.Event) {
	e.Trace = &notify.Trace{Step: 2 * time.Minute}
	for i := range 120 {
		v := float32(-19 + 0.4*float64(i%11)/11)
		if i > 60 {
			v += float32(i-60) * 0.08
		}
		low, high := v-0.1, v+0.1
		if i >= 40 && i < 46 {
			low, high = 1, -1
		}
		e.Trace.Low, e.Trace.High = append(e.Trace.Low, low), append(e.Trace.High, high)
	}
}

func warming(kind notify.Kind) notify.Event {
	e := freezer(kind)
	trace(&e)
	return e
}

// pixel is the smallest GIF there is.
var pixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

func withFiles(slim notify.Slim) notify.Mail {
	e := warming(notify.Raised)
	e.Attach = []string{"file:/run/cam/last.gif", "http://admin:secret@127.0.0.1:8080/snapshot?token=secret", "exec:/usr/bin/journal --key secret"}
	m := letterOf(e)
	m.Slim = slim
	m.Files = []notify.Attachment{
		{Source: e.Attach[0], Name: "last.gif", Type: "image/gif", Taken: m.Sealed, Data: pixel},
		{Source: e.Attach[1], Type: "image/jpeg", Fault: "gave nothing within 10 s"},
		{Source: e.Attach[2], Name: "Kühl-Tagebuch.txt", Type: "text/plain; charset=utf-8", Taken: m.Sealed, Data: []byte(strings.Repeat("door closed\n", 200))},
	}
	return m
}

// flapping is a night in which a rule went up and down, some of it condensed.
func flapping() notify.Mail {
	var events []notify.Event
	for i := range 7 {
		e := freezer(notify.Raised)
		if i%2 == 1 {
			e = freezer(notify.Cleared)
		}
		e.Serial, e.Incident = uint64(40+i), uint64(40+i-i%2)
		e.At = at(night + time.Duration(i)*20*time.Minute)
		e.Since, e.Began = at(night+time.Duration(i)*20*time.Minute-5*time.Minute), e.At
		e.AtMost = notify.Rate{Mails: 3, Per: time.Hour}
		events = append(events, e)
	}
	events[6].Merged = 10
	trace(&events[6])
	return letterOf(events...)
}
