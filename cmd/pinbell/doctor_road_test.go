package main

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"pinbell/config"
	"pinbell/notify/smtp/smtptest"
	"pinbell/notify/unione/unionetest"
)

func TestDoctorForProgramsIsAnArrayOfChecks(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.plug.pull()
	out, _ := g.call(exitFault, "doctor", "--json", "--config", g.config(), "--state", g.state)
	var checks []Check
	if err := json.Unmarshal([]byte(out), &checks); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	checkOf(t, checks, "connect").says(t, fault, "refuses connections", "nc -vz localhost")
	checkOf(t, checks, "login").says(t, skipped, "needs connect first")
}

func TestDoctorLooksAtTheFallbackToo(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	closed := serve(t, smtptest.HoldPort)
	g.parts = fmt.Sprintf(`
[[mail.fallback]]
provider = "custom"
host = "localhost"
port = %d
ca_file = "ca.pem"
username = "garage@example.org"
password_file = "mail.password"
`, closed.Number()) + g.parts
	all := g.examine()
	checkOf(t, all, "sender").says(t, fine)
	checkOf(t, all, "fallback dns").says(t, fine)
	checkOf(t, all, "fallback connect").says(t, fault, "refuses connections on port")
	checkOf(t, all, "fallback login").says(t, skipped, "needs connect first")
}

func TestDoctorSeesWhatKeepsTheStoreFromBeingWritten(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	d := newDisk(t, g)
	checkOf(t, g.examine(), "store").says(t, warn, "can be written to, and has .* free", "Make room on this disk soon")
	d.fill()
	checkOf(t, g.examine(), "store").says(t, fault, "^the disk is full, so nothing can be saved in ", "Make room on it")
	d.free()
	d.readOnly(true)
	checkOf(t, g.examine(), "store").says(t, fault, "^the disk is read-only", "dmesg")
	d.readOnly(false)
}

// webFallback adds a road over HTTPS with this key.
func (g *garage) webFallback(server *unionetest.Server, key string) {
	g.t.Helper()
	conn, err := tls.Dial("tcp", fmt.Sprintf("%s:%d", server.Host(), server.Port()), &tls.Config{RootCAs: server.Roots()})
	if err != nil {
		g.t.Fatal(err)
	}
	defer conn.Close()
	chain := conn.ConnectionState().VerifiedChains[0]
	g.write("web.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain[len(chain)-1].Raw})))
	g.write("api.key", key)
	g.parts = fmt.Sprintf(`
[[mail.fallback]]
provider = "unione-api"
host = "127.0.0.1"
port = %d
ca_file = "web.pem"
password_file = "api.key"
from = "bell@example.org"
`, server.Port()) + g.parts
}

func TestDoctorShowsTheKeyToARoadOverHTTPS(t *testing.T) {
	t.Parallel()
	server := serve(t, func() (*unionetest.Server, error) { return unionetest.Start(unionetest.Options{}) })
	t.Run("a good key", func(t *testing.T) {
		g := newGarage(t)
		g.webFallback(server, unionetest.Key)
		all := g.examine()
		for _, gate := range []string{"dns", "connect", "tls"} {
			checkOf(t, all, "fallback "+gate).says(t, fine)
		}
		checkOf(t, all, "fallback login").says(t, fine, "^the key is good")
		checkOf(t, all, "fallback sender").says(t, skipped, "only a mail shows whether bell@example.org is verified there")
	})
	t.Run("a wrong key", func(t *testing.T) {
		g := newGarage(t)
		g.webFallback(server, "1111111111112222222222223333333333334444")
		all := g.examine()
		checkOf(t, all, "fallback tls").says(t, fine)
		checkOf(t, all, "fallback login").says(t, fault, "key")
		checkOf(t, all, "fallback sender").says(t, skipped, "it needs login first")
	})
	if mails := server.Mails(); len(mails) > 0 {
		t.Errorf("the doctor sent %d mails", len(mails))
	}
}

func TestAPasswordThatOnlyTheAskerCanReadIsAFault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mail.password")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	road := config.Road{PasswordFile: path}
	asked := exec.Command("sleep", "60") // a process without credentials
	asked.Env = []string{"A=CREDENTIALS_DIRECTORY=no"}
	if err := asked.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { asked.Process.Kill(); asked.Wait() })
	for credentialed(asked.Process.Pid) { // until the new program has its own environment
		time.Sleep(10 * time.Millisecond)
	}
	d := doctor{daemon: &Report{PID: asked.Process.Pid}, account: account{name: "pinbell", uid: 64999}}
	d.letIn(road, "alex is let in").says(t, fault, "^alex is let in, but the daemon cannot read the password: it runs as the user pinbell", "sudo chown pinbell "+path, "LoadCredential")
	d.account.uid = uint32(os.Geteuid())
	d.letIn(road, "alex is let in").says(t, "", "^alex is let in\n")
	d.account.uid = 64999
	d.daemon = nil
	d.letIn(road, "alex is let in").says(t, "", "^alex is let in\n")
}
