package clock

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beevik/ntp"

	"pinbell/notify"
	"pinbell/notify/clock/ntptest"
)

// In a bubble the clock stands at the start of 2000. The truth of these tests
// is kept 26 years and some from it, and the board's clock wherever it is put.
var (
	truthAtStart = time.Date(2026, 11, 14, 22, 36, 0, 0, time.UTC)
	floor        = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
)

// board is a Clock with its surroundings, in a bubble.
type board struct {
	*Clock
	t        *testing.T
	began    time.Time
	troubles notify.Troubles

	mu      sync.Mutex    // of all below; see change
	ahead   time.Duration // of the board's clock before the truth
	servers map[string]ntptest.Answer
	asked   map[string][]time.Duration // when each was asked, since the beginning
	synced  bool                       // what the kernel says
}

// bench makes a board whose clock is ahead of the truth by so much, with
// servers named a, b, c in the order of their answers.
func bench(t *testing.T, ahead time.Duration, answers ...ntptest.Answer) *board {
	b := &board{t: t, began: time.Now(), ahead: ahead,
		servers: map[string]ntptest.Answer{}, asked: map[string][]time.Duration{}}
	var names []string
	for i, a := range answers {
		name := string(rune('a' + i))
		names = append(names, name)
		b.servers[name] = a
	}
	b.restart(names, "boot-1", 20*time.Second)
	return b
}

// restart makes the Clock anew, as a restart of the daemon does.
func (b *board) restart(names []string, boot string, up time.Duration) {
	b.Clock = New(Config{
		Servers: names, Floor: floor, Boot: boot, Up: up, Troubles: &b.troubles,
		Kernel: b.kernel, Query: b.query,
	})
	b.Clock.wall = b.wall
}

func (b *board) kernel() (bool, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.synced, 4 * time.Millisecond
}

func (b *board) wall() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.truth().Add(b.ahead)
}

// change changes the surroundings of a running clock.
func (b *board) change(to func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	to()
}

// answer has the servers answer so from now on, a first.
func (b *board) answer(answers ...ntptest.Answer) {
	b.change(func() {
		for i, a := range answers {
			b.servers[string(rune('a'+i))] = a
		}
	})
}

func (b *board) truth() time.Time { return truthAtStart.Add(time.Since(b.began)) }

// run runs the clock for d, and leaves it running until the test ends.
func (b *board) run(d time.Duration) {
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	b.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("Run, told to stop: %v", err)
		}
	})
	b.pass(d)
}

func (b *board) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// query is the real client over a wire of our own.
func (b *board) query(name string, opt ntp.QueryOptions) (*ntp.Response, error) {
	b.mu.Lock()
	b.asked[name] = append(b.asked[name], time.Since(b.began))
	answer, known := b.servers[name]
	b.mu.Unlock()
	opt.Dialer = func(string, string) (net.Conn, error) {
		if !known {
			return nil, &net.OpError{Op: "dial", Err: errors.New("no such host")}
		}
		answer.Offset += time.Until(b.truth())
		return &wire{answer: answer}, nil
	}
	return ntp.QueryWithOptions(name, opt)
}

// wire is a connection with an ntptest server at its other end.
type wire struct {
	net.Conn
	answer   ntptest.Answer
	request  []byte
	deadline time.Time
}

func (w *wire) SetDeadline(t time.Time) error { w.deadline = t; return nil }
func (w *wire) Close() error                  { return nil }

func (w *wire) Write(p []byte) (int, error) {
	w.request = append([]byte(nil), p...)
	return len(p), nil
}

func (w *wire) Read(p []byte) (int, error) {
	if w.answer.Silent {
		time.Sleep(time.Until(w.deadline))
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(5 * time.Millisecond)
	came := time.Now().Add(w.answer.Offset)
	time.Sleep(w.answer.Delay + 5*time.Millisecond)
	return copy(p, w.answer.Reply(w.request, came)), nil
}

func (b *board) mustBe(want Trust, off time.Duration) {
	b.t.Helper()
	got, trust := b.Time()
	if trust != want {
		b.t.Fatalf("trust is %v, want %v; status: %+v", trust, want, b.Status())
	}
	if wrong := got.Sub(b.truth()) - off; wrong.Abs() > 20*time.Millisecond {
		b.t.Errorf("the time is %v, %v off; should be %v off", got, got.Sub(b.truth()), off)
	}
	if want == Trusted && got.Before(floor) {
		b.t.Errorf("trusted time %v is before the floor", got)
	}
}

func (b *board) mustHaveTroubles(codes ...string) {
	b.t.Helper()
	var got []string
	for _, trouble := range b.troubles.List() {
		got = append(got, trouble.Code)
	}
	if len(got) != len(codes) {
		b.t.Fatalf("troubles are %v, want %v", got, codes)
	}
	for i := range got {
		if got[i] != codes[i] {
			b.t.Fatalf("troubles are %v, want %v", got, codes)
		}
	}
}
