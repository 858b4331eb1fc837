package i2c

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"pinbell/sensors"
	"pinbell/sensors/sensortest"
)

// subject is a chip of each kind, with the knobs that break it.
type subject struct {
	name  string
	chip  chip
	mood  *mood
	power func()
}

func subjects() []subject {
	bme, bmp, tmp102, tmp105, lm75 := newBosch(0x60), newBosch(0x58), newTMP102(), newTMP105(), newLM75()
	return []subject{
		{"bme280", bme, &bme.mood, bme.power},
		{"bmp280", bmp, &bmp.mood, bmp.power},
		{"tmp102", tmp102, &tmp102.mood, tmp102.power},
		{"tmp105", tmp105, &tmp105.mood, tmp105.power},
		{"lm75", lm75, &lm75.mood, lm75.power},
	}
}

// each runs a test for a fresh chip of each kind, in a bubble of time.
func each(t *testing.T, test func(t *testing.T, s subject, w *wire, sensor sensors.Sensor)) {
	for i, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := subjects()[i]
				w := newWire(Chips[s.name].Addresses[0], s.chip)
				test(t, s, w, sensorOn(t, w, s.name))
			})
		})
	}
}

func TestConform(t *testing.T) {
	for i, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			sensortest.Conform(t, func(t *testing.T) sensortest.Subject {
				s := subjects()[i]
				w := newWire(Chips[s.name].Addresses[0], s.chip)
				return sensortest.Subject{
					Sensor: sensorOn(t, w, s.name), Quantities: Chips[s.name].Quantities,
					Break: func() { s.mood.off = true }, Mend: func() { s.mood.off = false; s.power() },
				}
			})
		})
	}
}

func TestEveryKindOfChipIsTested(t *testing.T) {
	var tested []string
	for _, s := range subjects() {
		tested = append(tested, s.name)
	}
	slices.Sort(tested)
	if known := slices.Sorted(maps.Keys(Chips)); !slices.Equal(known, tested) {
		t.Errorf("chips %v, tested %v", known, tested)
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		chip    string
		address uint16
		want    string
	}{
		{"bme208", 0x76, `no such chip: "bme208" (there are bme280, bmp280, lm75, tmp102, tmp105)`},
		{"bme280", 0x48, "a bme280 has the address 0x76 or 0x77, never 0x48"},
		{"tmp102", 0x4c, "a tmp102 has the address 0x48 to 0x4b, never 0x4c"},
	} {
		if _, err := New(NewBus(1), c.chip, c.address); err == nil || err.Error() != c.want {
			t.Errorf("New(%q, 0x%02x): %v\nwant %s", c.chip, c.address, err, c.want)
		}
	}
}

func TestLoneNACKIsCuredByOneRetry(t *testing.T) {
	each(t, func(t *testing.T, s subject, w *wire, sensor sensors.Sensor) {
		for range 5 {
			w.nacks = 1
			sensortest.Sense(t, sensor)
		}
		if w.opens != 1 {
			t.Errorf("the bus was opened %d times, want once", w.opens)
		}
	})
}

func TestFaultsOfEveryChip(t *testing.T) {
	type act func(s subject, w *wire)
	cases := []struct {
		name string
		do   act
		want string // in the sentence
	}{
		{"NACK", func(_ subject, w *wire) { w.nacks = 2 }, "does not answer"},
		{"timeout", func(_ subject, w *wire) { w.nacks, w.with = 1, unix.ETIMEDOUT }, "does not answer"},
		{"short read", func(s subject, _ *wire) { s.mood.short = true }, "does not answer"},
		{"all zeros", func(s subject, _ *wire) { s.mood.holds, s.mood.stuck = true, 0x00 }, ""},
		{"all ones", func(s subject, _ *wire) { s.mood.holds, s.mood.stuck = true, 0xff }, ""},
		{"no power", func(s subject, _ *wire) { s.mood.off = true }, "does not answer"},
	}
	for _, when := range []string{"at first", "later"} {
		for _, c := range cases {
			t.Run(c.name+" "+when, func(t *testing.T) {
				each(t, func(t *testing.T, s subject, w *wire, sensor sensors.Sensor) {
					if when == "later" {
						sensortest.Sense(t, sensor)
					}
					c.do(s, w)
					began := time.Now()
					fault := sensortest.SenseFault(t, sensor)
					if took := time.Since(began); took > time.Second {
						t.Errorf("the fault took %v", took)
					}
					where := "at 0x" + map[bool]string{true: "76", false: "48"}[strings.HasPrefix(s.name, "bm")] + " on bus 1"
					if !strings.Contains(fault.Sentence, c.want) || !strings.Contains(fault.Sentence, where) {
						t.Errorf("sentence %q, want %q and %q in it", fault.Sentence, where, c.want)
					}
					*s.mood, w.nacks, w.with = mood{}, 0, nil
					sensortest.Sense(t, sensor)
				})
			})
		}
	}
}

