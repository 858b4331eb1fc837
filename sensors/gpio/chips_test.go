package gpio

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func (k *kernel) link(name, target string) {
	k.t.Helper()
	if err := os.Symlink(target, filepath.Join(k.dev, name)); err != nil {
		k.t.Fatal(err)
	}
}

func TestLineIsFoundByEachOfItsNames(t *testing.T) {
	k := newKernel(t)
	k.pi()
	k.chip("gpiochip1", "raspberrypi-exp-gpio", "BT_ON", "WL_ON")
	k.chip("gpiochip10", "pcf8574", "", "")
	k.link("gpiochip4", "gpiochip0") // as Raspberry Pi OS does
	for line, want := range map[string]string{
		"GPIO17":                 "gpiochip0:17",
		"WL_ON":                  "gpiochip1:1",
		"gpiochip0:17":           "gpiochip0:17",
		"/dev/gpiochip0:17":      "gpiochip0:17",
		"gpiochip4:17":           "gpiochip0:17",
		"pinctrl-bcm2835:17":     "gpiochip0:17",
		"pcf8574:1":              "gpiochip10:1",
		"raspberrypi-exp-gpio:0": "gpiochip1:0",
	} {
		p, fault := k.board().find(line)
		if fault != nil || p.String() != want {
			t.Errorf("%s is %v, %v; want %s", line, p, fault, want)
		}
	}
}

func TestChipWithTwoDeviceFilesIsListedOnce(t *testing.T) {
	k := newKernel(t)
	k.chip("gpiochip10", "second", "B")
	k.chip("gpiochip2", "first", "A").lines[0] = lineInfo{Name: cText("A"), Consumer: cText("led"), Flags: flagUsed | flagOutput}
	k.link("gpiochip0", "gpiochip10")
	chips, errs := k.board().chips()
	want := []Chip{
		{Device: filepath.Join(k.dev, "gpiochip0"), Name: "gpiochip10", Label: "second", Lines: []LineInfo{{Name: "B"}}},
		{Device: filepath.Join(k.dev, "gpiochip2"), Name: "gpiochip2", Label: "first", Lines: []LineInfo{{Name: "A", Consumer: "led", Used: true, Output: true}}},
	}
	if errs != nil || !reflect.DeepEqual(chips, want) {
		t.Errorf("got %+v, %v\nwant %+v", chips, errs, want)
	}
}

// A chip that has gone since, or a device file without a driver, is nobody's fault.
func TestDeadDeviceFilesAreNoChips(t *testing.T) {
	k := newKernel(t)
	k.link("gpiochip7", "nowhere")
	k.chip("gpiochip8", "unplugged").err = unix.ENODEV
	socket, err := net.Listen("unix", filepath.Join(k.dev, "gpiochip9")) // opening it gives ENXIO
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if chips, errs := k.board().chips(); len(chips)+len(errs) != 0 {
		t.Errorf("got %v, %v; want nothing", chips, errs)
	}
	if _, fault := k.board().find("GPIO17"); fault == nil || !strings.Contains(fault.Sentence, "no GPIO character device") {
		t.Errorf("got %v; want that there is no GPIO", fault)
	}
}

