package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	netsmtp "net/smtp"
	"os"
	"path/filepath"
	"time"

	"pinbell/notify/smtp/smtptest"
	"pinbell/scripts/postfix"
)

// relayed has mails wait in Postfix's queue, as they do when its relay could
// not be reached, and then flushes the queue. Its settings are those that it
// comes with, and more.
func relayed(more postfix.Settings) func(context.Context, *stage) (*held, error) {
	return func(ctx context.Context, s *stage) (*held, error) {
		letters, err := s.own(ctx, "write")
		if err != nil {
			return nil, err
		}
		port, err := smtptest.HoldPort()
		if err != nil {
			return nil, err
		}
		p, err := waiting(ctx, s, more, port.Addr(), letters)
		stop := func() {
			if p != nil {
				p.Stop()
			}
			port.Close()
		}
		if err != nil {
			stop()
			return nil, err
		}
		return &held{pid: p.Pid(), stop: stop, run: func(ctx context.Context) error { return release(ctx, p) }}, nil
	}
}

// waiting starts a Postfix that has all mails in its queue of deferred ones.
func waiting(ctx context.Context, s *stage, more postfix.Settings, addr, letters string) (*postfix.Instance, error) {
	relay := fmt.Sprintf("[localhost]:%d", s.at.Near)
	settings := postfix.Settings{
		"relayhost":                  relay,
		"defer_transports":           "smtp",
		"smtp_host_lookup":           "native",
		"smtp_tls_security_level":    "secure",
		"smtp_tls_CAfile":            s.at.CA,
		"smtp_sasl_auth_enable":      "yes",
		"smtp_sasl_password_maps":    fmt.Sprintf("inline:{{%s=%s:%s}}", relay, account, password),
		"smtp_sasl_security_options": "noanonymous",
	}
	maps.Copy(settings, more)
	p, err := postfix.New(s.dir, settings, addr+" inet n - n - - smtpd")
	if err != nil {
		return nil, err
	}
	if err := p.Start(ctx); err != nil {
		return p, err
	}
	if err := enqueue(ctx, p, letters, addr); err != nil {
		return p, fmt.Errorf("%w\n%s", err, p.Log())
	}
	return p, p.Reload(ctx, postfix.Settings{"defer_transports": ""}) // one that has just started would have to warm up
}

// enqueue hands Postfix all mails and waits until it has put them off.
func enqueue(ctx context.Context, p *postfix.Instance, folder, addr string) error {
	c, err := netsmtp.Dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	letters, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, letter := range letters {
		text, err := os.ReadFile(filepath.Join(folder, letter.Name()))
		if err != nil {
			return err
		}
		if err := submit(c, letter.Name(), text); err != nil {
			return err
		}
	}
	if err := c.Quit(); err != nil {
		return err
	}
	for queued(p, "deferred") < len(letters) {
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
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
