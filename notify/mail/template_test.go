package mail

import (
	"errors"
	"strings"
	"testing"
	"text/template"
	tree "text/template/parse"

	"pinbell/notify"
)

func mustParse(t *testing.T, subject, body string) Letterhead {
	t.Helper()
	parsed, err := ParseTemplates(subject, body)
	if err != nil {
		t.Fatal(err)
	}
	h := head
	h.Templates = parsed
	return h
}

const (
	ownSubject = `{{if eq .Severity "critical"}}!! {{end}}{{.Device}}: {{.Title}} {{.Value}}`
	ownBody    = `{{.Title}} ({{.Kind}})
{{range .Events}}
  * {{.At}}  {{.Value}}{{with .Limit}}, limit {{.}}{{end}}{{end}}

{{.Message}}

{{.Body}}`
)

func TestOwnersTemplatesWriteSubjectTextAndHTML(t *testing.T) {
	h := mustParse(t, ownSubject, ownBody)
	m := letterOf(warming(notify.Raised))
	mustBeSound(t, m, h)
	c := mustCompose(t, stationery{m, h})
	if want := "garage: Freezer warm -14.2 °C"; c.Subject != want {
		t.Errorf("subject %q, want %q", c.Subject, want)
	}
	for _, want := range []string{
		"Freezer warm (raised)\n\n  * Sat 14 Nov 22:41:07 GMT  -14.2 °C, limit above -15 °C\n\nThe freezer has been too warm",
		"\n  now      -14.2 °C     Sat 14 Nov 22:41:07 GMT\n", // {{.Body}} keeps its layout
		"\nHow it is now: pinbell status",
	} {
		if !strings.Contains(c.Text, want) {
			t.Errorf("no %q in\n%s", want, c.Text)
		}
	}
	if n := strings.Count(c.Text, "The last 4 h"); n != 1 {
		t.Errorf("the course is told %d times in\n%s", n, c.Text)
	}
	for _, want := range []string{"Freezer warm (raised)", "&#160;&#160;* Sat 14 Nov", ">WARNING<", `src="cid:chart118.`} {
		if !strings.Contains(c.HTML, want) {
			t.Errorf("no %q in\n%s", want, c.HTML)
		}
	}
}

func TestTemplateForOnePartLeavesTheOther(t *testing.T) {
	m := letterOf(freezer(notify.Raised))
	own := mustCompose(t, stationery{m, head})
	if c := mustCompose(t, stationery{m, mustParse(t, "{{.Title}}!", "")}); c.Subject != "Freezer warm!" || c.Text != own.Text {
		t.Errorf("subject %q, text\n%s", c.Subject, c.Text)
	}
	if c := mustCompose(t, stationery{m, mustParse(t, "", "Look: {{.Value}}")}); c.Subject != own.Subject || !strings.HasPrefix(c.Text, "Look: -14.2 °C\n\nHow it is now") {
		t.Errorf("subject %q, text\n%s", c.Subject, c.Text)
	}
}

