package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock/ntptest"
	"pinbell/notify/smtp/smtptest"
)

// garage is an owner's place: a folder with a config, a password and files
// that sensors read, a time server, an honest mail server behind a plug, and
// the daemon as a process of its own.
type garage struct {
	t     *testing.T
	dir   string
	state string
	clock *ntptest.Server
	mail  *smtptest.Server
	plug  *plug  // what the config names as the mail server
	times string // [time] servers, as TOML
	parts string // limits, sensors and rules
	ca    []byte

	daemon *process
	said   transcript // what all processes have printed
}

// rack is a thermometer and a rule, for tests that need no more than an event.
const rack = `
[[sensor]]
name = "rack"
driver = "file"
path = "rack"
quantity = "temperature"
every = "30ms"
silent_after = "1m"
[[rule]]
name = "rack-hot"
when = "rack.temperature > 60"
message = "The rack is too hot."
`

// newGarage makes the place, with a cool rack; it starts no daemon. At the end
// of the test no password may be found anywhere but in its file.
func newGarage(t *testing.T) *garage {
	t.Helper()
	g := &garage{t: t, dir: t.TempDir(), parts: rack}
	g.state = filepath.Join(g.dir, "state")
	g.clock = serve(t, func() (*ntptest.Server, error) { return ntptest.Start("127.0.0.1:0") })
	g.mail = serve(t, func() (*smtptest.Server, error) { return smtptest.Start(smtptest.Options{}) })
	g.plug = newPlug(t, g.mail.Addr())
	g.times = fmt.Sprintf("%q", g.clock.Addr())
	g.trust(g.mail.CAFile())
	g.write("mail.password", smtptest.Password+"\n")
	g.write("rack", "20\n")
	t.Cleanup(g.keepsSecrets)
	t.Cleanup(func() { g.kill() })
	return g
}

// serve starts a server that ends with the test.
func serve[S io.Closer](t *testing.T, start func() (S, error)) S {
	t.Helper()
	server, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server
}

// trust adds an authority to those that the config names.
func (g *garage) trust(caFile string) {
	g.t.Helper()
	pem, err := os.ReadFile(caFile)
	if err != nil {
		g.t.Fatal(err)
	}
	g.ca = append(g.ca, pem...)
	g.write("ca.pem", string(g.ca))
}

// write replaces a file whole: a sensor never reads half of it.
func (g *garage) write(name, text string) {
	g.t.Helper()
	path := filepath.Join(g.dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		g.t.Fatal(err)
	}
}

func (g *garage) remove(name string) {
	g.t.Helper()
	if err := os.Remove(filepath.Join(g.dir, name)); err != nil {
		g.t.Fatal(err)
	}
}

// config writes the owner's file and gives its path.
func (g *garage) config() string {
	g.write("pinbell.toml", fmt.Sprintf(`
[device]
name = "garage"
[mail]
provider = "custom"
host = "localhost"
port = %d
ca_file = "ca.pem"
username = %q
password_file = "mail.password"
to = ["alex@example.org"]
[time]
servers = [%s]
%s`, g.plug.port(), smtptest.Username, g.times, g.parts))
	return filepath.Join(g.dir, "pinbell.toml")
}

// start runs the daemon and returns when it answers.
func (g *garage) start() {
	g.t.Helper()
	g.daemon = g.launch("run", "--config", g.config(), "--state", g.state)
	g.until("the daemon answers", 10*time.Second, func(Report) bool { return true })
}

func (g *garage) kill() {
	if g.daemon != nil {
		g.daemon.kill()
		g.daemon = nil
	}
}

// restart kills the daemon and starts another, as after a power cut.
func (g *garage) restart() {
	g.t.Helper()
	g.kill()
	g.start()
}

// ample is how long a test waits for what takes up to limit on an idle machine:
// long enough for one with ten times as much to do. A wait that is over early
// costs nothing, and one that is too short fails a test that is right.
func ample(limit time.Duration) time.Duration { return max(3*time.Minute, 2*limit) }

// until waits for the daemon's report to be as wanted, and gives it.
func (g *garage) until(what string, limit time.Duration, wanted func(Report) bool) Report {
	g.t.Helper()
	var last string
	limit = ample(limit)
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(40 * time.Millisecond) {
		var raw json.RawMessage
		if err := ask(g.state, request{Command: "status"}, &raw); err != nil {
			last = err.Error()
			continue
		}
		var r Report
		if err := json.Unmarshal(raw, &r); err != nil {
			g.t.Fatalf("status: %v\n%s", err, raw)
		}
		if wanted(r) {
			return r
		}
		last = string(raw)
	}
	g.t.Fatalf("not within %v: %s\nlast status: %s\nall that was said:\n%s", limit, what, last, g.said.String())
	return Report{}
}

// status is what the command shows a person.
func (g *garage) status() string {
	g.t.Helper()
	p := g.launch("status", "--state", g.state)
	if code := p.wait(20 * time.Second); code != 0 {
		g.t.Fatalf("pinbell status exits %d: %s", code, p.stderr.String())
	}
	return p.stdout.String()
}

// tells wants each piece in what pinbell status shows, and gives that.
func (g *garage) tells(pieces ...string) (text string) {
	g.t.Helper()
	text = g.status()
	g.says(text, pieces...)
	return text
}

func (g *garage) says(status string, pieces ...string) {
	g.t.Helper()
	flat := strings.Join(strings.Fields(status), " ")
	for _, piece := range pieces {
		if !strings.Contains(flat, piece) {
			g.t.Errorf("pinbell status does not say %q:\n%s", piece, status)
		}
	}
}

// arrived waits until the honest server has as many mails.
func (g *garage) arrived(n int, limit time.Duration) []smtptest.Mail {
	g.t.Helper()
	limit = ample(limit)
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if mails := g.mail.Mails(); len(mails) >= n {
			return mails
		}
	}
	var raw json.RawMessage
	err := ask(g.state, request{Command: "status"}, &raw)
	g.t.Fatalf("%d mails within %v, want %d\nstatus: %s %v\nall that was said:\n%s", len(g.mail.Mails()), limit, n, raw, err, g.said.String())
	return nil
}

// trouble gives the trouble with a code; nil if there is none.
func trouble(r Report, code string) *notify.Trouble {
	for i := range r.Troubles {
		if r.Troubles[i].Code == code {
			return &r.Troubles[i]
		}
	}
	return nil
}

// waiting counts what is not told yet, in mails or not.
func waiting(r Report) int { return r.Mail.Waiting + r.Mail.Sealed }

// text is a mail as its reader sees it.
func text(t *testing.T, m smtptest.Mail) string {
	t.Helper()
	text, err := letter(m.Bytes)
	if err != nil {
		t.Fatalf("%v\n%s", err, m.Bytes)
	}
	return text
}

// keepsSecrets looks for passwords in all that was printed, stored, mailed,
// or sent in clear text.
func (g *garage) keepsSecrets() {
	look := func(where, text string) {
		if leak := leaked(text); leak != "" {
			g.t.Errorf("%s shows the password as %q", where, leak)
		}
	}
	look("the output", g.said.String())
	look("the wire", g.plug.heard())
	for _, m := range g.mail.Mails() {
		look("a mail", string(m.Bytes))
	}
	files, _ := filepath.Glob(filepath.Join(g.state, "*"))
	for _, name := range files {
		if data, err := os.ReadFile(name); err == nil { // a socket cannot be read
			look(name, string(data))
		}
	}
}
