package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/outbox"
	"pinbell/notify/smtp/smtptest"
)

// call runs a command to its end and wants its exit code.
func (g *garage) call(code int, args ...string) (stdout, stderr string) {
	g.t.Helper()
	p := g.launch(args...)
	if got := p.wait(time.Minute); got != code {
		g.t.Fatalf("pinbell %s exits %d, want %d:\n%s%s", strings.Join(args, " "), got, code, p.stdout.String(), p.stderr.String())
	}
	return p.stdout.String(), p.stderr.String()
}

// wants each pattern in a text.
func wants(t *testing.T, text string, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		if !regexp.MustCompile("(?m)" + pattern).MatchString(text) {
			t.Errorf("there is no %q in:\n%s", pattern, text)
		}
	}
}

// hold has the mail server put mails off, and raises an alarm. It returns when
// the mail waits, and gives its ID.
func (g *garage) hold() string {
	g.t.Helper()
	liar := serve(g.t, func() (*smtptest.Liar, error) {
		return smtptest.Lie(*at("dot", smtptest.Say("451 4.7.1 Greylisted, try again")))
	})
	g.trust(liar.CAFile())
	g.plug.into(fmt.Sprintf("127.0.0.1:%d", liar.Port()))
	g.start()
	g.write("rack", "75\n")
	g.until("the mail was put off", 10*time.Second, func(r Report) bool { return r.Mail.LastVerdict.Outcome == notify.Deferred })
	var all []waits
	if err := ask(g.state, request{Command: "outbox"}, &all); err != nil || len(all) != 1 || !all[0].Mail {
		g.t.Fatalf("what waits is %+v, %v; want one mail", all, err)
	}
	return all[0].ID
}

func TestOutboxTellsWhatWaitsForHowLongWhyAndWhenNext(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	id := g.hold()
	out, _ := g.call(0, "outbox", "--state", g.state)
	wants(t, out, `^mail `+id+` waits for \d+ s$`,
		`^  why       put off by localhost \(dot\): 451 .*Greylisted`, `^  next      in \d+`,
		`^  raised    \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  Rack hot \(rule rack-hot, event 1\)$`, `^  to        alex@example\.org$`,
		`^1 mail waits\. By age: under 10 min: 1\.$`)

	// Without the daemon it is the same mail, read and not touched.
	g.kill()
	before := g.store()
	out, note := g.call(0, "outbox", "--state", g.state)
	wants(t, out, `^mail `+id+` waits for`, `^  next      when pinbell starts$`)
	wants(t, note, "^pinbell: no pinbell is running: this is what it left in the store$")
	if g.store() != before {
		t.Error("looking into the outbox has changed the store")
	}
	asJSON, _ := g.call(0, "outbox", "--json", "--state", g.state)
	var all []waits
	if err := json.Unmarshal([]byte(asJSON), &all); err != nil || len(all) != 1 || all[0].ID != id || all[0].Events[0].Rule != "rack-hot" {
		t.Errorf("--json gives %v: %s", err, asJSON)
	}
}

// store is the store's file as it is.
func (g *garage) store() string {
	g.t.Helper()
	data, err := os.ReadFile(filepath.Join(g.state, outbox.FileName))
	if err != nil {
		g.t.Fatal(err)
	}
	return string(data)
}

func TestRetrySendsWhatWaitsAtOnce(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"", "all", "its ID"} {
		t.Run("retry "+what, func(t *testing.T) {
			t.Parallel()
			g := newGarage(t)
			id := g.hold()
			g.plug.into(g.mail.Addr())
			args := []string{"outbox", "retry", "--state", g.state}
			switch what {
			case "all":
				args = append(args, what)
			case "its ID":
				args = append(args, id)
			}
			out, _ := g.call(0, args...)
			wants(t, out, "tried now")
			if m := g.arrived(1, 20*time.Second)[0]; !strings.HasPrefix(m.MessageID, id) {
				t.Errorf("the mail that arrived is %s, want %s", m.MessageID, id)
			}
		})
	}
}