func TestLineThatCannotBeFoundIsAFaultWithARemedy(t *testing.T) {
	for name, c := range map[string]struct {
		line     string
		prepare  func(k *kernel)
		sentence string
		remedy   string
		errno    error
	}{
		"no board": {"GPIO17", func(k *kernel) {}, "line GPIO17: this machine has no GPIO character device", "on the board itself", unix.ENOENT},
		"bad name": {"gpiochip0:x", func(k *kernel) { k.pi() }, `line "gpiochip0:x" cannot be looked for`, "gpiochip0:17", nil},
		"not allowed": {"GPIO17", func(k *kernel) { k.pi().err = unix.EACCES },
			"line GPIO17: pinbell may not open DEV/gpiochip0", "usermod -aG gpio", unix.EACCES},
		"one chip not allowed": {"GPIO99", func(k *kernel) { k.pi(); k.chip("gpiochip1", "x").err = unix.EPERM },
			"line GPIO99: pinbell may not open DEV/gpiochip1", "group gpio", unix.EPERM},
		"old kernel": {"GPIO17", func(k *kernel) { k.pi().infoErr = unix.EINVAL },
			"line GPIO17: the kernel does not answer as Linux 5.10 and later do about DEV/gpiochip0", "uname -r", unix.EINVAL},
		"not a chip": {"GPIO17", func(k *kernel) { k.pi().err = unix.ENOTTY },
			"line GPIO17: the kernel does not answer as Linux 5.10 and later do about DEV/gpiochip0", "uname -r", unix.ENOTTY},
		"sick chip": {"GPIO17", func(k *kernel) { k.pi().err = unix.EIO }, "line GPIO17: DEV/gpiochip0 cannot be asked for its lines", "dmesg", unix.EIO},
		"no such name": {"gpio71", func(k *kernel) { k.pi() },
			"no line of this board is named gpio71", "Names like it here: GPIO1, GPIO7, GPIO11.", nil},
		"wrong case": {"gPiO17", func(k *kernel) { k.pi() }, "no line of this board is named gPiO17", "Names like it here: GPIO17, ", nil},
		"no names": {"GPIO17", func(k *kernel) { k.chip("gpiochip0", "x", "", "") },
			"no line of this board is named GPIO17", "have no names", nil},
		"no such chip": {"gpiochip5:1", func(k *kernel) { k.pi() },
			"line gpiochip5:1: this board has no GPIO chip named gpiochip5", "gpiochip0 (pinctrl-bcm2835)", nil},
		"beyond the chip": {"gpiochip0:28", func(k *kernel) { k.pi() }, "line gpiochip0:28: gpiochip0 has 28 lines, from 0", "gpiodetect", nil},
		"name on two chips": {"LED", func(k *kernel) { k.chip("gpiochip0", "x", "", "LED"); k.chip("gpiochip3", "x", "LED") },
			"line LED is there more than once: gpiochip0:1 and gpiochip3:0", `line = "gpiochip0:1"`, nil},
		"name twice on one chip": {"LED", func(k *kernel) { k.chip("gpiochip0", "x", "LED", "LED") },
			"line LED is there more than once: gpiochip0:0 and gpiochip0:1", `line = "gpiochip0:0"`, nil},
		"label of two chips": {"pcf8574:1", func(k *kernel) { k.chip("gpiochip0", "pcf8574", "", ""); k.chip("gpiochip1", "pcf8574", "", "") },
			"line pcf8574:1 is there more than once: gpiochip0:1 and gpiochip1:1", "gpiochip0:1", nil},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t)
			c.prepare(k)
			fault := asFault(t, k.line(Config{Line: c.line}).Open())
			if want := strings.ReplaceAll(c.sentence, "DEV", k.dev); fault.Sentence != want {
				t.Errorf("says %q\nwant %q", fault.Sentence, want)
			}
			if !strings.Contains(fault.Remedy, c.remedy) {
				t.Errorf("remedy %q lacks %q", fault.Remedy, c.remedy)
			}
			if c.errno != nil && !errors.Is(fault, c.errno) {
				t.Errorf("%v has lost its errno %v", fault, c.errno)
			}
		})
	}
}

func TestLineOnAReadableChipNeedsNoOtherChip(t *testing.T) {
	k := newKernel(t)
	k.pi()
	k.chip("gpiochip1", "firmware").err = unix.EACCES
	if p, fault := k.board().find("GPIO17"); fault != nil || p.String() != "gpiochip0:17" {
		t.Errorf("got %v, %v", p, fault)
	}
}

func TestMissingSaysThatThereIsNoGPIO(t *testing.T) {
	k := newKernel(t)
	if fault := k.board().missing(); fault == nil || fault.Sentence != "this machine has no GPIO character device" || fault.Remedy == "" {
		t.Errorf("got %v", fault)
	}
	k.pi()
	if fault := k.board().missing(); fault != nil {
		t.Errorf("got %v with a chip there", fault)
	}
}
