package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pinbell/notify/smtp/smtptest"
)

// examine has the doctor look at the place.
func (g *garage) examine() []Check {
	g.t.Helper()
	d := doctor{places: places{config: g.config(), state: g.state}, progress: newProgress(io.Discard)}
	d.tell = newSheet(&g.said).line
	d.examine(g.t.Context())
	return d.checks
}

// checkOf is the check with a name, which must be there.
func checkOf(t *testing.T, all []Check, name string) Check {
	t.Helper()
	for _, c := range all {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no check %q among %+v", name, all)
	return Check{}
}

// says wants a check's state, and each pattern somewhere in its words.
func (c Check) says(t *testing.T, state Finding, patterns ...string) {
	t.Helper()
	words := c.Sentence + "\n" + strings.Join(c.Detail, "\n") + "\n" + c.Remedy
	if c.State != state {
		t.Errorf("%s is %s, want %s: %s", c.Name, c.State, state, words)
	}
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(words) {
			t.Errorf("%s does not say %q:\n%s", c.Name, pattern, words)
		}
	}
}

func TestDoctorFindsAHealthyPlaceWellAndSendsNothing(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.start()
	all := g.examine()
	for name, pattern := range map[string]string{
		"config":       `pinbell.toml is fine: 1 sensor, 1 rule$`,
		"rack":         `/rack: 20\.0 °C$`,
		"clock":        `^trusted \(`,
		g.clock.Addr(): `^the board's clock is `,
		"dns":          `^localhost is .*127\.0\.0\.1`,
		"connect":      fmt.Sprintf(`^127\.0\.0\.1:%d answers after \d+`, g.plug.port()),
		"tls":          `^TLS 1\.3, certificate for localhost.*, valid from \d+ \w+ \d{4} \d\d:\d\d UTC to .*, signed by "pinbell test authority"$`,
		"login":        `^garage@example\.org is let in$`,
		"sender":       `^garage@example\.org is taken as the sender$`,
		"store":        `can be written to, and has .* free$`,
		"daemon":       `^pinbell dev has been watching garage for .*, without trouble$`,
	} {
		c := checkOf(t, all, name)
		if c.State != fine || !regexp.MustCompile(pattern).MatchString(c.Sentence) {
			t.Errorf("%s: %s %q %v, want ok and %q", name, c.State, c.Sentence, c.Detail, pattern)
		}
	}
	if mails := g.mail.Mails(); len(mails) > 0 {
		t.Errorf("the doctor sent %d mails", len(mails))
	}
	if left, _ := filepath.Glob(filepath.Join(g.state, ".doctor-*")); len(left) > 0 {
		t.Errorf("the doctor left %v in the state directory", left)
	}
}

// wayFault is a mail server that fails at a gate: which one, and what is said.
type wayFault struct {
	name   string
	liar   *smtptest.LiarOptions
	server *smtptest.Options
	closed bool
	secret string // in place of the right password
	gate   string
	says   []string
}

var wayFaults = []wayFault{
	{name: "port closed", closed: true, gate: "connect",
		says: []string{`^localhost refuses connections on port \d+`, `nc -vz localhost \d+`, `ask for port \d+ to be opened`}},
	{name: "greeting 554", liar: at("greeting", smtptest.Say("554 5.7.1 Your address is blocked")), gate: "connect",
		says: []string{"waiting for its greeting: 554 .*blocked"}},
	{name: "no starttls", liar: &smtptest.LiarOptions{NoStartTLS: true}, gate: "tls", says: []string{"nothing in clear text"}},
	{name: "starttls refused", liar: at("starttls", smtptest.Say("454 4.7.0 TLS not available")), gate: "tls", says: []string{"refused to begin encryption: 454"}},
	{name: "certificate expired", server: &smtptest.Options{Certificate: smtptest.Expired}, gate: "tls",
		says: []string{`has expired: it is valid from .* to .*, and was checked at`, `It shows a certificate for localhost`}},
	{name: "certificate of a stranger", server: &smtptest.Options{Certificate: smtptest.ForeignCA}, gate: "tls", says: []string{"foreign authority", "mail.ca_file"}},
	{name: "certificate for another name", server: &smtptest.Options{Certificate: smtptest.WrongName}, gate: "tls", says: []string{"elsewhere.example", "mail.host"}},
	{name: "old TLS", server: &smtptest.Options{OldTLS: true}, gate: "tls", says: []string{"too old; pinbell needs 1.2 or newer"}},
	{name: "hello refused under TLS", liar: at("ehlo2", smtptest.Say("550 5.7.1 Go away")), gate: "login", says: []string{"550 5.7.1 Go away"}},
	{name: "password wrong", secret: "wrong-pass-word-9", gate: "login",
		says: []string{"^localhost refused the login as garage@example.org: 535", "password"}},
	{name: "sender refused", liar: at("mail", smtptest.Say("550 5.7.0 From address is not one of your addresses")), gate: "sender",
		says: []string{"refused the sender: 550 5.7.0 From address", "mail.from"}},
}

