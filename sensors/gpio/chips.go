package gpio

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"pinbell/sensors"
)

// Chip is a GPIO chip of the board.
type Chip struct {
	Device string // "/dev/gpiochip0"
	Name   string // "gpiochip0"
	Label  string // "pinctrl-bcm2835"
	Lines  []LineInfo
}

// LineInfo is what the kernel tells of a line without requesting it.
type LineInfo struct {
	Offset   int
	Name     string // empty where the board gives none
	Consumer string // who holds it; may be empty although it is used
	Used     bool
	Output   bool
}

// Missing tells whether this machine has no GPIO at all, as a Fault; nil when
// it has some.
func Missing() *sensors.Fault { return thisBoard.missing() }

func (b board) missing() *sensors.Fault {
	if len(b.devices()) > 0 {
		return nil
	}
	return noChips("this machine has no GPIO character device")
}

// Chips lists the board's chips, each once even if /dev has several names for
// it. With an error, which joins what kept it from some of them, the others
// are listed all the same.
func Chips() ([]Chip, error) {
	chips, errs := thisBoard.chips()
	return chips, errors.Join(errs...)
}

// devices are the device files, in the order of their numbers.
func (b board) devices() []string {
	found, _ := filepath.Glob(filepath.Join(b.dev, "gpiochip*")) // fails on a bad pattern only
	slices.SortFunc(found, func(x, y string) int {
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	})
	return found
}

func (b board) chips() (chips []Chip, errs []error) {
	for _, device := range b.devices() {
		chip, err := b.chip(device)
		switch {
		case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENXIO):
			// unplugged since it was listed, or a device file that nothing stands behind
		case err != nil:
			errs = append(errs, err)
		case !slices.ContainsFunc(chips, func(c Chip) bool { return c.Name == chip.Name }):
			chips = append(chips, chip)
		}
	}
	return chips, errs
}

// chip asks one device file for its chip and all lines of it. Its error is an
// *os.PathError, so that it names the file.
func (b board) chip(device string) (Chip, error) {
	fd, err := openDevice(device)
	if err != nil {
		return Chip{}, err
	}
	defer unix.Close(fd)
	var info chipInfo
	if err := b.ioctl(uintptr(fd), unix.GPIO_GET_CHIPINFO_IOCTL, unsafe.Pointer(&info)); err != nil {
		return Chip{}, &os.PathError{Op: "ask", Path: device, Err: err}
	}
	chip := Chip{Device: device, Name: text(info.Name), Label: text(info.Label)}
	for offset := range info.Lines {
		line, err := b.lineInfo(fd, offset)
		if err != nil {
			return Chip{}, &os.PathError{Op: "ask for a line of", Path: device, Err: err}
		}
		chip.Lines = append(chip.Lines, line)
	}
	return chip, nil
}

func (b board) lineInfo(fd int, offset uint32) (LineInfo, error) {
	info := lineInfo{Offset: offset}
	err := b.ioctl(uintptr(fd), unix.GPIO_V2_GET_LINEINFO_IOCTL, unsafe.Pointer(&info))
	return LineInfo{
		Offset:   int(offset),
		Name:     text(info.Name),
		Consumer: text(info.Consumer),
		Used:     info.Flags&flagUsed != 0,
		Output:   info.Flags&flagOutput != 0,
	}, err
}

func openDevice(device string) (int, error) {
	for {
		fd, err := unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC, 0)
		switch err {
		case nil:
			return fd, nil
		case unix.EINTR:
		default:
			return -1, &os.PathError{Op: "open", Path: device, Err: err}
		}
	}
}

// place is a line on its chip.
type place struct {
	chip   Chip
	offset int
}

func (p place) String() string { return lineAt(p.chip.Name, p.offset) }

// find looks for the line on all chips, each time anew: a chip may have come
// or have got another number since.
func (b board) find(line string) (place, *sensors.Fault) {
	chip, offset, name, err := ParseLine(line)
	if err != nil {
		return place{}, badLine(line, err)
	}
	chips, errs := b.chips()
	if len(chips)+len(errs) == 0 {
		return place{}, noChips("line " + line + ": this machine has no GPIO character device")
	}
	var found []place
	if name != "" {
		found = byName(chips, name)
	} else {
		found = byChip(b.dev, chips, chip, offset)
	}
	switch {
	case len(found) == 1:
		return found[0], b.offBoard(line, found[0])
	case len(found) > 1:
		return place{}, ambiguous(line, found)
	case len(errs) > 0:
		return place{}, unreadable(line, errs)
	case name != "":
		return place{}, noSuchLine(line, nearest(name, chips))
	}
	return place{}, noSuchChip(line, chip, chips)
}

func (b board) offBoard(line string, p place) *sensors.Fault {
	if p.offset < len(p.chip.Lines) {
		return nil
	}
	return beyondChip(line, p.chip)
}

func byName(chips []Chip, name string) (found []place) {
	for _, chip := range chips {
		for _, line := range chip.Lines {
			if line.Name == name {
				found = append(found, place{chip, line.Offset})
			}
		}
	}
	return found
}

// byChip takes the chip by its kernel name, or by the name of a device file
// that is a link to it, and only then by label: two chips may share a label.
func byChip(dev string, chips []Chip, name string, offset int) (found []place) {
	device := name
	if target, err := filepath.EvalSymlinks(filepath.Join(dev, name)); err == nil && !strings.Contains(name, "/") {
		device = filepath.Base(target)
	}
	for _, chip := range chips {
		if chip.Name == device {
			return []place{{chip, offset}}
		}
	}
	for _, chip := range chips {
		if chip.Label == name {
			found = append(found, place{chip, offset})
		}
	}
	return found
}

// nearest gives up to three names of lines that resemble name most.
func nearest(name string, chips []Chip) (names []string) {
	for _, chip := range chips {
		for _, line := range chip.Lines {
			if line.Name != "" && !slices.Contains(names, line.Name) {
				names = append(names, line.Name)
			}
		}
	}
	name = strings.ToLower(name)
	slices.SortStableFunc(names, func(x, y string) int {
		return cmp.Compare(distance(name, strings.ToLower(x)), distance(name, strings.ToLower(y)))
	})
	return names[:min(3, len(names))]
}

// distance is Levenshtein's: how many letters to insert, delete or replace.
func distance(x, y string) int {
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(x) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(y) {
			cost := corner
			if x[i] != y[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, corner+1, row[j]+1)
		}
	}
	return row[len(y)]
}
