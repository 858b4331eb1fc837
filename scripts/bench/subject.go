package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pinbell/notify"
	"pinbell/notify/outbox"
)

// subject is a program that is measured, and what was measured.
type subject struct {
	name     string
	command  func() (*exec.Cmd, error)
	event    string           // what the log line of an event has
	accepted <-chan time.Time // its mails
	slack    time.Duration    // how late its timers may be; 0: the kernel's default
	says     string           // the log line of one that does not tell systemd that it is ready

	process *exec.Cmd
	events  chan time.Time // when a log line of an event was read
	said    chan time.Time // when the log line was read that it says it is ready by
	ended   chan struct{}  // closed when the process has ended
	tail    string         // its last log line

	ready    []time.Duration // from start to ready
	readyCPU []time.Duration // and the processor time of that
	windows  []used
	idle     []memory
	after    memory
	alerting used
	alarms   []alarm
}

// alarm is one crossing of a limit.
type alarm struct {
	crossed  time.Time // the file has the new number
	read     time.Time // the sensor was read; zero: not known
	event    time.Time // the log line that says it is stored
	accepted time.Time // the mail server has the mail
}

// Ends of waits: nothing that is measured here takes nearly as long.
const (
	startLimit = 20 * time.Second
	stopLimit  = 10 * time.Second
	alarmLimit = 20 * time.Second
)

func (s *subject) pid() int { return s.process.Process.Pid }

// starts starts the subject n times and leaves the last one running.
func (s *subject) starts(ctx context.Context, n int) error {
	for range n {
		s.stop()
		if err := s.start(ctx); err != nil {
			return fmt.Errorf("start %s: %w", s.name, err)
		}
	}
	return nil
}

// start runs the program until it is ready, as systemd would.
func (s *subject) start(ctx context.Context) error {
	command, err := s.command()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	address := filepath.Join(dir, "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer socket.Close()
	if s.says == "" {
		command.Env = append(os.Environ(), "NOTIFY_SOCKET="+address)
	}
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := command.StderrPipe()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := startSlack(command, s.slack); err != nil {
		return err
	}
	s.process, s.events, s.ended = command, make(chan time.Time, 100), make(chan struct{})
	s.said = make(chan time.Time, 1)
	go s.listen(stderr)
	at, err := s.awaitReady(ctx, socket)
	if err != nil {
		return errors.Join(err, errors.New(s.tail))
	}
	cpu, err := processorTime(s.pid())
	s.ready, s.readyCPU = append(s.ready, at.Sub(began)), append(s.readyCPU, cpu)
	return err
}

// startSlack starts a command whose timers may be late by slack, as systemd's
// TimerSlackNSec does: a process inherits that from the thread that starts it.
func startSlack(command *exec.Cmd, slack time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0); err != nil {
		return err
	}
	defer unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // zero is the default
	return command.Start()
}

func (s *subject) awaitReady(ctx context.Context, socket *net.UnixConn) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if s.says != "" {
		return next(ctx, s.said)
	}
	defer context.AfterFunc(ctx, func() { socket.SetDeadline(time.Unix(1, 0)) })()
	for buf := make([]byte, 4096); ; {
		n, err := socket.Read(buf)
		if err != nil {
			return time.Time{}, err
		}
		if strings.Contains("\n"+string(buf[:n])+"\n", "\nREADY=1\n") {
			return time.Now(), nil
		}
	}
}

// listen notes when events are told in the log, until the process has ended.
func (s *subject) listen(stderr io.Reader) {
	defer close(s.ended)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		now := time.Now()
		if strings.Contains(lines.Text(), s.event) {
			s.events <- now
		}
		if s.says != "" && strings.Contains(lines.Text(), s.says) {
			s.said <- now
		}
		s.tail = lines.Text()
	}
	s.process.Wait()
}

// stop ends the process that start has started.
func (s *subject) stop() {
	if s.process == nil {
		return
	}
	s.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(stopLimit):
		s.process.Process.Kill()
		<-s.ended
	}
	s.process = nil
}

// alerts moves the file over the limit and back, n times in all, at instants
// that have nothing to do with the beat of the subject, and waits each time for
// the mail.
func (s *subject) alerts(ctx context.Context, file string, n int) error {
	drain(s.events) // collectd tells at the start that all is well
	drain(s.accepted)
	before, err := sampleOf(s.pid())
	if err != nil {
		return err
	}
	for i := range n {
		text := hot
		if i%2 == 1 {
			text = cold
		}
		if err := pause(ctx, time.Second/2+rand.N(time.Second)); err != nil {
			return err
		}
		alarm, err := s.alarm(ctx, file, text)
		if err != nil {
			return fmt.Errorf("alert %d of %s: %w", i+1, s.name, err)
		}
		s.alarms = append(s.alarms, alarm)
	}
	if err := pause(ctx, time.Second); err != nil { // what is written after the mail counts too
		return err
	}
	after, err := sampleOf(s.pid())
	s.alerting = after.since(before)
	return err
}

// alarm writes the file in one call, as a kernel file changes.
func (s *subject) alarm(ctx context.Context, file, text string) (a alarm, err error) {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return a, err
	}
	defer f.Close()
	ctx, cancel := context.WithTimeout(ctx, alarmLimit)
	defer cancel()
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		return a, err
	}
	a.crossed = time.Now()
	if a.event, err = next(ctx, s.events); err != nil {
		return a, fmt.Errorf("no event: %w", err)
	}
	if a.accepted, err = next(ctx, s.accepted); err != nil {
		return a, fmt.Errorf("no mail: %w", err)
	}
	return a, nil
}

func next(ctx context.Context, from <-chan time.Time) (time.Time, error) {
	select {
	case t := <-from:
		return t, nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}

func drain(c <-chan time.Time) {
	for {
		select {
		case <-c:
		default:
			return
		}
	}
}

// dated takes from the store when the sensor was read that each event is about.
func (s *subject) dated(state string) error {
	box, err := outbox.Open(outbox.Config{Dir: state, Troubles: new(notify.Troubles)})
	if err != nil {
		return err
	}
	defer box.Close()
	told, err := box.Log(len(s.alarms))
	if err != nil || len(told) != len(s.alarms) {
		return fmt.Errorf("the store has %d of %d mails: %v", len(told), len(s.alarms), err)
	}
	for i := range told {
		s.alarms[len(told)-1-i].read = told[i].Events[0].At.Wall
	}
	return nil
}
