package i2c

import (
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"pinbell/sensors"
)

// wire is a bus with simulated chips on it.
type wire struct {
	chips  map[uint16]chip
	nacks  int   // so many transfers fail from now on
	with   error // what they fail with; nil: EREMOTEIO
	absent error // what opening fails with
	opens  int
	closes int
	count  int // transfers
}

// chip answers a transfer.
type chip interface {
	tx(w, r []byte) error
}

func newWire(address uint16, c chip) *wire { return &wire{chips: map[uint16]chip{address: c}} }

// bus is a Bus that opens the wire.
func (w *wire) bus() *Bus {
	return &Bus{number: 1, open: func(int) (i2c.BusCloser, error) {
		if w.absent != nil {
			return nil, w.absent
		}
		w.opens++
		return w, nil
	}}
}

func (w *wire) String() string                  { return "wire" }
func (w *wire) SetSpeed(physic.Frequency) error { return nil }
func (w *wire) Close() error                    { w.closes++; return nil }

func (w *wire) Tx(address uint16, out, in []byte) error {
	w.count++
	c := w.chips[address]
	if w.nacks > 0 || c == nil {
		w.nacks--
		if w.with != nil {
			return w.with
		}
		return unix.EREMOTEIO
	}
	return c.tx(out, in)
}

// mood is how a simulated chip misbehaves.
type mood struct {
	off   bool // no power: NACK
	stuck byte // with sticks: what all its bytes read as
	holds bool // reads are stuck
	short bool // reads end early
}

func (m *mood) answer(in, truth []byte) error {
	copy(in, truth)
	if m.holds {
		for i := range in {
			in[i] = m.stuck
		}
	}
	if m.short {
		clear(in[len(in)/2:])
		return io.ErrUnexpectedEOF
	}
	return nil
}

// bosch simulates a BME280 or BMP280: writes are pairs of register and value,
// a measurement takes two looks at the status.
type bosch struct {
	mood
	registers [256]byte
	pointer   byte
	result    [8]byte // what the next measurement finds
	updating  int     // reads of the status until the calibration is there
	busy      int     // reads of the status until it is over
	forever   bool    // it never is
	browns    bool    // power fails during each measurement
}

// newBosch has the calibration of the BMP280 data sheet's example (3.12), and
// of a BME280.
func newBosch(id byte) *bosch {
	b := &bosch{}
	b.registers[registerID] = id
	for i, v := range []uint16{27504, 26435, 64536, 36477, 54851, 3024, 2855, 140, 65529, 15500, 50936, 6000} {
		binary.LittleEndian.PutUint16(b.registers[registerCalibration+2*i:], v)
	}
	b.registers[registerH1] = 75
	copy(b.registers[registerH2:], []byte{0x6a, 0x01, 0, 313 >> 4, 313&0xf | 50&0xf<<4, 50 >> 4, 30})
	b.set(519888, 415148, 0x6e00)
	b.power()
	return b
}

// set gives the raw results of the next measurements.
func (b *bosch) set(temperature, pressure int32, humidity uint16) {
	b.result = [8]byte{byte(pressure >> 12), byte(pressure >> 4), byte(pressure << 4),
		byte(temperature >> 12), byte(temperature >> 4), byte(temperature << 4), byte(humidity >> 8), byte(humidity)}
}

// power is what a power-on does.
func (b *bosch) power() {
	clear(b.registers[registerHumidity:])
	copy(b.registers[registerData:], []byte{0x80, 0, 0, 0x80, 0, 0, 0x80, 0})
	b.busy = 0
}

func (b *bosch) tx(w, r []byte) error {
	if b.off {
		return unix.ENXIO
	}
	if len(r) == 0 {
		for i := 0; i+1 < len(w); i += 2 {
			b.put(w[i], w[i+1])
		}
		return nil
	}
	b.pointer = w[0]
	b.registers[registerStatus] = 0
	if b.busy > 0 {
		b.registers[registerStatus] = statusMeasuring
	}
	if b.updating > 0 {
		if b.pointer == registerCalibration {
			return b.answer(r, make([]byte, len(r)))
		}
		b.registers[registerStatus] |= statusUpdating
		if b.pointer == registerStatus {
			b.updating--
		}
	}
	if b.pointer == registerStatus && !b.forever {
		b.busy--
	}
	return b.answer(r, b.registers[b.pointer:])
}

func (b *bosch) put(register, value byte) {
	if register == registerConfig && b.registers[registerControl]&3 == 3 {
		return // in normal mode it may be ignored
	}
	b.registers[register] = value
	if register != registerControl || value&3 != 1 {
		return
	}
	b.busy = 2
	b.registers[register] &^= 3
	copy(b.registers[registerData:], b.result[:])
	if b.registers[registerID] != 0x60 || b.registers[registerHumidity] == 0 {
		copy(b.registers[registerData+6:], []byte{0x80, 0})
	}
	if b.browns {
		b.power()
	}
}

// memory simulates an EEPROM that holds a chip's registers: what is written
// is lost.
type memory struct{ bosch }

func (m *memory) tx(w, r []byte) error {
	if len(r) > 0 {
		m.busy = 0
		return m.bosch.tx(w, r)
	}
	return nil
}

// lm simulates the LM75 family.
type lm struct {
	mood
	settings    []byte
	initial     []byte
	temperature [2]byte // once it has converted
	converted   bool
	deaf        bool // keeps no settings
}

func newTMP102() *lm { return newLM(0x60, 0xa0) }
func newTMP105() *lm { return newLM(0x00) }
func newLM75() *lm   { return newLM(0x00) }

func newLM(initial ...byte) *lm {
	c := &lm{initial: initial, temperature: [2]byte{0x19, 0x00}}
	c.power()
	return c
}

func (c *lm) power() {
	c.settings = append(c.settings[:0], c.initial...)
	c.converted = false
}

func (c *lm) tx(w, r []byte) error {
	switch {
	case c.off:
		return unix.ENXIO
	case len(r) == 0 && w[0] == registerSettings:
		if !c.deaf {
			copy(c.settings, w[1:])
		}
		c.converted = true
		return nil
	case len(r) == 0:
		return errors.New("a register that can't be written")
	case w[0] == registerSettings:
		return c.answer(r, c.settings)
	case !c.converted:
		return c.answer(r, []byte{0, 0})
	}
	return c.answer(r, c.temperature[:])
}

// sensorOn builds a sensor of the named chip on the wire.
func sensorOn(t testing.TB, w *wire, name string) sensors.Sensor {
	t.Helper()
	for address := range w.chips {
		s, err := New(w.bus(), name, address)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Fatal("the wire has no chip")
	return nil
}
