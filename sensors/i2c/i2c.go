// Package i2c reads sensor chips on an I2C bus.
//
// It promises that a value comes from a chip that was there, was set up as
// pinbell sets it up, and measured within the range of its data sheet.
// Anything else is a Fault: no answer, a wrong chip, a chip that lost its
// power, a line that is stuck and reads as zeros or ones. It never waits
// without an end, never hands on the value of an earlier measurement, and
// probes nothing by itself.
//
// A chip is new or ready. New: the next Sense identifies and sets it up. Ready:
// Sense measures. Any failure makes it new again, so a chip that was without
// power is set up before it is believed.
package i2c

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pinbell/sensors"
)

// Chip is what there is to know about a kind of chip without having one.
type Chip struct {
	Quantities []sensors.Quantity // what one Sense yields, in this order
	Addresses  []uint16           // that it can have; the first is the default

	driver func() driver
}

// Chips are the chips that pinbell can read, by their names in the config.
var Chips = map[string]Chip{
	"bme280": {
		Quantities: []sensors.Quantity{sensors.Temperature, sensors.Pressure, sensors.Humidity},
		Addresses:  []uint16{0x76, 0x77},
		driver:     func() driver { return &bme280{} },
	},
	"bmp280": {
		Quantities: []sensors.Quantity{sensors.Temperature, sensors.Pressure},
		Addresses:  []uint16{0x76, 0x77},
		driver:     func() driver { return &bmp280{} },
	},
	"tmp102": {
		Quantities: []sensors.Quantity{sensors.Temperature},
		Addresses:  []uint16{0x48, 0x49, 0x4a, 0x4b},
		driver:     func() driver { return &thermometer{model: tmp102} },
	},
	"tmp105": {
		Quantities: []sensors.Quantity{sensors.Temperature},
		Addresses:  []uint16{0x48, 0x49, 0x4a, 0x4b},
		driver:     func() driver { return &thermometer{model: tmp105} },
	},
	"lm75": {
		Quantities: []sensors.Quantity{sensors.Temperature},
		Addresses:  []uint16{0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f},
		driver:     func() driver { return &thermometer{model: lm75} },
	},
}

// driver is the protocol of one chip. Its errors are complaints, or what
// device.read and device.write returned.
type driver interface {
	// setup identifies the chip and brings it to a known state.
	setup(d *device) error
	// measure takes one measurement and appends it to buf.
	measure(d *device, buf []sensors.Measure) ([]sensors.Measure, error)
}

// New makes a sensor of the named chip at an address of the bus. Nothing is
// opened before the first Sense.
func New(bus *Bus, name string, address uint16) (sensors.Sensor, error) {
	chip, ok := Chips[name]
	if !ok {
		return nil, fmt.Errorf("no such chip: %q (there are %s)", name,
			strings.Join(slices.Sorted(maps.Keys(Chips)), ", "))
	}
	if !slices.Contains(chip.Addresses, address) {
		return nil, fmt.Errorf("a %s has the address %s, never 0x%02x", name, addressRange(chip.Addresses), address)
	}
	return &sensor{name: name, device: device{bus: bus, address: address}, driver: chip.driver()}, nil
}

func addressRange(all []uint16) string {
	joint := " to "
	if len(all) == 2 {
		joint = " or "
	}
	return fmt.Sprintf("0x%02x%s0x%02x", all[0], joint, all[len(all)-1])
}

// sensor is a chip of one address on one bus.
type sensor struct {
	name   string
	device device
	driver driver
	ready  bool
}

// Sense holds the bus from the command to the result, so that the drivers of
// other goroutines can't come between; they wait for one measurement at most.
func (s *sensor) Sense(buf []sensors.Measure) ([]sensors.Measure, error) {
	s.device.bus.mu.Lock()
	defer s.device.bus.mu.Unlock()
	got, err := s.sense(buf)
	if err != nil {
		s.ready = false
		return buf, s.fault(err)
	}
	return got, nil
}

func (s *sensor) sense(buf []sensors.Measure) ([]sensors.Measure, error) {
	if !s.ready {
		if err := s.driver.setup(&s.device); err != nil {
			return nil, err
		}
		s.ready = true
	}
	return s.driver.measure(&s.device, buf)
}

// Close lets go of the bus; other chips of the bus open it again.
func (s *sensor) Close() error {
	s.ready = false
	return s.device.bus.Close()
}

// complaint is what a driver finds wrong with a chip that does answer. The
// chip's name and place are put before says.
type complaint struct {
	says, remedy string
}

func (c complaint) Error() string { return c.says }

// fault finds the words for an error.
func (s *sensor) fault(err error) *sensors.Fault {
	place := fmt.Sprintf("at 0x%02x on bus %d", s.device.address, s.device.bus.number)
	if stranger, ok := errors.AsType[stranger](err); ok {
		return &sensors.Fault{Sentence: fmt.Sprintf("the chip %s %s", place, stranger.is), Remedy: stranger.remedy}
	}
	if c, ok := errors.AsType[complaint](err); ok {
		return &sensors.Fault{Sentence: fmt.Sprintf("%s %s %s", s.name, place, c.says), Remedy: c.remedy}
	}
	if fault, ok := errors.AsType[*sensors.Fault](err); ok {
		return fault
	}
	return &sensors.Fault{
		Sentence: fmt.Sprintf("%s %s does not answer", s.name, place),
		Remedy:   fmt.Sprintf("Check the wiring (%s), the power, and the address.", s.device.bus.pins()),
		Err:      err,
	}
}

// stranger says that another chip than the expected one answers.
type stranger struct {
	is, remedy string
}

func (s stranger) Error() string { return "the chip " + s.is }