func TestRetryAndDropTakeOnlyAWholeID(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	id := g.hold()
	for _, wrong := range []string{id[:len(id)-1], strings.ToUpper(id), "1", id + " "} {
		for _, command := range []string{"retry", "drop"} {
			out, told := g.call(exitUsage, "outbox", command, wrong, "--state", g.state)
			wants(t, told, `^pinbell: nothing waits under "`+wrong+`": .pinbell outbox. lists what does$`)
			if out != "" {
				t.Errorf("%s %s says %q", command, wrong, out)
			}
		}
	}
	g.call(exitUsage, "outbox", "drop", "all", "--state", g.state)
	out, _ := g.call(0, "outbox", "--state", g.state)
	wants(t, out, "^mail "+id+" waits")
}

func TestDropGivesUpOneMailAndTheLogKeepsThat(t *testing.T) {
	t.Parallel()
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprint("daemon running: ", running), func(t *testing.T) {
			t.Parallel()
			g := newGarage(t)
			id := g.hold()
			if !running {
				g.kill()
			}
			out, _ := g.call(0, "outbox", "drop", id, "--state", g.state)
			wants(t, out, "^Dropped, and never told:$", `Rack hot \(rule rack-hot, event 1\)$`, "^  mail      "+id+", sealed")
			out, _ = g.call(0, "outbox", "--state", g.state)
			wants(t, out, "^Nothing waits.$")
			out, _ = g.call(0, "log", "--state", g.state)
			wants(t, out, "DROPPED by the owner$", id)
			if running {
				wants(t, out, `last      by localhost was put off \(dot: 451 4\.7\.1 Greylisted`)
			}
			g.call(exitUsage, "outbox", "drop", id, "--state", g.state)

			// A restart does not bring it back.
			g.plug.into(g.mail.Addr())
			g.restart()
			g.until("nothing waits", 10*time.Second, func(r Report) bool { return waiting(r) == 0 })
			if mails := g.mail.Mails(); len(mails) > 0 {
				t.Errorf("a dropped mail was sent: %s", mails[0].Bytes)
			}
		})
	}
}

// TestAnEventThatALimitHoldsIsNamedAndCanBeDropped lets one mail an hour go.
func TestAnEventThatALimitHoldsIsNamedAndCanBeDropped(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.parts = "[limits]\nper_hour = 1\n" + rack
	g.start()
	g.write("rack", "75\n")
	g.arrived(1, 20*time.Second)
	g.write("rack", "20\n")
	g.until("the end of it waits", 20*time.Second, func(r Report) bool { return r.Mail.Waiting == 1 && r.Mail.Limit != "" })
	out, _ := g.call(0, "outbox", "--state", g.state)
	wants(t, out, `^event 2 waits for \d+ s$`, `^  why       the limit per_hour is reached$`, `^  next      in (1 h|59|\d+ min)`,
		`^  cleared   .*  Rack hot \(rule rack-hot, event 2\)$`, `^1 event waits\. By age: under 10 min: 1\.$`)
	_, told := g.call(exitFailed, "outbox", "retry", "2", "--state", g.state)
	wants(t, told, "^pinbell: event 2 is in no mail yet, so there is none to try: the limit per_hour is reached$")
	g.call(0, "outbox", "drop", "2", "--state", g.state)
	out, _ = g.call(0, "log", "--state", g.state)
	wants(t, out, "accepted by localhost", "DROPPED by the owner\n  cleared   .*event 2")
	if r := g.until("nothing waits", 20*time.Second, func(r Report) bool { return waiting(r) == 0 }); r.Mail.Last == nil || r.Mail.Last.Dropped {
		t.Errorf("status takes for the last accepted mail %+v", r.Mail.Last)
	}
}

func TestRetryWithoutADaemonSaysThatAStartTriesAnyway(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	_, told := g.call(exitFailed, "outbox", "retry", "--state", g.state)
	wants(t, told, "^pinbell: no pinbell is running with the state directory .*: when it starts .*, it tries what waits$")
}

func TestAStoreThatSomebodyHasOpenIsLeftAlone(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	id := g.hold()
	g.kill()
	box, err := outbox.Open(outbox.Config{Dir: g.state, Troubles: &notify.Troubles{}})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	for _, args := range [][]string{{"outbox"}, {"outbox", "drop", id}, {"log"}} {
		_, told := g.call(exitFailed, append(args, "--state", g.state)...)
		wants(t, told, "^pinbell: a pinbell has the store in .* open, and does not answer")
	}
}
