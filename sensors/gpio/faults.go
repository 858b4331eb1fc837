package gpio

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pinbell/sensors"
)

// notSupported is the kernel's own ENOTSUPP, which no libc knows; drivers let
// it slip out where EOPNOTSUPP is meant.
const notSupported = syscall.Errno(524)

// refused reports whether err says that the line cannot do what was asked of
// it, so that asking for less may help.
func refused(err error) bool {
	for _, errno := range []syscall.Errno{unix.EINVAL, unix.ENXIO, unix.EOPNOTSUPP, notSupported} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

func lineAt(chip string, offset int) string { return chip + ":" + strconv.Itoa(offset) }

func badLine(line string, err error) *sensors.Fault {
	return &sensors.Fault{
		Sentence: fmt.Sprintf("line %q cannot be looked for", line),
		Remedy:   `Name the line like "GPIO17" or "gpiochip0:17" in the config.`,
		Err:      err,
	}
}

func noChips(sentence string) *sensors.Fault {
	return &sensors.Fault{
		Sentence: sentence,
		Remedy:   "Run pinbell on the board itself. In a container, hand /dev/gpiochip0 to it.",
		Err:      unix.ENOENT,
	}
}

// unreadable is about a line that may be on a chip that cannot be asked.
func unreadable(line string, errs []error) *sensors.Fault {
	err := errs[0]
	device := "a GPIO chip"
	if pathError, ok := errors.AsType[*os.PathError](err); ok {
		device, err = pathError.Path, pathError.Err
	}
	switch {
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return &sensors.Fault{
			Sentence: "line " + line + ": pinbell may not open " + device,
			Remedy:   "Put the user that runs pinbell into the group gpio (`sudo usermod -aG gpio USER`) and start pinbell again; `ls -l " + device + "` shows the group.",
			Err:      err,
		}
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTTY):
		return &sensors.Fault{
			Sentence: "line " + line + ": the kernel does not answer as Linux 5.10 and later do about " + device,
			Remedy:   "Check `uname -r`, and bring the board's system up to date.",
			Err:      err,
		}
	}
	return &sensors.Fault{
		Sentence: "line " + line + ": " + device + " cannot be asked for its lines",
		Remedy:   "See `dmesg` for what the kernel says about " + device + ".",
		Err:      err,
	}
}

func ambiguous(line string, found []place) *sensors.Fault {
	names := make([]string, len(found))
	for i, p := range found {
		names[i] = p.String()
	}
	return &sensors.Fault{
		Sentence: "line " + line + " is there more than once: " + strings.Join(names, " and "),
		Remedy:   fmt.Sprintf("Write in the config which one is meant: line = %q.", names[0]),
	}
}

func noSuchLine(line string, near []string) *sensors.Fault {
	fault := &sensors.Fault{
		Sentence: "no line of this board is named " + line,
		Remedy:   `The lines of this board have no names: choose one by chip and number, like "gpiochip0:17". ` + "`gpioinfo` lists them.",
	}
	if len(near) > 0 {
		fault.Remedy = "Names like it here: " + strings.Join(near, ", ") + ". `gpioinfo` lists all."
	}
	return fault
}

func noSuchChip(line, chip string, chips []Chip) *sensors.Fault {
	names := make([]string, len(chips))
	for i, c := range chips {
		names[i] = c.Name + " (" + c.Label + ")"
	}
	return &sensors.Fault{
		Sentence: "line " + line + ": this board has no GPIO chip named " + chip,
		Remedy:   "Its chips: " + strings.Join(names, ", ") + ".",
	}
}

func beyondChip(line string, chip Chip) *sensors.Fault {
	return &sensors.Fault{
		Sentence: fmt.Sprintf("line %s: %s has %d lines, from 0", line, chip.Name, len(chip.Lines)),
		Remedy:   "`gpiodetect` lists them.",
	}
}

func badDebounce(line string, debounce time.Duration) *sensors.Fault {
	return &sensors.Fault{
		Sentence: fmt.Sprintf("line %s: a debounce of %v is impossible", line, debounce),
		Remedy:   "Choose a debounce between 0 and 1 hour in the config; 50ms suits most contacts.",
	}
}

func busy(line string, p place, holder LineInfo, err error) *sensors.Fault {
	fault := &sensors.Fault{
		Sentence: fmt.Sprintf("line %s (%v) is held by %s", line, p, quoted(holder.Consumer)),
		Remedy:   "Stop that program, or take away the device tree overlay that claims the line, or choose another line.",
		Err:      err,
	}
	if holder.Consumer == consumer {
		fault.Remedy = "Another sensor of the config, or another pinbell, watches this line already: a line serves one sensor."
	}
	return fault
}

func quoted(consumer string) string {
	if consumer == "" {
		return "someone who gives no name"
	}
	return strconv.Quote(consumer)
}

func noRequest(line string, p place, err error) *sensors.Fault {
	fault := &sensors.Fault{
		Sentence: fmt.Sprintf("line %s (%v) cannot be requested", line, p),
		Remedy:   "The pin may serve another function: see `dmesg` and the board's device tree overlays, or choose another line.",
		Err:      err,
	}
	if errors.Is(err, unix.ENXIO) {
		fault.Sentence = fmt.Sprintf("line %s (%v) cannot report changes: it has no interrupt", line, p)
		fault.Remedy = "Choose a line of the board's own chip, or wire the port expander's interrupt pin and name it in the device tree."
	}
	return fault
}

func withoutPull(line string, pull Pull, err error) *sensors.Fault {
	return &sensors.Fault{
		Sentence: fmt.Sprintf("line %s: the kernel cannot set pull %q; the line is watched without it", line, pull),
		Remedy:   "Fit a resistor (10 kΩ) from the line to 3.3 V or to ground, and take `pull` out of the config.",
		Err:      err,
	}
}

func withoutDebounce(line string, debounce time.Duration, err error) *sensors.Fault {
	return &sensors.Fault{
		Sentence: fmt.Sprintf("line %s: the kernel cannot debounce it by %v; each change is reported as it comes", line, debounce),
		Remedy:   "Let the rules that use it ask for a time (`for`), and take `debounce` out of the config.",
		Err:      err,
	}
}

func withoutBoth(line string, c Config, err error) *sensors.Fault {
	pull, debounce := withoutPull(line, c.Pull, err), withoutDebounce(line, c.Debounce, nil)
	return &sensors.Fault{
		Sentence: pull.Sentence + ", and cannot debounce it by " + c.Debounce.String(),
		Remedy:   pull.Remedy + " " + debounce.Remedy,
		Err:      err,
	}
}

func broken(line string, err error) *sensors.Fault {
	fault := &sensors.Fault{
		Sentence: "line " + line + " cannot be read",
		Remedy:   "See `dmesg` for what the kernel says about its GPIO chip.",
		Err:      err,
	}
	switch {
	case errors.Is(err, unix.ENODEV):
		fault.Sentence = "line " + line + " is gone: its GPIO chip was removed"
		fault.Remedy = "Check the cable and the power of the GPIO expander; pinbell looks for the line again."
	case errors.Is(err, os.ErrClosed):
		fault.Sentence = "line " + line + " is not open"
		fault.Remedy = ""
	}
	return fault
}
