package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// whenTold ends a life as soon as no event is missing in the accepted mails.
const whenTold = deaths + 1

// life starts the daemon, listens to its log, and kills it.
func (p *proof) life(at death, longest time.Duration) error {
	cmd := exec.Command(p.binary, "run", "--config", filepath.Join(p.dir, "pinbell.toml"), "--state", p.state())
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // none outlives a proof that is broken off
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if at < deaths {
		p.deaths[at]++
	}
	if at == atReceipt {
		p.atReceipt.Store(cmd.Process)
	}
	timer := time.AfterFunc(longest, func() { cmd.Process.Kill() })
	stop := make(chan struct{})
	var helpers sync.WaitGroup
	helpers.Go(func() { p.retry(stop) })
	if at == whenTold {
		helpers.Go(func() { p.untilTold(stop); cmd.Process.Kill() })
	}
	tail := p.listen(stderr, func() {
		if at == atCommit {
			timer.Reset(time.Duration(rand.IntN(20)) * time.Millisecond)
		}
	})
	err = cmd.Wait()
	timer.Stop()
	close(stop)
	helpers.Wait()
	p.atReceipt.Store(nil)
	if exited, ok := errors.AsType[*exec.ExitError](err); ok && !exited.Exited() {
		return nil // by our signal
	}
	return fmt.Errorf("the daemon ended by itself: %v\n%s", err, tail)
}

// retry has the daemon try at once what it puts off, as its owner would: mails
// that were handed over again and again without an answer wait for minutes in
// each life of a crash loop, and lives here are short.
func (p *proof) retry(stop <-chan struct{}) {
	pause := time.Duration(rand.IntN(200)) * time.Millisecond
	for {
		select {
		case <-stop:
			return
		case <-time.After(pause):
			// One that has just been killed does not answer, and need not.
			_ = exec.Command(p.binary, "outbox", "retry", "--state", p.state()).Run()
		}
		pause = 2 * time.Second
	}
}

// untilTold waits until no event is missing, or for stop.
func (p *proof) untilTold(stop <-chan struct{}) {
	for len(p.missing()) > 0 {
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

var serial = regexp.MustCompile(`msg=event .*serial=(\d+)`)

// listen notes the events that the log says are committed, and tells of the
// first one. A number that an earlier life had given away was not stored then.
func (p *proof) listen(log io.Reader, first func()) (tail string) {
	heard := 0
	for lines := bufio.NewScanner(log); lines.Scan(); {
		tail = lines.Text()
		m := serial.FindStringSubmatch(tail)
		if m == nil {
			continue
		}
		n, _ := strconv.ParseUint(m[1], 10, 64)
		p.note(n)
		if heard++; heard == 1 {
			first()
		}
	}
	return tail
}

func (p *proof) note(serial uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.committed[serial] {
		p.twice[serial] = true
	}
	p.committed[serial] = true
}
