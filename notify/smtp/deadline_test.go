package smtp

import (
	"bufio"
	"context"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify"
	"pinbell/notify/peer"
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
			if took := time.Since(began); took != peer.Deadline {
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

// A network that is dead is known long before the session's deadline.
func TestADialThatHangsEndsSoon(t *testing.T) {
	for deadline, want := range map[time.Duration]time.Duration{0: longestDial, 10 * time.Second: 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := inBubble(nil)
			r.Deadline = deadline
			r.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
			}
			began := time.Now()
			_, v := r.Open(t.Context())
			if took := time.Since(began); took != want || short(v) != "down dial mail.network" {
				t.Errorf("%s after %v, want %v", short(v), took, want)
			}
			mustSay(t, v, "does not answer on port 587", "may block outgoing mail", "nc -vz mail.example.org 587")
		})
	}
}

// The deadline of a mail begins anew, however long the session has been up.
func TestEachMailHasItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r := rehearsed(t, smtptest.LiarOptions{})
		s := mustOpen(t, r)
		time.Sleep(time.Hour)
		if v := s.Send(t.Context(), envelope()); v.Outcome != notify.Accepted {
			t.Errorf("%s: %s", short(v), v.Reply)
		}
	})
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
	for step, want := range map[string]notify.Outcome{
		"greeting": down, "ehlo": down, "starttls": down, "tls": down, "ehlo2": down, "auth": down, "mail": down,
		"rcpt": deferred, "data": deferred, "dot": unknown,
	} {
		t.Run(step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, r := rehearsed(t, smtptest.LiarOptions{Script: smtptest.At(step, smtptest.Stall)})
				ctx, stop := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, stop)
				began := time.Now()
				s, v := r.Open(ctx)
				if v.Outcome == 0 {
					v = s.Send(ctx, envelope())
				}
				if took := time.Since(began); v.Outcome != want || v.Trouble != nil || took != time.Second {
					t.Errorf("got %s after %v, want %v", short(v), took, want)
				}
			})
		})
	}
}

func TestAnUnwillingGoodbyeDelaysNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r := rehearsed(t, smtptest.LiarOptions{Script: smtptest.At("quit", smtptest.Stall)})
		s := mustOpen(t, r)
		if v := s.Send(t.Context(), envelope()); v.Outcome != notify.Accepted {
			t.Fatalf("%s: %s", short(v), v.Reply)
		}
		began := time.Now()
		s.Close()
		if took := time.Since(began); took != goodbye {
			t.Errorf("goodbye took %v", took)
		}
	})
}

// deaf is a port on which nobody listens, and which nobody else can take.
func deaf(t *testing.T) (port int) {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	return name.(*syscall.SockaddrInet4).Port
}

func TestWhatKeepsTheServerAwayIsToldApart(t *testing.T) {
	r := &Relay{Provider: "custom", Host: "127.0.0.1", Port: deaf(t)}
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
