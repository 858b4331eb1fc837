package config

import (
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/smtp"
	"pinbell/sensors"
	"pinbell/sensors/gpio"
)

// head is a config without sensors and rules.
const head = `[mail]
provider = "icloud"
username = "alex@icloud.com"
password_file = "mail.password"
`

// parse checks a text in a folder of its own that has a password.
func parse(t *testing.T, text string) (*Config, []Problem) {
	t.Helper()
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "mail.password"), []byte("abcd-efgh-ijkl-mnop\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(folder)
	return Parse("pinbell.toml", []byte(text))
}

// accepted is the config of a text that has no problem at all.
func accepted(t *testing.T, text string) *Config {
	t.Helper()
	config, problems := parse(t, text)
	if config == nil || len(problems) > 0 {
		t.Fatalf("not accepted:\n%s", spoken(problems))
	}
	return config
}

func TestDefaultsOfEveryDriver(t *testing.T) {
	config := accepted(t, head+`
[[sensor]]
name = "garage_door"
driver = "gpio"
line = "GPIO17"
[[sensor]]
name = "freezer"
driver = "bme280"
[[sensor]]
name = "rack"
driver = "file"
path = "temp"
[[rule]]
name = "door-open"
when = "garage_door.active"
`)
	want := []Sensor{
		{
			Name: "garage_door", Title: "Garage door", Driver: "gpio", Every: 30 * time.Second, SilentAfter: 150 * time.Second,
			Line: "GPIO17", Pull: gpio.PullAsIs, Active: "high", States: States{"inactive", "active"}, Debounce: 50 * time.Millisecond,
			Quantities: []sensors.Quantity{sensors.Level},
		},
		{
			Name: "freezer", Title: "Freezer", Driver: "bme280", Every: 10 * time.Second, SilentAfter: 50 * time.Second,
			Bus: 1, Address: 0x76, Quantities: []sensors.Quantity{sensors.Temperature, sensors.Pressure, sensors.Humidity},
		},
		{
			Name: "rack", Title: "Rack", Driver: "file", Every: 10 * time.Second, SilentAfter: 50 * time.Second,
			Path: "temp", Scale: 1, Quantity: sensors.Value, Quantities: []sensors.Quantity{sensors.Value},
		},
	}
	if !reflect.DeepEqual(config.Sensors, want) {
		t.Errorf("sensors\n%+v\nnot\n%+v", config.Sensors, want)
	}
}

func TestDefaultsOfRulesAndSections(t *testing.T) {
	config := accepted(t, head+`
[[sensor]]
name = "door"
driver = "gpio"
line = "GPIO17"
[[rule]]
name = "door-open"
when = "door.active"
`)
	rule := config.Rules[0]
	if rule.When == nil || rule.Until != nil {
		t.Errorf("when %v, until %v", rule.When, rule.Until)
	}
	rule.When = nil
	if got, want := fmt.Sprintf("%+v", rule), "{Name:door-open Title:Door open Message: When:<nil> Until:<nil> For:0s Severity:warning "+
		"Repeat:[1h0m0s 6h0m0s 24h0m0s] To:[alex@icloud.com] AtMost: Attach:[] WhenText:door.active UntilText:}"; got != want {
		t.Errorf("rule\n%s\nnot\n%s", got, want)
	}
	if got, want := config.Mail.From, (mail.Address{Address: "alex@icloud.com"}); got != want {
		t.Errorf("from %v", got)
	}
	if want := (Limits{PerHour: 20, PerDay: 200, Reserve: 20}); config.Limits != want {
		t.Errorf("limits %+v", config.Limits)
	}
	if want := []string{"time.apple.com", "time.cloudflare.com", "pool.ntp.org"}; !reflect.DeepEqual(config.Time.Servers, want) {
		t.Errorf("time servers %v", config.Time.Servers)
	}
	if config.Device.Name != hostName() || config.Device.Zone != time.Local {
		t.Errorf("device %+v on %q", config.Device, hostName())
	}
}

func TestEveryKeyOfTheExampleCounts(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	config, _ := Parse("/srv/pinbell.toml", Example)
	door, freezer, rack, warm := config.Sensors[0], config.Sensors[1], config.Sensors[2], config.Rules[0]
	for what, pair := range map[string][2]any{
		"zone":     {config.Device.Zone.String(), "Europe/London"},
		"from":     {config.Mail.From, mail.Address{Name: "Garage", Address: "alex@icloud.com"}},
		"pull":     {door.Pull, gpio.PullUp},
		"active":   {door.Active, "low"},
		"states":   {door.States, States{"closed", "open"}},
		"address":  {freezer.Address, uint16(0x76)},
		"offset":   {freezer.Offset, Offset{sensors.Temperature: -0.4}},
		"scale":    {rack.Scale, 0.001},
		"quantity": {rack.Quantity, sensors.Temperature},
		"silent":   {rack.SilentAfter, time.Minute},
		"for":      {warm.For, 5 * time.Minute},
		"severity": {warm.Severity, notify.Critical},
		"repeat":   {warm.Repeat, []time.Duration{15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}},
		"to":       {warm.To, []string{"alex@icloud.com", "sam@icloud.com"}},
		"message":  {warm.Message, "The freezer has been too warm for five minutes."},
		"until":    {warm.UntilText, "freezer.temperature < -17"},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s is %v, not %v", what, pair[0], pair[1])
		}
	}
}