// A chip that lost its power between two readings is set up again, or tells
// of it once; it never gives what it has at power-on for a value.
func TestPowerLossIsNeverAValue(t *testing.T) {
	each(t, func(t *testing.T, s subject, w *wire, sensor sensors.Sensor) {
		want := sensortest.Sense(t, sensor)
		s.power()
		if got, err := sensor.Sense(nil); err == nil && !slices.Equal(got, want) {
			t.Errorf("after the loss of power: %v, want %v or a fault", got, want)
		}
		if got := sensortest.Sense(t, sensor); !slices.Equal(got, want) {
			t.Errorf("set up again: %v, want %v", got, want)
		}
	})
}

func TestAbsentChipSentenceAndErrno(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(0x76, newBosch(0x60))
		w.nacks, w.with = 2, unix.ENXIO
		fault := sensortest.SenseFault(t, sensorOn(t, w, "bme280"))
		if want := "bme280 at 0x76 on bus 1 does not answer"; fault.Sentence != want {
			t.Errorf("sentence %q, want %q", fault.Sentence, want)
		}
		if want := "Check the wiring (SDA pin 3, SCL pin 5), the power, and the address."; fault.Remedy != want {
			t.Errorf("remedy %q, want %q", fault.Remedy, want)
		}
		if !errors.Is(fault, unix.ENXIO) {
			t.Errorf("the errno is lost: %v", fault.Err)
		}
	})
}

func TestTimeoutIsNotTriedAgain(t *testing.T) {
	w := newWire(0x48, newTMP102())
	w.nacks, w.with = 10, unix.ETIMEDOUT
	sensortest.SenseFault(t, sensorOn(t, w, "tmp102"))
	if w.count != 1 {
		t.Errorf("%d transfers, want 1: each holds up the bus for the adapter's time-out", w.count)
	}
}

func TestBusThatDoesNotOpen(t *testing.T) {
	path := func(err error) error { return &fs.PathError{Op: "open", Path: "/dev/i2c-1", Err: err} }
	for _, c := range []struct {
		err              error
		sentence, remedy string
	}{
		{path(unix.ENOENT), "there is no I2C bus 1 on this board (/dev/i2c-1)", "raspi-config"},
		{path(unix.EACCES), "pinbell may not use I2C bus 1 (/dev/i2c-1)", "group i2c"},
		{path(unix.EMFILE), "I2C bus 1 (/dev/i2c-1) does not open", "dmesg"},
	} {
		w := newWire(0x48, newTMP102())
		w.absent = c.err
		sensor := sensorOn(t, w, "tmp102")
		fault := sensortest.SenseFault(t, sensor)
		if fault.Sentence != c.sentence || !strings.Contains(fault.Remedy, c.remedy) || !errors.Is(fault, c.err) {
			t.Errorf("%v: %q, %q", c.err, fault.Error(), fault.Remedy)
		}
		w.absent = nil
		sensortest.Sense(t, sensor)
	}
}

func TestFailedTransferReopensTheBus(t *testing.T) {
	w := newWire(0x48, newTMP102())
	sensor := sensorOn(t, w, "tmp102")
	sensortest.Sense(t, sensor)
	w.nacks = 2
	sensortest.SenseFault(t, sensor)
	sensortest.Sense(t, sensor)
	if w.opens != 2 || w.closes != 1 {
		t.Errorf("opened %d times and closed %d times, want 2 and 1", w.opens, w.closes)
	}
}

func TestChipsOfOneBusDoNotDisturbEachOther(t *testing.T) {
	w := newWire(0x48, newTMP102())
	w.chips[0x76] = newBosch(0x60)
	bus := w.bus()
	thermometer, _ := New(bus, "tmp102", 0x48)
	weather, _ := New(bus, "bme280", 0x76)
	done := make(chan error)
	for _, s := range []sensors.Sensor{thermometer, weather} {
		go func() {
			for range 5 {
				if _, err := s.Sense(nil); err != nil {
					done <- err
					return
				}
			}
			done <- s.Close()
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestAdapterKeepsTheErrno(t *testing.T) {
	if _, err := openAdapter(9999); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a bus that is not there: %v, want ENOENT", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(null.Fd()))
	null.Close()
	if err != nil {
		t.Fatal(err)
	}
	a := &adapter{fd: fd, path: os.DevNull}
	if err := a.Tx(0x48, []byte{0}, make([]byte, 2)); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("a device that is no bus: %v, want ENOTTY", err)
	}
	if err := a.Tx(0x48, nil, nil); err != nil {
		t.Errorf("nothing to transfer: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := a.Close(); !errors.Is(err, unix.EBADF) {
		t.Errorf("closed twice: %v, want EBADF", err)
	}
}

func TestTransferThatEndedEarlyIsAnError(t *testing.T) {
	a := &adapter{path: "/dev/i2c-1"}
	for _, c := range []struct {
		done  int
		errno unix.Errno
		want  error
	}{{2, 0, nil}, {1, 0, io.ErrUnexpectedEOF}, {0, 0, io.ErrUnexpectedEOF}, {-1, unix.ENXIO, unix.ENXIO}} {
		if err := a.outcome(0x48, 2, c.done, c.errno); !errors.Is(err, c.want) {
			t.Errorf("%d of 2 messages and errno %d: %v, want %v", c.done, c.errno, err, c.want)
		}
	}
}
