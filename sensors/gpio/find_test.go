package gpio

import (
	"strings"
	"testing"
)

func TestALineIsFoundWithItsHolderAndNotRequested(t *testing.T) {
	k := newKernel(t)
	c := k.pi()
	c.lines[17] = lineInfo{Name: cText("GPIO17"), Offset: 17, Consumer: cText("pinbell"), Flags: flagUsed}
	c.lines[4] = lineInfo{Name: cText("GPIO4"), Offset: 4, Consumer: cText("onewire"), Flags: flagUsed}
	for line, want := range map[string]struct {
		place string
		used  bool
		ours  bool
	}{
		"GPIO17":       {"gpiochip0:17", true, true},
		"gpiochip0:17": {"gpiochip0:17", true, true},
		"GPIO4":        {"gpiochip0:4", true, false},
		"GPIO5":        {"gpiochip0:5", false, false},
	} {
		spot, fault := k.board().spot(line)
		if fault != nil || spot.String() != want.place || spot.Used != want.used || spot.Ours() != want.ours {
			t.Errorf("%s: %v used %v ours %v, %v; want %+v", line, spot, spot.Used, spot.Ours(), fault, want)
		}
	}
	if len(k.asked) > 0 {
		t.Errorf("looking for a line requested it: %+v", k.asked)
	}
}

func TestALineThatIsNotThereIsAFaultWithWhatIs(t *testing.T) {
	k := newKernel(t)
	k.pi()
	spot, fault := k.board().spot("GPIO71")
	if fault == nil || !strings.Contains(fault.Remedy, "GPIO7") || spot.String() != ":0" {
		t.Errorf("GPIO71 is %v, %+v", spot, fault)
	}
	if _, fault := k.board().spot("gpiochip0:99"); fault == nil {
		t.Error("line 99 of 28 was found")
	}
}
