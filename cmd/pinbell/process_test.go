package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// transcript keeps what processes print.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// process is a pinbell that runs: this test binary under that name.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr transcript
	ended          chan struct{}
}

// launch starts a command. It ends with the test at the latest.
func (g *garage) launch(args ...string) *process {
	g.t.Helper()
	self, err := os.Executable()
	if err != nil {
		g.t.Fatal(err)
	}
	p := &process{t: g.t, cmd: exec.Command(self), ended: make(chan struct{})}
	p.cmd.Args = append([]string{"pinbell"}, args...)
	p.cmd.Dir = g.dir
	p.cmd.Stdout = io.MultiWriter(&p.stdout, &g.said)
	p.cmd.Stderr = io.MultiWriter(&p.stderr, &g.said)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	go func() { p.cmd.Wait(); close(p.ended) }()
	g.t.Cleanup(p.kill)
	return p
}

// kill ends the process as a power cut would, and returns when it is gone.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// terminate asks the process to stop, as systemd does.
func (p *process) terminate() { p.cmd.Process.Signal(syscall.SIGTERM) }

// wait gives the exit code of a process that ends by itself.
func (p *process) wait(limit time.Duration) int {
	p.t.Helper()
	limit = ample(limit)
	select {
	case <-p.ended:
	case <-time.After(limit):
		p.kill()
		p.t.Fatalf("%q does not end within %v; it said:\n%s%s", p.cmd.Args[1:], limit, p.stdout.String(), p.stderr.String())
	}
	return p.cmd.ProcessState.ExitCode()
}
