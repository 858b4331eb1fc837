package i2c

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/bmxx80"
	"pgregory.net/rapid"

	"pinbell/sensors"
	"pinbell/sensors/sensortest"
)

// The worked example of the BMP280 data sheet, 3.12.
func TestDataSheetExample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chip := newBosch(0x58)
		chip.set(519888, 415148, 0)
		got := sensortest.Sense(t, sensorOn(t, newWire(0x76, chip), "bmp280"))
		if c := math.Round(got[0].Value*100) / 100; c != 25.08 {
			t.Errorf("temperature %v °C, want 25.08", c)
		}
		if pa := math.Round(got[1].Value*1e4) / 100; pa != 100653.27 {
			t.Errorf("pressure %v Pa, want 100653.27", pa)
		}
	})
}

// The same chip with any result and a calibration near the usual one, through
// periph's driver (which computes with integers) and ours.
func TestSameBytesSameValueAsPeriph(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		chip := newBosch(0x60)
		chip.set(rapid.Int32Range(300_000, 750_000).Draw(rt, "temperature"),
			rapid.Int32Range(150_000, 750_000).Draw(rt, "pressure"),
			rapid.Uint16Range(0x4000, 0xa000).Draw(rt, "humidity"))
		for i := range 12 {
			chip.registers[registerCalibration+2*i] = rapid.Byte().Draw(rt, "calibration")
		}
		var err error
		synctest.Test(t, func(*testing.T) { err = compare(chip) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

// compare asks both drivers. They may disagree by the resolution: 0.01 °C,
// 0.01 hPa, and for humidity 0.008 %RH in each.
func compare(chip *bosch) error {
	w := newWire(0x76, chip)
	theirs, err := bmxx80.NewI2C(w, 0x76, &bmxx80.Opts{Temperature: bmxx80.O1x, Pressure: bmxx80.O1x, Humidity: bmxx80.O1x})
	if err != nil {
		return err
	}
	var env physic.Env
	if err := theirs.Sense(&env); err != nil {
		return err
	}
	celsius := env.Temperature.Celsius()
	hectopascal := float64(env.Pressure) / float64(physic.Pascal) / 100
	percent := float64(env.Humidity) / float64(physic.PercentRH)

	ours, err := New(w.bus(), "bme280", 0x76)
	if err != nil {
		return err
	}
	got, err := ours.Sense(nil)
	if err != nil {
		if celsius > -39.98 && celsius < 84.98 && hectopascal > 300.1 && hectopascal < 1099.9 {
			return fmt.Errorf("%v °C, %v hPa: %w", celsius, hectopascal, err)
		}
		return nil
	}
	for i, want := range []struct{ value, resolution float64 }{{celsius, 0.01}, {hectopascal, 0.01}, {percent, 0.016}} {
		if math.Abs(got[i].Value-want.value) > want.resolution {
			return fmt.Errorf("%v: %v, periph says %v", got[i].Quantity, got[i].Value, want.value)
		}
	}
	return nil
}

// An emulated board has the registers in a memory that takes no writes.
func TestReadsRegistersThatCanNotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chip := &memory{*newBosch(0x60)}
		copy(chip.registers[registerData:], chip.result[:])
		sensor := sensorOn(t, newWire(0x76, chip), "bme280")
		for range 3 {
			got := sensortest.Sense(t, sensor)
			if c := math.Round(got[0].Value*100) / 100; c != 25.08 {
				t.Errorf("temperature %v °C, want 25.08", c)
			}
		}
	})
}

func TestWrongChipIsNamed(t *testing.T) {
	for _, c := range []struct {
		name     string
		id       byte
		sentence string
	}{
		{"bme280", 0x58, "the chip at 0x76 on bus 1 is a BMP280, not a BME280: it has no humidity"},
		{"bme280", 0x57, "the chip at 0x76 on bus 1 is a BMP280, not a BME280: it has no humidity"},
		{"bmp280", 0x60, "the chip at 0x76 on bus 1 is a BME280, not a BMP280"},
		{"bme280", 0x61, "the chip at 0x76 on bus 1 is a BME680, not a BME280"},
		{"bmp280", 0x55, "the chip at 0x76 on bus 1 is a BMP180, not a BMP280"},
		{"bme280", 0x12, "the chip at 0x76 on bus 1 is not a BME280: its id is 0x12"},
	} {
		fault := sensortest.SenseFault(t, sensorOn(t, newWire(0x76, newBosch(c.id)), c.name))
		if fault.Sentence != c.sentence {
			t.Errorf("%s with id 0x%02x: %q, want %q", c.name, c.id, fault.Sentence, c.sentence)
		}
	}
	for _, id := range []byte{0x56, 0x57, 0x58} {
		sensortest.Sense(t, sensorOn(t, newWire(0x76, newBosch(id)), "bmp280"))
	}
}

