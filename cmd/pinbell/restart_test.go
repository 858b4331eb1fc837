package main

import (
	"strings"
	"testing"
	"time"

	"pinbell/notify/clock/ntptest"
	"pinbell/notify/smtp/smtptest"
)

// TestKillBetweenEventAndDeliveryLosesNothing cuts the power while the mail
// server is away; the next start delivers.
func TestKillBetweenEventAndDeliveryLosesNothing(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.plug.pull()
	g.start()
	g.write("rack", "75\n")
	g.until("the event waits", 5*time.Second, func(r Report) bool { return waiting(r) == 1 })
	g.kill()
	g.plug.into(g.mail.Addr())
	g.start()
	g.arrived(1, 5*time.Second)
	r := g.until("nothing waits", 5*time.Second, func(r Report) bool { return waiting(r) == 0 })
	if r.Rules[0].State != "raised" || len(g.mail.Mails()) != 1 {
		t.Errorf("the rule is %s, %d mails", r.Rules[0].State, len(g.mail.Mails()))
	}
}

// TestKillDuringDeliveryRepeatsWithOneMessageID cuts the power while the
// server thinks about its receipt: the mail may come twice, and then shows it.
func TestKillDuringDeliveryRepeatsWithOneMessageID(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	liar := serve(t, func() (*smtptest.Liar, error) { return smtptest.Lie(*at("dot", smtptest.Stall)) })
	g.trust(liar.CAFile())
	g.plug.into(hostPort(liar))
	g.start()
	g.write("rack", "75\n")
	for end := time.Now().Add(ample(0)); len(liar.Mails()) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no mail came to its dot")
		}
	}
	// An owner who looks now sees that a server is being waited for.
	g.until("the talk is shown", 5*time.Second, func(r Report) bool { return r.Mail.Sending > 0 })
	g.tells("talking to localhost for")
	g.kill()
	g.plug.into(g.mail.Addr())
	g.start()
	again := g.arrived(1, 5*time.Second)[0]
	if first := liar.Mails()[0]; messageID(first) != messageID(again) {
		t.Errorf("Message-ID %s, then %s", messageID(first), messageID(again))
	}
}

// TestTrueAtStartFiresOnceOverRestarts has a condition that is true before
// pinbell is, and power that fails again and again.
func TestTrueAtStartFiresOnceOverRestarts(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.write("rack", "75\n")
	g.start()
	g.arrived(1, 5*time.Second)
	g.until("the mail is settled", 5*time.Second, func(r Report) bool { return waiting(r) == 0 && r.Mail.Last != nil })
	for range 3 {
		g.restart()
		r := g.until("the rack is read", 5*time.Second, func(r Report) bool { return r.Sensors[0].Read })
		if r.Rules[0].State != "raised" || r.Rules[0].Told != 1 || waiting(r) != 0 {
			t.Errorf("after a restart the rule is %+v, with %d waiting", r.Rules[0], waiting(r))
		}
	}
	g.write("rack", "20\n")
	if over := text(t, g.arrived(2, 5*time.Second)[1]); !strings.Contains(over, "Over: Rack hot") {
		t.Errorf("the mail after all restarts is:\n%s", over)
	}
	if n := len(g.mail.Mails()); n != 2 {
		t.Errorf("%d mails, want 2: raised and cleared", n)
	}
}

// TestStopIsQuickAndClean sends SIGTERM in quiet times, while a mail server
// hangs, and while time servers are silent.
func TestStopIsQuickAndClean(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(g *garage){
		"quiet": func(*garage) {},
		"mail server hangs": func(g *garage) {
			liar := serve(g.t, func() (*smtptest.Liar, error) { return smtptest.Lie(*at("greeting", smtptest.Stall)) })
			g.plug.into(hostPort(liar))
			g.write("rack", "75\n")
		},
		"time servers are silent": func(g *garage) { g.ask3(3, ntptest.Answer{Silent: true}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGarage(t)
			spoil(g)
			g.start()
			if name == "mail server hangs" {
				g.until("it is being talked to", 5*time.Second, func(r Report) bool { return r.Mail.Sending > 0 })
			}
			began := time.Now()
			g.daemon.terminate()
			if code := g.daemon.wait(10 * time.Second); code != 0 {
				t.Errorf("exits %d:\n%s", code, g.daemon.stderr.String())
			}
			if took := time.Since(began); took > time.Minute { // half of what a session may last
				t.Errorf("stopping took %v", took)
			}
			p := g.launch("status", "--state", g.state)
			if code := p.wait(10 * time.Second); code != exitFailed || !strings.Contains(p.stderr.String(), "no pinbell is running") {
				t.Errorf("status then exits %d and says %q", code, p.stderr.String())
			}
		})
	}
}

// TestSecondDaemonOnOneStateIsRefused starts two with one state directory.
func TestSecondDaemonOnOneStateIsRefused(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.start()
	p := g.launch("run", "--config", g.config(), "--state", g.state)
	if code := p.wait(15 * time.Second); code != exitFailed {
		t.Errorf("the second one exits %d", code)
	}
	if said := p.stderr.String(); !strings.Contains(said, "another pinbell is running with this state directory") || !strings.Contains(said, g.state) {
		t.Errorf("the second one says %q", said)
	}
	g.write("rack", "75\n")
	g.arrived(1, 5*time.Second)
}

// TestStatusWhereADaemonWasKilled finds a socket that nobody listens at.
func TestStatusWhereADaemonWasKilled(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.start()
	g.kill()
	p := g.launch("status", "--state", g.state)
	if code := p.wait(10 * time.Second); code != exitFailed || !strings.Contains(p.stderr.String(), "no pinbell is running") || p.stdout.String() != "" {
		t.Errorf("status exits %d and says %q", code, p.stderr.String())
	}
}
