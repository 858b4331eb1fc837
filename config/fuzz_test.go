package config

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Whatever stands in the file: no panic, a Config exactly when nothing is
// wrong, and each problem with a line of the file and a sentence.
func FuzzParse(f *testing.F) {
	f.Setenv("CREDENTIALS_DIRECTORY", "")
	f.Add(Example)
	f.Add([]byte("[device]\n- = 1\n[[sensor]]\n- = []\n\"\" = 1\n\".[0]\" = {}\n"))
	for _, folder := range []string{"bad", "good"} {
		names, err := filepath.Glob(filepath.Join("testdata", folder, "*.toml"))
		if err != nil || len(names) == 0 {
			f.Fatal("no seeds", err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	file := filepath.Join(f.TempDir(), "pinbell.toml")
	f.Fuzz(func(t *testing.T, text []byte) {
		config, problems := Parse(file, text)
		if (config == nil) != fatal(problems) {
			t.Errorf("config %v with:\n%s", config, spoken(problems))
		}
		lines := 1 + bytes.Count(text, []byte("\n"))
		for i, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Column < 0 || p.Sentence == "" {
				t.Errorf("of %d lines: %+v", lines, p)
			}
			if i > 0 && p.Line < problems[i-1].Line {
				t.Errorf("not in order: %+v", p)
			}
		}
		if config != nil {
			mustRun(t, config)
		}
	})
}

// mustRun checks what the rest of pinbell builds on.
func mustRun(t *testing.T, c *Config) {
	for _, s := range c.Sensors {
		if !word.MatchString(s.Name) || s.Every <= 0 || s.SilentAfter <= s.Every || len(s.Quantities) == 0 || s.Title == "" {
			t.Errorf("sensor %+v", s)
		}
	}
	for _, r := range c.Rules {
		if r.Name == "" || r.When == nil || r.For < 0 || len(r.To) == 0 || (r.UntilText != "") != (r.Until != nil) {
			t.Errorf("rule %+v", r)
		}
		for _, source := range r.Attach {
			if scheme, rest, _ := strings.Cut(source, ":"); !slices.Contains(schemes, scheme) || rest == "" {
				t.Errorf("rule %+v", r)
			}
		}
		for _, wait := range r.Repeat {
			if wait <= 0 {
				t.Errorf("rule %+v", r)
			}
		}
	}
	m := c.Mail
	if c.Device.Name == "" || c.Device.Zone == nil || len(m.To) == 0 || len(c.Sensors) == 0 {
		t.Errorf("config %+v", c)
	}
	for i, r := range m.Roads() {
		anonymous := r.Provider == "custom" || r.Provider == "unione-api"
		if r.Host == "" || r.Port == 0 || r.TLS == "" || r.From.Address == "" || r.Username == "" && !anonymous || r.Number != i || i == 0 && r.After != 0 {
			t.Errorf("road %+v", r)
		}
	}
}
