package sysfs

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"pinbell/sensors"
)

// flaw is why what a file holds is no measurement; the path is put before
// says.
type flaw struct {
	says, remedy string
}

const (
	remedyPath = "Check the path: the file has to hold one number."
	remedyWire = "Check the sensor's wiring, its pull-up resistor (4.7 kΩ) and its power."
)

// parse finds the number in what a file holds: a plain number, or the text of
// w1_slave.
func parse(text []byte) (float64, *flaw) {
	if len(text) > longest {
		return 0, &flaw{"holds more than one number", remedyPath}
	}
	text = bytes.Trim(text, " \t\r\n\x00")
	if len(text) == 0 {
		// 1-Wire: the conversion failed, and the kernel says no more than that.
		return 0, &flaw{"is empty", "Check the sensor: the kernel leaves the file empty when it gets no answer."}
	}
	if bytes.Contains(text, []byte("crc=")) {
		return parseScratchpad(text)
	}
	return parseNumber(text)
}

// parseNumber takes decimal digits only: no inf, no nan, no hexadecimals.
func parseNumber(text []byte) (float64, *flaw) {
	for _, c := range text {
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			return 0, &flaw{fmt.Sprintf("holds no number but %q", shorten(text)), remedyPath}
		}
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, &flaw{fmt.Sprintf("holds no number but %q", shorten(text)), remedyPath}
	}
	return v, nil
}

func shorten(text []byte) []byte { return text[:min(len(text), 24)] }

// parseScratchpad takes the two lines of w1_slave, without their end:
//
//	50 05 4b 46 7f ff 0c 10 1c : crc=1c YES
//	50 05 4b 46 7f ff 0c 10 1c t=85000
func parseScratchpad(text []byte) (float64, *flaw) {
	first, second, _ := bytes.Cut(text, []byte("\n"))
	if bytes.HasSuffix(first, []byte(" NO")) {
		return 0, &flaw{"has a check sum that does not match", remedyWire}
	}
	_, number, found := bytes.Cut(second, []byte("t="))
	if !bytes.HasSuffix(first, []byte(" YES")) || !found {
		return 0, &flaw{"is no complete w1_slave text", remedyPath}
	}
	// A line that is held low reads as zeros, of which the check sum is zero
	// too. At a true 0 °C there are settings among the nine bytes.
	if bytes.HasPrefix(first, []byte("00 00 00 00 00 00 00 00 00 ")) {
		return 0, &flaw{"has nothing but zeros: the sensor's line is short-circuited", remedyWire}
	}
	return parseNumber(number)
}

// lie tells the numbers that 1-Wire thermometers give for want of a
// measurement, in thousandths of a degree.
//
// 85000 is the power-on value, and 127937 what follows from a supply that
// fails during the conversion (the kernel's w1_therm has both in its
// CHECK_RESULT, which is off by default); -127000 is a common stand-in for "no
// answer". One step (62) beside them is believed.
//
// 0 in the file temperature is what a short-circuited line gives: w1_therm
// accepts its check sum. That file shows nothing else, so it is refused there
// even when it is 0 °C; w1_slave tells the two apart.
func lie(number float64, text []byte) *flaw {
	switch number {
	case 85000:
		return &flaw{"says exactly 85 °C, which is what the sensor has at power-on", remedyWire}
	case 127937, -127000:
		return &flaw{fmt.Sprintf("says %v, which means that the sensor did not measure", number), remedyWire}
	case 0:
		if !bytes.Contains(text, []byte("crc=")) {
			return &flaw{"says exactly 0, as it does when the line is short-circuited",
				"Use the file w1_slave of the same folder: it tells that from a true 0 °C. Check the wiring if it goes on."}
		}
	}
	return nil
}

// implausible tells values that the quantity can't have. Thermal zones give
// -274 °C when they have none (the kernel's THERMAL_TEMP_INVALID).
func (f *file) implausible(value float64) *flaw {
	switch {
	case math.IsInf(value, 0):
		return &flaw{"holds a number that is too large for its scale", "Check the sensor's scale in the config."}
	case f.Quantity == sensors.Level && value != 0 && value != 1:
		return &flaw{fmt.Sprintf("holds %v, but a level is 0 or 1", value), "Check the path, or the sensor's quantity in the config."}
	case f.Quantity == sensors.Temperature && value < -273.15:
		return &flaw{fmt.Sprintf("says %s, which is below absolute zero", f.Quantity.Format(value)), "Check the device, or the sensor's scale in the config."}
	}
	return nil
}
