package gpio

import (
	"fmt"
	"strings"
	"testing"
)

func TestLineIsANameOrAChipAndANumber(t *testing.T) {
	for line, want := range map[string]string{
		"GPIO17":                " -1 GPIO17",
		"ID_SDA":                " -1 ID_SDA",
		"PIN 7 (left)":          " -1 PIN 7 (left)",
		"gpiochip0:17":          "gpiochip0 17 ",
		"/dev/gpiochip0:17":     "gpiochip0 17 ",
		"pinctrl-bcm2835:17":    "pinctrl-bcm2835 17 ",
		"30200000.gpio:0":       "30200000.gpio 0 ",
		"/soc@e0/gpio@c00:3":    "/soc@e0/gpio@c00 3 ",
		"a:b:65535":             "a:b 65535 ",
		strings.Repeat("n", 31): " -1 " + strings.Repeat("n", 31),
	} {
		chip, offset, name, err := ParseLine(line)
		if got := fmt.Sprint(chip, " ", offset, " ", name); got != want || err != nil {
			t.Errorf("ParseLine(%q) = %q, %v; want %q", line, got, err, want)
		}
	}
}

func TestLineOfAnotherShapeIsRefusedWithAnExample(t *testing.T) {
	for _, line := range []string{
		"", " GPIO17", "GPIO17\n", ":17", "/dev/:17", "gpiochip0:", "gpiochip0:x", "gpiochip0:-1", "gpiochip0:+1",
		"gpiochip0:65536", "gpiochip0:99999999999999999999", strings.Repeat("n", 32), strings.Repeat("n", 32) + ":1",
	} {
		if chip, offset, name, err := ParseLine(line); err == nil || chip != "" || offset != -1 || name != "" {
			t.Errorf("ParseLine(%q) = %q, %d, %q, %v; want an error and nothing else", line, chip, offset, name, err)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	for _, seed := range []string{"GPIO17", "gpiochip0:17", "/dev/gpiochip0:7", "a:b:1", ":", "", "x:070"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		chip, offset, name, err := ParseLine(line)
		switch {
		case err != nil:
		case (chip == "") == (name == ""):
			t.Fatalf("%q is both or neither: chip %q, name %q", line, chip, name)
		case chip != "":
			if again, number, _, err := ParseLine(lineAt(chip, offset)); again != strings.TrimPrefix(chip, "/dev/") || number != offset || err != nil {
				t.Fatalf("%q became %q and %d, and that %q, %d, %v", line, chip, offset, again, number, err)
			}
		}
	})
}

func TestPullReadsTheConfigsWords(t *testing.T) {
	for word, want := range map[string]Pull{"up": PullUp, "down": PullDown, "off": PullOff} {
		var got Pull
		if err := got.UnmarshalText([]byte(word)); err != nil || got != want || got.String() != word {
			t.Errorf("%q is %v, %v", word, got, err)
		}
	}
	for _, word := range []string{"", "Up", "none", "high"} {
		got := PullDown
		err := got.UnmarshalText([]byte(word))
		if err == nil || got != PullDown || !strings.Contains(err.Error(), "up, down or off") {
			t.Errorf("%q gave %v, %v; want an error that names the words", word, got, err)
		}
	}
}
