// Command boardtest runs pinbell, built for ARMv6, on an emulated board
// (scripts/board), against a mail server and time servers on this machine's
// loopback, and tells in a table what came of each scenario.
//
// It touches the board only from outside, as the world does: lines and
// temperatures are set in the emulated chips, the power is cut by ending the
// emulator, and what counts is the mail that the server has accepted. Every
// wait has an end, and whatever it starts it stops, also after Ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// wholeLimit bounds everything but the building of the board.
const wholeLimit = 40 * time.Minute

// scenario is one thing that must work. It gives its figures in words.
type scenario struct {
	name    string
	machine string
	short   bool // also in the short form
	play    func(context.Context, *stage) (string, error)
}

// The machines that scripts/board knows: one with lines that have edges, and
// one with the processor of a Raspberry Pi Zero.
const (
	sabrelite = "sabrelite"
	raspi0    = "raspi0"
)

var scenarios = []scenario{
	{"door", sabrelite, true, doorScenario},
	{"chips", sabrelite, false, chipsScenario},
	{"doctor", sabrelite, false, doctorScenario},
	{"past-2019", sabrelite, true, pastScenario("2019-06-01", 0)},
	{"past-1970", sabrelite, false, pastScenario("1970-01-01", 5*time.Second)},
	{"power-cut", sabrelite, false, cutScenario},
	{"power-cut-undated", sabrelite, false, undatedScenario},
	{"pi-zero", raspi0, false, chipsScenario},
}

// options are the command line's.
type options struct {
	short              bool
	tool, only, binary string
}

func main() {
	var o options
	flag.BoolVar(&o.short, "short", false, "only the scenarios for CI; without an emulated board, skip them")
	flag.StringVar(&o.tool, "board", "scripts/board/board", "the `program` that emulates the board")
	flag.StringVar(&o.only, "only", "", "only the scenarios whose `name` begins so")
	flag.StringVar(&o.binary, "pinbell", "", "the `program` to run, for ARMv6; default: built from here")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "board-test:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	dir, err := os.MkdirTemp("", "pinbell-board-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	t := test{options: o, dir: dir, machines: map[string]*figures{}}
	err = t.build(ctx)
	if errors.Is(err, errNoBoard) && o.short {
		fmt.Fprintf(out, "board-test: skipped: %v\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, wholeLimit)
	defer cancel()
	for _, c := range t.chosen() {
		if ctx.Err() == nil {
			t.outcomes = append(t.outcomes, t.play(ctx, c))
		}
	}
	t.print(out)
	return t.verdict(ctx)
}

// chosen lists the scenarios that the options ask for.
func (o options) chosen() (list []scenario) {
	for _, c := range scenarios {
		if (c.short || !o.short) && strings.HasPrefix(c.name, o.only) {
			list = append(list, c)
		}
	}
	return list
}

// build makes the machines that are needed, and the daemon.
func (t *test) build(ctx context.Context) (err error) {
	for _, c := range t.chosen() {
		if t.machines[c.machine] != nil {
			continue
		}
		f := &figures{}
		if f.machine, err = buildBoard(ctx, t.tool, c.machine); err != nil {
			return err
		}
		t.machines[c.machine] = f
	}
	if t.binary == "" {
		t.binary = filepath.Join(t.dir, "pinbell")
		return buildPinbell(ctx, t.binary)
	}
	return nil
}

// buildPinbell builds the daemon for the smallest board.
func buildPinbell(ctx context.Context, to string) error {
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", to, "./cmd/pinbell")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm", "GOARM=6")
	if said, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build pinbell for ARMv6: %w\n%s", err, said)
	}
	return nil
}

// test is a run of several scenarios.
type test struct {
	options
	dir      string
	machines map[string]*figures
	version  string
	outcomes []outcome
}

// play runs one scenario on a stage of its own, and clears the stage.
func (t *test) play(ctx context.Context, c scenario) outcome {
	begin := time.Now()
	fmt.Fprintf(os.Stderr, "board-test: %s ...\n", c.name)
	o := outcome{name: c.name}
	s := &stage{
		board: &board{tool: t.tool, name: fmt.Sprintf("test-%d", os.Getpid()), machine: c.machine},
		name:  c.name, dir: filepath.Join(t.dir, c.name), binary: t.binary, short: t.short, figures: t.machines[c.machine],
	}
	if o.err = os.Mkdir(s.dir, 0o700); o.err == nil {
		s.host, o.err = newHost()
		defer s.host.close()
	}
	if o.err == nil {
		o.said, o.err = c.play(ctx, s)
	}
	if err := errors.Join(s.board.off(ctx, "kill"), s.board.forget(ctx)); o.err == nil {
		o.err = err
	}
	if o.err != nil {
		fmt.Fprintf(os.Stderr, "---- %s failed: %v\n---- the board's console:\n%s", c.name, o.err, s.board.consoles.String())
	}
	if s.version != "" {
		t.version = s.version
	}
	o.took = time.Since(begin)
	return o
}
