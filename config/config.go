// Package config reads pinbell.toml: all of it, or every problem at once.
//
// It promises that a Config it hands out can be run as it stands: names are
// unique and known, expressions are compiled against the sensors that exist,
// numbers and durations are in bounds, defaults are filled in. Each problem
// has its line and a sentence that its owner can act on, and one mistake is
// told once, not again by all that follows from it.
//
// It never opens a device, never touches the network, never guesses a unit,
// and never shows a password: not in a Config, not in a Problem. It keeps no
// state. Of the file system it reads the config, and what the config names:
// the password's file (its mode and shape only), ca_file, scenarios, and
// whether there is a program to run for an attachment. It runs none.
package config

import (
	"errors"
	"io"
	"io/fs"
	"net/mail"
	"os"
	"reflect"
	"syscall"
	"time"

	"pinbell/notify"
	"pinbell/notify/rules"
	"pinbell/sensors"
	"pinbell/sensors/gpio"
)

// Config is a checked pinbell.toml with its defaults filled in.
type Config struct {
	Device  Device
	Mail    Mail
	Time    Time
	Limits  Limits
	Sensors []Sensor     // in the file's order, which is that of the rules' slots
	Rules   []rules.Rule // compiled, in the file's order
}

// File is the shape of pinbell.toml. Its tags, which are described at decode,
// are what the checks, the documentation and the schema are made from.
type File struct {
	Device  Device   `toml:"device" doc:"the board"`
	Mail    Mail     `toml:"mail" required:"yes" doc:"how alerts are sent, and to whom"`
	Time    Time     `toml:"time" doc:"who is asked for the time"`
	Limits  Limits   `toml:"limits" doc:"how many mails are sent at most; what exceeds them waits and goes out together"`
	Sensors []Sensor `toml:"sensor" count:"1000" doc:"what is watched"`
	Rules   []Rule   `toml:"rule" count:"1000" doc:"what is told"`
}

// Device is the [device] section.
type Device struct {
	Name     string         `toml:"name" max:"64" doc:"in every subject; default: the host name"`
	Timezone string         `toml:"timezone" doc:"of times in mails and rules, as in Europe/London; default: the system's"`
	Zone     *time.Location `toml:"-"` // never nil
}

// Mail is the [mail] section: the first road, and what goes for every road.
type Mail struct {
	Road
	To        []string  `toml:"to" count:"500" doc:"recipients; default: the address in from"`
	Fallback  []Road    `toml:"fallback" count:"4" doc:"other roads, tried in this order when those before fail"`
	Templates Templates `toml:"templates" doc:"the owner's own words for subject and text"`
}

// Road is one way for a mail to go: a server, an account there and a sender.
// It has its own section for each fallback; the first one's keys stand in
// [mail] itself. In a Config, Host, Port and TLS are filled in for every
// provider, and Username is empty where there is no login.
type Road struct {
	Provider     string        `toml:"provider" required:"yes" oneof:"icloud gmail outlook fastmail unione-us unione-eu unione-api custom" doc:"who takes the mails"`
	Username     string        `toml:"username" doc:"of the account: the full address at most providers; none for unione-api, nor for a custom relay without login"`
	PasswordFile string        `toml:"password_file" max:"1024" secret:"yes" doc:"file with the password alone, of mode 600; or password_env, or, where these give nothing, a systemd credential named mail.password (mail.fallback.1.password and so on)"`
	PasswordEnv  string        `toml:"password_env" secret:"yes" doc:"environment variable with the password"`
	From         mail.Address  `toml:"from" doc:"sender, as in Garage <alex@icloud.com>; default: username"`
	Host         string        `toml:"host" doc:"custom: the server's name; unione-api: a data centre's, default api.unione.io"`
	Port         int           `toml:"port" min:"1" max:"65535" doc:"custom, default: 587 with starttls, 465 with implicit; unione-api, default: 443"`
	TLS          string        `toml:"tls" oneof:"starttls implicit" doc:"custom only; default: starttls"`
	CAFile       string        `toml:"ca_file" max:"1024" doc:"custom and unione-api: certificates (PEM) of a private authority"`
	After        time.Duration `toml:"after" min:"0s" max:"168h" default:"15m" doc:"fallbacks only: how long the roads before must have failed; critical mails take it at once"`
	PerHour      int           `toml:"per_hour" min:"1" max:"10000" doc:"fallbacks only: mails an hour by this road; default: [limits] alone"`
	PerDay       int           `toml:"per_day" min:"1" max:"100000" doc:"fallbacks only: mails a day by this road, never above the provider's own cap; default: [limits] alone"`

	Number int `toml:"-"` // 0 for the first road, then 1 for the first fallback, and so on
}

