package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"pinbell/sensors"
)

// chipsConfig has four chips on the bus, of which the last is not there.
const chipsConfig = `
[[sensor]]
name    = "rack"
driver  = "tmp105"
address = 0x48
every   = "500ms"

[[sensor]]
name    = "case"
driver  = "lm75"
address = 0x49
every   = "1s"

[[sensor]]
name    = "air"
driver  = "bme280"
address = 0x76
every   = "1s"

[[sensor]]
name         = "cellar"
driver       = "lm75"
address      = 0x4d
every        = "1s"
silent_after = "3s"

[[rule]]
name  = "rack-hot"
when  = "rack.temperature > 30"
until = "rack.temperature < 28"

[[rule]]
name = "cellar-warm"
when = "cellar.temperature > 30"
`

// chipsScenario reads all chips, warms one over its limit and cools it.
func chipsScenario(ctx context.Context, s *stage) (string, error) {
	s.config = chipsConfig
	if err := s.switchOn(ctx, power{clock: "now", bme280: "19.2,987.5,61"}); err != nil {
		return "", err
	}
	if err := readings(ctx, s); err != nil {
		return "", err
	}
	letters, err := s.letters(ctx, 1)
	if err != nil {
		return "", err
	}
	if l := letters[0]; !strings.Contains(l.text, "Cellar") || !strings.Contains(l.text, "0x4d") {
		return "", fmt.Errorf("the first mail should say that 0x4d does not answer: %q", l.text)
	}
	up, err := cross(ctx, s, 31.5, 2, "31.5 °C")
	if err != nil {
		return "", err
	}
	down, err := cross(ctx, s, 27, 3, "27.0 °C")
	if err != nil {
		return "", err
	}
	if err := s.terminate(ctx); err != nil {
		return "", err
	}
	if letters, err = s.mails(); err != nil {
		return "", err
	}
	return fmt.Sprintf("tmp105, lm75 and bme280 read as set, 0x4d lost and told; over the limit to mail %d ms, under it %d ms (read every 500 ms)",
		up.Milliseconds(), down.Milliseconds()), once(letters, 3)
}

// readings checks that the chips which are there are read as set, and that the
// one which is not is a fault and nothing else.
func readings(ctx context.Context, s *stage) error {
	r, err := s.until(ctx, time.Minute, "all chips are read, and cellar is lost", func(r report) bool {
		return r.sensor("rack").Read && r.sensor("case").Read && r.sensor("air").Read && r.sensor("cellar").Lost
	})
	if err != nil {
		return err
	}
	for _, c := range []struct {
		sensor   string
		quantity sensors.Quantity
		want     float64
		off      float64 // a step of the chip, or of what the emulation can be set to
	}{
		{"rack", sensors.Temperature, 21.5, 0.01}, {"case", sensors.Temperature, 4, 0.01},
		{"air", sensors.Temperature, 19.2, 0.02}, {"air", sensors.Pressure, 987.5, 0.1}, {"air", sensors.Humidity, 61, 0.1},
	} {
		if v, known := r.value(c.sensor, c.quantity); !known || math.Abs(v-c.want) > c.off {
			return fmt.Errorf("%s.%s is %v (known: %v), set was %v", c.sensor, c.quantity, v, known, c.want)
		}
	}
	cellar, rule := r.sensor("cellar"), r.rule("cellar-warm")
	if cellar.Read || !strings.Contains(cellar.Fault, "0x4d") || cellar.Remedy == "" {
		return fmt.Errorf("a chip that is not there has the status %+v", cellar)
	}
	if rule.State != "unknown" {
		return fmt.Errorf("a rule about a chip that is not there is %s", rule.State)
	}
	text, err := s.ask(ctx, "status")
	for _, want := range []string{"987.5 hPa", "61.0 %RH", "NO READING"} {
		if err == nil && !strings.Contains(text, want) {
			return fmt.Errorf("pinbell status does not show %q:\n%s", want, text)
		}
	}
	return err
}

// cross sets the rack's temperature and waits for mail n, which tells it.
func cross(ctx context.Context, s *stage, celsius float64, n int, want string) (time.Duration, error) {
	at := time.Now()
	if err := s.board.heat(ctx, celsius); err != nil {
		return 0, err
	}
	letters, err := s.letters(ctx, n)
	if err != nil {
		return 0, err
	}
	l := letters[n-1]
	if !strings.Contains(l.text, "rule rack-hot") || !strings.Contains(l.text, want) {
		return 0, fmt.Errorf("mail %d should tell of the rack at %s: %q", n, want, l.text)
	}
	return l.At.Sub(at), nil
}
