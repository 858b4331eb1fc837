// Command agent is the guest side of the emulated board. It runs commands for
// the host over a serial port, one JSON object a line both ways, so that it
// works with the guest's network down too; and it does for the guest what
// busybox does not:
//
//	agent serve TTY                         run shell commands for the host
//	agent as UID:GID[,GID] PROG ARGS        become PROG, run as another user
//	agent unit NAME UID:GID[,GID] PROG ARGS run PROG as systemd runs a unit
//	agent clock SECONDS                     set the clock: the Unix time of power-on
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The emulated serial port drops bytes when they come too fast. So a request
// has a check sum, is acknowledged, and is sent again until it is.
type request struct {
	ID  string `json:"id"`
	Cmd string `json:"cmd"`
	Sum uint32 `json:"sum"` // CRC-32 of id and cmd
}

type reply struct {
	ID  string `json:"id"`
	Ack bool   `json:"ack,omitempty"`
	Out string `json:"out,omitempty"` // base64 of stdout and stderr together
	RC  *int   `json:"rc,omitempty"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "serve":
		return serve(args[1])
	case len(args) >= 3 && args[0] == "as":
		return as(args[1], args[2:])
	case len(args) >= 4 && args[0] == "unit":
		return unit(args[1], args[2], args[3:])
	case len(args) == 2 && args[0] == "clock":
		return setClock(args[1])
	}
	return fmt.Errorf("usage: agent serve TTY | as UID:GID[,GID...] PROG [ARG...] | unit NAME UID:GID[,GID...] PROG [ARG...] | clock SECONDS")
}

// setClock sets the time that it was at power-on. The kernel refuses a time
// before its own uptime, so 1970-01-01 begins a second late.
func setClock(seconds string) error {
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return err
	}
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return err
	}
	tv := unix.NsecToTimeval(max(s, 1)*int64(time.Second) + up.Nano())
	return unix.Settimeofday(&tv)
}

// as replaces the process by prog run with the given ids.
func as(ids string, prog []string) error {
	c, err := credential(ids)
	if err != nil {
		return err
	}
	path, err := exec.LookPath(prog[0])
	if err != nil {
		return err
	}
	groups := make([]int, len(c.Groups))
	for i, g := range c.Groups {
		groups[i] = int(g)
	}
	if err := syscall.Setgroups(groups); err != nil {
		return err
	}
	if err := syscall.Setgid(int(c.Gid)); err != nil {
		return err
	}
	if err := syscall.Setuid(int(c.Uid)); err != nil {
		return err
	}
	return syscall.Exec(path, prog, os.Environ())
}

// credential reads UID:GID[,GID...].
func credential(ids string) (*syscall.Credential, error) {
	var n []uint32
	for s := range strings.SplitSeq(strings.Replace(ids, ":", ",", 1), ",") {
		id, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("ids %q: %w", ids, err)
		}
		n = append(n, uint32(id))
	}
	if len(n) < 2 {
		return nil, fmt.Errorf("ids %q: want UID:GID[,GID...]", ids)
	}
	return &syscall.Credential{Uid: n[0], Gid: n[1], Groups: n[1:]}, nil
}

func serve(tty string) error {
	f, err := os.OpenFile(tty, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	if err := raw(f); err != nil {
		return err
	}
	p := &port{to: f}
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 16<<20)
	last := "" // requests come one at a time
	for sc.Scan() {
		var q request
		if json.Unmarshal(sc.Bytes(), &q) != nil || q.Sum != crc32.ChecksumIEEE([]byte(q.ID+q.Cmd)) {
			continue // bytes lost, or a client that left
		}
		p.send(reply{ID: q.ID, Ack: true})
		if q.ID == last {
			continue
		}
		last = q.ID
		go func() {
			rc := execute(q.Cmd, func(b []byte) {
				p.send(reply{ID: q.ID, Out: base64.StdEncoding.EncodeToString(b)})
			})
			p.send(reply{ID: q.ID, RC: &rc})
		}()
	}
	return sc.Err()
}

// port is the way to the host, a whole line at a time.
type port struct {
	mu sync.Mutex
	to io.Writer
}

func (p *port) send(r reply) {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // a struct of strings always marshals
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// What is lost on the way the host asks for again, or gives up on.
	_, _ = p.to.Write(append(b, '\n'))
}

// execute runs a shell command. It ends when the shell does, even if a
// background child still holds its output.
func execute(cmd string, out func([]byte)) int {
	r, w, err := os.Pipe()
	if err != nil {
		out([]byte(err.Error() + "\n"))
		return cannotRun
	}
	c := exec.Command("/bin/sh", "-c", cmd)
	c.Stdout, c.Stderr = w, w
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	done := make(chan struct{})
	go func() {
		defer close(done)
		relay(r, out)
	}()
	err = c.Run()
	w.Close()
	select {
	case <-done:
	case <-time.After(300 * time.Millisecond):
	}
	r.Close()
	<-done
	return status(c, err, out)
}

func relay(r io.Reader, out func([]byte)) {
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			out(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// cannotRun is what a shell says of a command that it does not find.
const cannotRun = 127

// status gives a command's exit status, as a shell counts it.
func status(c *exec.Cmd, err error, out func([]byte)) int {
	if c.ProcessState == nil {
		out([]byte(err.Error() + "\n"))
		return cannotRun
	}
	return exitStatus(c.ProcessState)
}

func exitStatus(s *os.ProcessState) int {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return s.ExitCode()
}

// raw puts the serial port in raw mode.
func raw(f *os.File) error {
	t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, t)
}
