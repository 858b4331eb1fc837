// Command bench measures the running daemon against its budgets: ten files
// read once a second, a handful of rules, a mail server with STARTTLS and a
// login, and time servers, all on this machine. Beside it, in the same
// windows, runs collectd with the same ten files, where that is installed.
//
//	bench -pinbell ./pinbell -armv6 dist/pinbell-armv6 -window 60s
//
// A shared machine is noisy, so every number is a median of windows, starts or
// alerts, and the worst of them stands beside it. It ends with status 1 when a
// budget is missed by the median.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// plan is how long and how often to measure.
type plan struct {
	pinbell, armv6 string // binaries
	collectd       string // empty: none
	sender         account
	slack          time.Duration
	window         time.Duration
	windows        int
	starts         int
	alerts         int
}

func main() {
	log.SetFlags(0)
	var p plan
	flag.StringVar(&p.pinbell, "pinbell", "./pinbell", "the `binary` to measure")
	flag.StringVar(&p.armv6, "armv6", "", "the `binary` for ARMv6, for its size")
	flag.StringVar(&p.collectd, "collectd", "", "the collectd `binary` to measure beside it")
	flag.StringVar(&p.sender.name, "sender", "nobody", "the `user` that collectd's mails are sent as")
	flag.IntVar(&p.sender.uid, "sender-uid", 65534, "the number of that user")
	flag.DurationVar(&p.slack, "slack", 0, "how late timers of both may be, as TimerSlackNSec in pinbell's unit says")
	flag.DurationVar(&p.window, "window", time.Minute, "how long one idle window is")
	flag.IntVar(&p.windows, "windows", 3, "how many idle windows")
	flag.IntVar(&p.starts, "starts", 5, "how many starts")
	flag.IntVar(&p.alerts, "alerts", 20, "how many alerts of each")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	missed, err := bench(ctx, p)
	if err != nil {
		log.Fatal("bench: ", err)
	}
	if missed > 0 {
		log.Fatalf("bench: %d budgets missed", missed)
	}
}

// bench starts all, measures, and ends all that it started.
func bench(ctx context.Context, p plan) (missed int, err error) {
	s, err := setStage()
	if err != nil {
		return 0, fmt.Errorf("set up: %w", err)
	}
	defer s.close()
	ours := &subject{name: "pinbell", command: s.pinbell(p.pinbell), event: "msg=event ", accepted: s.ourMail, slack: p.slack}
	all := []*subject{ours}
	if p.collectd != "" {
		command, err := s.collectd(p.collectd, p.sender)
		if err != nil {
			return 0, err
		}
		all = append(all, &subject{name: "collectd", command: command, event: "Notification: ", accepted: s.theirMail, slack: p.slack, says: "Initialization complete"})
	}
	for _, one := range all {
		defer one.stop()
		if err := one.starts(ctx, p.starts); err != nil {
			return 0, err
		}
	}
	if err := watch(ctx, all, p); err != nil {
		return 0, err
	}
	for i, one := range all {
		if err := one.alerts(ctx, s.files[i], p.alerts); err != nil {
			return 0, err
		}
		if one.after, err = memoryOf(one.pid()); err != nil {
			return 0, err
		}
	}
	ours.stop()
	if err := ours.dated(s.state); err != nil {
		return 0, err
	}
	size := int64(0)
	if info, err := os.Stat(p.armv6); err == nil {
		size = info.Size()
	}
	return report(os.Stdout, p, all, size), nil
}

// watch measures all subjects while nothing happens, in the same windows. The
// first seconds after a start are not idle yet.
func watch(ctx context.Context, all []*subject, p plan) error {
	if err := pause(ctx, min(p.window, 10*time.Second)); err != nil {
		return err
	}
	for range p.windows {
		before, err := samples(all)
		if err != nil {
			return err
		}
		if err := pause(ctx, p.window); err != nil {
			return err
		}
		after, err := samples(all)
		if err != nil {
			return err
		}
		for i, one := range all {
			one.windows = append(one.windows, after[i].since(before[i]))
			memory, err := memoryOf(one.pid())
			if err != nil {
				return err
			}
			one.idle = append(one.idle, memory)
		}
	}
	return nil
}

func samples(all []*subject) (taken []sample, err error) {
	for _, one := range all {
		s, err := sampleOf(one.pid())
		if err != nil {
			return nil, fmt.Errorf("measure %s: %w", one.name, err)
		}
		taken = append(taken, s)
	}
	return taken, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
