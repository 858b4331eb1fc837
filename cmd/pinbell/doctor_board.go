package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"pinbell/config"
	"pinbell/notify"
	"pinbell/notify/rules"
	"pinbell/sensors"
	"pinbell/sensors/gpio"
	"pinbell/sensors/i2c"
	"pinbell/sensors/replay"
)

// longestLook is how long one look at a line, a chip or a file may take: a
// chip's bus gives up after a second, and is tried twice at each transfer.
const longestLook = 10 * time.Second

// checkBoard looks at the devices that the config needs, and at each sensor.
func (d *doctor) checkBoard(ctx context.Context) {
	shut := map[string]bool{} // devices that no sensor behind them can be asked through
	buses := map[int]*i2c.Bus{}
	scenarios := map[string]*replay.Scenario{}
	for _, s := range d.cfg.Sensors {
		device, look := d.device(ctx, s, buses)
		if _, looked := shut[device]; device != "" && !looked {
			d.progress.start("looking at %s", device)
			c := look()
			shut[device] = c.State == fault
			d.found(c)
		}
		if shut[device] {
			d.found(Check{Name: s.Name, State: skipped, Sentence: "not tried: it is behind " + device})
			continue
		}
		d.progress.start("asking the sensor %s", s.Name)
		c, inTime := bounded(ctx, longestLook, func() Check { return d.sensor(s, buses, scenarios) })
		if !inTime {
			c = Check{Name: s.Name, State: fault, Sentence: fmt.Sprintf("it does not answer within %s: the kernel's driver holds the question", notify.Span(longestLook)),
				Remedy: "Look at the end of `dmesg` for what the kernel says about the device. Starting the board again helps for a while."}
			shut[device] = device != "" // who asks next would wait behind this one
		}
		d.found(c)
	}
}

// device names what a sensor is reached through, and how to look at that. A
// file is reached through nothing.
func (d *doctor) device(ctx context.Context, s config.Sensor, buses map[int]*i2c.Bus) (name string, look func() Check) {
	switch _, chip := i2c.Chips[s.Driver]; {
	case s.Driver == "gpio":
		return "gpio", d.gpio
	case chip:
		if buses[s.Bus] == nil {
			buses[s.Bus] = i2c.NewBus(s.Bus)
		}
		return fmt.Sprint("i2c bus ", s.Bus), func() Check { return d.bus(ctx, s.Bus, buses[s.Bus]) }
	}
	return "", nil
}

// gpio looks for chips with lines, and whether the daemon may open them.
func (d *doctor) gpio() Check {
	c := Check{Name: "gpio", State: fine}
	if missing := gpio.Missing(); missing != nil {
		return faulty(c, missing)
	}
	chips, err := gpio.Chips()
	var names []string
	for _, chip := range chips {
		names = append(names, fmt.Sprintf("%s (%s, %s)", chip.Name, chip.Label, count(len(chip.Lines), "line")))
		if denied := d.account.denied(chip.Device, toUse); denied != "" {
			return deviceDenied(c, chip.Device, denied, d.account.name)
		}
	}
	c.Sentence = strings.Join(names, ", ")
	if err != nil { // the lines that are wanted may be on the others: each line says
		c.State, c.Detail = warn, strings.Split(err.Error(), "\n")
		c.Remedy = "If a line of the config is missing below, let this user into the group gpio, or run this with sudo."
		c.Sentence = strings.TrimPrefix(c.Sentence+", and not every GPIO chip can be asked", ", and ")
	}
	return c
}

// bus opens an I2C bus, and transfers nothing.
func (d *doctor) bus(ctx context.Context, number int, bus *i2c.Bus) Check {
	path := fmt.Sprintf("/dev/i2c-%d", number)
	c := Check{Name: fmt.Sprint("i2c bus ", number), State: fine, Sentence: path + " opens"}
	err, inTime := bounded(ctx, longestLook, func() error { return bus.Tx(0, nil, nil) })
	if !inTime {
		err = errors.New(path + " does not open within " + notify.Span(longestLook))
	}
	if err != nil {
		return faulty(c, err)
	}
	if denied := d.account.denied(path, toUse); denied != "" {
		return deviceDenied(c, path, denied, d.account.name)
	}
	return c
}

// deviceDenied is about a device file that this user may open and the daemon
// may not. Its group tells whether the board lacks the rule that gives it one.
func deviceDenied(c Check, device, denied, user string) Check {
	group := "gpio"
	if strings.HasPrefix(device, "/dev/i2c-") {
		group = "i2c"
	}
	c.State, c.Sentence = fault, "the daemon may not open "+device+": "+denied
	c.Remedy = fmt.Sprintf("Put it into the group: sudo usermod -aG %s %s, and start the daemon again.", group, user)
	if !strings.Contains(denied, ":"+group+" ") {
		c.Remedy = fmt.Sprintf("The board gives this device to no group %[1]s: copy scripts/60-pinbell.rules to /etc/udev/rules.d/, "+
			"run sudo udevadm control --reload && sudo udevadm trigger, and see to it that %[2]s is in that group (sudo usermod -aG %[1]s %[2]s).", group, user)
	}
	return c
}

