package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const dovecotProgram = "/usr/sbin/dovecot"

// dovecot checks logins for Postfix, and does nothing else.
type dovecot struct {
	dir   string
	cmd   *exec.Cmd
	ended chan struct{}
}

const dovecotConfig = `
base_dir = %[1]s/run
state_dir = %[1]s/run
log_path = %[1]s/log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_verbose = yes
passdb {
  driver = passwd-file
  args = %[1]s/passwd
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}
service auth {
  unix_listener %[1]s/auth {
    mode = 0666
  }
}
`

// startDovecot lets in the account with its password.
func startDovecot(ctx context.Context, dir string) (*dovecot, error) {
	d := &dovecot{dir: dir, ended: make(chan struct{})}
	conf := filepath.Join(dir, "dovecot.conf")
	if err := errors.Join(
		os.Mkdir(dir, 0o755),
		os.WriteFile(conf, fmt.Appendf(nil, dovecotConfig, dir), 0o644),
		os.WriteFile(filepath.Join(dir, "passwd"), []byte(account+":{PLAIN}"+password+"\n"), 0o644),
	); err != nil {
		return nil, err
	}
	var said bytes.Buffer
	d.cmd = exec.Command(dovecotProgram, "-F", "-c", conf)
	d.cmd.Stdout, d.cmd.Stderr = &said, &said
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	d.cmd.WaitDelay = time.Second
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Dovecot: %w", err)
	}
	go func() { d.cmd.Wait(); close(d.ended) }()
	err := await(ctx, limit, "Dovecot's socket", func() (bool, error) {
		select {
		case <-d.ended:
			return false, fmt.Errorf("start Dovecot: it ended at once: %s%s", said.String(), d.log())
		default:
			_, err := os.Stat(d.socket())
			return err == nil, nil
		}
	})
	if err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

func (d *dovecot) socket() string { return filepath.Join(d.dir, "auth") }

func (d *dovecot) log() string {
	text, _ := os.ReadFile(filepath.Join(d.dir, "log"))
	return string(text)
}

func (d *dovecot) stop() {
	if d == nil || d.cmd == nil {
		return
	}
	d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(5 * time.Second):
	}
	syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL) // its own session: what it left behind, and no one else
	<-d.ended
}
