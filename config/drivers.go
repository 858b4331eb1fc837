package config

import (
	"bufio"
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"

	"pinbell/sensors"
	"pinbell/sensors/i2c"
)

// driver is what the config must know of a driver: which keys go with it, and
// how often it is asked where its owner does not say.
type driver struct {
	kind  string // the word in the of tags
	every time.Duration
	chip  i2c.Chip // of the kind chip
}

func findDriver(name string) (driver, bool) {
	switch name {
	case "gpio":
		return driver{kind: name, every: 30 * time.Second}, true
	case "file":
		return driver{kind: name, every: 10 * time.Second}, true
	case "replay":
		return driver{kind: name, every: time.Second}, true
	}
	chip, ok := i2c.Chips[name]
	return driver{kind: "chip", every: 10 * time.Second, chip: chip}, ok
}

func driverNames() []string {
	return append([]string{"gpio", "file", "replay"}, slices.Sorted(maps.Keys(i2c.Chips))...)
}

// scenario is what a replay's file says that it has, by sensor.
type scenario struct {
	quantities map[string][]sensors.Quantity
	err        error
}

// maxScenario bounds a scenario's first line.
const maxScenario = 1 << 16

// loadScenario reads a scenario's header: time,<sensor>.<quantity>,...
func loadScenario(path string) scenario {
	text, err := readRegular(path, maxScenario)
	if err != nil {
		return scenario{err: cause(err)}
	}
	header, _ := bufio.NewReader(bytes.NewReader(text)).ReadString('\n')
	s := scenario{quantities: map[string][]sensors.Quantity{}}
	for column := range strings.SplitSeq(strings.TrimSpace(header), ",") {
		name, quantity, _ := strings.Cut(strings.TrimSpace(column), ".")
		if q, ok := sensors.ParseQuantity(quantity); ok {
			s.quantities[name] = append(s.quantities[name], q)
		}
	}
	return s
}
