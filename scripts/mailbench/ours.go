package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	netmail "net/mail"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/notify/mail"
	"pinbell/notify/outbox"
	"pinbell/notify/rules"
	"pinbell/notify/smtp"
	"pinbell/sensors"
)

// event is an alarm as the engine makes it, for one owner of many: each has a
// recipient of its own, so that each is told by a mail of its own.
func event(clk *clock.Clock, serial uint64) notify.Event {
	now := clk.At(time.Now())
	since := now
	since.Wall, since.Up = now.Wall.Add(-10*time.Minute), now.Up-10*time.Minute
	return notify.Event{
		Serial: serial, Incident: serial, Kind: notify.Raised, Rule: "door-left-open", Title: "Door left open",
		Severity: notify.Warning, To: []string{recipient(serial)},
		Message: "The door has been open for ten minutes. Is anybody there?",
		At:      now, Since: since, For: 10 * time.Minute,
		Terms: []notify.Term{{
			Fact: notify.Fact{Sensor: "door", Title: "Garage door", Quantity: sensors.Level, Value: 1, State: "open", Since: since},
			Op:   "==", Limit: 1,
		}},
		Others: []notify.Fact{
			{Sensor: "freezer", Title: "Freezer", Quantity: sensors.Temperature, Value: -19.8},
			{Sensor: "rack", Title: "Rack", Quantity: sensors.Temperature, Value: 41.5},
		},
		Next: []time.Duration{15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour},
	}
}

func recipient(serial uint64) string { return fmt.Sprintf("owner-%d@example.org", serial) }

func letterhead() mail.Letterhead {
	return mail.Letterhead{Device: "garage", Version: "bench", Location: time.UTC}
}

var from = netmail.Address{Name: "Garage", Address: account}

// startClock gives a clock that takes this machine's word for the time, as on
// a board whose kernel keeps it in step.
func startClock(ctx context.Context) *clock.Clock {
	c := clock.New(clock.Config{Kernel: func() (bool, time.Duration) { return true, time.Millisecond }})
	changed := c.Changed()
	go c.Run(ctx)
	<-changed
	return c
}

func openBox(dir string, clk *clock.Clock, troubles *notify.Troubles, roads ...outbox.Road) (*outbox.Box, error) {
	return outbox.Open(outbox.Config{
		Roads: roads, Dir: dir, Clock: clk, Troubles: troubles,
		Limits: outbox.Limits{PerHour: 1e6, PerDay: 1e6},
	})
}

// fill commits alarms, as the engine does while no mail can be sent.
func fill(ctx context.Context, dir string, mails int) error {
	clk := startClock(ctx)
	box, err := openBox(dir, clk, &notify.Troubles{}, outbox.Road{Name: "localhost", From: from})
	if err != nil {
		return err
	}
	box.Busy()
	for range mails {
		ev := event(clk, box.NextSerial())
		box.Commit([]rules.Transition{{Key: "rule/" + ev.Rule, State: []byte(`{"raised":true}`), Event: ev}})
	}
	return box.Close()
}

// write writes the same alarms as finished mails, a file each, for senders
// that write none themselves.
func write(ctx context.Context, dir string, mails int) error {
	clk := startClock(ctx)
	for serial := uint64(1); serial <= uint64(mails); serial++ {
		bytes, err := mail.Render(sealed(clk, serial), signed())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, recipient(serial)), bytes, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// signed is the letterhead with the sender that the road gives it.
func signed() mail.Letterhead {
	h := letterhead()
	h.From, h.Domain = from, "pinbell.test"
	return h
}

func sealed(clk *clock.Clock, serial uint64) notify.Mail {
	ev := event(clk, serial)
	return notify.Mail{ID: fmt.Sprintf("bench%d", serial), Sealed: time.Now(), Checked: true, To: ev.To, Events: []notify.Event{ev}}
}

func relay(clk *clock.Clock, port int, ca string) (*smtp.Relay, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", ca)
	}
	return &smtp.Relay{
		Provider: "custom", Host: "localhost", Port: port, Roots: roots, Username: account,
		Password: func() (notify.Secret, error) { return password, nil },
		Time:     func() time.Time { now, _ := clk.Time(); return now },
	}, nil
}

// job is what a sending process of ours is to do.
type job struct {
	dir   string
	port  int
	ca    string
	mails int
}

// drain is pinbell's sending half: the courier on a store on disk, until
// nothing is left to send.
func (j job) drain(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	clk := startClock(ctx)
	troubles := &notify.Troubles{}
	server, err := relay(clk, j.port, j.ca)
	if err != nil {
		return err
	}
	box, err := openBox(j.dir, clk, troubles, outbox.Road{Name: server.Host, From: from, Open: outbox.OverSMTP(server), Password: server.Password})
	if err != nil {
		return err
	}
	courier := &outbox.Courier{
		Box: box, Letterhead: letterhead(), Clock: clk, Troubles: troubles,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Working: func(on bool) {
			if !on && !box.Due() {
				stop()
			}
		},
	}
	if err := waitForGo(); err != nil {
		return err
	}
	if err := courier.Run(ctx); err != nil {
		return err
	}
	done()
	if box.Due() {
		return errors.New("there are mails left")
	}
	return box.Close()
}

// bare sends the same mails over one session, with no store and no receipt
// kept: what is left when all that makes it safe is taken away.
func (j job) bare(ctx context.Context) error {
	clk := startClock(ctx)
	server, err := relay(clk, j.port, j.ca)
	if err != nil {
		return err
	}
	if err := waitForGo(); err != nil {
		return err
	}
	session, v := server.Open(ctx)
	if session == nil {
		return errors.New(v.Reply)
	}
	for serial := uint64(1); serial <= uint64(j.mails); serial++ {
		m := sealed(clk, serial)
		message, err := mail.Render(m, signed())
		if err != nil {
			return err
		}
		if v := session.Send(ctx, smtp.Envelope{From: account, To: m.To, Message: message}); v.Outcome != notify.Accepted {
			return fmt.Errorf("mail %d: %v %s", serial, v.Outcome, v.Reply)
		}
	}
	session.Close()
	done()
	return nil
}

// waitForGo says that all is ready and returns at the starting shot. With
// MAILBENCH_PROFILE set, what follows is profiled into that file.
func waitForGo() error {
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	if name := os.Getenv("MAILBENCH_PROFILE"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		return pprof.StartCPUProfile(f)
	}
	return nil
}

func done() {
	pprof.StopCPUProfile()
	fmt.Println("done")
}
