package clock

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock/ntptest"
)

// These tests speak to real servers over loopback.

func serve(t *testing.T, answers ...ntptest.Answer) (servers []*ntptest.Server, names []string) {
	t.Helper()
	for _, a := range answers {
		s, err := ntptest.Start("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		s.Set(a)
		servers, names = append(servers, s), append(names, s.Addr())
	}
	return servers, names
}

func untilTrusted(t *testing.T, c *Clock) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	done := make(chan error, 1)
	changed := c.Changed()
	go func() { done <- c.Run(ctx) }()
	select {
	case <-changed:
	case <-ctx.Done():
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func unsynced() (bool, time.Duration) { return false, 0 }

func TestRealServersAreBelieved(t *testing.T) {
	day := ntptest.Answer{Offset: 24 * time.Hour}
	servers, names := serve(t, day, day, ntptest.Answer{})
	c := New(Config{Servers: names, Floor: time.Now().Add(-time.Hour), Kernel: unsynced})
	untilTrusted(t, c)
	got, trust := c.Time()
	if off := time.Until(got) - 24*time.Hour; trust != Trusted || off.Abs() > time.Minute { // exact times: in a bubble
		t.Fatalf("time is %v (%v), want a day from now; status: %+v", got, trust, c.Status())
	}
	if s := c.Status(); !strings.HasPrefix(s.Sentence, "clock trusted (2 of 3 time servers, ±") ||
		!strings.HasSuffix(s.Sentence, "; the board's own clock is 1 d behind it, and pinbell leaves it so") {
		t.Errorf("status says %q", s.Sentence)
	}
	for _, s := range servers {
		if s.Asked() == 0 {
			t.Errorf("%s was not asked", s.Addr())
		}
	}
}

func TestEveryFaultOfARealServerIsNamed(t *testing.T) {
	floor := time.Now().Add(-time.Hour)
	for want, answer := range map[string]ntptest.Answer{
		"kiss of death \"RATE\"": {Kiss: "RATE"},
		"invalid stratum":        {Stratum: 16},
		"invalid leap second":    {Leap: 3},
		"didn't match request":   {Forged: true},
		"invalid time":           {Garbage: []byte("?")},
		"which cannot be":        {Offset: -2 * time.Hour},
		"not fresh":              {Stale: 48 * time.Hour},
	} {
		_, names := serve(t, answer)
		c := New(Config{Servers: names, Floor: floor, Kernel: unsynced})
		c.look(t.Context())
		s := c.Status()
		if s.Trust != Unknown || !strings.Contains(s.Servers[0].Err, want) {
			t.Errorf("%+v: trust %v, fault %q, want %q", answer, s.Trust, s.Servers[0].Err, want)
		}
	}
}

func TestPortThatNobodyListensOnIsAFaultAndNoWait(t *testing.T) {
	// The port of a socket that hears one peer only: for all others it is
	// closed, and nobody else gets it.
	held, err := net.Dial("udp", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	c := New(Config{Servers: []string{held.LocalAddr().String()}, Kernel: unsynced})
	c.look(t.Context())
	if said := c.Status().Servers[0].Err; !strings.Contains(said, "connection refused") {
		t.Errorf("a closed port: %q", said)
	}
}

func TestQuestionsEndWithTheContext(t *testing.T) {
	_, names := serve(t, ntptest.Answer{Silent: true}, ntptest.Answer{Silent: true})
	c := New(Config{Servers: names, Kernel: unsynced})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := c.Run(ctx); err != nil || time.Since(began) > replyWait*9/10 {
		t.Errorf("Run ended with %v after %v", err, time.Since(began))
	}
}

func TestNameThatDoesNotResolveIsNoQuestionThatLeft(t *testing.T) {
	c := New(Config{Servers: []string{"no..such..host"}, Kernel: unsynced})
	c.look(t.Context())
	if s := c.servers[0]; s.fault() != "its name cannot be looked up" || !unreached(s.err) {
		t.Errorf("a name that does not resolve: %q, %v", s.fault(), s.err)
	}
}

func TestKernelAndBootAreReadFromThisMachine(t *testing.T) {
	if _, bound := askKernel(); bound < 0 || bound > time.Minute {
		t.Errorf("the kernel's error bound is %v", bound)
	}
	c, d := New(Config{}), New(Config{})
	m := c.At(time.Now())
	if len(m.Boot) != 36 || m.Up <= 0 {
		t.Errorf("the moment is %+v", m)
	}
	if got := d.Date(m); got.Undated {
		t.Errorf("two clocks of one boot do not know each other: %+v and %+v", m, d.At(time.Now()))
	}
}

func TestUnreadableBootIDMatchesNoOther(t *testing.T) {
	if (notify.Moment{Boot: "unread-x", Wall: time.Unix(1, 0)}).IsZero() {
		t.Fatal("such a moment must not count as unset")
	}
	c := New(Config{Boot: "unread-x"})
	if got := c.Date(notify.Moment{Boot: "unread-y", Up: 1}); !got.Undated {
		t.Errorf("dated %+v", got)
	}
}

func TestTwoServersOnOnePortIsAnError(t *testing.T) {
	servers, _ := serve(t, ntptest.Answer{})
	if again, err := ntptest.Start(servers[0].Addr()); err == nil {
		again.Close()
		t.Error("two servers on one port")
	}
}

// A port that is free may be another's by the time it is asked for, though
// hardly ten times in a row.
func TestCloseEndsAServer(t *testing.T) {
	var err error
	for range 10 {
		s, failed := ntptest.Start("127.0.0.1:0")
		if failed != nil {
			t.Fatal(failed)
		}
		if failed = s.Close(); failed != nil {
			t.Fatalf("close: %v", failed)
		}
		var again *ntptest.Server
		if again, err = ntptest.Start(s.Addr()); err == nil {
			again.Close()
			return
		}
	}
	t.Errorf("the port is not free after Close: %v", err)
}
