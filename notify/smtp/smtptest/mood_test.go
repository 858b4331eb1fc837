package smtptest

import (
	"crypto/tls"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// post sends a mail as a stranger's client would; no error means a receipt.
func post(s *Server, id string) error {
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		return err
	}
	defer conn.Close()
	c, err := smtp.NewClientStartTLS(conn, &tls.Config{ServerName: "localhost", RootCAs: s.Roots()})
	if err != nil {
		return err
	}
	if err := c.Auth(sasl.NewPlainClient("", Username, Password)); err != nil {
		return err
	}
	return c.SendMail("a@x", []string{"b@x", "c@x"}, strings.NewReader("Message-ID: <"+id+">\r\n\r\nhello\r\n"))
}

// Whatever the mood: a receipt means that the mail is kept, and each mail that
// is kept was sent once.
func TestAMoodyServerKeepsTrueRecords(t *testing.T) {
	m := Moody(7)
	m.Refuse, m.StallFor, m.SlowBy = 3, 5*time.Millisecond, 2*time.Millisecond
	s := start(t, Options{Mood: m})
	receipts := map[string]bool{}
	for i := range 150 {
		id := fmt.Sprintf("m%d@x", i)
		receipts[id] = post(s, id) == nil
	}
	kept := map[string]int{}
	for _, m := range s.Mails() {
		kept[m.MessageID]++
	}
	for id, receipt := range receipts {
		if kept[id] > 1 || receipt && kept[id] == 0 {
			t.Errorf("%s: a receipt: %v, kept %d times", id, receipt, kept[id])
		}
	}
	done := s.Misdeeds()
	if names := slices.Sorted(maps.Keys(done)); !slices.Equal(names, []string{"defer", "drop", "forget", "quota", "refuse", "slow", "stall"}) {
		t.Errorf("in 150 mails the server did only %v", done)
	}
	forgotten := 0
	for id, receipt := range receipts {
		if !receipt {
			forgotten += kept[id]
		}
	}
	if forgotten != done["forget"] {
		t.Errorf("%d mails were kept without a receipt, and %d receipts forgotten", forgotten, done["forget"])
	}
}

func TestAServerIsHonestUntilItsMoodChanges(t *testing.T) {
	s := start(t, Options{})
	for i := range 20 {
		if err := post(s, fmt.Sprint("a", i)); err != nil {
			t.Fatal(err)
		}
	}
	s.Behave(Mood{Drop: 100})
	if err := post(s, "b"); err == nil {
		t.Error("a receipt from a server that always hangs up")
	}
	s.Behave(Mood{})
	if err := post(s, "c"); err != nil {
		t.Error(err)
	}
	if got := s.Misdeeds(); len(s.Mails()) != 21 || got["drop"] == 0 || len(got) != 1 {
		t.Errorf("%d mails, misdeeds %v", len(s.Mails()), got)
	}
}

func TestOneSeedIsOneMood(t *testing.T) {
	run := func(seed uint64) (names []string) {
		m, dice := Moody(seed), rand.New(rand.NewPCG(seed, 1))
		for range 200 {
			names = append(names, m.draw("dot", dice).name)
		}
		return names
	}
	if !slices.Equal(run(1), run(1)) || slices.Equal(run(1), run(2)) {
		t.Error("the seed does not decide")
	}
}

func TestAStalledServerCloses(t *testing.T) {
	s := start(t, Options{Mood: Mood{Stall: 100, StallFor: time.Hour}})
	gone := make(chan struct{})
	go func() { post(s, "a"); close(gone) }()
	for s.Misdeeds()["stall"] == 0 {
		time.Sleep(time.Millisecond)
	}
	s.Close()
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Error("the stall outlives the server")
	}
}
