package sensors

import (
	"math"
	"strconv"
)

// Quantity is what is measured. The list is closed, and each has one unit,
// in which every value of the program is held.
type Quantity uint8

// The quantities and their units. Level is 0 or 1, Value has no unit.
const (
	None        Quantity = iota
	Temperature          // °C
	Humidity             // %RH
	Pressure             // hPa
	Voltage              // V
	Current              // A
	Power                // W
	Illuminance          // lx
	CO2                  // ppm
	Level                // 0 inactive, 1 active
	Value                // no unit
	Quantities           // how many there are, None included
)

var quantities = [Quantities]struct {
	name, unit string
	decimals   int // as people are shown it
}{
	Temperature: {"temperature", "°C", 1},
	Humidity:    {"humidity", "%RH", 1},
	Pressure:    {"pressure", "hPa", 1},
	Voltage:     {"voltage", "V", 3},
	Current:     {"current", "A", 3},
	Power:       {"power", "W", 2},
	Illuminance: {"illuminance", "lx", 0},
	CO2:         {"co2", "ppm", 0},
	Level:       {"level", "", 0},
	Value:       {"value", "", -1},
}

// String gives the name that rules and the config use; None has none.
func (q Quantity) String() string { return quantities[q%Quantities].name }

// Unit gives the unit's symbol; empty for Level and Value.
func (q Quantity) Unit() string { return quantities[q%Quantities].unit }

// ParseQuantity finds a quantity by its name.
func ParseQuantity(name string) (Quantity, bool) {
	for q := Temperature; q < Quantities; q++ {
		if quantities[q].name == name {
			return q, true
		}
	}
	return None, false
}

// Number formats v with the decimals that suit the quantity, without unit.
// A value that rounds to zero has no sign.
func (q Quantity) Number(v float64) string {
	decimals := quantities[q%Quantities].decimals
	if decimals < 0 {
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	if scale := math.Pow10(decimals); math.Abs(v)*scale < 0.5 {
		v = 0
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// Format is Number with the unit: "-14.2 °C".
func (q Quantity) Format(v float64) string {
	if unit := q.Unit(); unit != "" {
		return q.Number(v) + " " + unit
	}
	return q.Number(v)
}