// A key that the example does not show is a key that nobody finds.
func TestExampleShowsEveryKeyAndEveryKeyIsExplained(t *testing.T) {
	for _, name := range driverNames() {
		if !strings.Contains(string(Example), name) {
			t.Errorf("the example does not show the driver %s", name)
		}
	}
	for _, kind := range []reflect.Type{
		reflect.TypeFor[Device](), reflect.TypeFor[Mail](), reflect.TypeFor[Templates](), reflect.TypeFor[Time](),
		reflect.TypeFor[Limits](), reflect.TypeFor[Sensor](), reflect.TypeFor[Rule](),
	} {
		for tag, field := range keys(reflect.New(kind).Elem()) {
			key := tag.Get("toml")
			way := `(?m)^[# ]*` + key + ` *= `
			if field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct || field.Kind() == reflect.Struct && field.Type().PkgPath() == configPackage {
				way = `(?m)^#?\[+mail\.` + key + `\]`
			}
			if !regexp.MustCompile(way).Match(Example) {
				t.Errorf("the example does not show %s.%s", kind.Name(), key)
			}
			if tag.Get("doc") == "" {
				t.Errorf("%s.%s is not explained", kind.Name(), key)
			}
		}
	}
	list := string(regexp.MustCompile(`(?m)^# icloud, .*$`).Find(Example))
	for _, provider := range smtp.Providers() {
		if !regexp.MustCompile(`\s` + provider + `[,.]`).MatchString(list) {
			t.Errorf("the example does not show the provider %s", provider)
		}
	}
}

// What stands in the example after a # without a space works as it stands.
func TestExamplesThatAreCommentedOutPassToo(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	whole := regexp.MustCompile(`(?m)^#(\S)`).ReplaceAll(Example, []byte("$1"))
	config, problems := Parse("/srv/pinbell.toml", whole)
	if config == nil {
		t.Fatalf("it does not pass:\n%s", spoken(problems))
	}
	for _, p := range problems {
		if !strings.Contains(p.Key, ".password_") && p.Key != "rule.attach" {
			t.Errorf("beside passwords and a camera's program: %s", p)
		}
	}
	warm := config.Rules[0]
	for what, pair := range map[string][2]any{
		"rules":     {len(config.Rules), 9},
		"fallbacks": {len(config.Mail.Fallback), 2},
		"at_most":   {warm.AtMost, notify.Rate{Mails: 3, Per: time.Hour}},
		"attach":    {warm.Attach, []string{"file:/run/cam/last.jpg", "http://127.0.0.1:8080/snapshot", "exec:/usr/bin/rpicam-still -o -"}},
		"subject":   {config.Mail.Templates.Subject, "{{.Title}} {{.Value}} in the garage"},
		"body":      {config.Mail.Templates.Body, "{{.Title}} since {{.Since}}, says the garage.\n{{.Body}}\n"},
		"per_day":   {config.Mail.Fallback[0].PerDay, 100},
		"host":      {config.Mail.Fallback[1].Host, "eu1.unione.io"},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s is %v, not %v", what, pair[0], pair[1])
		}
	}
}

