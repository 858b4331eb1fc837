package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/notify/outbox"
	"pinbell/notify/rules"
	"pinbell/sensors"
)

//go:embed start.sh
var startScript []byte

// stage is what one scenario is played on: a board, the servers that it
// reaches, and a folder of its own. It notes figures as they come.
type stage struct {
	*host
	board   *board
	name    string
	dir     string
	binary  string
	config  string // sensors and rules
	version string
	short   bool // the form for CI
	*figures
}

// figures are what all scenarios on a machine measured.
type figures struct {
	machine string          // what it is
	ready   []time.Duration // from the daemon's start until it was ready
	booted  []time.Duration // from the kernel's start until the daemon was ready
	stops   []time.Duration // from SIGTERM to the daemon's end
	rss     int             // resident memory, in KB: the most that a daemon had at its end
	anon    int             // of that, private
}

// switchOn boots the board with pinbell on it, and returns when pinbell is
// ready.
func (s *stage) switchOn(ctx context.Context, p power) error {
	p.payload, p.command = filepath.Join(s.dir, "payload"), "sh /payload/start.sh "+s.name
	p.hosts = []string{mailHost, timeHost}
	if err := s.pack(p.payload); err != nil {
		return err
	}
	if err := s.board.boot(ctx, p); err != nil {
		return err
	}
	// Nobody can reach in and ask faster than the daemon starts.
	out, err := s.board.exec(ctx, strings.ReplaceAll(`for i in $(seq 600); do
		[ -e /run/NAME.exit ] && { echo "pinbell ended: $(cat /run/NAME.exit)"; exit 1; }
		[ -e /run/NAME.ready ] && exec cat /run/NAME.ready
		sleep 0.1
	done; echo "pinbell does not get ready"; exit 1`, "NAME", s.name))
	if err != nil {
		return err
	}
	var took, up int64
	if _, err := fmt.Sscan(out, &took, &up); err != nil {
		return fmt.Errorf("the board says %q for when pinbell was ready", out)
	}
	s.ready = append(s.ready, time.Duration(took)*time.Millisecond)
	s.booted = append(s.booted, time.Duration(up)*time.Millisecond)
	return nil
}

// pack fills the folder that the guest gets.
func (s *stage) pack(payload string) error {
	files := map[string][]byte{
		"start.sh":                startScript,
		s.name + "/pinbell.toml":  []byte(s.head() + s.config),
		s.name + "/ca.pem":        s.ca,
		s.name + "/mail.password": []byte(password + "\n"),
	}
	if err := os.MkdirAll(filepath.Join(payload, s.name), 0o700); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(payload, name), text, 0o600); err != nil {
			return err
		}
	}
	program := filepath.Join(payload, "pinbell")
	if _, err := os.Stat(program); err == nil {
		return nil
	}
	binary, err := os.ReadFile(s.binary)
	if err != nil {
		return err
	}
	return os.WriteFile(program, binary, 0o755)
}

// head is the part of the config that all scenarios share.
func (s *stage) head() string {
	var servers []string
	for _, t := range s.times {
		_, port, _ := strings.Cut(t.Addr(), ":")
		servers = append(servers, timeHost+":"+port)
	}
	return fmt.Sprintf(`[device]
name     = "board"
timezone = "UTC"

[mail]
provider      = "custom"
host          = %q
port          = %d
ca_file       = "ca.pem"
username      = %q
password_file = "mail.password"
to            = ["owner@pinbell.test"]

[time]
servers = ["%s"]

[limits]
per_hour = 1000
per_day  = 2000
`, mailHost, s.port.Number(), account, strings.Join(servers, `", "`))
}

// report is what `pinbell status --json` tells, as far as it is looked at.
type report struct {
	Version  string
	Clock    clock.Status
	Rules    []rules.RuleStatus
	Sensors  []rules.SensorStatus
	Mail     outbox.Status
	Troubles []notify.Trouble
}

// status asks the daemon, as its owner would.
func (s *stage) status(ctx context.Context) (r report, err error) {
	out, err := s.ask(ctx, "status --json")
	if err == nil {
		err = json.Unmarshal([]byte(out), &r)
	}
	s.version = r.Version
	return r, err
}

// ask runs one of pinbell's commands that speak to the daemon.
func (s *stage) ask(ctx context.Context, command string) (string, error) {
	return s.board.exec(ctx, "agent as 1000:1000 /payload/pinbell "+command+" --state /var/lib/pinbell/"+s.name)
}

// until asks for the status until it is as wanted.
func (s *stage) until(ctx context.Context, limit time.Duration, what string, enough func(report) bool) (r report, err error) {
	err = await(ctx, limit, "status: "+what, func() (bool, error) {
		r, err = s.status(ctx)
		return err == nil && enough(r), err
	})
	return r, err
}

func (s *stage) trusted(ctx context.Context) error {
	_, err := s.until(ctx, 3*time.Minute, "the time is known", func(r report) bool { return r.Clock.Trust == clock.Trusted })
	return err
}

func (r report) sensor(name string) (found rules.SensorStatus) {
	for _, s := range r.Sensors {
		if s.Name == name {
			found = s
		}
	}
	return found
}

func (r report) rule(name string) (found rules.RuleStatus) {
	for _, x := range r.Rules {
		if x.Name == name {
			found = x
		}
	}
	return found
}

// value is a sensor's newest value of a quantity.
func (r report) value(sensor string, q sensors.Quantity) (v float64, known bool) {
	for _, f := range r.sensor(sensor).Values {
		if f.Quantity == q && f.Known() {
			return f.Value, true
		}
	}
	return 0, false
}

// switchLine sets a line and gives the instant.
func (s *stage) switchLine(ctx context.Context, line, level string) (time.Time, error) {
	at, err := s.board.drive(ctx, line, level)
	if err != nil {
		return time.Time{}, err
	}
	return at[0], nil
}

// stopLimit is how long the daemon may take to end after SIGTERM.
const stopLimit = 20 * time.Second

// terminate stops the daemon as systemd does, and then the board.
func (s *stage) terminate(ctx context.Context) error {
	out, err := s.board.exec(ctx, strings.ReplaceAll(`pid=$(cat /run/NAME.pid)
	memory=$(awk '/VmRSS|RssAnon/ {print $2}' /proc/$pid/status)
	begin=$(cut -d' ' -f1 /proc/uptime)
	kill -TERM $pid
	for i in $(seq 1000); do
		[ -e /run/NAME.exit ] && { echo $(cat /run/NAME.exit) $begin $(cut -d' ' -f1 /proc/uptime) $memory; exit; }
		sleep 0.05
	done; echo "pinbell goes on 50 s after SIGTERM"; exit 1`, "NAME", s.name))
	if err != nil {
		return err
	}
	var status, life, rss, anon int
	var begin, end float64
	if _, err := fmt.Sscan(out, &status, &life, &begin, &end, &rss, &anon); err != nil {
		return fmt.Errorf("the board says %q for how pinbell ended", out)
	}
	took := time.Duration((end - begin) * float64(time.Second))
	s.stops = append(s.stops, took)
	s.rss, s.anon = max(s.rss, rss), max(s.anon, anon)
	if status != 0 || took > stopLimit {
		return fmt.Errorf("SIGTERM: exit status %d after %v", status, took)
	}
	return s.board.off(ctx, "stop")
}
