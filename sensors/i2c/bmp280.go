package i2c

import (
	"encoding/binary"
	"fmt"
	"time"

	"pinbell/sensors"
)

// bmp280 is Bosch's barometer, data sheet BST-BMP280-DS001, revision 1.23.
// The BME280 is the same with humidity: what both do is here.
//
// Each measurement is asked for (forced mode, 3.6.2): the settings are written
// anew each time, so a chip that lost them gets them back, and one that lost
// its power in the midst has the reset value where its result should be.
type bmp280 struct {
	weather
}

func (b *bmp280) setup(d *device) error {
	return b.prepare(d, "BMP280")
}

func (b *bmp280) measure(d *device, buf []sensors.Measure) ([]sensors.Measure, error) {
	in := b.in[:6]
	if err := b.force(d, 6500*time.Microsecond, in); err != nil { // 1 x each: 6.4 ms at most (3.8.1, table 13)
		return buf, err
	}
	buf, _, err := b.temperatureAndPressure(in, buf)
	return buf, err
}

// Registers and values of both chips (BMP280 4.2 and 4.3, BME280 5.3 and 5.4).
const (
	registerCalibration = 0x88
	registerID          = 0xd0
	registerStatus      = 0xf3
	registerControl     = 0xf4 // ctrl_meas
	registerConfig      = 0xf5
	registerData        = 0xf7

	statusMeasuring = 0x08
	statusUpdating  = 0x01 // calibration is being copied, after power-on
	controlSleep    = 0x00
	controlForced   = 1<<5 | 1<<2 | 0x01 // temperature x 1, pressure x 1, forced mode
	configNoFilter  = 0x00

	skipped = 0x80000 // a result that was not measured, and the reset value
)

// weather is what the two chips have in common.
type weather struct {
	t1, t2, t3                         float64
	p1, p2, p3, p4, p5, p6, p7, p8, p9 float64

	in [26]byte
}

// prepare identifies and calibrates the chip, and ends what another program
// may have left it in: a mode of its own, and a filter that would mix earlier
// measurements into ours. The filter is set asleep, else it may be ignored
// (BMP280 4.3.5, BME280 5.4.6).
func (w *weather) prepare(d *device, want string) error {
	if err := w.identify(d, want); err != nil {
		return err
	}
	if err := d.write(registerControl, controlSleep); err != nil {
		return err
	}
	if err := d.write(registerConfig, configNoFilter); err != nil {
		return err
	}
	return w.calibrate(d)
}

// identify checks that the chip is the one that the config names.
func (w *weather) identify(d *device, want string) error {
	if err := d.read(registerID, w.in[:1]); err != nil {
		return err
	}
	id := w.in[0]
	switch found := boschName(id); {
	case found == want:
		return nil
	case id == 0x00:
		return complaint{"answers with nothing but zeros", remedyStuck}
	case id == 0xff:
		return complaint{"answers with nothing but ones", remedyStuck}
	case found == "BMP280":
		return stranger{"is a BMP280, not a BME280: it has no humidity", `Set driver = "bmp280" in the config.`}
	case found == "BME280":
		return stranger{"is a BME280, not a BMP280", `Set driver = "bme280" in the config: it has humidity too.`}
	case found != "":
		return stranger{fmt.Sprintf("is a %s, not a %s", found, want), "Check which chip it is; pinbell can't read this one."}
	default:
		return stranger{fmt.Sprintf("is not a %s: its id is 0x%02x", want, id), "Check which chip it is, and the address."}
	}
}

// boschName knows the ids of Bosch chips with these addresses. 0x56 and 0x57
// are samples of the BMP280.
func boschName(id byte) string {
	switch id {
	case 0x55:
		return "BMP180"
	case 0x56, 0x57, 0x58:
		return "BMP280"
	case 0x60:
		return "BME280"
	case 0x61:
		return "BME680"
	}
	return ""
}

