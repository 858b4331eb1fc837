package gpio

import "pinbell/sensors"

// Spot is where a line is, and who has it.
type Spot struct {
	Chip Chip
	LineInfo
}

// String names the spot by chip and number: "gpiochip0:17".
func (s Spot) String() string { return lineAt(s.Chip.Name, s.Offset) }

// Ours reports whether a pinbell holds the line: this one, or another process.
func (s Spot) Ours() bool { return s.Used && s.Consumer == consumer }

// Find looks for a line as the config names it. It requests nothing, so that
// whoever holds the line does not notice.
func Find(line string) (Spot, *sensors.Fault) { return thisBoard.spot(line) }

func (b board) spot(line string) (Spot, *sensors.Fault) {
	p, fault := b.find(line)
	if fault != nil {
		return Spot{}, fault
	}
	return Spot{p.chip, p.chip.Lines[p.offset]}, nil
}
