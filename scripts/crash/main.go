// Command crash kills a running pinbell with SIGKILL at random instants, while
// events are raised and the mail server misbehaves, and then counts: every
// event that was committed must be in an accepted mail, and two accepted mails
// with one event must have one Message-ID.
//
//	crash -pinbell ./pinbell -kills 300
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"pinbell/notify/clock/ntptest"
	"pinbell/notify/smtp/smtptest"
)

func main() {
	log.SetFlags(0)
	binary := flag.String("pinbell", "./pinbell", "the `binary` to kill")
	kills := flag.Int("kills", 300, "how often")
	flag.Parse()
	if err := crash(*binary, *kills); err != nil {
		log.Fatal("crash: ", err)
	}
}

func crash(binary string, kills int) error {
	dir, err := os.MkdirTemp("", "pinbell-crash-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := &proof{binary: binary, dir: dir, committed: map[uint64]bool{}}
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
		p.misbehave(rand.IntN(3) > 0)
		if err := p.life(time.Duration(20+rand.IntN(600)) * time.Millisecond); err != nil {
			return fmt.Errorf("life %d: %w", i+1, err)
		}
		if (i+1)%50 == 0 {
			log.Printf("%d kills, %d events committed, %d mails accepted", i+1, len(p.committed), len(p.server.Mails()))
		}
	}
	close(stop)
	flipping.Wait()
	p.misbehave(false)
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

	mu        sync.Mutex
	bad       bool
	committed map[uint64]bool // serials that the daemon's log says are stored
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
	if p.server, err = smtptest.Start(smtptest.Options{Answer: p.answer}); err != nil {
		return err
	}
	text := fmt.Sprintf(config, p.server.Port(), p.server.CAFile(), smtptest.Username, p.time.Addr())
	return errors.Join(
		os.WriteFile(filepath.Join(p.dir, "pinbell.toml"), []byte(text), 0o600),
		os.WriteFile(filepath.Join(p.dir, "mail.password"), []byte(smtptest.Password), 0o600),
		p.set(0),
	)
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

func (p *proof) misbehave(bad bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bad = bad
}

// answer makes the server refuse, put off and be slow, at random.
func (p *proof) answer(step, _ string) *smtptest.Reply {
	p.mu.Lock()
	bad := p.bad
	p.mu.Unlock()
	if !bad {
		return nil
	}
	switch rand.IntN(12) {
	case 0:
		return &smtptest.Reply{Code: 421, Text: "4.3.2 Not now"}
	case 1:
		return &smtptest.Reply{Code: 451, Text: "4.3.0 Try again"}
	case 2, 3:
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
	}
	return nil
}

var serial = regexp.MustCompile(`msg=event .*serial=(\d+)`)

// life starts the daemon, listens to its log, and kills it.
func (p *proof) life(length time.Duration) error {
	cmd := exec.Command(p.binary, "run", "--config", filepath.Join(p.dir, "pinbell.toml"), "--state", filepath.Join(p.dir, "state"))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	timer := time.AfterFunc(length, func() { cmd.Process.Kill() })
	defer timer.Stop()
	tail := p.listen(stderr)
	err = cmd.Wait()
	if exited, ok := errors.AsType[*exec.ExitError](err); ok && !exited.Exited() {
		return nil // by our signal
	}
	return fmt.Errorf("the daemon ended by itself: %v\n%s", err, tail)
}

// listen notes the events that the log says are committed.
func (p *proof) listen(log io.Reader) (tail string) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		tail = lines.Text()
		if m := serial.FindStringSubmatch(tail); m != nil {
			n, _ := strconv.ParseUint(m[1], 10, 64)
			p.committed[n] = true
		}
	}
	return tail
}

// drain lets the daemon live until all is told.
func (p *proof) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		if err := p.life(4 * time.Second); err != nil {
			return err
		}
		if len(p.missing(p.told())) == 0 {
			return nil
		}
	}
	return nil // count says what is missing
}

// told gives, by serial, the Message-IDs of the mails that it came in.
func (p *proof) told() map[uint64][]string {
	told := map[uint64][]string{}
	for _, m := range p.server.Mails() {
		parsed, err := mail.ReadMessage(strings.NewReader(string(m.Bytes)))
		if err != nil {
			continue
		}
		for _, part := range strings.Fields(parsed.Header.Get("X-Pinbell-Events")) {
			first, last, isRange := strings.Cut(part, "-")
			from, _ := strconv.ParseUint(first, 10, 64)
			to := from
			if isRange {
				to, _ = strconv.ParseUint(last, 10, 64)
			}
			for n := from; n <= to; n++ {
				told[n] = append(told[n], m.MessageID)
			}
		}
	}
	return told
}

func (p *proof) missing(told map[uint64][]string) (missing []uint64) {
	for n := range p.committed {
		if len(told[n]) == 0 {
			missing = append(missing, n)
		}
	}
	return missing
}

func (p *proof) count(kills int, took time.Duration) error {
	told := p.told()
	missing := p.missing(told)
	again, different := 0, 0
	for _, ids := range told {
		for _, id := range ids[1:] {
			again++
			if id != ids[0] {
				different++
			}
		}
	}
	fmt.Printf("kills %d · events committed %d · in accepted mails %d · mails %d · missing %d · told again with the same Message-ID %d, with another %d · %.0f s\n",
		kills, len(p.committed), len(told), len(p.server.Mails()), len(missing), again, different, took.Seconds())
	if len(missing) > 0 || different > 0 || len(p.committed) == 0 {
		return fmt.Errorf("missing %v, %d told by two different mails", missing, different)
	}
	return nil
}
