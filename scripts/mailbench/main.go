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

// options are the command line's.
type options struct {
	mails     int
	roundTrip time.Duration
	near      bool
	only      string
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("mailbench: ")
	var o options
	var j job
	role := flag.String("role", "", "a part that this program plays for itself")
	flag.StringVar(&j.dir, "dir", "", "that part's folder")
	flag.StringVar(&j.ca, "ca", "", "the server's authority")
	flag.IntVar(&j.port, "port", 0, "the server's port")
	flag.IntVar(&o.mails, "mails", 1000, "how `many` mails wait")
	flag.DurationVar(&o.roundTrip, "rtt", 50*time.Millisecond, "round trip `time` of the long line")
	flag.BoolVar(&o.near, "near", false, "without the long line")
	flag.StringVar(&o.only, "only", "", "only the sender of this `name`")
	flag.Parse()
	j.mails = o.mails
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := act(ctx, *role, j, o); err != nil {
		stop()
		log.Fatal(err)
	}
}

func act(ctx context.Context, role string, j job, o options) error {
	switch role {
	case "sink":
		return runSink(o.roundTrip)
	case "fill":
		return fill(ctx, j.dir, j.mails)
	case "write":
		return write(ctx, j.dir, j.mails)
	case "drain":
		return j.drain(ctx)
	case "bare":
		return j.bare(ctx)
	case "":
		return bench(ctx, o)
	}
	return fmt.Errorf("there is no role %q", role)
}
