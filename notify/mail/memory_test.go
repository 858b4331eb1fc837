package mail

import (
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
)

// enough is what composing one mail may allocate, in bytes, all that is free
// again by the end included: a board may have 512 MB for everything.
const enough = 16 << 20

// mustBeModest composes a mail and checks what that allocates.
func mustBeModest(t *testing.T, name string, m notify.Mail, h Letterhead) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Compose(m, h)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > enough {
		t.Errorf("%s: %d MB allocated", name, n>>20)
	} else if testing.Verbose() {
		t.Logf("%s: %d kB", name, n>>10)
	}
}

// growing are templates that make much text of little. None makes more than
// some hundreds of megabytes where nothing holds it, so that the test of what
// holds it does no harm when it fails.
func growing() map[string]string {
	list := map[string]string{
		"a format of a format":   `{{$x := "` + strings.Repeat("%d", 4000) + `"}}` + strings.Repeat("{{$x = printf $x}}", 100) + "{{len $x}}",
		"a format in itself":     `{{$x := "%s%s"}}` + strings.Repeat("{{$x = printf $x $x $x}}", 14) + "{{len $x}}",
		"a width":                `{{$x := ""}}{{range .Events}}` + fill(`{{$x = printf "%99d%99d%99d" 1 2 3}}`) + "{{end}}{{len $x}}",
		"a width of a variable":  `{{$x := print "%" 99999999 "d"}}{{printf $x 1}}`,
		"a width as argument":    `{{printf "%[1]*d" 99999999}}{{printf "%*d" 99999999 1}}`,
		"many numbers":           `{{$x := ""}}{{range .Events}}{{$x = print ` + fill("1 ") + "}}{{end}}{{len $x}}",
		"Body at each event":     "{{range .Events}}" + fill("{{$.Body}}") + "{{end}}",
		"Body in Body":           `{{$x := .Body}}` + strings.Repeat("{{$x = print $x $.Body $x}}", 13) + "{{$x}}",
		"words gathered":         `{{$x := ""}}` + strings.Repeat("{{$x = print $x $.Message}}", 300) + "{{len $x}}",
		"parts of words":         "{{range .Events}}" + fill("{{$x := slice $.Body 1}}{{len $x}}{{index $x 0}}") + "{{end}}",
		"events of events":       fill("{{(index .Events 0).Title}}{{len (slice .Events 1)}}"),
		"calls in calls":         "{{len " + strings.Repeat("(print $.Body ", 13) + "1" + strings.Repeat(" $.Body)", 13) + "}}",
		"a page of empty lines":  strings.Repeat("\n", maxSource-1) + "x",
		"a page of what escapes": strings.Repeat(`"`, maxSource),
	}
	for call, times := range map[string]int{ // by how fast it grows
		"print $x $x": 25, "println $x $x": 25, "html $x $x": 17, "js $x $x": 12, "urlquery $x $x": 19,
		`printf "%s%s" $x $x`: 25, `printf "%+q" $x`: 24, `printf "% #x" $x`: 11,
	} {
		list[call] = `{{$x := "\\'"}}` + strings.Repeat("{{$x = "+call+"}}", times) + "{{len $x}}"
	}
	return list
}

// fill repeats a piece of a template as often as one may hold it.
func fill(s string) string { return strings.Repeat(s, (maxSource-100)/len(s)) }

func TestNoTemplateFillsTheMemory(t *testing.T) {
	var events []notify.Event
	for range maxEvents {
		e := freezer(notify.Raised)
		e.Message = strings.Repeat("\"'\\ ", maxMessage)
		events = append(events, e)
	}
	m := letterOf(events...)
	for name, source := range growing() {
		h := head
		h.Templates.Body = unchecked(t, source)
		mustBeModest(t, name, m, h)
	}
}

func TestNoEventFillsTheMemory(t *testing.T) {
	long := strings.Repeat("wörd ", 50_000)
	many := make([]float32, 1_000_000)
	for i := range many {
		many[i] = float32(math.Sin(float64(i)))
	}
	none, endless := float32(math.NaN()), float32(math.Inf(1))
	for name, change := range map[string]func(*notify.Event){
		"long words":   func(e *notify.Event) { e.Title, e.Message, e.Cause, e.Remedy, e.Clears = long, long, long, long, long },
		"many terms":   func(e *notify.Event) { e.Terms = make([]notify.Term, 100_000) },
		"many others":  func(e *notify.Event) { e.Others = make([]notify.Fact, 100_000) },
		"many sources": func(e *notify.Event) { e.Attach = make([]string, 100_000) },
		"no limit":     func(e *notify.Event) { e.Terms[0].Limit = math.NaN() },
		"no end":       func(e *notify.Event) { e.Terms[0].Limit, e.Terms[0].Value = math.Inf(1), math.Inf(-1) },
		"a long trace": func(e *notify.Event) { e.Trace = &notify.Trace{Step: time.Second, Low: many, High: many} },
		"no step":      func(e *notify.Event) { e.Trace.Step = 0 },
		"a step back":  func(e *notify.Event) { e.Trace.Step = math.MinInt64 },
		"a step of an age": func(e *notify.Event) {
			e.Trace = &notify.Trace{Step: math.MaxInt64, Low: many, High: many}
		},
		"no numbers": func(e *notify.Event) {
			e.Trace.Low, e.Trace.High = []float32{none, -endless, 1, none}, []float32{none, endless, endless, 1}
		},
		"great numbers": func(e *notify.Event) {
			e.Trace.Low, e.Trace.High = []float32{-math.MaxFloat32, -1e30}, []float32{math.MaxFloat32, 1e30}
		},
		"many reminders": func(e *notify.Event) { e.Next = make([]time.Duration, 1000) },
	} {
		e := warming(notify.Raised)
		change(&e)
		mustBeModest(t, name, letterOf(e), head)
	}
}
