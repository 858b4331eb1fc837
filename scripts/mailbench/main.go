// Command mailbench measures how fast mails that wait get to a mail server:
// those of pinbell's outbox, of msmtp in a loop, and of Postfix's queue, one
// after the other on the same machine and to the same server, which asks for
// STARTTLS and a login, checks each mail and counts. Then once more to the
// same server at the end of a long line.
//
// Everything happens on loopback, and what was started is ended.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("mailbench: ")
	var j job
	role := flag.String("role", "", "")
	flag.StringVar(&j.dir, "dir", "", "")
	flag.StringVar(&j.ca, "ca", "", "")
	flag.IntVar(&j.port, "port", 0, "")
	flag.IntVar(&j.mails, "mails", 1000, "how `many` mails wait")
	roundTrip := flag.Duration("rtt", 50*time.Millisecond, "round trip `time` of the long line")
	near := flag.Bool("near", false, "without the long line")
	only := flag.String("only", "", "only the sender of this `name`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := act(ctx, *role, j, *roundTrip, *only, *near); err != nil {
		log.Fatal(err)
	}
}

func act(ctx context.Context, role string, j job, roundTrip time.Duration, only string, near bool) error {
	switch role {
	case "sink":
		return runSink(roundTrip)
	case "fill":
		return fill(ctx, j.dir, j.mails)
	case "write":
		return write(ctx, j.dir, j.mails)
	case "drain":
		return j.drain(ctx)
	case "bare":
		return j.bare(ctx)
	case "":
		return bench(ctx, j.mails, roundTrip, only, near)
	}
	return fmt.Errorf("there is no role %q", role)
}
