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

// saysDay looks for a day behind a phrase. A test that runs at midnight sees
// two of them.
func saysDay(text, phrase string, first, last time.Time) bool {
	for _, day := range []time.Time{first, last} {
		if strings.Contains(text, phrase+day.UTC().Format("2 Jan 2006")) || strings.Contains(text, phrase+day.Local().Format("2 Jan 2006")) {
			return true
		}
	}
	return false
}

// TestOneLyingTimeServerIsOutvoted has one of three say that it is next year.
func TestOneLyingTimeServerIsOutvoted(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.ask3(1, ntptest.Answer{Offset: year})
	began := time.Now()
	g.start()
	g.write("rack", "75\n")
	m := g.arrived(1, 10*time.Second)[0]
	shown := text(t, m)
	if !saysDay(shown, "", began, time.Now()) {
		t.Errorf("the mail is not of today:\n%s", shown)
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
	began := time.Now()
	g.start()
	g.write("rack", "75\n")
	r := g.until("the certificate is doubted", 10*time.Second, func(r Report) bool { return trouble(r, "mail.certificate") != nil })
	told := trouble(r, "mail.certificate")
	if !strings.Contains(told.Sentence, "has expired: it is valid from ") || !saysDay(told.Sentence, "was checked at ", began.Add(year), time.Now().Add(year)) {
		t.Errorf("the trouble says %q, and should name the dates, the one of a year from now among them", told.Sentence)
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
	began := time.Now()
	g.start()
	g.write("rack", "75\n")
	r := g.until("the event is there", 5*time.Second, func(r Report) bool { return waiting(r) == 1 || r.Mail.Last != nil })
	const halfAMinute = 30 * time.Second
	if r.Up < halfAMinute && (r.Clock.Trust != clock.Unknown || r.Rules[0].State != "raised" || waiting(r) != 1) {
		t.Errorf("the clock is %v and the rule %s, with %d waiting", r.Clock.Trust, r.Rules[0].State, waiting(r))
	}
	if shown := g.status(); time.Since(began) < halfAMinute {
		g.says(shown, "time not known: the board's clock says", "not told yet", "1 waiting")
	}
	m := g.arrived(1, 40*time.Second)[0]
	if took := time.Since(began); took < halfAMinute {
		t.Errorf("the mail went after %v, want 30 s or more", took)
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