func TestDoctorNamesTheGateThatIsShutAndWhatOpensIt(t *testing.T) {
	t.Parallel()
	for _, f := range wayFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			g := newGarage(t)
			g.suffer(f)
			all := g.examine()
			checkOf(t, all, f.gate).says(t, fault, f.says...)
			want := fine
			for _, gate := range gates {
				if gate == f.gate {
					want = skipped
					continue
				}
				c := checkOf(t, all, gate)
				c.says(t, want)
				if want == skipped && c.Sentence != "not tried: it needs "+f.gate+" first" {
					t.Errorf("%s: %q", gate, c.Sentence)
				}
			}
			checkOf(t, all, "rack").says(t, fine)
			checkOf(t, all, "store").says(t, warn, "is not there yet")
		})
	}
}

// suffer puts the fault behind the plug.
func (g *garage) suffer(f wayFault) {
	g.t.Helper()
	switch {
	case f.closed:
		g.plug.pull()
	case f.liar != nil:
		liar := serve(g.t, func() (*smtptest.Liar, error) { return smtptest.Lie(*f.liar) })
		g.trust(liar.CAFile())
		g.plug.into(fmt.Sprintf("127.0.0.1:%d", liar.Port()))
	case f.server != nil:
		server := serve(g.t, func() (*smtptest.Server, error) { return smtptest.Start(*f.server) })
		g.trust(server.CAFile())
		g.plug.into(server.Addr())
	case f.secret != "":
		g.write("mail.password", f.secret)
	}
}

func TestDoctorGoesOnAfterASensorsFault(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.parts += `
[[sensor]]
name = "door"
driver = "gpio"
line = "GPIO17"
[[sensor]]
name = "freezer"
driver = "bme280"
bus = 250
[[sensor]]
name = "cellar"
driver = "tmp105"
bus = 250
[[sensor]]
name = "loft"
driver = "file"
path = "loft"
`
	g.write("loft", "many words\n")
	all := g.examine()
	if _, err := os.Stat("/dev/gpiochip0"); err != nil {
		checkOf(t, all, "gpio").says(t, fault, "no GPIO character device", "on the board itself")
		checkOf(t, all, "door").says(t, skipped, "behind gpio")
	}
	checkOf(t, all, "i2c bus 250").says(t, fault, "no I2C bus 250", "raspi-config")
	checkOf(t, all, "freezer").says(t, skipped, "behind i2c bus 250")
	checkOf(t, all, "cellar").says(t, skipped, "behind i2c bus 250")
	checkOf(t, all, "loft").says(t, fault, `holds no number but "many words"`, "Check the path")
	checkOf(t, all, "rack").says(t, fine)
	checkOf(t, all, "sender").says(t, fine)
}

func TestDoctorSeesThatTheDaemonRunsWithAnOlderConfig(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.start()
	g.parts += "\n[[rule]]\nname = \"rack-cold\"\nwhen = \"rack.temperature < 2\"\n"
	all := g.examine()
	checkOf(t, all, "daemon").says(t, warn, "runs with another config than", "systemctl restart pinbell")
}

func TestDoctorTellsTheDaemonsTroubles(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.start()
	g.remove("rack")
	g.until("the trouble is there", 10*time.Second, func(r Report) bool { return trouble(r, "sensor.fault") != nil })
	checkOf(t, g.examine(), "daemon").says(t, warn, "tells 1 trouble", "is not there")
}

func TestDoctorSaysWhatATimeServerSays(t *testing.T) {
	t.Parallel()
	ownClock(t)
	g := newGarage(t)
	g.times = fmt.Sprintf("%q, \"no.such.invalid\"", g.clock.Addr())
	all := g.examine()
	checkOf(t, all, "clock").says(t, warn, "the time is unchecked: the board's clock says", "UDP port 123 may be blocked")
	checkOf(t, all, g.clock.Addr()).says(t, fine, "the board's clock is ")
	checkOf(t, all, "no.such.invalid").says(t, warn, "gives no time: its name cannot be looked up")
	checkOf(t, all, "tls").says(t, fine)
}

func TestDoctorMailsOnlyOnRequestAndGivesTheReceipt(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	p := g.launch("doctor", "--send", "--config", g.config(), "--state", g.state)
	if code := p.wait(time.Minute); code != 0 {
		t.Fatalf("doctor --send exits %d:\n%s%s", code, p.stdout.String(), p.stderr.String())
	}
	mails := g.mail.Mails()
	if len(mails) != 1 || !strings.Contains(p.stdout.String(), "queued as "+mails[0].QueueID) {
		t.Errorf("%d mails; doctor said\n%s", len(mails), p.stdout.String())
	}
}
