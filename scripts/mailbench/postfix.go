package main

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	netsmtp "net/smtp"
	"os"
	"path/filepath"
	"time"

	"pinbell/scripts/postfix"
)

// relayed has mails wait in Postfix's queue, as it does when its relay could
// not be reached, and then flushes the queue. Its settings are Debian's.
func relayed(ctx context.Context, s *stage) (*held, error) {
	dir, err := os.MkdirTemp(s.dir, "postfix-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	in, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := in.Addr().(*net.TCPAddr).Port
	in.Close()
	relay := fmt.Sprintf("[localhost]:%d", s.port)
	p, err := postfix.New(dir, postfix.Settings{
		"relayhost":                  relay,
		"defer_transports":           "smtp",
		"smtp_host_lookup":           "native",
		"smtp_tls_security_level":    "secure",
		"smtp_tls_CAfile":            s.at.CA,
		"smtp_sasl_auth_enable":      "yes",
		"smtp_sasl_password_maps":    fmt.Sprintf("inline:{{%s=%s:%s}}", relay, account, password),
		"smtp_sasl_security_options": "noanonymous",
	}, fmt.Sprintf("127.0.0.1:%d inet n - n - - smtpd", port))
	if err != nil {
		return nil, err
	}
	if err := p.Start(ctx); err != nil {
		return nil, err
	}
	h := &held{pid: p.Pid(), stop: p.Stop, run: func(ctx context.Context) error { return release(ctx, p) }}
	if err := enqueue(ctx, p, s, fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
		p.Stop()
		return nil, fmt.Errorf("%w\n%s", err, p.Log())
	}
	return h, nil
}

// enqueue hands Postfix all mails and waits until it has put them off.
func enqueue(ctx context.Context, p *postfix.Instance, s *stage, addr string) error {
	c, err := netsmtp.Dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	letters, err := os.ReadDir(s.letters)
	if err != nil {
		return err
	}
	for _, letter := range letters {
		text, err := os.ReadFile(filepath.Join(s.letters, letter.Name()))
		if err != nil {
			return err
		}
		if err := submit(c, letter.Name(), text); err != nil {
			return err
		}
	}
	c.Quit()
	for queued(p, "deferred") < s.mails {
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return p.Set(ctx, postfix.Settings{"defer_transports": ""})
}

func submit(c *netsmtp.Client, to string, text []byte) error {
	if err := c.Mail(account); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	return w.Close()
}

// release flushes the queue and waits until it is empty.
func release(ctx context.Context, p *postfix.Instance) error {
	if err := p.Flush(ctx); err != nil {
		return err
	}
	for queued(p, "deferred", "incoming", "active") > 0 {
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// queued counts the mails in queues.
func queued(p *postfix.Instance, queues ...string) (n int) {
	for _, queue := range queues {
		// What moves while we look is in the next queue, or gone.
		filepath.WalkDir(filepath.Join(p.Queue(), queue), func(_ string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				n++
			}
			return nil
		})
	}
	return n
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
