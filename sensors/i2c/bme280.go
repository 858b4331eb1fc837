package i2c

import (
	"encoding/binary"
	"time"

	"pinbell/sensors"
)

// bme280 is Bosch's barometer with humidity, data sheet BST-BME280-DS002,
// revision 1.6: a BMP280 and four more registers.
type bme280 struct {
	weather
	h1, h2, h3, h4, h5, h6 float64
}

const (
	registerH1        = 0xa1
	registerH2        = 0xe1
	registerHumidity  = 0xf2 // ctrl_hum
	humidityOnce      = 0x01
	skippedHumidity   = 0x8000
	bme280Measurement = 9300 * time.Microsecond // 1 x each, at most (9.1, page 51)
)

func (b *bme280) setup(d *device) error {
	if err := b.prepare(d, "BME280"); err != nil {
		return err
	}
	return b.calibrateHumidity(d)
}

// calibrateHumidity reads dig_H1 to dig_H6 (4.2.2, table 16, page 24).
func (b *bme280) calibrateHumidity(d *device) error {
	if err := d.read(registerH1, b.in[:1]); err != nil {
		return err
	}
	h1 := b.in[0]
	in := b.in[:7]
	if err := d.read(registerH2, in); err != nil {
		return err
	}
	b.h1 = float64(h1)
	b.h2 = float64(int16(binary.LittleEndian.Uint16(in)))
	b.h3 = float64(in[2])
	b.h4 = float64(int16(int8(in[3]))<<4 | int16(in[4]&0x0f))
	b.h5 = float64(int16(int8(in[5]))<<4 | int16(in[4]>>4))
	b.h6 = float64(int8(in[6]))
	if all(in, 0xff) || b.h2 == 0 {
		return noCalibration
	}
	return nil
}

// measure writes ctrl_hum first: it takes effect with ctrl_meas (5.4.3).
func (b *bme280) measure(d *device, buf []sensors.Measure) ([]sensors.Measure, error) {
	if err := d.write(registerHumidity, humidityOnce); err != nil {
		return buf, err
	}
	in := b.in[:8]
	if err := b.force(d, bme280Measurement, in); err != nil {
		return buf, err
	}
	buf, fine, err := b.temperatureAndPressure(in, buf)
	if err != nil {
		return buf, err
	}
	switch raw := binary.BigEndian.Uint16(in[6:]); raw {
	case skippedHumidity:
		return buf, complaint{"did not measure humidity: it was without power for a moment", remedyPower}
	case 0x0000, 0xffff:
		return buf, complaint{"measures humidity at the end of its scale: that part of it is broken", "Replace the chip, or dry it if it got wet."}
	default:
		return append(buf, sensors.Measure{Quantity: sensors.Humidity, Value: b.humidity(float64(raw), fine)}), nil
	}
}

// humidity is in %RH, held within 0 to 100 as the data sheet does (8.1): what
// lies beyond is the tolerance at the ends.
func (b *bme280) humidity(raw, fine float64) float64 {
	v := fine - 76800
	h := (raw - (b.h4*64 + b.h5/16384*v)) *
		(b.h2 / 65536 * (1 + b.h6/67108864*v*(1+b.h3/67108864*v)))
	h *= 1 - b.h1*h/524288
	return min(max(h, 0), 100)
}