// faulty puts what a driver says into a check.
func faulty(c Check, err error) Check {
	c.State, c.Sentence = fault, err.Error()
	if f, ok := errors.AsType[*sensors.Fault](err); ok {
		c.Sentence, c.Remedy = f.Error(), f.Remedy
	}
	return c
}

// sensor asks one sensor. One that the running daemon holds is not touched:
// two who set up one chip confuse it. What the daemon last read counts.
func (d *doctor) sensor(s config.Sensor, buses map[int]*i2c.Bus, scenarios map[string]*replay.Scenario) Check {
	c := Check{Name: s.Name, State: fine}
	switch _, chip := i2c.Chips[s.Driver]; {
	case s.Driver == "gpio":
		return d.line(c, s)
	case chip:
		if seen := d.seen(s); seen != nil {
			return byDaemon(c, fmt.Sprintf("%s at 0x%02x on bus %d", s.Driver, s.Address, s.Bus), *seen)
		}
		if d.hidden() {
			c.State, c.Sentence, c.Remedy = skipped, "not tried: a pinbell that cannot be asked may be reading it", "Run this with sudo."
			return c
		}
	case s.Driver == "file":
		if denied := d.account.denied(s.Path, toRead); denied != "" {
			c.State, c.Sentence, c.Remedy = fault, "the daemon may not read "+s.Path+": "+denied, "Let that user read the file."
			return c
		}
	}
	sensor, _, err := polled(s, buses, scenarios)
	if err != nil {
		return faulty(c, err)
	}
	defer sensor.Close()
	measures, err := sensor.Sense(nil)
	if err != nil {
		return faulty(c, err)
	}
	c.Sentence = place(s) + ": " + values(s, measures)
	return c
}

// place is where a sensor is, for people.
func place(s config.Sensor) string {
	switch _, chip := i2c.Chips[s.Driver]; {
	case chip:
		return fmt.Sprintf("%s at 0x%02x on bus %d answers", s.Driver, s.Address, s.Bus)
	case s.Driver == "replay":
		return s.Path + " is a scenario and no sensor"
	}
	return s.Path
}

func values(s config.Sensor, measures []sensors.Measure) string {
	var texts []string
	for _, m := range measures {
		if m.Quantity == sensors.Level && s.States[0] != "" {
			texts = append(texts, s.States[int(m.Value)])
			continue
		}
		texts = append(texts, m.Quantity.Format(m.Value+s.Offset[m.Quantity]))
	}
	return strings.Join(texts, ", ")
}

// seen is what a daemon that runs with this config says of a sensor; nil: none.
func (d *doctor) seen(s config.Sensor) *rules.SensorStatus {
	if !d.sameConfig() {
		return nil
	}
	for i := range d.daemon.Sensors {
		if d.daemon.Sensors[i].Name == s.Name {
			return &d.daemon.Sensors[i]
		}
	}
	return nil
}

// byDaemon tells what the daemon knows of a sensor that it holds.
func byDaemon(c Check, what string, seen rules.SensorStatus) Check {
	switch {
	case seen.Fault != "":
		c.State, c.Sentence, c.Remedy = fault, seen.Fault, seen.Remedy
	case !seen.Read:
		c.State, c.Sentence = warn, what+" has given no reading since the daemon started "+notify.Span(seen.Age)+" ago"
		c.Remedy = "If this stays so, `pinbell status` and `journalctl -u pinbell` say more."
	default:
		c.Sentence = what + ", as the running pinbell sees it: " + strings.TrimPrefix(reading(seen), seen.Name+" ")
	}
	return c
}

// line looks for a line, and at who holds it. A free one is taken for a
// moment, as the daemon would, so that what the kernel refuses shows.
func (d *doctor) line(c Check, s config.Sensor) Check {
	spot, missing := gpio.Find(s.Line)
	if missing != nil {
		return faulty(c, missing)
	}
	where := "line " + s.Line
	if spot.String() != s.Line {
		where += " (" + spot.String() + ")"
	}
	if spot.Ours() {
		return d.held(c, where, s)
	}
	line := gpio.New(lineConfig(s))
	if err := line.Open(); err != nil {
		return faulty(c, err)
	}
	defer line.Close()
	active, err := line.Level()
	if err != nil {
		return faulty(c, err)
	}
	level := sensors.Measure{Quantity: sensors.Level}
	if active {
		level.Value = 1
	}
	c.Sentence = where + " is free: " + values(s, []sensors.Measure{level})
	if lacks := line.Lacks(); lacks != nil {
		c.State, c.Sentence, c.Remedy = warn, lacks.Error(), lacks.Remedy
	}
	return c
}

// held is about a line that a pinbell has.
func (d *doctor) held(c Check, where string, s config.Sensor) Check {
	if seen := d.seen(s); seen != nil {
		return byDaemon(c, where, *seen)
	}
	c.Sentence = where + " is watched by the running pinbell"
	if d.daemon == nil {
		c.State, c.Sentence = warn, where+" is held by a pinbell that cannot be asked"
		c.Remedy = "See the daemon below. Another pinbell may run with another state directory (--state): `systemctl status pinbell`, `pgrep -a pinbell`."
	}
	return c
}
