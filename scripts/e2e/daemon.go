package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// daemon is the pinbell that is tried, with a folder of its own.
type daemon struct {
	binary, dir string
	cmd         *exec.Cmd
	ended       chan struct{}
}

func (d *daemon) log() string {
	text, _ := os.ReadFile(filepath.Join(d.dir, "log"))
	return string(text)
}

func (d *daemon) start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(d.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	d.cmd = exec.Command(d.binary, "run", "--config", d.config(), "--state", d.state())
	d.cmd.Stderr = log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL} // Ctrl-C is ours to deal with
	if err := d.cmd.Start(); err != nil {
		return err
	}
	d.ended = make(chan struct{})
	go func() { d.cmd.Wait(); close(d.ended) }()
	return await(ctx, limit, "pinbell knows the time", func() (bool, error) {
		select {
		case <-d.ended:
			return false, errors.New("pinbell ended by itself")
		default:
		}
		r, err := d.status(ctx)
		return err == nil && r.Clock.Trust == "trusted", nil
	})
}

func (d *daemon) config() string { return filepath.Join(d.dir, "pinbell.toml") }
func (d *daemon) state() string  { return filepath.Join(d.dir, "state") }

// stop ends it as systemd does.
func (d *daemon) stop() error {
	if d.cmd == nil {
		return nil
	}
	d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(20 * time.Second):
		d.cmd.Process.Kill()
		<-d.ended
		return errors.New("pinbell goes on 20 s after SIGTERM")
	}
	code := d.cmd.ProcessState.ExitCode()
	d.cmd = nil
	if code != 0 {
		return fmt.Errorf("pinbell ended with status %d after SIGTERM", code)
	}
	return nil
}

// report is what `pinbell status --json` tells, as far as it is looked at.
type report struct {
	Clock struct{ Trust string }
	Mail  struct {
		Waiting, Sealed int
		Limit           string
		Last            *struct {
			Verdict struct {
				QueueID string `json:"queue_id"`
			}
		}
	}
	Troubles []trouble
}

type trouble struct{ Code, Sentence, Doing, Remedy string }

func (r report) untold() int { return r.Mail.Waiting + r.Mail.Sealed }

func (r report) trouble(code string) (trouble, bool) {
	for _, t := range r.Troubles {
		if t.Code == code {
			return t, true
		}
	}
	return trouble{}, false
}

func (d *daemon) status(ctx context.Context) (r report, err error) {
	out, err := d.ask(ctx, "status", "--json")
	if err == nil {
		err = json.Unmarshal([]byte(out), &r)
	}
	return r, err
}

// ask runs one of the commands that speak to the daemon, as its owner would.
func (d *daemon) ask(ctx context.Context, args ...string) (string, error) {
	return d.run(ctx, append(args, "--state", d.state())...)
}

// run runs a command of pinbell's to its end.
func (d *daemon) run(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, d.binary, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("pinbell %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// until asks for the status until it is as wanted.
func (d *daemon) until(ctx context.Context, what string, enough func(report) bool) (r report, err error) {
	err = await(ctx, limit, "status: "+what, func() (bool, error) {
		r, err = d.status(ctx)
		return err == nil && enough(r), err
	})
	return r, err
}

// troubled waits for a trouble, whose sentence and remedy must have words.
func (d *daemon) troubled(ctx context.Context, code string, words ...string) error {
	r, err := d.until(ctx, "trouble "+code, func(r report) bool { _, ok := r.trouble(code); return ok })
	if err != nil {
		return err
	}
	t, _ := r.trouble(code)
	for _, w := range words {
		if !strings.Contains(t.Sentence+"\n"+t.Remedy, w) {
			return fmt.Errorf("the trouble %s does not speak of %q: %+v", code, w, t)
		}
	}
	return nil
}

// drained waits until nothing is left to tell, and no trouble with mail either.
func (d *daemon) drained(ctx context.Context) error {
	_, err := d.until(ctx, "all is told, and mail has no trouble", func(r report) bool {
		for _, t := range r.Troubles {
			if strings.HasPrefix(t.Code, "mail.") {
				return false
			}
		}
		return r.untold() == 0
	})
	return err
}