func TestRelativePathsStartAtTheConfigsFolder(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	config, problems := Parse("/srv/bell/pinbell.toml", []byte(head+`
[[sensor]]
name = "rack"
driver = "file"
path = "values/temp"
[[sensor]]
name = "hall"
driver = "file"
path = "/sys/temp"
`))
	if config == nil {
		t.Fatal(spoken(problems))
	}
	got := []string{config.Mail.PasswordFile, config.Sensors[0].Path, config.Sensors[1].Path}
	if want := []string{"/srv/bell/mail.password", "/srv/bell/values/temp", "/sys/temp"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestUnreadableFileIsAProblem(t *testing.T) {
	folder := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(folder, "none.toml"):  ": there is no such file. ",
		folder:                              ": this is a folder. ",
		filepath.Join(folder, "x\x00.toml"): ": it cannot be read: invalid argument.",
	} {
		config, problems := Load(path)
		if config != nil || len(problems) != 1 || !strings.HasPrefix(problems[0].String(), path+want) {
			t.Errorf("%s: config %v, problems:\n%s", path, config, spoken(problems))
		}
	}
}

func TestNumbersOfSensorsAndRulesAreBounded(t *testing.T) {
	text := head
	for i := range 1001 {
		text += fmt.Sprintf("[[sensor]]\nname = \"s%d\"\ndriver = \"file\"\npath = \"p\"\n", i)
	}
	for i := range 1001 {
		text += fmt.Sprintf("[[rule]]\nname = \"r%d\"\nwhen = \"s%d.value > 1\"\n", i, i)
	}
	_, problems := parse(t, text)
	want := "pinbell.toml:5: sensor: 1001 entries are too many, the most is 1000.\n" +
		"pinbell.toml:4009: rule: 1001 entries are too many, the most is 1000.\n"
	if got := spoken(problems); got != want {
		t.Errorf("said\n%s", got)
	}
	_, problems = parse(t, head+"#"+strings.Repeat(" ", maxFile))
	if got := spoken(problems); got != "pinbell.toml:1: the file is larger than 1024 KB.\n" {
		t.Errorf("said\n%s", got)
	}
}

// A rule about a sensor whose section is wrong is not told as wrong itself.
func TestMistakeInASensorIsToldOnce(t *testing.T) {
	for name, c := range map[string][2]string{
		"unknown driver":   {"[[sensor]]\nname = \"door\"\ndriver = \"gpoi\"", "there is no driver"},
		"misspelt driver":  {"[[sensor]]\nname = \"door\"\ndriverr = \"gpio\"", "there is no key of this name"},
		"no identifier":    {"[[sensor]]\nname = \"the door\"\ndriver = \"file\"\npath = \"x\"", "cannot stand in a rule"},
		"name missing":     {"[[sensor]]\ndriver = \"file\"\npath = \"x\"", "name is missing"},
		"wrong states":     {"[[sensor]]\nname = \"door\"\ndriver = \"gpio\"\nline = \"a\"\nstates = [\"open\"]", "two words"},
		"wrong quantity":   {"[[sensor]]\nname = \"door\"\ndriver = \"file\"\npath = \"x\"\nquantity = \"volt\"", "there is no quantity"},
		"wrong brackets":   {"[sensor]\nname = \"door\"", "list of sections"},
		"misspelt section": {"[[sensro]]\nname = \"door\"", "there is no section"},
	} {
		_, problems := parse(t, head+c[0]+"\n[[rule]]\nname = \"r\"\nwhen = \"door.open\"\n")
		if len(problems) != 1 || !strings.Contains(problems[0].Sentence, c[1]) {
			t.Errorf("%s:\n%s", name, spoken(problems))
		}
	}
}

func TestMistakeInAKeyIsNotToldAgainByWhatDependsOnIt(t *testing.T) {
	rule := "\n[[rule]]\nname = \"r\"\nwhen = \"a.value > 1\"\n"
	file := "[[sensor]]\nname = \"a\"\ndriver = \"file\"\npath = \"x\"\n"
	for name, text := range map[string]string{
		"every":        file + "every = 5\nsilent_after = \"6s\"" + rule,
		"silent_after": file + "every = \"1h\"\nsilent_after = 5" + rule,
		"quantity":     file + "quantity = \"volts\"\noffset = { voltage = 1 }" + rule,
		"scale":        file + "scale = \"1\"" + rule,
		"repeat":       file + rule + "repeat = [\"6h\", 1]",
		"to":           file + rule + "to = [\"a@example.org\", \"a\"]",
		"when":         file + strings.Replace(rule, "1", "", 1) + "until = \"a.value < 0\"",
	} {
		if _, problems := parse(t, head+text); len(problems) != 1 {
			t.Errorf("%s:\n%s", name, spoken(problems))
		}
	}
}

func TestMistakeInARuleIsToldBesideOneInASensor(t *testing.T) {
	_, problems := parse(t, head+"[[sensor]]\nname = \"door\"\ndriver = \"gpoi\"\n[[sensor]]\nname = \"rack\"\ndriver = \"lm75\"\n"+
		"[[rule]]\nname = \"r\"\nwhen = \"rack.humidity > 3\"\n")
	if len(problems) != 2 {
		t.Error(spoken(problems))
	}
}

func TestProblemsComeInTheOrderOfTheFile(t *testing.T) {
	atHome(t, "bad")
	_, problems := Load("many-at-once.toml")
	for i := range problems {
		if i > 0 && problems[i].Line < problems[i-1].Line {
			t.Errorf("line %d after line %d", problems[i].Line, problems[i-1].Line)
		}
	}
	if len(problems) < 5 {
		t.Errorf("only %d problems", len(problems))
	}
}
