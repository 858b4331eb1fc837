// Command crash kills a running pinbell with SIGKILL at random instants, while
// events are raised and the mail server misbehaves at random, and then counts:
// every event that was committed must be in an accepted mail, no number may be
// given to two events, and mails that tell one event must be copies of each
// other, with one Message-ID.
//
//	crash -pinbell ./pinbell -kills 300
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"pinbell/notify/clock/ntptest"
	"pinbell/notify/smtp/smtptest"
)

func main() {
	log.SetFlags(0)
	binary := flag.String("pinbell", "./pinbell", "the `binary` to kill")
	kills := flag.Int("kills", 300, "how often")
	seed := flag.Uint64("seed", rand.Uint64(), "what the server's moods and the lengths of lives are drawn from")
	flag.Parse()
	if err := crash(*binary, *kills, *seed); err != nil {
		log.Fatalf("crash: %v (seed %d)", err, *seed)
	}
}

func crash(binary string, kills int, seed uint64) error {
	dir, err := os.MkdirTemp("", "pinbell-crash-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := &proof{binary: binary, dir: dir, dice: rand.New(rand.NewPCG(seed, 0)), committed: map[uint64]bool{}, twice: map[uint64]bool{}}
	if err := p.setUp(); err != nil {
		return err
	}
	defer p.server.Close()
	defer p.time.Close()
	stop := make(chan struct{})
	var flipping sync.WaitGroup
	flipping.Go(func() { p.flip(stop) })
	began := time.Now()
	for i := range kills {
		p.server.Behave(p.mood())
		if err := p.life(p.fate()); err != nil {
			close(stop)
			return fmt.Errorf("life %d: %w", i+1, err)
		}
		if (i+1)%50 == 0 {
			log.Printf("%d kills, %d events committed, %d mails accepted", i+1, p.events(), len(p.server.Mails()))
		}
	}
	close(stop)
	flipping.Wait()
	p.server.Behave(smtptest.Mood{})
	if err := p.drain(); err != nil {
		return err
	}
	return p.count(kills, time.Since(began))
}

// proof is one run: a config, a sensor's file, the servers, what was seen.
type proof struct {
	binary, dir string
	server      *smtptest.Server
	time        *ntptest.Server
	dice        *rand.Rand
	atReceipt   atomic.Pointer[os.Process] // killed as soon as the server takes a mail

	deaths [deaths]int

	mu        sync.Mutex
	committed map[uint64]bool // serials that the daemon's log says are stored
	twice     map[uint64]bool // of them, those that were given to a second event
}

const config = `
[device]
name = "crash"
[mail]
provider = "custom"
host = "localhost"
port = %d
ca_file = %q
username = %q
password_file = "mail.password"
from = "crash@example.org"
to = ["a@example.org", "b@example.org"]
[time]
servers = [%q]
[limits]
per_hour = 10000
per_day = 100000
[[sensor]]
name = "value"
driver = "file"
path = "value"
every = "10ms"
silent_after = "10s"
[[rule]]
name = "above"
when = "value.value > 5"
[[rule]]
name = "odd"
when = "value.value == 3 or value.value == 9"
severity = "critical"
to = ["b@example.org"]
`

func (p *proof) setUp() (err error) {
	if p.time, err = ntptest.Start("127.0.0.1:0"); err != nil {
		return err
	}
	if p.server, err = smtptest.Start(smtptest.Options{Accepted: p.accepted}); err != nil {
		return err
	}
	text := fmt.Sprintf(config, p.server.Port(), p.server.CAFile(), smtptest.Username, p.time.Addr())
	return errors.Join(
		os.WriteFile(filepath.Join(p.dir, "pinbell.toml"), []byte(text), 0o600),
		os.WriteFile(filepath.Join(p.dir, "mail.password"), []byte(smtptest.Password), 0o600),
		p.set(0),
	)
}

// accepted is called when the server has a mail and pinbell does not know that
// yet.
func (p *proof) accepted(smtptest.Mail) {
	if victim := p.atReceipt.Swap(nil); victim != nil {
		victim.Kill()
	}
}

// set writes the sensor's file in place, as a kernel file changes.
func (p *proof) set(value int) error {
	return os.WriteFile(filepath.Join(p.dir, "value"), []byte(strconv.Itoa(value)+"\n"), 0o600)
}

func (p *proof) flip(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(rand.IntN(60)) * time.Millisecond):
			if err := p.set(rand.IntN(11)); err != nil {
				log.Print(err)
			}
		}
	}
}

// mood is the server's for one life: bad in two of three. It has all kinds of
// misdeeds, without one that would need hours to be forgiven.
func (p *proof) mood() smtptest.Mood {
	if p.dice.IntN(3) == 0 {
		return smtptest.Mood{}
	}
	m := smtptest.Moody(p.dice.Uint64())
	m.Drop, m.Forget, m.Slow, m.SlowBy = 5, 6, 10, 100*time.Millisecond
	return m
}

// death is what a life ends at.
type death int

const (
	anyTime   death = iota // after a random time
	atCommit               // a moment after an event was stored
	atReceipt              // when the server has a mail, and pinbell not its receipt
	deaths
)

// fate draws how a life ends, and when at the latest.
func (p *proof) fate() (death, time.Duration) {
	at := death(p.dice.IntN(int(deaths) + 1))
	if at == deaths {
		at = anyTime
	}
	longest := time.Duration(20+p.dice.IntN(600)) * time.Millisecond
	if at != anyTime {
		longest += time.Second
	}
	return at, longest
}

// drain lets the daemon live until all is told, or for ten minutes.
func (p *proof) drain() error {
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end) && len(p.missing()) > 0; {
		if err := p.life(whenTold, time.Minute); err != nil {
			return err
		}
	}
	return nil // count says what is missing
}

func (p *proof) state() string { return filepath.Join(p.dir, "state") }