// Templates is the [mail.templates] section: texts of text/template, empty
// where pinbell's own words are wanted.
type Templates struct {
	Subject string `toml:"subject" max:"1000" doc:"template of the subject line; default: pinbell's own"`
	Body    string `toml:"body" max:"20000" lines:"many" doc:"template of the text; default: pinbell's own"`
}

// Time is the [time] section.
type Time struct {
	Servers []string `toml:"servers" count:"8" default:"time.apple.com time.cloudflare.com pool.ntp.org" doc:"NTP servers, host or host:port; with an empty list only the kernel is asked"`
}

// Limits is the [limits] section.
type Limits struct {
	PerHour int     `toml:"per_hour" min:"1" max:"10000" default:"20" doc:"alert mails an hour"`
	PerDay  int     `toml:"per_day" min:"1" max:"100000" default:"200" doc:"alert mails a day, never above the provider's own cap"`
	Reserve Percent `toml:"reserve" max:"90" default:"20%" doc:"share of the day that is kept for critical rules"`
}

// Sensor is one [[sensor]] section. Keys of other drivers are zero.
type Sensor struct {
	Name        string           `toml:"name" required:"yes" max:"40" doc:"an identifier: rules use it"`
	Title       string           `toml:"title" max:"80" doc:"as people call it; default: from the name"`
	Driver      string           `toml:"driver" required:"yes" doc:"gpio, file, replay, or a chip's name"`
	Every       time.Duration    `toml:"every" min:"10ms" max:"24h" unit:"s" doc:"time between readings; default: 10s, 1s for replay; 30s for gpio, whose edges are told at once"`
	SilentAfter time.Duration    `toml:"silent_after" doc:"without a reading for so long, the silence is told; default: five times every"`
	Offset      Offset           `toml:"offset" of:"chip file replay" doc:"calibration: added to each value of a quantity"`
	Line        string           `toml:"line" of:"gpio" doc:"a line's name, as in GPIO17, or chip and offset, as in gpiochip0:17"`
	Pull        gpio.Pull        `toml:"pull" of:"gpio" oneof:"up down off" doc:"resistor inside the processor; default: as the board has set it"`
	Active      string           `toml:"active" of:"gpio" oneof:"high low" default:"high" doc:"level that counts as active"`
	States      States           `toml:"states" of:"gpio replay" default:"inactive active" doc:"words for inactive and active that rules may use"`
	Debounce    time.Duration    `toml:"debounce" of:"gpio" min:"0s" max:"1m" unit:"ms" default:"50ms" doc:"a level counts when it has held so long"`
	Bus         int              `toml:"bus" of:"chip" min:"0" max:"255" default:"1" doc:"number of the I2C bus"`
	Address     uint16           `toml:"address" of:"chip" min:"0" max:"127" doc:"of the chip on its bus; default: the chip's usual one"`
	Path        string           `toml:"path" of:"file replay" max:"1024" doc:"the file with a number, or the scenario (CSV)"`
	Scale       float64          `toml:"scale" of:"file" default:"1" doc:"what the file's number is multiplied with"`
	Quantity    sensors.Quantity `toml:"quantity" of:"file" default:"value" doc:"what the file's number is"`

	Quantities []sensors.Quantity `toml:"-"` // what the sensor measures
}

