package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"pinbell/sensors"
	"pinbell/sensors/gpio"
)

// States are a level's words for inactive and active.
type States [2]string

// sensor checks one [[sensor]] and fills in what it leaves out.
func (c *check) sensor(i int, s *Sensor) {
	path := entry("sensor", i)
	if s.Name != "" && c.identifier(path+".name", s.Name) {
		c.once(path+".name", "name of a sensor", s.Name)
	}
	if s.Title == "" {
		s.Title = titled(s.Name)
	}
	if s.Driver == "" {
		return // told as missing
	}
	d, known := findDriver(s.Driver)
	if !known {
		names := driverNames()
		near, ok := nearest(s.Driver, names)
		c.wrong(path+".driver", did(near, ok, "There are "+strings.Join(names, ", ")+"."), "there is no driver %s", shown(s.Driver))
		return
	}
	c.fitting(path, d, s)
	c.rhythm(path, d, s)
	switch d.kind {
	case "gpio":
		c.line(path, s)
	case "chip":
		c.chip(path, d, s)
	case "file":
		c.source(path, s)
	case "replay":
		c.replay(path, s)
	}
	c.calibration(path, s)
}

// fitting notes the keys that belong to other drivers, and fills in the
// defaults of this one's.
func (c *check) fitting(path string, d driver, s *Sensor) {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		kinds := strings.Fields(tag.Get("of"))
		if len(kinds) == 0 {
			continue
		}
		at := join(path, tag.Get("toml"))
		switch mine := slices.Contains(kinds, d.kind); {
		case mine && !c.written(at):
			preset(v.Field(i), tag)
		case !mine && c.written(at):
			c.wrong(at, "Leave it out.", "this key goes with %s, not with %s", strings.ReplaceAll(strings.Join(kinds, ", "), "chip", "chips"), s.Driver)
			v.Field(i).SetZero()
		case !mine:
			v.Field(i).SetZero()
		}
	}
}

// rhythm settles how often a sensor is read, and when it counts as silent.
func (c *check) rhythm(path string, d driver, s *Sensor) {
	if s.Every == 0 {
		s.Every = d.every
	}
	if s.SilentAfter == 0 {
		s.SilentAfter = 5 * s.Every
	}
	if s.SilentAfter <= s.Every && !c.broken(path+".every") {
		c.wrong(path+".silent_after", fmt.Sprintf("Try silent_after = %q.", brief(5*s.Every)),
			"readings come every %s, so the sensor would count as silent between two of them", brief(s.Every))
	}
}

func (c *check) line(path string, s *Sensor) {
	s.Quantities = []sensors.Quantity{sensors.Level}
	if !c.given(path, "line", s.Driver) || s.Line == "" {
		return
	}
	chip, offset, name, err := gpio.ParseLine(s.Line)
	if err != nil {
		c.wrong(path+".line", "", "%v", err)
		return
	}
	c.once(path+".line", "GPIO line", fmt.Sprintf("%s %s %d", chip, name, offset))
}

// given notes a key that the driver cannot do without.
func (c *check) given(path, key, driver string) bool {
	if c.missing(path + "." + key) {
		c.wrong(path+"."+key, "", "%s is missing, and the driver %s needs it", key, driver)
		return false
	}
	return true
}

func (c *check) chip(path string, d driver, s *Sensor) {
	s.Quantities = d.chip.Quantities
	at := path + ".address"
	if !c.written(at) {
		s.Address = d.chip.Addresses[0]
	}
	if c.broken(at) || c.broken(path+".bus") {
		return
	}
	if !slices.Contains(d.chip.Addresses, s.Address) {
		c.wrong(at, "It has "+addresses(d.chip.Addresses)+".", "a %s never has the address 0x%02x", s.Driver, s.Address)
		return
	}
	if s.Bus != 1 {
		c.once(at, fmt.Sprintf("address on bus %d", s.Bus), fmt.Sprint(s.Address))
	} else {
		c.once(at, "I2C address", fmt.Sprint(s.Address))
	}
}

func addresses(all []uint16) string {
	var words []string
	for _, a := range all {
		words = append(words, fmt.Sprintf("0x%02x", a))
	}
	return strings.Join(words, ", ")
}

