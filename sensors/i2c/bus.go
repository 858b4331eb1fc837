package i2c

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"pinbell/sensors"
)

// Bus is an I2C bus of the board: /dev/i2c-N. It is opened when it is first
// used, and again after a transfer has failed, so that an adapter which was
// away for a moment is found when it is back. All chips of a bus share one
// Bus. It is a periph i2c.Bus, safe for several goroutines.
type Bus struct {
	number int
	open   func(number int) (i2c.BusCloser, error)

	mu      sync.Mutex // held from a command to its result
	adapter i2c.BusCloser
}

// NewBus names the bus with this number; it opens nothing.
func NewBus(number int) *Bus {
	return &Bus{number: number, open: openAdapter}
}

func (b *Bus) String() string { return fmt.Sprintf("I2C bus %d", b.number) }

// Tx writes w to the chip at this address, then reads r, in one transaction.
func (b *Bus) Tx(address uint16, w, r []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.transfer(address, w, r)
}

// SetSpeed is not possible: on Linux the device tree sets a bus's speed.
func (b *Bus) SetSpeed(physic.Frequency) error {
	return errors.New("the speed of an I2C bus is set in the board's device tree")
}

// Close closes the bus's device; the next use opens it again.
func (b *Bus) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.close()
}

func (b *Bus) close() error {
	if b.adapter == nil {
		return nil
	}
	err := b.adapter.Close()
	b.adapter = nil
	return err
}

// transfer tries a second time at once, as a lone NACK is normal on a long
// wire and cured by that. A time-out is not tried again: the adapter has waited
// its whole patience (up to a second), and other chips wait behind it.
func (b *Bus) transfer(address uint16, w, r []byte) error {
	if b.adapter == nil {
		adapter, err := b.open(b.number)
		if err != nil {
			return b.absent(err)
		}
		b.adapter = adapter
	}
	err := b.adapter.Tx(address, w, r)
	if err != nil && !errors.Is(err, unix.ETIMEDOUT) {
		err = b.adapter.Tx(address, w, r)
	}
	if err != nil {
		b.close() // the transfer's error says more than one of closing
	}
	return err
}

// absent finds the words for a bus that does not open.
func (b *Bus) absent(err error) *sensors.Fault {
	path := devicePath(b.number)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return &sensors.Fault{
			Sentence: fmt.Sprintf("there is no I2C bus %d on this board (%s)", b.number, path),
			Remedy:   "Enable I2C with `sudo raspi-config` (Interface Options), or with dtparam=i2c_arm=on in config.txt; load the kernel module i2c-dev; check the number of the bus.",
			Err:      err,
		}
	case errors.Is(err, fs.ErrPermission):
		return &sensors.Fault{
			Sentence: fmt.Sprintf("pinbell may not use I2C bus %d (%s)", b.number, path),
			Remedy:   "Make the user that pinbell runs as a member of the group i2c, then restart pinbell.",
			Err:      err,
		}
	}
	return &sensors.Fault{
		Sentence: fmt.Sprintf("I2C bus %d (%s) does not open", b.number, path),
		Remedy:   "Look at the end of `dmesg` for what the kernel says about it.",
		Err:      err,
	}
}

// pins says where the bus is on a Raspberry Pi's header; that of bus 1 is the
// same on all of them.
func (b *Bus) pins() string {
	if b.number == 1 {
		return "SDA pin 3, SCL pin 5"
	}
	return "SDA, SCL"
}

// device is a chip's place on the bus, for drivers of chips with registers of
// one byte's address. Its Bus is locked by the one who calls.
type device struct {
	bus     *Bus
	address uint16
	out     [4]byte
}

// read reads registers from the given one on.
func (d *device) read(register byte, into []byte) error {
	d.out[0] = register
	return d.bus.transfer(d.address, d.out[:1], into)
}

// write sets a register; values has at most three bytes.
func (d *device) write(register byte, values ...byte) error {
	d.out[0] = register
	n := copy(d.out[1:], values)
	return d.bus.transfer(d.address, d.out[:1+n], nil)
}
