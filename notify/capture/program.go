package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// holdLimit is how long a program's descendants may hold its output open
// after it has ended.
const holdLimit = time.Second

// output runs a program and gives what it writes to its standard output. It
// and what it has started (its process group) are killed when ctx ends, and
// when it writes more than it may. What it says on its standard error last is
// the reason of its failure.
func output(ctx context.Context, args []string, most int) ([]byte, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = "/"
	cmd.Env = environment(os.Environ())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = holdLimit
	out := &capped{most: most, over: func() { stop(tooLarge(most)) }}
	said := &tail{}
	cmd.Stdout, cmd.Stderr = out, said
	err := cmd.Run()
	if cmd.Process != nil { // whom it left behind
		killGroup(cmd)
	}
	if known := fault(""); errors.As(context.Cause(ctx), &known) {
		return nil, known
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return nil, ended(err, said.last())
	}
	if out.text.Len() == 0 {
		return nil, because("ended without giving anything", said.last())
	}
	return out.text.Bytes(), nil
}

// killGroup kills a program with all that is in its process group.
func killGroup(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// ended says in a fault's words why a program gave nothing.
func ended(err error, said string) error {
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return because("was ended by a signal ("+status.Signal().String()+")", said)
		}
		return because(fmt.Sprintf("ended with exit status %d", exit.ExitCode()), said)
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return fault("there is no such program")
	case errors.Is(err, fs.ErrPermission):
		return fault("may not be run by pinbell")
	case errors.Is(err, syscall.ENOEXEC):
		return fault("is not a program that this board can run")
	}
	return fault("cannot be run: " + plain(err))
}

func because(what, said string) fault {
	if said == "" {
		return fault(what)
	}
	return fault(what + ": " + said)
}

// passed are the variables that a program is given. pinbell's own environment
// may hold a password, and names the sockets and folders that systemd gave to
// it alone.
var passed = []string{"HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER"}

func environment(own []string) []string {
	given, hasPath := []string{}, false
	for _, variable := range own {
		name, _, _ := strings.Cut(variable, "=")
		if slices.Contains(passed, name) || strings.HasPrefix(name, "LC_") {
			given = append(given, variable)
			hasPath = hasPath || name == "PATH"
		}
	}
	if !hasPath {
		given = append(given, "PATH=/usr/local/bin:/usr/bin:/bin")
	}
	return given
}

// capped keeps what a program writes, and calls over when that is too much.
// The buffer has a name, as its ReadFrom would go round the bound.
type capped struct {
	text bytes.Buffer
	most int
	over func()
}

func (c *capped) Write(b []byte) (int, error) {
	if c.text.Len()+len(b) > c.most {
		c.over()
		return 0, tooLarge(c.most)
	}
	return c.text.Write(b)
}

// tail keeps the end of what a program says.
type tail struct{ text []byte }

func (t *tail) Write(b []byte) (int, error) {
	const most = 2048
	t.text = append(t.text, b[max(0, len(b)-most):]...)
	if len(t.text) > most {
		t.text = append(t.text[:0], t.text[len(t.text)-most:]...)
	}
	return len(b), nil
}

// last is the last line that says something.
func (t *tail) last() string {
	lines := strings.FieldsFunc(string(t.text), func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range slices.Backward(lines) {
		if line = clean(line); line != "" {
			return line
		}
	}
	return ""
}