// Rule is one [[rule]] section as it is written.
type Rule struct {
	Name     string          `toml:"name" required:"yes" max:"64" doc:"letters, digits and hyphens: commands use it"`
	Title    string          `toml:"title" max:"80" doc:"as people call it; default: from the name"`
	When     string          `toml:"when" required:"yes" max:"2000" lines:"many" doc:"the condition that is told"`
	Until    string          `toml:"until" max:"2000" lines:"many" doc:"the condition that ends it; default: not when"`
	For      time.Duration   `toml:"for" min:"0s" default:"0s" doc:"how long the condition must hold"`
	Severity notify.Severity `toml:"severity" oneof:"info warning critical" default:"warning" doc:"critical may use the day's reserve"`
	Repeat   []time.Duration `toml:"repeat" count:"16" default:"1h 6h 24h" doc:"time to each reminder, the last one goes on; an empty list: none"`
	To       []string        `toml:"to" count:"500" doc:"recipients; default: those of [mail]"`
	Message  string          `toml:"message" max:"2000" lines:"many" doc:"in the mail, in the owner's own words"`
	AtMost   notify.Rate     `toml:"at_most" doc:"mails of this rule, as in 3 per 1h; what exceeds it waits for the next one; default: as [limits] allow"`
	Attach   []string        `toml:"attach" count:"4" max:"1024" doc:"what goes with its mails: file:path, http://address, https://address, or exec:program and its arguments"`
}

// maxFile bounds the file's size in bytes.
const maxFile = 1 << 20

// Load reads and checks a file. The Config is nil if any of the problems is
// more than a warning.
func Load(path string) (*Config, []Problem) {
	text, err := readFile(path)
	if err != nil {
		sentence, hint := unreadable(err)
		return nil, []Problem{{File: path, Sentence: sentence, Hint: hint}}
	}
	return Parse(path, text)
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFile+1))
}

func unreadable(err error) (sentence, hint string) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file", "Write one, beginning with pinbell.example.toml, or name another one with --config."
	case errors.Is(err, fs.ErrPermission):
		return "this user may not read it", "Run this as a user who may, as with sudo."
	case errors.Is(err, syscall.EISDIR):
		return "this is a folder", "Name the file in it."
	}
	return "it cannot be read: " + cause(err).Error(), ""
}

// cause leaves the path out of a file's error.
func cause(err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		return inner.Err
	}
	return err
}

// Parse checks a text. The file's name is used in problems, and its folder is
// where relative paths start.
func Parse(file string, text []byte) (*Config, []Problem) {
	c := &check{file: file, meant: map[string]bool{}, first: map[string]string{}, scenarios: map[string]scenario{}}
	table, ok := c.syntax(text)
	if !ok {
		return nil, c.problems()
	}
	var f File
	c.decode("", table, reflect.ValueOf(&f).Elem())
	config := c.config(&f)
	problems := c.problems()
	if fatal(problems) {
		return nil, problems
	}
	return config, problems
}

// config makes a Config of what the file says, and checks what depends on
// more than one key or on the board.
func (c *check) config(f *File) *Config {
	c.device(&f.Device)
	if c.written("mail") && !c.told("mail") {
		c.mail(&f.Mail)
	}
	c.servers(f.Time.Servers)
	c.cap("limits.per_day", f.Limits.PerDay, f.Mail.Provider)
	if len(f.Sensors) == 0 && !c.broken("sensor") && !c.meant["sensor"] {
		c.wrong("sensor", "Add a [[sensor]] with a name and a driver; pinbell.example.toml shows each kind.", "there is no sensor, so there is nothing to watch")
	}
	if len(f.Rules) == 0 && !c.broken("rule") && !c.meant["rule"] {
		c.warn("rule", `Add a [[rule]] with a name and when = "...".`, "there is no rule: only a sensor's silence will be told")
	}
	for i := range f.Sensors {
		c.sensor(i, &f.Sensors[i])
	}
	config := &Config{Device: f.Device, Mail: f.Mail, Time: f.Time, Limits: f.Limits, Sensors: f.Sensors}
	env := c.env(f.Sensors)
	for i := range f.Rules {
		config.Rules = append(config.Rules, c.rule(i, &f.Rules[i], config, env))
	}
	return config
}
