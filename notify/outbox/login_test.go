package outbox

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify"
)

func TestRefusedLoginIsTriedEverMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newStreet("first.example", 0)
		first.open = down("auth", time.Hour)
		b := walked(t, wide, first)
		raise(b, "a", notify.Warning)
		pass(48 * time.Hour)
		for i, want := range []time.Duration{0, 1, 3, 7, 15, 27, 39} {
			if want *= time.Hour; i >= len(first.dials()) || first.dials()[i] < want || first.dials()[i] > want+time.Minute {
				t.Fatalf("login %d: %v, want it at %v", i, first.dials(), want)
			}
		}
		if len(first.dials()) > 7 {
			t.Errorf("logins at %v", first.dials())
		}
		if list := b.Troubles.List(); len(list) != 1 || !strings.Contains(list[0].Doing, "12 h") {
			t.Errorf("after days the wait is told as %v", list)
		}
	})
}

func TestNewPasswordEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		password := notify.Secret("old")
		first := newStreet("first.example", 0)
		first.Password = func() (notify.Secret, error) {
			mu.Lock()
			defer mu.Unlock()
			return password, nil
		}
		first.open = func() notify.Verdict {
			if p, _ := first.Password(); p == "old" {
				return down("auth", time.Hour)()
			}
			return notify.Verdict{}
		}
		b := walked(t, wide, first)
		raise(b, "a", notify.Warning)
		pass(20 * time.Minute)
		if len(first.dials()) != 1 {
			t.Fatalf("logins at %v", first.dials())
		}
		mu.Lock()
		password = "new"
		mu.Unlock()
		pass(passwordLook + time.Second)
		if len(first.mails()) != 1 {
			t.Errorf("after a new password %d mails, logins at %v", len(first.mails()), first.dials())
		}
	})
}

func TestOwnersWordEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newStreet("first.example", 0)
		first.open = down("auth", time.Hour)
		b := walked(t, wide, first)
		raise(b, "a", notify.Warning)
		pass(time.Minute)
		first.mended()
		if b.Retry("none") || !b.Retry("") {
			t.Error("Retry does not know what waits")
		}
		synctest.Wait()
		if len(first.mails()) != 1 {
			t.Errorf("%d mails", len(first.mails()))
		}
	})
}

// A program that is started again and again must not hammer an account.
func TestRefusedLoginIsRememberedOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streetStart = time.Now()
		dir, first := t.TempDir(), newStreet("first.example", 0)
		first.open = down("auth", time.Hour)
		for i := range 19 {
			b := open(t, dir, wide, newClock(t, true))
			b.Roads = []Road{first.Road}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				c := &Courier{Box: b, Clock: b.Clock, Troubles: b.Troubles, Log: slog.New(slog.DiscardHandler)}
				done <- c.Run(ctx)
			}()
			if i == 0 {
				raise(b, "a", notify.Warning)
			}
			pass(time.Minute)
			stop()
			<-done
			cut(b)
		}
		if n := len(first.dials()); n != 4 { // three at once, and one ten minutes later
			t.Errorf("logins at %v in 19 starts of a minute each", first.dials())
		}
	})
}
