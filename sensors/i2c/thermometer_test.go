package i2c

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"
	periph "periph.io/x/devices/v3/tmp102"

	"pinbell/sensors"
	"pinbell/sensors/sensortest"
)

func (c *lm) set(raw uint16) { binary.BigEndian.PutUint16(c.temperature[:], raw) }

// The tables of the data sheets: TMP105 table 5, LM75 page 9.
func TestDataSheetTemperatures(t *testing.T) {
	for _, c := range []struct {
		chip string
		raw  uint16
		want float64
	}{
		{"tmp102", 0x6400, 100}, {"tmp102", 0x0040, 0.25}, {"tmp102", 0x0000, 0}, {"tmp102", 0xffc0, -0.25},
		{"tmp102", 0xe700, -25}, {"tmp102", 0x0010, 0.0625}, {"tmp102", 0xfff0, -0.0625},
		{"tmp105", 0x6400, 100}, {"tmp105", 0x1910, 25.0625}, {"tmp105", 0x0000, 0}, {"tmp105", 0xe700, -25},
		{"lm75", 0x7d00, 125}, {"lm75", 0x1900, 25}, {"lm75", 0x0080, 0.5}, {"lm75", 0x0000, 0},
		{"lm75", 0xff80, -0.5}, {"lm75", 0xe700, -25}, {"lm75", 0xc900, -55},
		{"lm75", 0x197f, 25}, {"lm75", 0xffff, -0.5}, // the seven bits below are undefined
	} {
		synctest.Test(t, func(t *testing.T) {
			chip := map[string]*lm{"tmp102": newTMP102(), "tmp105": newTMP105(), "lm75": newLM75()}[c.chip]
			chip.set(c.raw)
			got := sensortest.Sense(t, sensorOn(t, newWire(0x48, chip), c.chip))
			if got[0] != (sensors.Measure{Quantity: sensors.Temperature, Value: c.want}) {
				t.Errorf("%s with 0x%04x: %v, want %v °C", c.chip, c.raw, got[0], c.want)
			}
		})
	}
}

func TestSameBytesSameTemperatureAsPeriph(t *testing.T) {
	chip := newTMP102()
	w := newWire(0x48, chip)
	ours := sensorOn(t, w, "tmp102")
	sensortest.Sense(t, ours)
	theirs, err := periph.NewI2C(w, 0x48, &periph.Opts{SampleRate: periph.RateEightHertz})
	if err != nil {
		t.Fatal(err)
	}
	for steps := int16(-40 * 16); steps <= 125*16; steps++ {
		chip.set(uint16(steps) << 4)
		var env physic.Env
		if err := theirs.Sense(&env); err != nil {
			t.Fatal(err)
		}
		if got := sensortest.Sense(t, ours)[0].Value; math.Abs(got-env.Temperature.Celsius()) > 1e-6 {
			t.Errorf("0x%04x: %v °C, periph says %v", uint16(steps)<<4, got, env.Temperature.Celsius())
		}
	}
}

func TestFirstTemperatureWaitsForAConversion(t *testing.T) {
	for name, m := range map[string]model{"tmp102": tmp102, "tmp105": tmp105, "lm75": lm75} {
		synctest.Test(t, func(t *testing.T) {
			chip := map[string]*lm{"tmp102": newTMP102(), "tmp105": newTMP105(), "lm75": newLM75()}[name]
			w := newWire(0x48, chip)
			sensor := sensorOn(t, w, name)
			for i, want := range []time.Duration{m.conversion, 0} {
				began := time.Now()
				sensortest.Sense(t, sensor)
				if took := time.Since(began); took != want {
					t.Errorf("%s, reading %d took %v, want %v", name, i, took, want)
				}
			}
			again := sensorOn(t, w, name) // pinbell was restarted, the chip was not
			began := time.Now()
			sensortest.Sense(t, again)
			if took := time.Since(began); took != 0 {
				t.Errorf("%s, set up already: the first reading took %v", name, took)
			}
		})
	}
}

func TestTMP105IsSetToTwelveBits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chip := newTMP105()
		sensortest.Sense(t, sensorOn(t, newWire(0x48, chip), "tmp105"))
		if chip.settings[0]&0x60 != 0x60 {
			t.Errorf("settings 0x%02x, want R1 and R0 set", chip.settings[0])
		}
	})
}

func TestFaultsOfThermometers(t *testing.T) {
	for _, c := range []struct {
		name, chip string
		do         func(c *lm)
		want       string
	}{
		{"lost its settings", "tmp102", func(c *lm) { c.power() }, "lost its settings"},
		{"lost its settings", "tmp105", func(c *lm) { c.power() }, "lost its settings"},
		{"lost its settings", "lm75", func(c *lm) { c.power() }, "lost its settings"},
		{"extended mode", "tmp102", func(c *lm) { c.set(0x0c81) }, "answers with 0x0c81, which is no temperature of a TMP102"},
		{"too hot", "tmp102", func(c *lm) { c.set(0x7fe0) }, "says 127.9 °C, but it can measure -40.0 to 125.0 °C only"},
		{"too cold", "tmp105", func(c *lm) { c.set(0xd700) }, "says -41.0 °C"},
		{"too cold", "lm75", func(c *lm) { c.set(0x8000) }, "says -128.0 °C, but it can measure -55.0 to 125.0 °C only"},
	} {
		t.Run(c.chip+" "+c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				chip := map[string]*lm{"tmp102": newTMP102(), "tmp105": newTMP105(), "lm75": newLM75()}[c.chip]
				sensor := sensorOn(t, newWire(0x48, chip), c.chip)
				sensortest.Sense(t, sensor)
				c.do(chip)
				if fault := sensortest.SenseFault(t, sensor); !strings.Contains(fault.Sentence, c.want) {
					t.Errorf("sentence %q, want %q in it", fault.Sentence, c.want)
				}
				chip.set(0x1900)
				if got := sensortest.Sense(t, sensor); got[0].Value != 25 {
					t.Errorf("set up again: %v, want 25 °C", got[0])
				}
			})
		})
	}
}

func TestChipThatKeepsNoSettingsIsNotOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chip := newTMP105()
		chip.settings[0], chip.deaf = 0x01, true
		fault := sensortest.SenseFault(t, sensorOn(t, newWire(0x48, chip), "tmp105"))
		if want := "the chip at 0x48 on bus 1 does not keep the settings of a TMP105"; fault.Sentence != want {
			t.Errorf("sentence %q, want %q", fault.Sentence, want)
		}
	})
}

func TestSteadySenseAllocatesNothing(t *testing.T) {
	sensor := sensorOn(t, newWire(0x48, newTMP102()), "tmp102")
	buf := sensortest.Sense(t, sensor)
	if n := testing.AllocsPerRun(100, func() { sensor.Sense(buf[:0]) }); n != 0 {
		t.Errorf("%v allocations a reading, want none", n)
	}
}

func BenchmarkSense(b *testing.B) {
	for _, s := range subjects() {
		b.Run(s.name, func(b *testing.B) {
			sensor := sensorOn(b, newWire(Chips[s.name].Addresses[0], s.chip), s.name)
			buf, err := sensor.Sense(nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := sensor.Sense(buf[:0]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
		})
	}
}
