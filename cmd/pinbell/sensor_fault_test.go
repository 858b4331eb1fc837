package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"pinbell/sensors/gpio"
)

// quickRack is soon silent, and not so soon that a busy machine makes it so.
const quickRack = `
[[sensor]]
name = "rack"
driver = "file"
path = "rack"
quantity = "temperature"
every = "30ms"
silent_after = "4s"
[[rule]]
name = "rack-hot"
when = "rack.temperature > 60"
`

// TestSensorThatVanishesIsToldLostAndReturned takes a thermometer's file away,
// as an unplugged 1-Wire sensor's goes, and gives it back.
func TestSensorThatVanishesIsToldLostAndReturned(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.parts = quickRack
	g.start()
	g.until("the rack is read", 5*time.Second, func(r Report) bool { return r.Sensors[0].Read })
	g.remove("rack")
	r := g.until("the sensor is lost", 5*time.Second, func(r Report) bool { return r.Sensors[0].Lost })
	fault := trouble(r, "sensor.fault")
	if fault == nil || fault.About != "rack" || !strings.Contains(fault.Sentence, "/rack is not there") || fault.Remedy == "" || fault.Doing != "pinbell goes on trying." {
		t.Errorf("the trouble is %+v", fault)
	}
	if r.Rules[0].State != "unknown" {
		t.Errorf("the rule of a lost sensor is %s", r.Rules[0].State)
	}
	g.tells("rack NO READING", "is not there", "1 unknown: rack-hot", fault.Remedy)
	lost := text(t, g.arrived(1, 5*time.Second)[0])
	for _, piece := range []string{"no reading", "is not there", fault.Remedy} {
		if !strings.Contains(strings.Join(strings.Fields(lost), " "), piece) {
			t.Errorf("the mail does not say %q:\n%s", piece, lost)
		}
	}
	g.write("rack", "21\n")
	g.until("the sensor is back", 5*time.Second, func(r Report) bool {
		return !r.Sensors[0].Lost && trouble(r, "sensor.fault") == nil && r.Rules[0].State == "quiet"
	})
	if back := text(t, g.arrived(2, 5*time.Second)[1]); !strings.Contains(back, "reading again") {
		t.Errorf("the mail does not say that it reads again:\n%s", back)
	}
}

// TestBadNumberIsAFaultAndNeverAnAlarm has a sensor's file hold what is no
// number, as one does whose device is half gone.
func TestBadNumberIsAFaultAndNeverAnAlarm(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.start()
	g.until("the rack is read", 5*time.Second, func(r Report) bool { return r.Sensors[0].Read })
	g.write("rack", "85,0 or so\n")
	r := g.until("the fault is told", 5*time.Second, func(r Report) bool { return trouble(r, "sensor.fault") != nil })
	if r.Rules[0].State != "quiet" || waiting(r) > 0 {
		t.Errorf("the rule is %s, with %d waiting", r.Rules[0].State, waiting(r))
	}
}

// TestBusThatIsNotThereLeavesTheOthersAlone has a chip on a bus that the board
// does not have, beside a file: after an update that switched I2C off, the rest
// of the board is still watched.
func TestBusThatIsNotThereLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/i2c-97"); err == nil {
		t.Skip("this machine has an I2C bus 97")
	}
	g := newGarage(t)
	g.parts = rack + `
[[sensor]]
name = "freezer"
driver = "bme280"
bus = 97
every = "100ms"
silent_after = "1s"
[[rule]]
name = "freezer-warm"
when = "freezer.temperature > -15"
`
	g.start()
	r := g.until("the bus is missed", 5*time.Second, func(r Report) bool { return trouble(r, "sensor.fault") != nil })
	fault := trouble(r, "sensor.fault")
	if fault.About != "freezer" || !strings.Contains(fault.Sentence, "97") || fault.Remedy == "" {
		t.Errorf("the trouble is %+v", fault)
	}
	t.Log("\n" + g.status())
	g.write("rack", "75\n")
	mails := g.arrived(2, 10*time.Second) // the freezer's silence, and the rack
	var all strings.Builder
	for _, m := range mails {
		all.WriteString(text(t, m))
	}
	if !strings.Contains(all.String(), "The rack is too hot.") || !strings.Contains(all.String(), "Freezer") {
		t.Errorf("the mails do not tell of both:\n%s", all.String())
	}
}

// TestPinsAloneNeedABoard ends at once where there is nothing to watch at all.
func TestPinsAloneNeedABoard(t *testing.T) {
	t.Parallel()
	if gpio.Missing() == nil {
		t.Skip("this machine has GPIO lines")
	}
	g := newGarage(t)
	g.parts = `
[[sensor]]
name = "door"
driver = "gpio"
line = "GPIO17"
[[rule]]
name = "door-open"
when = "door.active"
`
	p := g.launch("run", "--config", g.config(), "--state", g.state)
	if code := p.wait(10 * time.Second); code != exitFailed {
		t.Errorf("exits %d, want %d", code, exitFailed)
	}
	if said := p.stderr.String(); !strings.Contains(said, "there is no board here") || !strings.Contains(said, "pinbell demo") || p.stdout.String() != "" {
		t.Errorf("it says %q, and %q on stdout", said, p.stdout.String())
	}
	if _, err := os.Stat(g.state); err == nil {
		t.Error("it made a state directory on the wrong machine")
	}
}

// TestPinsThatAreNotThereLeaveTheOthersAlone is the same for a line.
func TestPinsThatAreNotThereLeaveTheOthersAlone(t *testing.T) {
	t.Parallel()
	if gpio.Missing() == nil {
		t.Skip("this machine has GPIO lines")
	}
	g := newGarage(t)
	g.parts = rack + `
[[sensor]]
name = "door"
driver = "gpio"
line = "GPIO17"
every = "200ms"
silent_after = "1s"
[[rule]]
name = "door-open"
when = "door.active"
`
	g.start()
	r := g.until("the line is missed", 5*time.Second, func(r Report) bool { return trouble(r, "sensor.fault") != nil })
	if fault := trouble(r, "sensor.fault"); fault.About != "door" || fault.Remedy == "" {
		t.Errorf("the trouble is %+v", fault)
	}
	g.write("rack", "75\n")
	g.arrived(1, 10*time.Second)
}

// TestScenarioFiresInItsTime plays a table in place of a board.
func TestScenarioFiresInItsTime(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.write("night.csv", "time, door.level, cellar.temperature\n0s, 0, 12\n300ms, 1, 12\n8s, 0, 12\n")
	g.parts = `
[[sensor]]
name = "door"
title = "Garage door"
driver = "replay"
path = "night.csv"
states = ["closed", "open"]
every = "20ms"
silent_after = "1m"
[[rule]]
name = "door-left-open"
when = "door.open"
for = "500ms"
`
	g.start()
	mails := g.arrived(2, 15*time.Second)
	raised, cleared := text(t, mails[0]), text(t, mails[1])
	if !strings.Contains(raised, "Subject: [garage] Door left open") || !strings.Contains(cleared, "Over: Door left open") {
		t.Errorf("the mails are:\n%s\n\n%s", raised, cleared)
	}
}
