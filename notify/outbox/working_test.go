package outbox

import (
	"slices"
	"testing"
)

func TestWorkIsToldWhenItBeginsAndEndsAndNotInBetween(t *testing.T) {
	var told []bool
	c := Courier{Working: func(now bool) { told = append(told, now) }}
	for _, mailOnTheLine := range []bool{false, true, true, true, false, false, true, false} {
		c.work(mailOnTheLine)
		if stuck := c.busy.Load() != 0; stuck != mailOnTheLine {
			t.Fatalf("busy is %v while a mail is on the line: %v", stuck, mailOnTheLine)
		}
	}
	if want := []bool{true, false, true, false}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}
