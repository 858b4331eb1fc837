package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"pinbell/notify/clock/ntptest"
	"pinbell/notify/smtp/smtptest"
)

// stage is what the subjects work on: ten files in memory, as the kernel's
// are, a state directory on a disk, a mail server for each, and time servers.
type stage struct {
	dir   string // on a disk
	state string
	kept  string // the folder of the files
	files []string
	times []*ntptest.Server

	ourServer, theirServer *smtptest.Server
	ourMail, theirMail     chan time.Time // when a mail was accepted
}

const (
	sensorCount = 10
	cold, hot   = "41500\n", "71500\n" // thousandths of a degree; every limit lies between
)

func setStage() (s *stage, err error) {
	s = &stage{ourMail: make(chan time.Time, 100), theirMail: make(chan time.Time, 100)}
	if s.dir, err = os.MkdirTemp("/var/tmp", "pinbell-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	// collectd starts what sends its mails as another user.
	if err = os.Chmod(s.dir, 0o755); err != nil {
		return s, err
	}
	s.state = filepath.Join(s.dir, "state")
	if s.kept, err = os.MkdirTemp("/dev/shm", "pinbell-bench-"); err != nil {
		return s, err
	}
	for i := range sensorCount {
		s.files = append(s.files, filepath.Join(s.kept, "temp"+strconv.Itoa(i)))
		err = errors.Join(err, os.WriteFile(s.files[i], []byte(cold), 0o644))
	}
	for range 3 {
		server, err := ntptest.Start("127.0.0.1:0")
		if err != nil {
			return s, err
		}
		s.times = append(s.times, server)
	}
	if s.ourServer, err = mailServer(s.ourMail); err != nil {
		return s, err
	}
	s.theirServer, err = mailServer(s.theirMail)
	return s, err
}

func mailServer(accepted chan<- time.Time) (*smtptest.Server, error) {
	return smtptest.Start(smtptest.Options{Accepted: func(m smtptest.Mail) { accepted <- m.At }})
}

func (s *stage) close() {
	for _, server := range []*smtptest.Server{s.ourServer, s.theirServer} {
		if server != nil {
			server.Close()
		}
	}
	for _, server := range s.times {
		server.Close()
	}
	os.RemoveAll(s.dir)
	os.RemoveAll(s.kept)
}

// pinbell writes the config and gives the command that runs it.
func (s *stage) pinbell(binary string) func() (*exec.Cmd, error) {
	config := filepath.Join(s.dir, "pinbell.toml")
	return func() (*exec.Cmd, error) {
		err := errors.Join(
			os.WriteFile(config, []byte(s.config()), 0o600),
			os.WriteFile(filepath.Join(s.dir, "mail.password"), []byte(smtptest.Password), 0o600),
		)
		return exec.Command(binary, "run", "--config", config, "--state", s.state), err
	}
}

func (s *stage) config() string {
	var text strings.Builder
	fmt.Fprintf(&text, `
[device]
name = "bench"
[mail]
provider = "custom"
host = "localhost"
port = %d
ca_file = %q
username = %q
password_file = "mail.password"
from = "bench@example.org"
to = ["alex@example.org", "sam@example.org"]
[time]
servers = [%q, %q, %q]
[limits]
per_hour = 1000
per_day = 1000
`, s.ourServer.Port(), s.ourServer.CAFile(), smtptest.Username, s.times[0].Addr(), s.times[1].Addr(), s.times[2].Addr())
	for i, path := range s.files {
		fmt.Fprintf(&text, `
[[sensor]]
name = "t%d"
driver = "file"
path = %q
scale = 0.001
quantity = "temperature"
every = "1s"
`, i, path)
	}
	return text.String() + ourRules
}

// ourRules are of each kind; t0 is the one that alerts.
const ourRules = `
[[rule]]
name = "hot"
when = "t0.temperature > 50"
severity = "critical"
repeat = ["15m", "1h"]
[[rule]]
name = "warm-for-long"
when = "t1.temperature > 40"
until = "t1.temperature < 35"
for = "24h"
[[rule]]
name = "cold"
when = "t2.temperature < 4 or t3.temperature < 4"
for = "5m"
[[rule]]
name = "warm-at-night"
when = "t4.temperature > 60 and between('22:00', '06:00')"
[[rule]]
name = "far-apart"
when = "t5.temperature > 55 and not (t6.temperature > 55)"
`

// collectd writes its config and gives the command that runs it. It is the
// cheapest that does the job: one thread that reads, one that hands on, the
// plugin that opens a file and takes a number from it, no store.
func (s *stage) collectd(binary string, sender account) (func() (*exec.Cmd, error), error) {
	msmtp, err := exec.LookPath("msmtp")
	if err != nil {
		return nil, errors.New("collectd mails by way of msmtp, which is not installed")
	}
	msmtprc := filepath.Join(s.dir, "msmtprc")
	if err := s.msmtp(msmtprc, sender.uid); err != nil {
		return nil, err
	}
	config := filepath.Join(s.dir, "collectd.conf")
	var text strings.Builder
	fmt.Fprintf(&text, "BaseDir %q\nPIDFile %q\nTypesDB \"/usr/share/collectd/types.db\"\nInterval 1\nReadThreads 1\nWriteThreads 1\n",
		s.dir, filepath.Join(s.dir, "collectd.pid"))
	text.WriteString("LoadPlugin logfile\n<Plugin logfile>\n LogLevel info\n File \"stderr\"\n Timestamp false\n</Plugin>\nLoadPlugin table\n<Plugin table>\n")
	for i, path := range s.files {
		fmt.Fprintf(&text, " <Table %q>\n  Instance \"t%d\"\n  Separator \" \"\n  <Result>\n   Type gauge\n   InstancePrefix \"v\"\n   ValuesFrom 0\n  </Result>\n </Table>\n", path, i)
	}
	fmt.Fprintf(&text, "</Plugin>\nLoadPlugin threshold\n<Plugin threshold>\n <Plugin \"table\">\n  Instance \"t1\"\n  <Type \"gauge\">\n   FailureMax 50000\n  </Type>\n </Plugin>\n</Plugin>\n")
	fmt.Fprintf(&text, "LoadPlugin exec\n<Plugin exec>\n NotificationExec %q %q \"-C\" %q \"alex@example.org\" \"sam@example.org\"\n</Plugin>\n", sender.name, msmtp, msmtprc)
	return func() (*exec.Cmd, error) {
		return exec.Command(binary, "-f", "-C", config), os.WriteFile(config, []byte(text.String()), 0o644)
	}, nil
}

// account is the user that collectd's mails are sent as: it refuses to do that
// as root.
type account struct {
	name string
	uid  int
}

// msmtp writes the account that collectd's mails go by.
func (s *stage) msmtp(path string, uid int) error {
	authority, err := os.ReadFile(s.theirServer.CAFile())
	if err != nil {
		return err
	}
	roots := filepath.Join(s.dir, "ca.pem")
	text := fmt.Sprintf("account default\nhost localhost\nport %d\nfrom bench@example.org\nauth plain\nuser %s\npassword %s\ntls on\ntls_starttls on\ntls_trust_file %s\n",
		s.theirServer.Port(), smtptest.Username, smtptest.Password, roots)
	return errors.Join(
		os.WriteFile(roots, authority, 0o644),
		os.WriteFile(path, []byte(text), 0o600),
		os.Chown(path, uid, -1),
	)
}
