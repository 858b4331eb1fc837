// Package postfix runs a Postfix of one's own on loopback: with a folder for
// its configuration, queue, data and log, on ports that nobody else has, and
// with no word to or from the Postfix that a machine may run already.
//
// It needs Debian's package installed and root, since Postfix changes users
// itself. It starts one process, master, and Stop ends that one and what
// descends from it.
package postfix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Where Debian's package has its programs.
const (
	programs = "/usr/lib/postfix/sbin"
	tools    = "/usr/sbin"
)

// Missing says why Postfix cannot run here; nil if it can.
func Missing() error {
	if os.Getuid() != 0 {
		return errors.New("this needs root, as Postfix changes users itself")
	}
	if _, err := os.Stat(filepath.Join(programs, "master")); err != nil {
		return errors.New("no Postfix is installed here (apt-get install postfix)")
	}
	if _, err := user.Lookup("postfix"); err != nil {
		return fmt.Errorf("the installed Postfix is not set up: %w", err)
	}
	return nil
}

// Settings are main.cf's: name → value.
type Settings map[string]string

// Instance is one Postfix.
type Instance struct {
	dir      string
	services string
	settings Settings
	master   *exec.Cmd
	ended    chan struct{} // closed when master has
}

// services that each instance has. Nothing is chrooted: there would be no
// resolver's files and no certificates in there.
const services = `
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
tlsproxy unix - - n - 0 tlsproxy
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
retry unix - - n - - error
error unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
`

// New makes an instance in dir, which must exist and be open to Postfix's
// users. The lines of more are services in master.cf's form.
func New(dir string, settings Settings, more ...string) (*Instance, error) {
	p := &Instance{dir: dir, services: services + strings.Join(more, "\n") + "\n", settings: Settings{
		"compatibility_level":   "3.6",
		"queue_directory":       filepath.Join(dir, "queue"),
		"data_directory":        filepath.Join(dir, "data"),
		"maillog_file":          filepath.Join(dir, "log"),
		"maillog_file_prefixes": dir,
		"inet_interfaces":       "127.0.0.1",
		"inet_protocols":        "ipv4",
		"mydestination":         "",
		"myhostname":            "postfix.pinbell.test",
		"mynetworks":            "127.0.0.0/8",
		"alias_maps":            "",
		"alias_database":        "",
		"biff":                  "no",
		"disable_dns_lookups":   "yes",
		"smtputf8_enable":       "yes",
		"import_environment":    "MAIL_CONFIG TZ",
		"syslog_name":           "postfix",
		"service_throttle_time": "1s",
		"in_flow_delay":         "0",
	}}
	maps.Copy(p.settings, settings)
	for _, sub := range []string{"conf", "queue", "data"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	if err := own(filepath.Join(dir, "data"), "postfix"); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(p.conf(), "master.cf"), []byte(p.services), 0o644); err != nil {
		return nil, err
	}
	return p, p.write()
}

func own(path, name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return os.Chown(path, uid, gid)
}

func (p *Instance) conf() string { return filepath.Join(p.dir, "conf") }

// Queue is the folder with Postfix's queues.
func (p *Instance) Queue() string { return p.settings["queue_directory"] }

func (p *Instance) write() error {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(p.settings)) {
		fmt.Fprintf(&b, "%s = %s\n", name, p.settings[name])
	}
	return os.WriteFile(filepath.Join(p.conf(), "main.cf"), b.Bytes(), 0o644)
}

// startLimit is for a machine that has much other work.
const startLimit = time.Minute

// Start starts it, and returns when it takes mail.
func (p *Instance) Start(ctx context.Context) error {
	if err := p.tool(ctx, "postfix", "check"); err != nil {
		return err
	}
	before := len(p.Log())
	var said bytes.Buffer
	p.master = exec.Command(filepath.Join(programs, "master"), "-c", p.conf(), "-d")
	p.master.Stdout, p.master.Stderr = &said, &said
	p.master.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	p.master.WaitDelay = time.Second
	if err := p.master.Start(); err != nil {
		return fmt.Errorf("start Postfix: %w", err)
	}
	p.ended = make(chan struct{})
	go func() { p.master.Wait(); close(p.ended) }()
	for limit := time.After(startLimit); ; {
		if strings.Contains(p.Log()[before:], "daemon started") {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
			return fmt.Errorf("start Postfix: it ended at once: %s%s", said.String(), p.Log())
		case <-limit:
			return fmt.Errorf("start Postfix: it is not up within %v: %s%s", startLimit, said.String(), p.Log())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Pid is master's.
func (p *Instance) Pid() int { return p.master.Process.Pid }

// Stop ends it, and returns when all of it has ended.
func (p *Instance) Stop() {
	if p.master == nil {
		return
	}
	p.master.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
	}
	// Its session is its own, so this reaches what it has left behind and no one else.
	syscall.Kill(-p.master.Process.Pid, syscall.SIGKILL)
	<-p.ended
	p.master = nil
}

// Set changes settings. A Postfix that runs is started anew: after a mere
// reload, a process that waits for its next client may serve one more by the
// old settings.
func (p *Instance) Set(ctx context.Context, changed Settings) error {
	running := p.master != nil
	p.Stop()
	maps.Copy(p.settings, changed)
	if err := p.write(); err != nil || !running {
		return err
	}
	return p.Start(ctx)
}

// Reload changes settings for processes that begin from now on.
func (p *Instance) Reload(ctx context.Context, changed Settings) error {
	maps.Copy(p.settings, changed)
	if err := p.write(); err != nil {
		return err
	}
	return p.tool(ctx, "postfix", "reload")
}

// Flush tries at once what was put off.
func (p *Instance) Flush(ctx context.Context) error { return p.tool(ctx, "postqueue", "-f") }

func (p *Instance) tool(ctx context.Context, name string, args ...string) error {
	c := exec.CommandContext(ctx, filepath.Join(tools, name), append([]string{"-c", p.conf()}, args...)...)
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// Log is what it has logged so far.
func (p *Instance) Log() string {
	log, _ := os.ReadFile(p.settings["maillog_file"]) // not there before the first line
	return string(log)
}
