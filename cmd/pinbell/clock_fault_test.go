package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pinbell/notify/clock"
	"pinbell/notify/clock/ntptest"
)

// long skips a test that takes longer than all the others together, unless it
// was asked for: make faults.
func long(t *testing.T, length time.Duration) {
	t.Helper()
	if os.Getenv("PINBELL_LONG") == "" {
		t.Skipf("takes %v; PINBELL_LONG=1 or make faults runs it", length)
	}
}

// ownClock skips where the kernel vouches for the clock: pinbell then asks no
// server.
func ownClock(t *testing.T) {
	t.Helper()
	c := clock.New(clock.Config{Floor: buildTime()})
	if c.Status().Trust == clock.Trusted {
		t.Skip("this machine's kernel keeps its clock in step")
	}
}

const year = 365 * 24 * time.Hour

// ask3 gives the place three time servers, so many of them wrong by offset.
func (g *garage) ask3(liars int, lie ntptest.Answer) {
	g.t.Helper()
	var names []string
	for i := range 3 {
		server := serve(g.t, func() (*ntptest.Server, error) { return ntptest.Start("127.0.0.1:0") })
		if i < liars {
			server.Set(lie)
		}
		names = append(names, fmt.Sprintf("%q", server.Addr()))
	}
	g.times = strings.Join(names, ", ")
}

// TestOneLyingTimeServerIsOutvoted has one of three say that it is next year.
func TestOneLyingTimeServerIsOutvoted(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.ask3(1, ntptest.Answer{Offset: year})
	g.start()
	g.write("rack", "75\n")
	m := g.arrived(1, 10*time.Second)[0]
	shown := text(t, m)
	date := time.Now().UTC().Format("2 Jan 2006")
	if !strings.Contains(shown, date) {
		t.Errorf("the mail is not of %s:\n%s", date, shown)
	}
	r := g.until("the clock is trusted", 5*time.Second, func(r Report) bool { return r.Clock.Trust == clock.Trusted })
	if trouble(r, clock.DisagreeCode) != nil {
		t.Errorf("an outvoted server is told as a trouble: %+v", r.Troubles)
	}
}

// TestAllTimeServersWrongEndAtTheCertificate has all three say that it is next
// year: the certificate of the mail server is then the witness against them.
func TestAllTimeServersWrongEndAtTheCertificate(t *testing.T) {
	t.Parallel()
	ownClock(t)
	g := newGarage(t)
	g.ask3(3, ntptest.Answer{Offset: year})
	g.start()
	g.write("rack", "75\n")
	r := g.until("the certificate is doubted", 10*time.Second, func(r Report) bool { return trouble(r, "mail.certificate") != nil })
	next := time.Now().Add(year).UTC().Format("2 Jan 2006")
	told := trouble(r, "mail.certificate")
	if !strings.Contains(told.Sentence, "has expired: it is valid from ") || !strings.Contains(told.Sentence, "was checked at "+next) {
		t.Errorf("the trouble says %q, and should name the dates, %s among them", told.Sentence, next)
	}
	t.Log("\n" + g.tells("the board's own clock", "and pinbell leaves it so", told.Sentence, told.Remedy))
	if n := len(g.mail.Mails()); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
	if strings.Contains(g.plug.heard(), "AUTH") || waiting(r) != 1 {
		t.Errorf("a login in clear text, or %d waiting", waiting(r))
	}
}

// TestWrongTimeServersLeaveNoMarkBehind starts the board anew, after such
// servers, with right ones: nothing of their time was kept.
func TestWrongTimeServersLeaveNoMarkBehind(t *testing.T) {
	t.Parallel()
	ownClock(t)
	g := newGarage(t)
	right := g.times
	g.ask3(3, ntptest.Answer{Offset: year})
	g.start()
	g.write("rack", "75\n")
	g.until("the certificate is doubted", 10*time.Second, func(r Report) bool { return trouble(r, "mail.certificate") != nil })
	g.times = right
	g.restart()
	g.arrived(1, 10*time.Second)
	g.until("nothing waits", 5*time.Second, func(r Report) bool { return waiting(r) == 0 })
}

// TestSilentTimeServersDelayMailAndDoNotStopIt has UDP blocked: after half a
// minute the board's own clock has to do, and the mail says so.
func TestSilentTimeServersDelayMailAndDoNotStopIt(t *testing.T) {
	t.Parallel()
	ownClock(t)
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	g := newGarage(t)
	g.ask3(3, ntptest.Answer{Silent: true})
	g.start()
	began := time.Now()
	g.write("rack", "75\n")
	r := g.until("the event waits", 5*time.Second, func(r Report) bool { return waiting(r) == 1 })
	if r.Clock.Trust != clock.Unknown || r.Rules[0].State != "raised" {
		t.Errorf("the clock is %v and the rule %s", r.Clock.Trust, r.Rules[0].State)
	}
	t.Log("\n" + g.tells("time not known: the board's clock says", "not told yet", "1 waiting"))
	m := g.arrived(1, 40*time.Second)[0]
	if took := time.Since(began); took < 20*time.Second || took > 36*time.Second {
		t.Errorf("the mail went after %v, want about 30 s", took)
	}
	shown := text(t, m)
	t.Log("\n" + shown)
	if !strings.Contains(shown, "unchecked") {
		t.Errorf("the mail does not say that its time is unchecked:\n%s", shown)
	}
	g.until("the trouble is told", 5*time.Second, func(r Report) bool {
		told := trouble(r, clock.UnknownCode)
		return told != nil && told.Remedy != "" && r.Clock.Trust == clock.Plausible
	})
	g.tells("clock unchecked: no time server vouches for it", "UDP port 123 may be blocked")
}