func TestFaultsOfBosch(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(b *bosch)
		want string
	}{
		{"stuck busy", func(b *bosch) { b.forever = true; b.busy = 1 }, "does not finish its measurement"},
		{"power lost while measuring", func(b *bosch) { b.browns = true }, "did not measure"},
		{"too hot", func(b *bosch) { b.set(750_000, 415148, 0x6e00) }, "it can measure -40.0 to 85.0 °C only"},
		{"too cold", func(b *bosch) { b.set(280_000, 415148, 0x6e00) }, "it can measure -40.0 to 85.0 °C only"},
		{"vacuum", func(b *bosch) { b.set(519888, 900_000, 0x6e00) }, "it can measure 300.0 to 1100.0 hPa only"},
		{"deep sea", func(b *bosch) { b.set(519888, 100_000, 0x6e00) }, "it can measure 300.0 to 1100.0 hPa only"},
		{"data of zeros", func(b *bosch) { b.result = [8]byte{} }, "nothing but zeros or ones"},
		{"data of ones", func(b *bosch) { b.result = [8]byte{255, 255, 255, 255, 255, 255, 255, 255} }, "nothing but zeros or ones"},
		{"humidity at its lower end", func(b *bosch) { b.set(519888, 415148, 0) }, "end of its scale"},
		{"humidity at its upper end", func(b *bosch) { b.set(519888, 415148, 0xffff) }, "end of its scale"},
		{"humidity skipped", func(b *bosch) { b.set(519888, 415148, 0x8000) }, "did not measure humidity"},
		{"temperature skipped", func(b *bosch) { b.set(skipped, 415148, 0x6e00) }, "did not measure"},
		{"pressure skipped", func(b *bosch) { b.set(519888, skipped, 0x6e00) }, "did not measure"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				chip := newBosch(0x60)
				sensor := sensorOn(t, newWire(0x76, chip), "bme280")
				sensortest.Sense(t, sensor)
				c.do(chip)
				began := time.Now()
				fault := sensortest.SenseFault(t, sensor)
				if !strings.Contains(fault.Sentence, c.want) {
					t.Errorf("sentence %q, want %q in it", fault.Sentence, c.want)
				}
				if took := time.Since(began); took > 100*time.Millisecond {
					t.Errorf("the fault took %v", took)
				}
			})
		})
	}
}

func TestChipWithoutCalibrationIsRefused(t *testing.T) {
	for _, from := range []int{registerCalibration, registerH2} {
		for _, fill := range []byte{0x00, 0xff} {
			chip := newBosch(0x60)
			for i := range 7 {
				chip.registers[from+i] = fill
			}
			if fill == 0xff {
				for i := range 24 {
					chip.registers[registerCalibration+i] = fill
				}
			}
			fault := sensortest.SenseFault(t, sensorOn(t, newWire(0x76, chip), "bme280"))
			if !strings.Contains(fault.Sentence, "no calibration") {
				t.Errorf("0x%02x filled with 0x%02x: %q", from, fill, fault.Sentence)
			}
		}
	}
}

// At the ends of the scale the data sheet's formula overshoots by its
// tolerance; people are shown 0 and 100.
func TestHumidityStaysWithinItsScale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for raw, want := range map[uint16]float64{0x1000: 0, 0xfff0: 100} {
			chip := newBosch(0x60)
			chip.set(519888, 415148, raw)
			got := sensortest.Sense(t, sensorOn(t, newWire(0x76, chip), "bme280"))
			if got[2] != (sensors.Measure{Quantity: sensors.Humidity, Value: want}) {
				t.Errorf("raw 0x%04x: %v, want %v", raw, got[2], want)
			}
		}
	})
}

// For a while after power-on the calibration is still being copied.
func TestCalibrationIsReadWhenItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chip := newBosch(0x60)
		chip.updating = 3
		got := sensortest.Sense(t, sensorOn(t, newWire(0x76, chip), "bme280"))
		if c := math.Round(got[0].Value*100) / 100; c != 25.08 {
			t.Errorf("temperature %v °C, want 25.08", c)
		}
	})
}

// Another program may have left the chip measuring by itself, with a filter.
func TestFilterOfAnotherProgramIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chip := newBosch(0x60)
		chip.registers[registerControl], chip.registers[registerConfig] = 0x27, 0x10
		sensortest.Sense(t, sensorOn(t, newWire(0x76, chip), "bme280"))
		if chip.registers[registerConfig] != configNoFilter {
			t.Errorf("config is 0x%02x, want no filter", chip.registers[registerConfig])
		}
	})
}

// A new calibration is read when another chip is put in its place.
func TestReplacedChipIsCalibratedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chip := newBosch(0x58)
		w := newWire(0x76, chip)
		sensor := sensorOn(t, w, "bmp280")
		before := sensortest.Sense(t, sensor)
		chip.off = true
		sensortest.SenseFault(t, sensor)
		chip.off = false
		chip.registers[registerCalibration]++
		if after := sensortest.Sense(t, sensor); after[0] == before[0] {
			t.Errorf("another calibration gave the same %v", after[0])
		}
	})
}
