package config

import (
	"testing"

	"github.com/expr-lang/expr/builtin"
	"pgregory.net/rapid"

	"pinbell/notify/rules"
	"pinbell/sensors"
)

// compiles reports what the rule language thinks of a word as a sensor's name
// and as a state.
func compiles(name string) error {
	e := rules.Env{Sensors: []rules.SensorEnv{
		{Name: name, Quantities: []sensors.Quantity{sensors.Value}},
		{Name: "door", Quantities: []sensors.Quantity{sensors.Level}, States: [2]string{"closed_", name}},
	}}
	if name == "door" {
		e.Sensors = e.Sensors[1:]
	} else if _, err := rules.Compile(name+".value > 1", e); err != nil {
		return err
	}
	_, err := rules.Compile("not door."+name, e)
	return err
}

func accepts(name string) bool {
	c := check{}
	return c.identifier("sensor[0].name", name)
}

func TestNameThatPassesCanStandInARule(t *testing.T) {
	for _, f := range builtin.Builtins {
		if err := compiles(f.Name); accepts(f.Name) && err != nil {
			t.Errorf("%s passes: %v", f.Name, err)
		}
	}
	names := rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		name := names.Draw(t, "name")
		if _, isQuantity := sensors.ParseQuantity(name); isQuantity {
			t.Skip("states are never quantities")
		}
		if err := compiles(name); accepts(name) && err != nil {
			t.Errorf("%s passes: %v", name, err)
		}
	})
}

func TestRepairedNamePasses(t *testing.T) {
	for name, want := range map[string]string{
		"garage-door": "garage_door", "garage door!": "garage_door", "2nd": "s2nd", "Tür": "T_r", "-": "", "温度": "",
	} {
		got := repaired(name)
		if got != want || got != "" && !accepts(got) {
			t.Errorf("%q becomes %q, not %q", name, got, want)
		}
	}
}

func TestTitleOfAName(t *testing.T) {
	for name, want := range map[string]string{"garage-door": "Garage door", "rack_2": "Rack 2", "": ""} {
		if got := titled(name); got != want {
			t.Errorf("%q is titled %q, not %q", name, got, want)
		}
	}
}

func TestHosts(t *testing.T) {
	for text, want := range map[string]bool{
		"time.apple.com": true, "10.0.0.1": true, "fe80::1": true, "a": true, "a.b.": true,
		"": false, ".": false, "a..b": false, "-a.b": false, "a b": false, "a/b": false, "ä.org": false, "a:25": false,
	} {
		if isHost(text) != want {
			t.Errorf("%q is a host: %v", text, !want)
		}
	}
}

func TestGuessedDurations(t *testing.T) {
	for text, want := range map[string]string{
		"5": "5m", "90 sec": "1m30s", "5 minutes": "5m", "2 hrs.": "2h", "1d": "24h", "0.5h": "30m", "250 ms": "250ms",
		"": "5m", "soon": "5m", "3 fortnights": "5m", "1e99": "5m", "nan": "5m", "9999999999999999999h": "5m", "0": "5m",
	} {
		if got := durationHint("rule[0].for", text, ""); got != `Try for = "`+want+`".` {
			t.Errorf("%q: %s", text, got)
		}
	}
}
