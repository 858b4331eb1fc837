package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/notify/outbox"
	"pinbell/notify/rules"
)

// desk answers the commands that ask the daemon, on a unix socket in the state
// directory, and tells systemd that the daemon lives, for as long as engine
// and courier prove that they do.
type desk struct {
	dir      string
	device   string
	config   string // its sum
	started  time.Time
	engine   *rules.Engine
	courier  *outbox.Courier
	box      *outbox.Box
	clock    *clock.Clock
	troubles *notify.Troubles
	log      *slog.Logger
}

const (
	socketName = "pinbell.sock"
	// patience is how long one client may take, and how long the engine may
	// take to give a sign of life.
	patience = 5 * time.Second
	// longestMail is when a mail on the line means that the courier hangs: its
	// sessions have a deadline well below this.
	longestMail = 15 * time.Minute
)

// request is a command's question; the answer is one JSON value, a refusal
// where it cannot be answered.
type request struct {
	Command string        `json:"command"`
	ID      string        `json:"id,omitempty"`     // retry, drop: a mail's; "all" where that is meant
	Newest  int           `json:"newest,omitempty"` // log: so many at the most; 0: all
	Since   time.Time     `json:"since,omitzero"`   // log: none before this
	Ago     time.Duration `json:"ago,omitempty"`    // log: none from longer ago, by the daemon's time
}

// refusal is the answer to what cannot be answered: why, and the exit code
// that the command is to end with.
type refusal struct {
	Error string `json:"error"`
	Exit  int    `json:"exit,omitempty"`
}

// Report is the answer to "status".
type Report struct {
	Version  string               `json:"version"`
	PID      int                  `json:"pid,omitempty"`
	Config   string               `json:"config,omitempty"` // the SHA-256 of the config as it was when the daemon started
	Device   string               `json:"device"`
	Up       time.Duration        `json:"up"` // ns since the daemon started
	Clock    clock.Status         `json:"clock"`
	Rules    []rules.RuleStatus   `json:"rules"`
	Sensors  []rules.SensorStatus `json:"sensors"`
	Mail     MailReport           `json:"mail"`
	Troubles []notify.Trouble     `json:"troubles"`
}

// MailReport is how mail goes.
type MailReport struct {
	outbox.Status
	Relay     string        `json:"relay"`                 // the first road's server
	NextTryIn time.Duration `json:"next_try_in,omitempty"` // ns until what could not be sent is tried again
	Sending   time.Duration `json:"sending,omitempty"`     // ns since when the mail server is being talked to
}

// Run serves until ctx ends.
func (d *desk) Run(ctx context.Context) error {
	beat := 30 * time.Second
	if watchdog, err := systemd.SdWatchdogEnabled(false); err == nil && watchdog > 0 {
		beat = watchdog / 2
	}
	defer systemd.SdNotify(false, systemd.SdNotifyStopping)
	var socket *net.UnixListener
	for ready := false; ctx.Err() == nil; {
		if socket == nil {
			socket = d.listen()
		}
		if d.alive(ctx) {
			if !ready {
				systemd.SdNotify(false, systemd.SdNotifyReady)
				ready = true
			}
			systemd.SdNotify(false, systemd.SdNotifyWatchdog)
		}
		socket = d.serve(ctx, socket, time.Now().Add(beat))
	}
	if socket != nil {
		socket.Close()
	}
	return nil
}

// alive is the proof that systemd's watchdog hears of. Without it systemd
// starts the daemon again, and the store has all that is to be told.
func (d *desk) alive(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return d.engine.Alive(ctx) && d.courier.Stuck() < longestMail
}

// listen opens the socket; nil if that cannot be done now.
func (d *desk) listen() *net.UnixListener {
	path, done := shortPath(d.dir)
	defer done()
	// A socket that is left over is nobody's: the store's lock is ours.
	err := os.Remove(path)
	if err == nil || errors.Is(err, os.ErrNotExist) {
		var socket *net.UnixListener
		if socket, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"}); err == nil {
			socket.SetUnlinkOnClose(false) // by then the short path may lead elsewhere
			os.Chmod(path, 0o660)
			d.troubles.Clear("status.socket", "")
			return socket
		}
	}
	d.troubles.Raise(notify.Trouble{
		Code: "status.socket", Sentence: "`pinbell status` gets no answer, as its socket in " + d.dir + " cannot be made: " + cause(err) + ".",
		Doing: "Alarms go on. pinbell tries again twice a minute or more often.", Remedy: "The directory must be writable for the user that pinbell runs as.",
	})
	return nil
}

// cause is the system's word for an error, without the paths before it.
func cause(err error) string {
	if errno := unix.Errno(0); errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}

