package smtp

import (
	"bufio"
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
)

// inBubble is a relay whose server is the other end of a pipe.
func inBubble(serve func(net.Conn)) *Relay {
	return &Relay{
		Provider: "custom", Host: "mail.example.org", Port: 587, LocalName: "garage.local",
		dial: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				serve(theirs)
			}()
			return ours, nil
		},
	}
}

// trickle sends a reply that never ends, a byte a second.
func trickle(c net.Conn, line string) {
	for i := 0; ; i++ {
		if _, err := c.Write([]byte(line[i%len(line):][:1])); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

func TestNoTrickleOutlastsTheDeadline(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"silence":           func(c net.Conn) { c.Read(make([]byte, 1)) },
		"trickled greeting": func(c net.Conn) { trickle(c, "220-more\r\n") },
		"trickled ehlo": func(c net.Conn) {
			c.Write([]byte("220 hello\r\n"))
			bufio.NewReader(c).ReadString('\n')
			trickle(c, "250-more\r\n")
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			_, v := inBubble(serve).Open(t.Context())
			if took := time.Since(began); took != defaultDeadline {
				t.Errorf("%s: ended after %v", name, took)
			}
			if v.Outcome != notify.Down || v.Trouble == nil || v.Trouble.Code != "mail.network" {
				t.Errorf("%s: %s", name, short(v))
			}
			time.Sleep(2 * time.Second) // the server notices
		})
	}
}

func TestAReplyWithoutEndIsGarbageBeforeItFillsTheMemory(t *testing.T) {
	for name, text := range map[string]string{
		"endless lines":   "220-more\r\n",
		"an endless line": "220 more, ",
	} {
		synctest.Test(t, func(t *testing.T) {
			_, v := inBubble(func(c net.Conn) {
				for {
					if _, err := c.Write([]byte(text)); err != nil {
						return
					}
				}
			}).Open(t.Context())
			if short(v) != "down greeting mail.server" {
				t.Errorf("%s: %s", name, short(v))
			}
			if len(v.Reply) > 2*maxText || len(said(v)) > 4*maxText {
				t.Errorf("%s: a reply of %d bytes is shown", name, len(v.Reply))
			}
		})
	}
}

func TestADialThatHangsEndsAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inBubble(nil)
		r.Deadline = 30 * time.Second
		r.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
		}
		began := time.Now()
		_, v := r.Open(t.Context())
		if took := time.Since(began); took != r.Deadline || short(v) != "down dial mail.network" {
			t.Errorf("%s after %v", short(v), took)
		}
		mustSay(t, v, "does not answer on port 587", "may block outgoing mail", "nc -vz mail.example.org 587")
	})
}

// A stalled or trickling server behind TLS, mid-mail.
func TestNoMailOutlastsItsDeadline(t *testing.T) {
	for step, want := range map[string]notify.Outcome{
		"tls": notify.Down, "ehlo2": notify.Down, "auth": notify.Down,
		"mail": notify.Down, "rcpt": notify.Deferred, "data": notify.Deferred, "dot": notify.Unknown,
	} {
		for name, act := range map[string]smtptest.Act{"stall": smtptest.Stall, "trickle": smtptest.Trickle(time.Second)} {
			if step == "tls" && name == "trickle" {
				continue // no record of TLS, at its first byte
			}
			synctest.Test(t, func(t *testing.T) {
				_, r := rehearsed(t, smtptest.LiarOptions{Script: smtptest.At(step, act)})
				began := time.Now()
				v := attempt(t, r, envelope())
				if took := time.Since(began); v.Outcome != want || v.Step != strings.TrimSuffix(step, "2") || took != defaultDeadline {
					t.Errorf("%s at %s: %s after %v", name, step, short(v), took)
				}
			})
		}
	}
}

// The deadline of a mail begins anew, however long the session has been up.
func TestEachMailHasItsOwnTime(t *testing.T) {
	_, r := honest(t, smtptest.Options{})
	s := mustOpen(t, r)
	s.conn.SetDeadline(time.Now().Add(-time.Hour)) // as if Open had been long ago
	if v := s.Send(t.Context(), envelope()); v.Outcome != notify.Accepted {
		t.Errorf("%s: %s", short(v), v.Reply)
	}
}

func TestPatienceGrowsWithTheMailAndHasAnEnd(t *testing.T) {
	r := &Relay{}
	for size, want := range map[int]time.Duration{
		0: 2 * time.Minute, 16 << 10: 2*time.Minute + time.Second, 1 << 30: 12 * time.Minute,
	} {
		if got := r.patience(size); got != want {
			t.Errorf("%d bytes: %v, want %v", size, got, want)
		}
	}
}

func TestToldToStopAWaitEndsAtOnceAndIsNoTrouble(t *testing.T) {
	before := []notify.Outcome{notify.Down, notify.Deferred}
	for step, want := range map[string][]notify.Outcome{
		"greeting": before, "tls": before, "auth": before, "mail": before, "rcpt": before, "data": before, "dot": {notify.Unknown},
	} {
		reached := make(chan struct{}, 4)
		_, r := lying(t, smtptest.LiarOptions{Script: func(s, _ string) smtptest.Act {
			if s != step {
				return smtptest.Honest
			}
			reached <- struct{}{}
			return smtptest.Stall
		}})
		ctx, stop := context.WithCancel(context.Background())
		go func() { <-reached; stop() }()
		began := time.Now()
		s, v := r.Open(ctx)
		if v.Outcome == 0 {
			v = s.Send(ctx, envelope())
			s.Close()
		}
		if took := time.Since(began); !slices.Contains(want, v.Outcome) || v.Trouble != nil || took > r.Deadline/2 {
			t.Errorf("%s: got %s after %v, want %v", step, short(v), took, want)
		}
	}
}

func TestAnUnwillingGoodbyeDelaysNobodyForLong(t *testing.T) {
	t.Parallel()
	_, r := lying(t, smtptest.LiarOptions{Script: smtptest.At("quit", smtptest.Stall)})
	s := mustOpen(t, r)
	if v := s.Send(t.Context(), envelope()); v.Outcome != notify.Accepted {
		t.Fatalf("%s: %s", short(v), v.Reply)
	}
	began := time.Now()
	s.Close()
	if took := time.Since(began); took > r.Deadline/2 {
		t.Errorf("goodbye took %v, want about %v", took, goodbye)
	}
}

func TestWhatKeepsTheServerAwayIsToldApart(t *testing.T) {
	closed, err := smtptest.HoldPort()
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	r := &Relay{Provider: "custom", Host: "127.0.0.1", Port: closed.Number()}
	_, v := r.Open(t.Context())
	if short(v) != "down dial mail.network" {
		t.Errorf("closed port: %s: %s", short(v), v.Reply)
	}
	mustSay(t, v, "refuses connections on port", "may block outgoing mail")
	complete(t, v)

	r.dial = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "mail.example.org", IsNotFound: true}}
	}
	r.Host = "mail.example.org"
	_, v = r.Open(t.Context())
	if short(v) != "down dial mail.dns" {
		t.Errorf("no name: %s: %s", short(v), v.Reply)
	}
	mustSay(t, v, "The name mail.example.org has no address", "name server", "mail.host")
	if strings.Contains(said(v), "587") {
		t.Errorf("blames the port: %s", said(v))
	}
}
