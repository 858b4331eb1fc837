package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// result is what one sender did.
type result struct {
	sunk
	took time.Duration
	cpu  time.Duration // user and system, of the sender and its descendants
}

func (r result) rate() float64 { return float64(r.Mails) / r.took.Seconds() }

// child is a process of ours that is talked to by lines.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(ctx context.Context, name string, args ...string) (*child, error) {
	c := &child{cmd: exec.CommandContext(ctx, name, args...)}
	c.cmd.Stderr = os.Stderr
	c.cmd.WaitDelay = 5 * time.Second
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.Cancel = func() error { return syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) }
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return c, nil
}

// self starts this program again, in another role.
func self(ctx context.Context, args ...string) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, exe, args...)
}

// hear waits for a line.
func (c *child) hear(line string) error {
	got, err := c.out.ReadString('\n')
	if err == nil && strings.TrimSpace(got) != line {
		err = fmt.Errorf("%s said %q, not %q", c.cmd.Path, got, line)
	}
	return err
}

func (c *child) say(line string) error {
	_, err := io.WriteString(c.in, line+"\n")
	return err
}

// end closes its stdin and waits for it.
func (c *child) end() error {
	c.in.Close()
	io.Copy(io.Discard, c.out)
	return c.cmd.Wait()
}

// ask has the sink answer into v.
func (c *child) ask(v any) error {
	if err := c.say("count"); err != nil {
		return err
	}
	return c.read(v)
}

func (c *child) read(v any) error {
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, v)
}

// spent is the processor time of a process and of all that descend from it,
// those that have ended included (proc(5): utime, stime, cutime, cstime).
func spent(pid int) time.Duration {
	children := map[int][]int{}
	ticks := map[int]int64{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has just ended
		}
		// The name, in brackets, may have spaces in it.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		id, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], id)
		for _, f := range fields[11:15] {
			n, _ := strconv.ParseInt(f, 10, 64)
			ticks[id] += n
		}
	}
	var sum func(int) int64
	sum = func(id int) int64 {
		all := ticks[id]
		for _, child := range children[id] {
			all += sum(child)
		}
		return all
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every architecture that Go runs on
	return time.Duration(sum(pid)) * tick
}