// calibrate reads what the compensation needs (BMP280 3.11.2, table 17).
func (w *weather) calibrate(d *device) error {
	if err := w.idle(d, statusUpdating); err != nil {
		return err
	}
	in := w.in[:24]
	if err := d.read(registerCalibration, in); err != nil {
		return err
	}
	unsigned := func(i int) float64 { return float64(binary.LittleEndian.Uint16(in[2*i:])) }
	signed := func(i int) float64 { return float64(int16(binary.LittleEndian.Uint16(in[2*i:]))) }
	w.t1, w.t2, w.t3 = unsigned(0), signed(1), signed(2)
	w.p1, w.p2, w.p3 = unsigned(3), signed(4), signed(5)
	w.p4, w.p5, w.p6 = signed(6), signed(7), signed(8)
	w.p7, w.p8, w.p9 = signed(9), signed(10), signed(11)
	if all(in, 0xff) || w.t1 == 0 || w.t2 == 0 || w.p1 == 0 {
		return noCalibration
	}
	return nil
}

var noCalibration = complaint{"has no calibration in its memory", remedyStuck}

// force starts a measurement, waits until it must be over, and reads its data.
func (w *weather) force(d *device, took time.Duration, data []byte) error {
	if err := d.write(registerControl, controlForced); err != nil {
		return err
	}
	time.Sleep(took)
	if err := w.idle(d, statusMeasuring); err != nil {
		return err
	}
	if err := d.read(registerData, data); err != nil {
		return err
	}
	if all(data, 0x00) || all(data, 0xff) {
		return complaint{"answers with nothing but zeros or ones", remedyStuck}
	}
	return nil
}

// idle waits until a status bit is clear, for 50 ms at most: several times
// what a chip needs.
func (w *weather) idle(d *device, busy byte) error {
	for range 25 {
		if err := d.read(registerStatus, w.in[25:]); err != nil {
			return err
		}
		if w.in[25]&busy == 0 {
			return nil
		}
		time.Sleep(2 * time.Millisecond)
	}
	return complaint{"does not finish its measurement", remedyPower}
}

// temperatureAndPressure makes values of the first six data registers. The
// second result is the fine temperature, which humidity needs. The formulas
// are those in double precision (BMP280 8.1, BME280 8.1).
func (w *weather) temperatureAndPressure(in []byte, buf []sensors.Measure) ([]sensors.Measure, float64, error) {
	rawPressure, rawTemperature := twenty(in), twenty(in[3:])
	if rawPressure == skipped || rawTemperature == skipped {
		return buf, 0, complaint{"did not measure: it was without power for a moment", remedyPower}
	}
	celsius, fine := w.temperature(float64(rawTemperature))
	if celsius < -40 || celsius > 85 {
		return buf, 0, outOfRange(sensors.Temperature, celsius, -40, 85)
	}
	hectopascal := w.pressure(float64(rawPressure), fine) / 100
	if !(hectopascal >= 300 && hectopascal <= 1100) { // a calibration can make it NaN
		return buf, 0, outOfRange(sensors.Pressure, hectopascal, 300, 1100)
	}
	return append(buf,
		sensors.Measure{Quantity: sensors.Temperature, Value: celsius},
		sensors.Measure{Quantity: sensors.Pressure, Value: hectopascal}), fine, nil
}

// twenty is a 20-bit result, left-aligned in three bytes.
func twenty(b []byte) int32 { return int32(b[0])<<12 | int32(b[1])<<4 | int32(b[2])>>4 }

func (w *weather) temperature(raw float64) (celsius, fine float64) {
	a := (raw/16384 - w.t1/1024) * w.t2
	b := raw/131072 - w.t1/8192
	fine = a + b*b*w.t3
	return fine / 5120, fine
}

// pressure is in Pa.
func (w *weather) pressure(raw, fine float64) float64 {
	a := fine/2 - 64000
	b := a*a*w.p6/32768 + a*w.p5*2
	b = b/4 + w.p4*65536
	c := (w.p3*a*a/524288 + w.p2*a) / 524288
	c = (1 + c/32768) * w.p1
	p := (1048576 - raw - b/4096) * 6250 / c
	return p + (w.p9*p*p/2147483648+p*w.p8/32768+w.p7)/16
}
