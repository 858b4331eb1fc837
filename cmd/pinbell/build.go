package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"pinbell/config"
	"pinbell/notify/outbox"
	"pinbell/notify/rules"
	"pinbell/sensors"
	"pinbell/sensors/gpio"
	"pinbell/sensors/i2c"
	"pinbell/sensors/replay"
	"pinbell/sensors/sysfs"
)

// boardIsThere fails where nothing of what a config asks for is on this
// machine, neither pins nor chips nor any of its files: then it is the wrong
// machine, and not a fault that may pass. Where there is anything to watch, it
// is watched, and what is missing is told as a fault.
func boardIsThere(all []config.Sensor) error {
	missing := false
	for _, s := range all {
		there := s.Driver == "replay"
		switch _, chip := i2c.Chips[s.Driver]; {
		case s.Driver == "gpio":
			there = gpio.Missing() == nil
			missing = missing || !there
		case chip:
			there = exists(fmt.Sprintf("/dev/i2c-%d", s.Bus))
			missing = missing || !there
		case s.Driver == "file":
			there = exists(s.Path)
		}
		if there {
			return nil
		}
	}
	if !missing {
		return nil // files alone may come later
	}
	return errors.New("there is no board here: this machine has no GPIO lines and no I2C bus that the config asks for.\n" +
		"Run it on the board, or look at `pinbell demo`, which needs none. On a board, the kernel's drivers may be missing or switched off (raspi-config, Interface Options)")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}

// sources makes the loops that read the sensors: one per GPIO line, one per
// I2C bus, one for all files, one for 1-Wire and one for all scenarios.
func sources(cfg *config.Config) ([]source, error) {
	var all []source
	groups := map[string][]sensors.Polled{}
	var order []string
	buses := map[int]*i2c.Bus{}
	scenarios := map[string]*replay.Scenario{}
	for id, s := range cfg.Sensors {
		if s.Driver == "gpio" {
			all = append(all, line(id, s))
			continue
		}
		sensor, group, err := polled(s, buses, scenarios)
		if err != nil {
			return nil, fmt.Errorf("sensor %s: %w", s.Name, err)
		}
		if groups[group] == nil {
			order = append(order, group)
		}
		groups[group] = append(groups[group], sensors.Polled{ID: id, Sensor: sensor, Every: s.Every, Offset: offsets(s.Offset)})
	}
	for _, group := range order {
		together := groups[group]
		all = append(all, func(ctx context.Context, out chan<- []sensors.Reading) error {
			return sensors.Poll(ctx, together, out)
		})
	}
	return all, nil
}

func offsets(o config.Offset) (all [sensors.Quantities]float64) {
	for q, value := range o {
		all[q] = value
	}
	return all
}

func line(id int, s config.Sensor) source {
	w := sensors.Watched{ID: id, Beat: s.Every, Line: gpio.New(lineConfig(s))}
	return w.Watch
}

func lineConfig(s config.Sensor) gpio.Config {
	return gpio.Config{Line: s.Line, Pull: s.Pull, ActiveLow: s.Active == "low", Debounce: s.Debounce}
}

// polled makes a sensor that is asked, and names the loop that asks it.
func polled(s config.Sensor, buses map[int]*i2c.Bus, scenarios map[string]*replay.Scenario) (sensors.Sensor, string, error) {
	switch s.Driver {
	case "file":
		group := "files"
		if strings.HasPrefix(s.Path, "/sys/bus/w1/") { // measures while it is read, 750 ms each
			group = "1-wire"
		}
		return sysfs.New(sysfs.Config{Path: s.Path, Scale: s.Scale, Quantity: s.Quantity}), group, nil
	case "replay":
		if scenarios[s.Path] == nil {
			scenario, err := replay.Load(s.Path)
			if err != nil {
				return nil, "", err
			}
			scenarios[s.Path] = scenario
		}
		sensor, err := scenarios[s.Path].Sensor(s.Name)
		return sensor, "scenarios", err
	}
	if buses[s.Bus] == nil {
		buses[s.Bus] = i2c.NewBus(s.Bus)
	}
	sensor, err := i2c.New(buses[s.Bus], s.Driver, s.Address)
	return sensor, fmt.Sprint("bus ", s.Bus), err
}

// watched is what the engine knows of the sensors.
func watched(all []config.Sensor) []rules.Sensor {
	known := make([]rules.Sensor, len(all))
	for i, s := range all {
		known[i] = rules.Sensor{
			SensorEnv: rules.SensorEnv{Name: s.Name, Every: s.Every, Quantities: s.Quantities, States: s.States},
			Title:     s.Title, SilentAfter: s.SilentAfter,
		}
	}
	return known
}

func limits(cfg *config.Config) outbox.Limits {
	return outbox.Limits{PerHour: cfg.Limits.PerHour, PerDay: cfg.Limits.PerDay, Reserve: float64(cfg.Limits.Reserve) / 100}
}
