package gpio

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pinbell/sensors"
)

const (
	consumer = "pinbell" // as the kernel tells others who holds the line

	// eventBuffer is how many edges the kernel keeps for us, 48 bytes each; its
	// own choice would be 16. When they are full the oldest goes, which shows
	// as a gap in the sequence numbers.
	eventBuffer = 256

	maxDebounce = time.Hour // the kernel's field ends at 71 minutes
)

// grant is a line as the kernel gave it.
type grant struct {
	place
	fd     int
	config Config         // what is in effect, less than was asked for when lacks is set
	lacks  *sensors.Fault // what was refused
}

// request finds the line and asks the kernel for it. If the kernel refuses
// pull or debounce, the line is taken without: an alarm that works in part is
// worth more than none, as long as it says so.
func (b board) request(c Config, edges uint64) (grant, *sensors.Fault) {
	if c.Debounce < 0 || c.Debounce > maxDebounce {
		return grant{}, badDebounce(c.Line, c.Debounce)
	}
	p, fault := b.find(c.Line)
	if fault != nil {
		return grant{}, fault
	}
	chip, err := openDevice(p.chip.Device)
	if err != nil {
		return grant{}, unreadable(c.Line, []error{err})
	}
	defer unix.Close(chip)
	var refusal error
	for _, less := range c.lesser() {
		fd, err := b.ask(chip, less.request(p.offset, edges))
		if err == nil {
			return grant{place: p, fd: fd, config: less, lacks: c.lacking(less, refusal)}, nil
		}
		if !refused(err) {
			return grant{}, b.denied(c.Line, p, chip, err)
		}
		if refusal == nil {
			refusal = err
		}
	}
	return grant{}, b.denied(c.Line, p, chip, refusal)
}

func (b board) ask(chip int, request lineRequest) (fd int, err error) {
	err = b.ioctl(uintptr(chip), unix.GPIO_V2_GET_LINE_IOCTL, unsafe.Pointer(&request))
	return int(request.FD), err
}

// denied explains err. A pin controller that gave the pin to someone else may
// say EINVAL instead of EBUSY, so the line itself is asked who holds it.
func (b board) denied(line string, p place, chip int, err error) *sensors.Fault {
	holder, infoErr := b.lineInfo(chip, uint32(p.offset))
	switch {
	case err == unix.EBUSY, err == unix.EINVAL && infoErr == nil && holder.Used:
		return busy(line, p, holder, err)
	case err == unix.ENODEV:
		return broken(line, err)
	}
	return noRequest(line, p, err)
}

// lesser lists what to ask for, from all that c wants to the bare line.
func (c Config) lesser() []Config {
	list := []Config{c}
	if c.Pull != PullAsIs {
		less := c
		less.Pull = PullAsIs
		list = append(list, less)
	}
	if c.Debounce != 0 {
		for _, less := range list {
			less.Debounce = 0
			list = append(list, less)
		}
	}
	return list
}

func (c Config) lacking(granted Config, err error) *sensors.Fault {
	switch {
	case c.Pull != granted.Pull && c.Debounce != granted.Debounce:
		return withoutBoth(c.Line, c, err)
	case c.Pull != granted.Pull:
		return withoutPull(c.Line, c.Pull, err)
	case c.Debounce != granted.Debounce:
		return withoutDebounce(c.Line, c.Debounce, err)
	}
	return nil
}

// request puts c into the kernel's words, for one line.
func (c Config) request(offset int, edges uint64) lineRequest {
	r := lineRequest{NumLines: 1, EventBufferSize: eventBuffer}
	r.Offsets[0] = uint32(offset)
	copy(r.Consumer[:nameSize-1], consumer)
	r.Config.Flags = flagInput | edges | pulls[c.Pull].flags
	if c.ActiveLow {
		r.Config.Flags |= flagActiveLow
	}
	if c.Debounce > 0 {
		period := (c.Debounce + time.Microsecond - 1) / time.Microsecond
		r.Config.NumAttrs = 1
		r.Config.Attrs[0].Mask = 1
		r.Config.Attrs[0].Attr = lineAttribute{ID: unix.GPIO_V2_LINE_ATTR_ID_DEBOUNCE, DebounceUS: uint32(period)}
	}
	return r
}
