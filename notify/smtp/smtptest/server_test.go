package smtptest

import (
	"crypto/tls"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// client is a stranger's: go-smtp's own.
func client(t *testing.T, s *Server) *smtp.Client {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	c, err := smtp.NewClientStartTLS(conn, &tls.Config{ServerName: "localhost", RootCAs: s.Roots()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestTheServerKeepsWhatItAccepts(t *testing.T) {
	var told []Mail
	s := start(t, Options{Username: "sam", Password: "pw", Accepted: func(m Mail) { told = append(told, m) }})
	before := time.Now()
	c := client(t, s)
	if err := c.Auth(sasl.NewPlainClient("", "sam", "pw")); err != nil {
		t.Fatal(err)
	}
	if err := c.SendMail("sam@x", []string{"a@x", "b@x"}, strings.NewReader("Message-ID: <id@x>\r\n\r\n.dot\r\n")); err != nil {
		t.Fatal(err)
	}
	mails := s.Mails()
	if len(mails) != 1 || len(told) != 1 {
		t.Fatalf("kept %d, told of %d", len(mails), len(told))
	}
	m := mails[0]
	if m.From != "sam@x" || strings.Join(m.To, " ") != "a@x b@x" || string(m.Bytes) != "Message-ID: <id@x>\r\n\r\n.dot\r\n" ||
		m.MessageID != "id@x" || m.User != "sam" || m.TLS != tls.VersionTLS13 || m.At.Before(before) || m.QueueID == "" {
		t.Errorf("kept %+v", m)
	}
}

func TestNobodySendsWithoutALogin(t *testing.T) {
	s := start(t, Options{})
	c := client(t, s)
	if err := c.Auth(sasl.NewPlainClient("", Username, "wrong")); err == nil || !strings.Contains(err.Error(), "535") {
		t.Errorf("a wrong password: %v", err)
	}
	if err := c.Mail("a@b", nil); err == nil || !strings.Contains(err.Error(), "530") {
		t.Errorf("MAIL without a login: %v", err)
	}
	if good, bad := s.Logins(); good != 0 || bad != 1 {
		t.Errorf("%d good logins, %d bad", good, bad)
	}
}

func TestAnswersAreMadeToOrder(t *testing.T) {
	s := start(t, Options{Answer: func(step, argument string) *Reply {
		if step == "rcpt" && argument == "gone@x" {
			return &Reply{550, "5.1.1 gone"}
		}
		return nil
	}})
	c := client(t, s)
	if err := c.Auth(&asked{Username, Password}); err != nil {
		t.Fatal(err)
	}
	if err := c.Mail("a@b", nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt("gone@x", nil); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("the recipient who is gone: %v", err)
	}
	if err := c.Rcpt("here@x", nil); err != nil {
		t.Errorf("another: %v", err)
	}
}

// asked is LOGIN as some clients speak it, without a first word.
type asked [2]string

func (a *asked) Start() (string, []byte, error) { return "LOGIN", nil, nil }
func (a *asked) Next(question []byte) ([]byte, error) {
	if string(question) == "Username:" {
		return []byte(a[0]), nil
	}
	return []byte(a[1]), nil
}

func TestLOGINWithAFirstWord(t *testing.T) {
	s := start(t, Options{Mechanisms: []string{"LOGIN"}})
	if err := client(t, s).Auth(sasl.NewLoginClient(Username, Password)); err != nil {
		t.Error(err)
	}
}

func TestAServerListensWhereItIsTold(t *testing.T) {
	addr := hold(t).Addr()
	first := start(t, Options{Addr: addr})
	if _, err := Start(Options{Addr: addr}); err == nil {
		t.Fatal("two servers listen on one address")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(first.CAFile()); err == nil {
		t.Error("the CA file stays behind")
	}
	again := start(t, Options{Addr: addr})
	if again.Addr() != addr {
		t.Errorf("listens on %s, not on %s", again.Addr(), addr)
	}
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	s := start(t, Options{})
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Read(make([]byte, 4))
	s.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	for buf := make([]byte, 512); ; {
		if _, err := conn.Read(buf); err != nil {
			if strings.Contains(err.Error(), "timeout") {
				t.Error("the connection is still open")
			}
			return
		}
	}
}

func TestALiarStopsWithAllItsStalls(t *testing.T) {
	l, err := Lie(LiarOptions{Script: At("greeting", Stall)})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", l.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	done := make(chan struct{})
	go func() { l.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("a stalled talk keeps the server from closing")
	}
}