// shortPath gives a path to the socket that fits into a socket's address (107
// bytes), however deep the state directory is.
func shortPath(dir string) (path string, done func()) {
	path = filepath.Join(dir, socketName)
	if len(path) < 100 {
		return path, func() {}
	}
	f, err := os.Open(dir)
	if err != nil {
		return path, func() {}
	}
	return filepath.Join("/proc/self/fd", itoa(int(f.Fd())), socketName), func() { f.Close() }
}

// serve answers clients until the next beat, and gives the socket back; nil if
// it broke.
func (d *desk) serve(ctx context.Context, socket *net.UnixListener, until time.Time) *net.UnixListener {
	if socket == nil {
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(until)):
		}
		return nil
	}
	stop := context.AfterFunc(ctx, func() { socket.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	socket.SetDeadline(until)
	for ctx.Err() == nil {
		conn, err := socket.Accept()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return socket
		}
		if err != nil {
			socket.Close()
			return nil
		}
		d.answer(ctx, conn)
	}
	return socket
}

func (d *desk) answer(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	var r request
	if err := json.NewDecoder(conn).Decode(&r); err != nil {
		return // the client went away
	}
	if err := json.NewEncoder(conn).Encode(d.reply(ctx, r)); err != nil {
		d.log.Debug("answer a command", "err", err)
	}
}

// reply is the answer to a request. The beat of the watchdog waits for it, so
// none of them waits for more than a commit to the disk.
func (d *desk) reply(ctx context.Context, r request) any {
	switch r.Command {
	case "status":
		return d.report(ctx)
	case "log":
		return d.told(r)
	case "outbox":
		return d.waiting()
	case "retry":
		return d.retry(r.ID)
	case "drop":
		return d.dropped(r.ID)
	}
	return refusal{Error: "the pinbell that runs does not know the command " + r.Command + ": it is older than this one. Start it again (systemctl restart pinbell)"}
}

func (d *desk) report(ctx context.Context) Report {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r := Report{
		Version: version, PID: os.Getpid(), Config: d.config, Device: d.device, Up: time.Since(d.started), Clock: d.clock.Status(),
		Mail:     d.mail(),
		Troubles: d.troubles.List(),
	}
	st, err := d.engine.Status(ctx)
	if err != nil {
		r.Troubles = append(r.Troubles, notify.Trouble{Code: "engine.silent", Sentence: "The rules do not answer: " + err.Error() + ".", Since: time.Now()})
	}
	r.Rules, r.Sensors = st.Rules, st.Sensors
	return r
}

func (d *desk) mail() MailReport {
	st := d.box.Status()
	st.Roads = d.courier.Ways()
	return MailReport{
		Status: st, Relay: st.Roads[0].Name, Sending: d.courier.Stuck(),
		NextTryIn: max(0, time.Until(d.courier.NextSession()), st.RetryIn),
	}
}

// ask puts a request to the running daemon. A refusal is an error, with the
// exit code that the daemon gave it.
func ask(dir string, r request, reply any) error {
	path, done := shortPath(dir)
	defer done()
	conn, err := net.DialTimeout("unix", path, patience)
	if err != nil {
		return notRunning(dir, err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * patience))
	var raw json.RawMessage
	if err := errors.Join(json.NewEncoder(conn).Encode(r), json.NewDecoder(conn).Decode(&raw)); err != nil {
		return notRunning(dir, err)
	}
	var no refusal
	if json.Unmarshal(raw, &no) == nil && no.Error != "" {
		return exit{max(no.Exit, exitFailed), errors.New(no.Error)}
	}
	if err := json.Unmarshal(raw, reply); err != nil {
		return fmt.Errorf("read the daemon's answer: %w", err)
	}
	return nil
}

// noDaemon is the error of a state directory without a daemon that answers:
// the store then has what it would say.
type noDaemon struct{ sentence string }

func (n noDaemon) Error() string { return n.sentence }

func notRunning(dir string, err error) error {
	switch {
	case errors.Is(err, os.ErrPermission):
		return errors.New("this user may not ask the daemon in " + dir + ": run it with sudo")
	case unix.Access(dir, unix.W_OK) == unix.EROFS:
		return noDaemon{"the disk with the state directory " + dir + " is read-only, so a pinbell that runs there cannot be asked. " +
			"It goes on with alarms in memory: `journalctl -u pinbell` shows what it says. A failing card does that: look at `dmesg`"}
	case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ECONNREFUSED): // the socket of one that has ended stays
		return noDaemon{"no pinbell is running with the state directory " + dir + ". Start it (systemctl start pinbell), or name its directory with --state"}
	}
	return errors.New("the daemon in " + dir + " does not answer (" + err.Error() + "): it has stopped, or hangs. `journalctl -u pinbell` says more")
}
