package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// doctorConfig has lines, chips, one that is not there, and one line that
// another program is made to hold.
const doctorConfig = doorConfig + `
[[sensor]]
name    = "rack"
driver  = "tmp105"
address = 0x48

[[sensor]]
name    = "air"
driver  = "bme280"
address = 0x76

[[sensor]]
name    = "cellar"
driver  = "lm75"
address = 0x4d
`

// doctorScenario asks the doctor beside the daemon, without it, and as a user
// who may open nothing.
func doctorScenario(ctx context.Context, s *stage) (string, error) {
	s.config = doctorConfig
	if err := s.switchOn(ctx, power{clock: "now", lines: []string{door + "=" + doorClosed}, bme280: "19.2,987.5,61"}); err != nil {
		return "", err
	}
	if err := s.trusted(ctx); err != nil {
		return "", err
	}
	if _, err := s.until(ctx, stepLimit, "the chips are read", func(r report) bool { return r.sensor("air").Read && r.sensor("cellar").Fault != "" }); err != nil {
		return "", err
	}
	for _, look := range []struct {
		before, user string
		says         []string
	}{
		{"true", "", []string{
			`ok +gpio +gpiochip0 \(.*, \d+ lines\)`, `ok +door +line GPIO17 \(gpiochip0:\d+\), as the running pinbell sees it: closed`,
			`ok +i2c bus 1 +/dev/i2c-1 opens`, `ok +air +bme280 at 0x76 on bus 1, as the running pinbell sees it: 19\.2`,
			`FAULT +cellar +lm75 at 0x4d on bus 1 does not answer`, `ok +sender`, `ok +daemon|warn +daemon`,
		}},
		{"kill -TERM $(cat /run/NAME.pid); while [ ! -e /run/NAME.exit ]; do sleep 0.1; done; gpiomon gpiochip0 27 >/dev/null 2>&1 & sleep 1", "", []string{
			`ok +door +line GPIO17 \(gpiochip0:\d+\) is free: closed`, `FAULT +bell +line GPIO27 \(gpiochip0:\d+\) is held by "gpiomon"`,
			`ok +rack +tmp105 at 0x48 on bus 1 answers: 21\.5 °C`, `ok +air +bme280 at 0x76 on bus 1 answers: 19\.2 °C, 987\.5 hPa, 61\.0 %RH`,
			`FAULT +cellar +lm75 at 0x4d on bus 1 does not answer`, `warn +daemon +no pinbell is running`,
		}},
		{"true", "agent as 2000:2000 ", []string{
			`FAULT +door +line GPIO17: pinbell may not open /dev/gpiochip0`, `into the group gpio`,
			`FAULT +i2c bus 1 +pinbell may not use I2C bus 1`, `group i2c`, `- +air +not tried: it is behind i2c bus 1`,
		}},
	} {
		command := look.before + "; cp -r /etc/NAME /tmp/NAME; chmod -R a+rX /tmp/NAME; chmod 600 /tmp/NAME/mail.password; chown 2000 /tmp/NAME/mail.password; " +
			look.user + "/payload/pinbell doctor --config " + map[bool]string{true: "/etc", false: "/tmp"}[look.user == ""] + "/NAME/pinbell.toml --state /var/lib/pinbell/NAME; echo exit $?"
		text, err := s.board.exec(ctx, strings.ReplaceAll(command, "NAME", s.name))
		if err != nil {
			return "", err
		}
		for _, pattern := range append(look.says, "exit 3$") {
			if !regexp.MustCompile("(?m)" + pattern).MatchString(text) {
				return "", fmt.Errorf("the doctor does not say %q:\n%s", pattern, text)
			}
		}
	}
	return "beside the daemon, without it, and as a user without the groups", s.board.off(ctx, "stop")
}
