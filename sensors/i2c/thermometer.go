package i2c

import (
	"encoding/binary"
	"fmt"
	"time"

	"pinbell/sensors"
)

// thermometer reads the LM75 and its descendants: register 0 has the
// temperature, the top byte first, in 1/256 °C; register 1 has the settings.
//
// These chips have neither an identity nor a check sum, and 0 °C is what they
// say before their first conversion, what a stuck line says, and what a
// freezer says. So the settings are set to what no chip has at power-on, and
// read back after each temperature: zeros, ones and a chip that lost its power
// meanwhile are then told from 0 °C.
type thermometer struct {
	model
	in [2]byte
}

// model is what differs between them.
type model struct {
	name       string
	settings   []byte        // of register 1; not those at power-on
	compare    []byte        // the bits of the settings that the chip keeps
	valid      uint16        // the temperature's bits; those below are no part of it
	zero       uint16        // bits below that are always 0
	conversion time.Duration // the longest, after which the first temperature is there
	low, high  float64       // °C, what it can measure
}

const (
	registerTemperature = 0
	registerSettings    = 1
)

// setup sets the chip up and waits for a conversion of its own. A chip that
// still has our settings has been converting since: nothing to wait for.
func (t *thermometer) setup(d *device) error {
	if kept, err := t.kept(d); err != nil || kept {
		return err
	}
	if err := d.write(registerSettings, t.settings...); err != nil {
		return err
	}
	time.Sleep(t.conversion)
	kept, err := t.kept(d)
	if err == nil && !kept {
		err = t.stranger()
	}
	return err
}

// kept reports whether the chip has our settings.
func (t *thermometer) kept(d *device) (bool, error) {
	in := t.in[:len(t.settings)]
	if err := d.read(registerSettings, in); err != nil {
		return false, err
	}
	for i, b := range in {
		if (b^t.settings[i])&t.compare[i] != 0 {
			return false, nil
		}
	}
	return true, nil
}

// stranger finds the words for settings that the chip did not take.
func (t *thermometer) stranger() error {
	switch in := t.in[:len(t.settings)]; {
	case all(in, 0x00):
		return complaint{"answers with nothing but zeros", remedyStuck}
	case all(in, 0xff):
		return complaint{"answers with nothing but ones", remedyStuck}
	}
	return stranger{"does not keep the settings of a " + t.name,
		"Check which chip it is: tmp102, tmp105 and lm75 share their addresses."}
}

func (t *thermometer) measure(d *device, buf []sensors.Measure) ([]sensors.Measure, error) {
	if err := d.read(registerTemperature, t.in[:]); err != nil {
		return buf, err
	}
	raw := binary.BigEndian.Uint16(t.in[:])
	kept, err := t.kept(d)
	if err != nil {
		return buf, err
	}
	if !kept {
		return buf, complaint{"lost its settings: it was without power for a moment, or a line is stuck",
			"Check its power and the wiring, and that it is a " + t.name + "; pinbell sets it up again."}
	}
	if raw&t.zero != 0 {
		return buf, complaint{fmt.Sprintf("answers with 0x%04x, which is no temperature of a %s", raw, t.name), remedyStuck}
	}
	celsius := float64(int16(raw&t.valid)) / 256
	if celsius < t.low || celsius > t.high {
		return buf, outOfRange(sensors.Temperature, celsius, t.low, t.high)
	}
	return append(buf, sensors.Measure{Quantity: sensors.Temperature, Value: celsius}), nil
}

const (
	remedyStuck = "Check the wiring: a line may be loose or short-circuited, or two chips may share the address."
	remedyPower = "Check its power and the wiring; pinbell sets it up again."
)

func outOfRange(q sensors.Quantity, v, low, high float64) error {
	return complaint{
		fmt.Sprintf("says %s, but it can measure %s to %s only", q.Format(v), q.Number(low), q.Format(high)),
		"Check the chip: it may be damaged, or not the one that the config names.",
	}
}

func all(b []byte, v byte) bool {
	for _, x := range b {
		if x != v {
			return false
		}
	}
	return true
}
