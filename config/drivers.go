package config

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"pinbell/sensors/i2c"
	"pinbell/sensors/replay"
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

// maxScenario bounds a scenario's file, in bytes.
const maxScenario = 16 << 20

// scenario is a replay's table, or why there is none.
type scenario struct {
	*replay.Scenario
	err error
}

// load reads the scenario at path, once for all the sensors that it plays.
func (c *check) load(path string) scenario {
	s, loaded := c.scenarios[path]
	if !loaded {
		s.Scenario, s.err = loadScenario(path)
		c.scenarios[path] = s
	}
	return s
}

func loadScenario(path string) (*replay.Scenario, error) {
	text, err := readRegular(path, maxScenario+1)
	if err != nil {
		return nil, cause(err)
	}
	if len(text) > maxScenario {
		return nil, fmt.Errorf("it is larger than %d MB", maxScenario>>20)
	}
	return replay.Read(bytes.NewReader(text))
}
