package gpio

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ParseLine reads how the config names a line: by the line's own name
// ("GPIO17"), or by chip and offset ("gpiochip0:17", "/dev/gpiochip0:17", or
// with the chip's label, "pinctrl-bcm2835:17"). With a chip, name is empty;
// with a name, chip is empty and offset is -1. It looks at the shape only.
func ParseLine(line string) (chip string, offset int, name string, err error) {
	switch {
	case line == "":
		return "", -1, "", errors.New(`a line is named like "GPIO17" or "gpiochip0:17"`)
	case strings.TrimSpace(line) != line:
		return "", -1, "", fmt.Errorf("line %q begins or ends with a space", line)
	}
	colon := strings.LastIndexByte(line, ':')
	if colon < 0 {
		if len(line) >= nameSize {
			return "", -1, "", fmt.Errorf("line %q: a line's name has at most %d letters", line, nameSize-1)
		}
		return "", -1, line, nil
	}
	chip = strings.TrimPrefix(line[:colon], "/dev/")
	if chip == "" || len(chip) >= nameSize {
		return "", -1, "", fmt.Errorf(`line %q: before the colon stands a chip, as in "gpiochip0:17"`, line)
	}
	number, err := strconv.ParseUint(line[colon+1:], 10, 16)
	if err != nil {
		return "", -1, "", fmt.Errorf(`line %q: after the colon stands the line's number on the chip, as in "gpiochip0:17"`, line)
	}
	return chip, int(number), "", nil
}

// Pull is what draws a line's level while nothing else does. The zero Pull
// leaves it as the board set it.
type Pull uint8

// The pulls.
const (
	PullAsIs Pull = iota
	PullUp
	PullDown
	PullOff
)

var pulls = [...]struct {
	name  string
	flags uint64
}{PullAsIs: {"", 0}, PullUp: {"up", flagPullUp}, PullDown: {"down", flagPullDown}, PullOff: {"off", flagPullOff}}

func (p Pull) String() string { return pulls[int(p)%len(pulls)].name }

// MarshalText writes the word of the config.
func (p Pull) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the word of the config: up, down or off.
func (p *Pull) UnmarshalText(text []byte) error {
	for i := PullUp; i <= PullOff; i++ {
		if i.String() == string(text) {
			*p = i
			return nil
		}
	}
	return fmt.Errorf("pull is up, down or off, not %q", text)
}
