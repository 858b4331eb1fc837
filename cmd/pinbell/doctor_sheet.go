package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"pinbell/notify"
)

// sheet shows checks as people read them: a line each, with what helps and
// what else was seen below a line that is not fine. On a terminal lines are
// broken to its width, and the state has a colour.
type sheet struct {
	out    io.Writer
	width  int // of the terminal; 0: none, lines are as long as they are
	colour bool
}

const (
	stateWidth = 6
	nameWidth  = 16
)

func newSheet(out io.Writer) sheet {
	width := terminalWidth(out)
	return sheet{out: out, width: width, colour: width > 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// terminalWidth is 0 for what is no terminal.
func terminalWidth(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok {
		return 0
	}
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	if size.Col == 0 { // a serial console does not know
		return 80
	}
	return int(size.Col)
}

// shown are the words for the findings, and their colours (ECMA-48 SGR).
var shown = map[Finding]struct{ word, colour string }{
	fine:    {"ok", "\x1b[32m"},
	warn:    {"warn", "\x1b[33m"},
	fault:   {"FAULT", "\x1b[1;31m"},
	skipped: {"-", ""},
}

func (s sheet) line(c Check) {
	word, colour := shown[c.State].word, shown[c.State].colour
	state := fmt.Sprintf("%-*s", stateWidth, word)
	if s.colour && colour != "" {
		state = colour + state + "\x1b[0m"
	}
	name := c.Name + strings.Repeat(" ", max(0, nameWidth-utf8.RuneCountInString(c.Name)))
	indent := strings.Repeat(" ", stateWidth+nameWidth+2)
	fmt.Fprintf(s.out, "%s %s %s\n", state, name, s.broken(c.Sentence, indent))
	if c.State == fine {
		return
	}
	for _, more := range append(c.Detail, c.Remedy) {
		if more != "" {
			fmt.Fprintf(s.out, "%s%s\n", indent, s.broken(more, indent))
		}
	}
}

// broken is text with line ends where the terminal has none, all but the first
// line indented.
func (s sheet) broken(text, indent string) string {
	text = strings.ReplaceAll(text, "\n", "\n"+indent)
	room := s.width - len(indent)
	if room < 20 {
		return text
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		lines = append(lines, wrapped(line, room, indent))
	}
	return strings.Join(lines, "\n")
}

// wrapped breaks one line at spaces.
func wrapped(line string, room int, indent string) string {
	var out strings.Builder
	used := 0
	for i, word := range strings.Split(line, " ") {
		size := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case used+1+size > room:
			out.WriteString("\n" + indent)
			used = 0
		default:
			out.WriteByte(' ')
			used++
		}
		out.WriteString(word)
		used += size
	}
	return out.String()
}

// progress tells a person who waits what for: on a terminal in a line that
// goes away, elsewhere only when it takes long, and never on stdout.
type progress struct {
	out   io.Writer
	first time.Duration // before anything is said
	every time.Duration
	width int // of the terminal, on which a line can be taken back; 0: none

	mu    sync.Mutex
	what  string // empty: nothing is waited for
	began time.Time
	timer *time.Timer
	drawn bool
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, first: 5 * time.Second, every: 10 * time.Second}
	if p.width = terminalWidth(out); p.width > 0 {
		p.first, p.every = 200*time.Millisecond, time.Second
	}
	return p
}

// start says that something is waited for from now on.
func (p *progress) start(format string, args ...any) {
	p.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.began = fmt.Sprintf(format, args...), time.Now()
	if p.timer == nil {
		p.timer = time.AfterFunc(p.first, p.draw)
		return
	}
	p.timer.Reset(p.first)
}

func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.what == "" {
		return
	}
	waited := " ..."
	if d := time.Since(p.began); d >= time.Second {
		waited += " " + notify.Span(d)
	}
	if p.width > 0 { // a line that does not fit could not be taken back
		what := []rune(p.what)
		fmt.Fprint(p.out, "\r\x1b[K"+string(what[:max(0, min(len(what), p.width-len(waited)-1))])+waited)
	} else {
		fmt.Fprintln(p.out, p.what+waited)
	}
	p.drawn = true
	p.timer.Reset(p.every)
}

// stop takes the line back.
func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
	if p.drawn && p.width > 0 {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	p.what, p.drawn = "", false
}