func (c *check) source(path string, s *Sensor) {
	if s.Quantity != sensors.None {
		s.Quantities = []sensors.Quantity{s.Quantity}
	}
	if c.given(path, "path", s.Driver) && s.Path != "" {
		s.Path = c.resolve(s.Path)
	}
	if s.Scale == 0 && !c.broken(path+".scale") {
		c.wrong(path+".scale", "Leave it out for the number as it is.", "a scale of 0 would make every value 0")
	}
	if s.Quantity == sensors.Level {
		c.wrong(path+".quantity", `Try quantity = "value", and compare it in the rule.`, "a level comes from a gpio line, and a file has a number")
	}
}

func (c *check) replay(path string, s *Sensor) {
	if !c.given(path, "path", s.Driver) || s.Path == "" {
		return
	}
	s.Path = c.resolve(s.Path)
	found := c.load(s.Path)
	if found.err != nil {
		c.wrong(path+".path", "", "the scenario cannot be read: %v", found.err)
		return
	}
	if s.Quantities = found.Quantities(s.Name); len(s.Quantities) == 0 && s.Name != "" && !c.broken(path+".name") {
		c.wrong(path+".path", "It has "+strings.Join(found.Names(), ", ")+".", "the scenario has no column for the sensor %s", shown(s.Name))
	}
	if !slices.Contains(s.Quantities, sensors.Level) {
		if c.written(path+".states") && len(s.Quantities) > 0 {
			c.wrong(path+".states", "Leave it out.", "states are words for a level, and the scenario has none for this sensor")
		}
		s.States = States{}
	}
}

// calibration checks that what is corrected is measured.
func (c *check) calibration(path string, s *Sensor) {
	for _, q := range slices.Sorted(maps.Keys(s.Offset)) {
		if len(s.Quantities) > 0 && !slices.Contains(s.Quantities, q) {
			c.wrong(join(path+".offset", q.String()), "It measures "+quantityNames(s.Quantities)+".", "this sensor does not measure %s", q)
		}
	}
}

func quantityNames(list []sensors.Quantity) string {
	var names []string
	for _, q := range list {
		names = append(names, q.String())
	}
	return strings.Join(names, ", ")
}

var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reserved are the words that mean something else in an expression, or may
// one day.
var reserved = strings.Fields(`and or not in is if else then let true false nil null
	matches contains startsWith endsWith between mode now hour minute day weekday
	avg mean min max sum count first last median rate change abs round age for since any all none one filter map`)

// identifier checks that a word can stand in an expression as a name.
func (c *check) identifier(path, name string) bool {
	switch {
	case !word.MatchString(name):
		hint := "Use letters, digits and _, beginning with a letter."
		if better := repaired(name); better != "" {
			hint = fmt.Sprintf("Try %q.", better)
		}
		c.wrong(path, hint, "%s cannot stand in a rule as a name", shown(name))
	case slices.Contains(reserved, name):
		c.wrong(path, fmt.Sprintf("Try %q.", name+"_1"), "%q is a word of the rule language", name)
	default:
		return true
	}
	return false
}

var notWord = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// repaired makes an identifier of a name, if there is something to make it of.
func repaired(name string) string {
	better := strings.Trim(notWord.ReplaceAllString(name, "_"), "_")
	if better != "" && '0' <= better[0] && better[0] <= '9' {
		better = "s" + better
	}
	return better
}

// titled makes a title of a name: "garage-door" is "Garage door".
func titled(name string) string {
	text := strings.NewReplacer("-", " ", "_", " ").Replace(name)
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// states reads the two words for a level.
func (c *check) states(path string, in any, out reflect.Value, _ tags) {
	const example = `Try states = ["closed", "open"]: the word for inactive, and the one for active.`
	values, ok := entries(in)
	if !ok || len(values) != 2 {
		c.wrong(path, example, "two words are wanted here")
		return
	}
	var states States
	for i, value := range values {
		at := entry(path, i)
		text, ok := c.text(at, value, `max:"40"`)
		switch _, isQuantity := sensors.ParseQuantity(text); {
		case !ok:
			return
		case isQuantity:
			c.wrong(at, example, "%q is a quantity", text)
			return
		case !c.identifier(at, text):
			return
		}
		states[i] = text
	}
	if states[0] == states[1] {
		c.wrong(path, example, "both states have the same word")
		return
	}
	out.Set(reflect.ValueOf(states))
}
