package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"pinbell/config"
	"pinbell/notify"
	"pinbell/notify/capture"
	"pinbell/notify/clock"
	"pinbell/notify/mail"
	"pinbell/notify/outbox"
	"pinbell/notify/rules"
	"pinbell/sensors"
)

// stopLimit is how long the loops may take to end.
const stopLimit = 8 * time.Second

func runCommand() *cobra.Command {
	var p places
	return p.addState(p.addConfig(&cobra.Command{
		Use: "run", Short: "Watch the sensors and send mails, until told to stop",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := load(p.config, os.Stderr)
			if err != nil {
				return err
			}
			d := daemon{cfg: cfg, sum: sumOf(p.config), state: p.stateDir(), log: newLog(os.Stderr), working: newThrift().working}
			defer context.AfterFunc(c.Context(), d.stopAnyway)()
			return d.run(c.Context())
		},
	}))
}

// daemon is the program that watches. Its hooks let a demo look on.
type daemon struct {
	cfg   *config.Config
	sum   string // of the config's file
	state string
	log   *slog.Logger

	onReadings func([]sensors.Reading)
	onEvents   func([]rules.Transition)
	onVerdict  func(notify.Mail, notify.Verdict)
	working    func(bool) // mails begin to be sent, or that ends
}

// run is the street from sensor to server, and every goroutine on it: one per
// bus or line, the engine, the camera, the courier, the clock, and one for
// status and the watchdog. It returns when all of them have ended.
func (d *daemon) run(ctx context.Context) error {
	started := time.Now()
	if err := boardIsThere(d.cfg.Sensors); err != nil {
		return err
	}
	troubles := &notify.Troubles{Changed: d.tellTrouble}
	var box *outbox.Box
	var clk *clock.Clock
	camera := capture.New(capture.Config{
		Dir: filepath.Join(d.state, "attached"), Log: d.log,
		Now: func() time.Time { now, _ := clk.Time(); return now }, Done: func() { box.Nudge() },
	})
	box, err := outbox.Open(outbox.Config{Dir: d.state, Limits: limits(d.cfg), Troubles: troubles, Pictures: camera})
	if err != nil {
		return fmt.Errorf("open the store in %s: %w", d.state, err)
	}
	clk = clock.New(clock.Config{Servers: d.cfg.Time.Servers, Floor: later(buildTime(), box.Floor()), Troubles: troubles})
	box.Clock = clk
	sources, err := sources(d.cfg)
	if err != nil {
		return err
	}
	if box.Roads, err = roads(d.cfg, clk); err != nil {
		return err
	}

	engine := rules.New(rules.Config{
		Rules: d.cfg.Rules, Sensors: watched(d.cfg.Sensors), To: d.cfg.Mail.To, Location: d.cfg.Device.Zone,
		Clock: clk, Store: overheard{box, d.onEvents}, Troubles: troubles, Log: d.log,
	})
	courier := &outbox.Courier{
		Box: box, Letterhead: letterhead(d.cfg), Clock: clk, Troubles: troubles, Log: d.log, Settled: d.onVerdict, Working: d.working,
	}
	desk := &desk{
		dir: d.state, device: d.cfg.Device.Name, started: started, config: d.sum,
		engine: engine, courier: courier, box: box, clock: clk, troubles: troubles, log: d.log,
	}

	if d.working != nil { // what the start needed is given back before all begins
		d.working(false)
	}
	// All end together: a level on its way then is read again at the next start.
	all, ctx := errgroup.WithContext(ctx)
	readings := make(chan []sensors.Reading, 16) // full: the sensors wait, and the kernel keeps a line's edges
	heard := d.listen(readings)
	for _, source := range sources {
		all.Go(func() error { return source(ctx, readings) })
	}
	all.Go(func() error { return clk.Run(ctx) })
	all.Go(func() error { return camera.Run(ctx) })
	all.Go(func() error { return engine.Run(ctx, heard) })
	all.Go(func() error { return courier.Run(ctx) })
	all.Go(func() error { return desk.Run(ctx) })
	d.log.Info("pinbell started", "version", version, "device", d.cfg.Device.Name, "sensors", len(d.cfg.Sensors), "rules", len(d.cfg.Rules), "state", d.state)
	err = all.Wait()
	d.log.Info("pinbell stopped")
	return errors.Join(err, box.Close())
}

// source is a loop that reads sensors until ctx ends.
type source func(ctx context.Context, out chan<- []sensors.Reading) error

// listen lets a demo see the readings as the engine takes them.
func (d *daemon) listen(readings chan []sensors.Reading) <-chan []sensors.Reading {
	if d.onReadings == nil {
		return readings
	}
	heard := make(chan []sensors.Reading)
	go func() { // ends with the process; only a demo has it
		for r := range readings {
			d.onReadings(r)
			heard <- r
		}
	}()
	return heard
}

// aside runs what a command gives up waiting for, which may never end.
func aside(f func()) { go f() }

// overheard is the outbox as the engine sees it, with a demo looking on.
type overheard struct {
	*outbox.Box
	hear func([]rules.Transition)
}

// Commit has the onlooker hear of an event first: it may be in an accepted mail
// before Commit returns.
func (o overheard) Commit(t []rules.Transition) {
	if o.hear != nil {
		o.hear(t)
	}
	o.Box.Commit(t)
}

// stopAnyway ends the process when a loop does not: a driver of the kernel can
// hold a read for ever. What was committed is on disk.
func (d *daemon) stopAnyway() {
	time.Sleep(stopLimit)
	d.log.Error("a sensor's read does not return: stopping without it")
	os.Exit(exitFailed)
}

func (d *daemon) tellTrouble(t notify.Trouble, gone bool) {
	if gone {
		d.log.Info("trouble is over", "code", t.Code, "about", t.About, "lasted", notify.Span(time.Since(t.Since)))
		return
	}
	d.log.Warn("trouble: "+t.Sentence, "code", t.Code, "about", t.About, "doing", t.Doing, "remedy", t.Remedy)
}

func letterhead(cfg *config.Config) mail.Letterhead {
	own, _ := mail.ParseTemplates(cfg.Mail.Templates.Subject, cfg.Mail.Templates.Body) // they were tried with the config
	return mail.Letterhead{Device: cfg.Device.Name, Location: cfg.Device.Zone, Version: version, Templates: own}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
