package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"pinbell/notify/smtp/smtptest"
)

// The login that all senders use. Its address is their sender too.
const (
	account  = "garage@pinbell.test"
	password = "abcd-efgh-ijkl-mnop"
)

// sunk is what the sink says has come since it was last asked.
type sunk struct {
	Mails  int      // accepted
	Good   int      // of them, different mails that are as they should be
	Bytes  int      // of all of them
	Logins int      // sessions that logged in; each is one connection
	Wrong  []string // what is not as it should be, the first few
}

// sinkAddress is where the sink listens: at once, and behind a long line.
type sinkAddress struct {
	CA        string // PEM file
	Near, Far int    // ports of 127.0.0.1
}

// runSink is the server that all senders deliver to, in a process of its own.
// It says its addresses, and answers each line on stdin with what has come.
func runSink(roundTrip time.Duration) error {
	server, err := smtptest.Start(smtptest.Options{Username: account, Password: password})
	if err != nil {
		return err
	}
	defer server.Close()
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer far.Close()
	go longLine{roundTrip / 2, server.Addr()}.serve(far)
	say := json.NewEncoder(os.Stdout)
	if err := say.Encode(sinkAddress{server.CAFile(), server.Port(), far.Addr().(*net.TCPAddr).Port}); err != nil {
		return err
	}
	seen, logins := 0, 0
	for asks := bufio.NewScanner(os.Stdin); asks.Scan(); {
		all := server.Mails()
		good, _ := server.Logins()
		answer := count(all[seen:])
		answer.Logins = good - logins
		seen, logins = len(all), good
		if err := say.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

// count checks each mail: who sent it, how, to whom, and that no two are one.
func count(mails []smtptest.Mail) (s sunk) {
	ids, to := map[string]bool{}, map[string]bool{}
	for _, m := range mails {
		s.Mails++
		s.Bytes += len(m.Bytes)
		wrong := ""
		switch {
		case m.User != account || m.From != account:
			wrong = fmt.Sprintf("logged in as %q, sent by %q", m.User, m.From)
		case m.TLS == 0:
			wrong = "came in clear text"
		case len(m.To) != 1 || to[m.To[0]]:
			wrong = fmt.Sprintf("to %q, once more", m.To)
		case m.MessageID == "" || ids[m.MessageID]:
			wrong = fmt.Sprintf("Message-ID %q, once more", m.MessageID)
		case !strings.Contains(string(m.Bytes), "door has been open"):
			wrong = "the text is missing"
		}
		if wrong == "" {
			s.Good++
			ids[m.MessageID], to[m.To[0]] = true, true
		} else if len(s.Wrong) < 3 {
			s.Wrong = append(s.Wrong, wrong)
		}
	}
	return s
}
