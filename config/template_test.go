package config

import (
	"strings"
	"testing"
)

// templated is a config with templates.
func templated(keys string) string {
	return ruled("") + "\n[mail.templates]\n" + keys
}

// The line that is told is the file's, not the template's; where escapes hide
// it, that of the key.
func TestMistakeInATemplateHasTheLineOfTheFile(t *testing.T) {
	first := strings.Count(templated(""), "\n") + 1
	for keys, want := range map[string]int{
		"subject = '{{end}}'\n":                                   first,
		"\nbody = \"\"\"{{end}}\"\"\"\n":                          first + 1,
		"body = \"\"\"\na\n{{end}}\n\"\"\"\n":                     first + 2,
		"body = '''\r\na\r\n\r\n{{.Title | shout}}\r\n'''\n":      first + 3,
		"body = \"\"\"\na\n{{if 1}}\n\n\"\"\"\n":                  first + 4,
		"body = \"\"\"\na\n{{.Title\n\n\"\"\"\n":                  first + 2,
		"body = \"a\\n{{end}}\"\n":                                first,
		"subject = 'a'\nbody = \"\"\"\na\\t\n{{/* a \n\n\"\"\"\n": first + 1,
	} {
		_, problems := parse(t, templated(keys))
		if len(problems) != 1 || problems[0].Line != want || problems[0].Warning {
			t.Errorf("%q: not line %d: %s", keys, want, spoken(problems))
		}
	}
}

func TestTemplatesReachTheMailAsWritten(t *testing.T) {
	config := accepted(t, templated("subject = \"a {{.Title}}\"\nbody = '''\nb\n\n{{if .Over}}c{{else}}d{{end}}\n'''\n"))
	if want := (Templates{Subject: "a {{.Title}}", Body: "b\n\n{{if .Over}}c{{else}}d{{end}}\n"}); config.Mail.Templates != want {
		t.Errorf("%+v", config.Mail.Templates)
	}
}
