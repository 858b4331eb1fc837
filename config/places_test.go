package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestPlacesOfKeysInEveryWayOfWritingThem(t *testing.T) {
	const text = `# a comment with [brackets] and key = "value"
top = 1
[mail]
to = [ # why
  "a", # one, ] two
  'b',
]
"from name" = "x # no comment"
a.b . c = { d = 1, e.f = [ {g = 2}, { g = 3 } ] }

[[sensor]]
name = "one"
[sensor.offset]
temperature = 1
[[sensor]]
  name = """
two "quoted" = ""
[not.a.table]
"""
pull = 'up'
[[sensor.deep]]
x = 1
[[sensor.deep]]
x = 2
['quoted "table"'."\u00e4"]
last = '''it's'''
`
	places, deep := findPlaces(text)
	for path, want := range map[string]string{
		"top":                          "2:1",
		"mail":                         "3:1",
		"mail.to":                      "4:1",
		"mail.to[0]":                   "5:3",
		"mail.to[1]":                   "6:3",
		`mail."from name"`:             "8:1",
		"mail.a.b.c.d":                 "9:13",
		"mail.a.b.c.e.f":               "9:20",
		"mail.a.b.c.e.f[1].g":          "9:39",
		"sensor":                       "11:1",
		"sensor[0]":                    "11:1",
		"sensor[0].name":               "12:1",
		"sensor[0].offset.temperature": "14:1",
		"sensor[1]":                    "15:1",
		"sensor[1].name":               "16:3",
		"sensor[1].pull":               "20:1",
		"sensor[1].deep[1].x":          "24:1",
		`"quoted \"table\""."ä".last`:  "26:1",
	} {
		if p, ok := places[path]; !ok || fmt.Sprintf("%d:%d", p.line, p.column) != want {
			t.Errorf("%s is at %+v, not at %s", path, p, want)
		}
	}
	for path := range places {
		if strings.Contains(path, "not") || deep != 0 {
			t.Errorf("%s is inside a text; too deep in line %d", path, deep)
		}
	}
}

func TestPlacesOfTexts(t *testing.T) {
	for _, c := range []struct {
		text         string
		line, column int
		verbatim     bool
	}{
		{`k = "abc"`, 1, 6, true},
		{`k="a\tbc"`, 1, 4, false},
		{`k = 'a\tbc'`, 1, 6, true},
		{"k = \"\"\"\nabc\"\"\"", 2, 1, true},
		{"k = '''\r\nabc'''", 2, 1, true},
		{"k = '''abc'''", 1, 8, true},
		{"\n\n \"ä\".k = 'abc'", 3, 11, true},
	} {
		places, _ := findPlaces(c.text)
		p := places["k"]
		if strings.Contains(c.text, "ä") {
			p = places[`"ä".k`]
		}
		if p.textLine != c.line || p.textColumn != c.column || p.verbatim != c.verbatim {
			t.Errorf("%q begins at %+v, not at %d:%d, verbatim %v", c.text, p, c.line, c.column, c.verbatim)
		}
	}
}

func TestDeepNestingIsRefusedBeforeItCostsTime(t *testing.T) {
	const n = 100_000
	for name, text := range map[string]string{
		"arrays":        "\na = " + strings.Repeat("[", n) + strings.Repeat("]", n),
		"inline tables": "\na = " + strings.Repeat("{a = ", n) + "1" + strings.Repeat("}", n),
		"dotted keys":   "\n" + strings.Repeat("a.", n) + "a = 1",
		"dotted tables": "\n[" + strings.Repeat("a.", n) + "a]",
	} {
		_, problems := Parse("x.toml", []byte(text))
		if got := spoken(problems); got != "x.toml:2: this is nested too deeply.\n" {
			t.Errorf("%s: %s", name, got)
		}
	}
}
