package notify

import (
	"testing"
	"time"

	"pinbell/sensors"
)

func TestAWindowIsSaidAsPeopleDo(t *testing.T) {
	for _, c := range []struct {
		window      Window
		said, value string
	}{
		{Window{}, "", "2.5 °C"},
		{Window{"avg", 10 * time.Minute}, "average of 10 min", "2.5 °C"},
		{Window{"min", time.Hour}, "lowest of 1 h", "2.5 °C"},
		{Window{"max", 90 * time.Second}, "highest of 1 min 30 s", "2.5 °C"},
		{Window{"rate", time.Hour}, "change over 1 h", "2.5 °C per hour"},
		{Window{"count", 5 * time.Minute}, "times in 5 min", "2.5"},
	} {
		if got := c.window.String(); got != c.said {
			t.Errorf("%+v: %q, want %q", c.window, got, c.said)
		}
		if got := c.window.Format(sensors.Temperature, 2.5); got != c.value {
			t.Errorf("%+v: %q, want %q", c.window, got, c.value)
		}
		if got := (Fact{Quantity: sensors.Temperature, Value: 2.5, Window: c.window}).Text(); got != c.value {
			t.Errorf("fact of %+v: %q, want %q", c.window, got, c.value)
		}
	}
}
