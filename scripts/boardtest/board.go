package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Limits of single steps on a machine that has ten times as much to do: an
// emulated board is slower by that, too.
const (
	bootLimit = 3 * time.Minute
	stepLimit = 90 * time.Second
	// boardLimit is when a board switches itself off, whatever becomes of us.
	boardLimit = 12 * time.Minute
)

// board is one emulated board, driven through scripts/board.
type board struct {
	tool, name, machine string
	on                  bool
	consoles            strings.Builder // of the boots so far
}

// power is how a board is switched on.
type power struct {
	payload string   // folder
	command string   // run in the guest once it is up
	clock   string   // what the board's clock says then
	disk    string   // image of the SD card; empty: none
	hosts   []string // names under which the guest finds this machine
	lines   []string // LINE=LEVEL
	bme280  string   // C,HPA,PERCENT
}

// boot switches the board on and returns when its command runs.
func (b *board) boot(ctx context.Context, p power) error {
	args := []string{"run", "--detach", "--stay", "--payload", p.payload, "--cmd", p.command, "--rtc", p.clock, "--timeout", strconv.Itoa(int(boardLimit.Seconds()))}
	if p.disk != "" {
		args = append(args, "--disk", p.disk)
	}
	if p.bme280 != "" {
		args = append(args, "--bme280", p.bme280)
	}
	for _, h := range p.hosts {
		args = append(args, "--host", h)
	}
	for _, l := range p.lines {
		args = append(args, "--gpio", l)
	}
	b.on = true // even a boot that fails may leave something behind
	_, err := b.do(ctx, bootLimit, args...)
	return err
}

// exec runs a shell command in the guest and gives what it printed.
func (b *board) exec(ctx context.Context, command string) (string, error) {
	return b.do(ctx, stepLimit, "exec", "--timeout", "80", command)
}

// drive sets a line to levels ("high", "low") in turn, with pauses
// ("sleep=0.1") between them, and gives the instant of each.
func (b *board) drive(ctx context.Context, line string, levels ...string) ([]time.Time, error) {
	out, err := b.do(ctx, stepLimit, append([]string{"gpio", "--stamp", line}, levels...)...)
	if err != nil {
		return nil, err
	}
	var at []time.Time
	for _, s := range strings.Fields(out) {
		ns, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("board gpio printed %q", out)
		}
		at = append(at, time.Unix(0, ns))
	}
	return at, nil
}

// heat sets what the TMP105 at 0x48 measures.
func (b *board) heat(ctx context.Context, celsius float64) error {
	_, err := b.do(ctx, stepLimit, "temp", strconv.FormatFloat(celsius, 'f', -1, 64))
	return err
}

// off ends a boot in one of two ways: "stop" is a clean one, "kill" a power
// cut. It does so even when ctx has ended.
func (b *board) off(ctx context.Context, how string) error {
	if !b.on {
		return nil
	}
	_, err := b.do(context.WithoutCancel(ctx), stepLimit, how)
	if log, logErr := b.do(context.WithoutCancel(ctx), stepLimit, "log"); logErr == nil {
		b.consoles.WriteString(log + "---- " + how + " ----\n")
	}
	b.on = false
	return err
}

// forget removes what scripts/board keeps of the board.
func (b *board) forget(ctx context.Context) error {
	_, err := b.do(context.WithoutCancel(ctx), stepLimit, "forget")
	return err
}

// do runs one command of scripts/board and gives its output.
func (b *board) do(ctx context.Context, limit time.Duration, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := exec.CommandContext(ctx, b.tool, append([]string{"--machine", b.machine, "--name", b.name}, args...)...)
	// A group of its own: Ctrl-C is ours to deal with.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 5 * time.Second
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return out.String(), fmt.Errorf("board %s: %w: %s%s", args[0], err, said.String(), out.String())
	}
	return out.String(), nil
}

// errNoBoard says that this machine cannot have an emulated board.
var errNoBoard = errors.New("there is no emulated board here")

// buildBoard makes a machine's image, unless it is there, and says what the
// machine is.
func buildBoard(ctx context.Context, tool, machine string) (string, error) {
	const cannot = 77 // as scripts/board/board has it
	c := exec.CommandContext(ctx, tool, "--machine", machine, "build")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// apt and dpkg stop at SIGTERM in good order.
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGTERM) }
	c.WaitDelay = 10 * time.Second
	var said bytes.Buffer
	c.Stdout, c.Stderr = os.Stderr, &said
	err := c.Run()
	os.Stderr.Write(said.Bytes())
	if err != nil {
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		if c.ProcessState != nil && c.ProcessState.ExitCode() == cannot {
			return "", fmt.Errorf("%w: %s", errNoBoard, lines[len(lines)-1])
		}
		return "", fmt.Errorf("build the board: %w: %s", err, lines[len(lines)-1])
	}
	info, err := exec.CommandContext(ctx, tool, "--machine", machine, "info").Output()
	return strings.TrimSpace(string(info)), err
}
