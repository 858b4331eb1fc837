package main

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"testing"

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
