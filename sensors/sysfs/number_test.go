package sysfs

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"pinbell/sensors"
	"pinbell/sensors/sensortest"
)

const (
	warm     = "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n"
	freezing = "00 00 4b 46 7f ff 0c 10 9c : crc=9c YES\n00 00 4b 46 7f ff 0c 10 9c t=0\n"
	powerOn  = "50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n"
	noisy    = "72 01 4b 46 7f ff 0e 10 58 : crc=57 NO\n72 01 4b 46 7f ff 0e 10 57 t=23125\n"
	shorted  = "00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n"
	cut      = "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46"
)

func TestTextsThatAreNoMeasurement(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "is empty"},
		{"\n", "is empty"},
		{"nan\n", `holds no number but "nan"`},
		{"inf", "holds no number"},
		{"-Infinity", "holds no number"},
		{"1e999", "holds no number"},
		{"0x1p4", "holds no number"},
		{"1_000", "holds no number"},
		{"1 2", "holds no number"},
		{"21.5 C", "holds no number"},
		{"--3", "holds no number"},
		{"on fire\nand more", `holds no number but "on fire\nand more"`},
		{strings.Repeat("x", 200), `holds no number but "` + strings.Repeat("x", 24) + `"`},
		{strings.Repeat("1", 256), "holds more than one number"},
		{strings.Repeat(" ", 5000) + "1", "holds more than one number"},
		{noisy, "has a check sum that does not match"},
		{shorted, "has nothing but zeros: the sensor's line is short-circuited"},
		{cut, "is no complete w1_slave text"},
		{"crc=57 YES", "is no complete w1_slave text"},
		{"crc=57 YES\nt=", "holds no number"},
		{"-274000", "says -274.0 °C, which is below absolute zero"},
	} {
		path := write(t, filepath.Join(t.TempDir(), "temp"), c.text)
		fault := sensortest.SenseFault(t, thermal(path))
		if !strings.HasPrefix(fault.Sentence, path+" "+c.want) {
			t.Errorf("%q: %q, want %q", c.text, fault.Sentence, c.want)
		}
	}
}

func TestKnownLiesOfOneWireSensors(t *testing.T) {
	const fault = math.MaxFloat64
	for _, c := range []struct {
		path, text string
		want       float64
	}{
		{"28-0316a2794cff/temperature", "85000\n", fault},
		{"28-0316a2794cff/temperature", "127937\n", fault},
		{"28-0316a2794cff/temperature", "-127000\n", fault},
		{"28-0316a2794cff/temperature", "0\n", fault},
		{"28-0316a2794cff/temperature", "84937\n", 84.937},
		{"28-0316a2794cff/temperature", "85062\n", 85.062},
		{"28-0316a2794cff/temperature", "62\n", 0.062},
		{"28-0316a2794cff/temperature", "-62\n", -0.062},
		{"28-0316a2794cff/w1_slave", powerOn, fault},
		{"28-0316a2794cff/w1_slave", shorted, fault},
		{"28-0316a2794cff/w1_slave", noisy, fault},
		{"28-0316a2794cff/w1_slave", freezing, 0},
		{"28-0316a2794cff/w1_slave", warm, 23.125},
		{"10-000802c1a2b3/temperature", "85000\n", fault},
		{"thermal_zone0/temp", "85000\n", 85}, // a processor may well be that hot
		{"thermal_zone0/temp", "0\n", 0},
		{"28-0316a2794cff/humidity", "85000\n", 85},
	} {
		s := thermal(write(t, filepath.Join(t.TempDir(), c.path), c.text))
		if c.want == fault {
			sensortest.SenseFault(t, s)
			continue
		}
		if got := value(t, s); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s with %q: %v, want %v", c.path, c.text, got, c.want)
		}
		s.Close()
	}
}

func TestValuesThatTheQuantityCanNotHave(t *testing.T) {
	for _, c := range []struct {
		quantity sensors.Quantity
		scale    float64
		text     string
		good     bool
	}{
		{sensors.Level, 1, "0", true}, {sensors.Level, 1, "1", true},
		{sensors.Level, 1, "2", false}, {sensors.Level, 1, "-1", false}, {sensors.Level, 1, "0.5", false},
		{sensors.Temperature, 1, "-273.15", true}, {sensors.Temperature, 1, "-273.2", false},
		{sensors.Value, 1, "-274000", true},
		{sensors.Value, 1e200, "1e200", false},
	} {
		s := New(Config{Path: write(t, filepath.Join(t.TempDir(), "f"), c.text), Scale: c.scale, Quantity: c.quantity})
		if c.good {
			sensortest.Sense(t, s)
		} else {
			sensortest.SenseFault(t, s)
		}
		s.Close()
	}
}

// Whatever a file holds, it is a finite number or one line that says why not.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"41500\n", "-1.5e3", "nan", "", warm, freezing, powerOn, noisy, shorted, cut, "crc= NO", "\x00\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, flaw := parse(text)
		if flaw == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			t.Errorf("%q is %v", text, v)
		}
		if flaw != nil && (flaw.says == "" || strings.ContainsAny(flaw.says, "\n\r") || flaw.remedy == "") {
			t.Errorf("%q: %+v", text, *flaw)
		}
	})
}