// What pinbell owes its owner is in the mail whatever the template says.
func TestTroublesStayUnderATemplate(t *testing.T) {
	m := backlog()
	m.Checked = false
	h := mustParse(t, "", "Look: {{.Count}}")
	h.Road = "smtp.gmail.com"
	text := Text(m, h)
	for _, want := range []string{"Look: 7\n", "could not be reached for 8 h.", "No time server has checked it.", "came by smtp.gmail.com"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestMistakesInTemplatesAreFoundWithTheirLine(t *testing.T) {
	for _, c := range []struct{ subject, body, want string }{
		{"{{.Titel}}", "", "subject template, line 1: there is no .Titel; there are .Kind, .Severity, .Over, .Title,"},
		{"", "a\n\n{{if .Over}}{{.Nope}}{{end}}", "body template, line 3: there is no .Nope"},
		{"", "{{if eq .Count 99}}\n{{.Nope}}{{end}}", "body template, line 2: there is no .Nope"}, // no sample goes there
		{"", "a\n{{.Title", "body template, line 2: unclosed action"},
		{"", "{{range .Events}}x", "body template, line 1: unexpected EOF"},
		{"", "{{.Title}}\n{{nofunc .Title}}", `body template, line 2: function "nofunc" not defined`},
		{"{{end}}", "", "subject template, line 1: unexpected {{end}}"},
		{"", "x\n{{index .Events 1000}}", "body template, line 2: <index .Events 1000>: error calling index: index out of range: 1000"},
		{"", "{{.Subject.Sub}}", "body template, line 1: there is no .Sub"},
		{"", "{{range .Events}}{{.Body}}{{end}}", "body template, line 1: <.Body>: can't evaluate field Body in EventWords"},
		{"", "{{lt .Number .Title}}", "body template, line 1: <lt .Number .Title>: error calling lt: incompatible types for comparison"},
		{"", `{{if eq .Kind "lost"}}x{{end}}`, `body template, line 1: it gives no text (on a mail that tells "raised")`},
		{"", "{{range 1000000000}}{{end}}x", "range is for .Events"},
		{"", "{{range .Events}}{{range $.Events}}{{end}}{{end}}x", "not within another range"},
		{"", "x\n{{template \"body\" .}}", "body template, line 2: template is not for mails"},
		{"", `{{define "x"}}{{template "x"}}{{end}}{{template "x"}}`, "define and block are not for mails"},
		{"", `{{block "x" .}}{{end}}x`, "define and block are not for mails"},
		{"", `{{printf "%999d" 1}}`, "printf with a width"},
		{"", `{{printf "%*d" 1000 1}}`, "printf with a width"},
		{"", `{{print .Events}}`, "is neither a word nor a number"},
		{"", `{{printf "%[1]s%[1]s" .Body}}`, "or with an argument's number"},
		// In a range of fifty events these would fill the memory.
		{"", `{{$x := "aaaaaaaa"}}` + strings.Repeat("{{$x = print $x $x}}", 14) + "{{len $x}}", "a text of more than 60000 bytes"},
		{"", `{{$x := "\\\\"}}` + strings.Repeat("{{$x = js $x}}", 17) + "{{len $x}}", "a text of more than 60000 bytes"},
		{"", "{{range .Events}}" + strings.Repeat("x", 5000) + "{{end}}", "it gives more than 60000 bytes"},
		{"", strings.Repeat("x", maxSource+1), "it has 16001 bytes, and 16000 are enough"},
	} {
		_, err := ParseTemplates(c.subject, c.body)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80q: %v, want %q", c.subject+c.body, err, c.want)
		}
	}
}

func TestMistakesInBothTemplatesAreToldAtOnce(t *testing.T) {
	_, err := ParseTemplates("{{.A}}", "\n{{.B}}\n{{.C}}")
	if got := strings.Count(err.Error(), "there is no"); got != 3 {
		t.Errorf("%v", err)
	}
	var m *Mistake
	if !errors.As(err, &m) || m.Template != "subject" || m.Line != 1 {
		t.Errorf("%+v", m)
	}
}

func TestEveryWordCanBeUsed(t *testing.T) {
	var all strings.Builder
	for _, name := range known {
		all.WriteString("{{." + name + "}} ")
	}
	h := mustParse(t, "", all.String())
	for name, m := range letters() {
		if text := Text(m, h); strings.Contains(text, "did not work") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// unchecked is a template that no ParseTemplates gave.
func unchecked(t *testing.T, source string) *template.Template {
	t.Helper()
	parsed, err := template.New("x").Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestTemplateThatFailsLeavesPinbellsWordsAndSaysSo(t *testing.T) {
	hollow := unchecked(t, "{{.Title}}")
	hollow.Root.Nodes[0].(*tree.ActionNode).Pipe = nil // text/template panics
	m := letterOf(freezer(notify.Raised))
	own := mustCompose(t, stationery{m, head})
	for name, bad := range map[string]*template.Template{
		"a field that is none": unchecked(t, "{{.Nope}}"), "no output": unchecked(t, "{{if .Over}}x{{end}}"), "only spaces": unchecked(t, "\n \t"),
		"only what is not seen": unchecked(t, "\u200b\u202e"), "too much": unchecked(t, strings.Repeat("x", maxOutBody+1)), "a panic": hollow,
		"endless": unchecked(t, "{{range 1000000000}}x{{end}}"),
	} {
		h := head
		h.Templates = Templates{bad, bad}
		mustBeSound(t, m, h)
		c := mustCompose(t, stationery{m, h})
		if c.Subject != own.Subject || !strings.HasPrefix(c.Text, own.Text[:200]) || strings.Count(c.Text, "Your template did not work here") != 2 {
			t.Errorf("%s: %q\n%s", name, c.Subject, c.Text)
		}
	}
}

func TestTemplateCannotAddAHeaderOrALine(t *testing.T) {
	for _, s := range poisons {
		m := letterOf(freezer(notify.Raised))
		m.Events[0].Title, m.Events[0].Message = s, s
		h := head
		h.Templates = Templates{unchecked(t, "x{{.Title}}\r\nBcc: eve@example.com\r\n\r\n{{.Message}}"), unchecked(t, "{{.Title}}{{.Message}}<b>&{{.Body}}")}
		mustBeSound(t, m, h)
		mustNotMislead(t, m, h)
	}
}

func FuzzTemplates(f *testing.F) {
	f.Add(ownSubject, ownBody)
	f.Add("{{.Subject}}", "{{range $i, $e := .Events}}{{if $i}}, {{end}}{{$e.Title | printf \"%q\"}}{{else}}none{{end}}")
	f.Add("{{- with .Limit -}} {{.}} {{- else}}x{{end}}", "{{/* c */}}{{slice .Title 0 1}}{{len .Events}}{{break}}")
	m := letterOf(freezer(notify.Raised), cellar(notify.Lost))
	f.Fuzz(func(t *testing.T, subject, body string) {
		parsed, err := ParseTemplates(subject, body)
		if err != nil {
			if parsed != (Templates{}) || !strings.Contains(err.Error(), "template, line ") {
				t.Fatalf("%+v, %v", parsed, err)
			}
			return
		}
		h := head
		h.Templates = parsed
		mustBeSound(t, m, h)
		mustNotMislead(t, m, h)
	})
}
