package smtptest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"time"
)

// tap writes down what is read.
type tap struct {
	net.Conn
	liar *Liar
	into *bytes.Buffer
}

func (t tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.liar.mu.Lock()
	defer t.liar.mu.Unlock()
	t.into.Write(p[:n])
	return n, err
}

var errDone = errors.New("the talk is over")

// talk is one client's dialogue with a Liar.
type talk struct {
	liar   *Liar
	bare   net.Conn
	conn   net.Conn
	in     *bufio.Reader
	secure bool
	open   bool // within a transaction
	mail   Mail
}

func (t *talk) use(conn net.Conn) { t.conn, t.in = conn, bufio.NewReader(conn) }

// act does what the script wants at a step, or else says honestly.
func (t *talk) act(step, line, honestly string) error {
	return t.perform(t.liar.script(step, line), honestly)
}

func (t *talk) perform(act Act, honestly string) error {
	switch act.kind {
	case honest:
		return t.send(honestly + "\r\n")
	case say:
		return t.send(act.text)
	case piecemeal:
		return t.dribble(honestly + "\r\n")
	case flood:
		return t.flood()
	case drop:
		t.send(act.text)
		return errDone
	case stall:
		t.send(act.text)
		<-t.liar.closing
		return errDone
	}
	return t.trickle(act.gap)
}

func (t *talk) send(text string) error {
	_, err := io.WriteString(t.conn, text)
	return err
}

func (t *talk) dribble(text string) error {
	_, err := dribble{t.conn}.Write([]byte(text))
	return err
}

func (t *talk) flood() error {
	for {
		if err := t.send("250-more\r\n"); err != nil {
			return err
		}
	}
}

// dribble writes byte by byte.
type dribble struct{ net.Conn }

func (d dribble) Write(p []byte) (n int, err error) {
	for i := range p {
		if _, err := d.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func (t *talk) trickle(gap time.Duration) error {
	for i := 0; ; i++ {
		if err := t.send("250-more\r\n"[i%10 : i%10+1]); err != nil {
			return err
		}
		select {
		case <-t.liar.closing:
			return errDone
		case <-time.After(gap):
		}
	}
}

func (t *talk) encrypt() error {
	bare := t.bare
	switch act := t.liar.script("tls", ""); {
	case act.kind == piecemeal:
		bare = dribble{t.bare}
	case act.kind != honest:
		t.in.Peek(1) // a lie within the handshake waits for its first message
		return t.perform(act, "")
	}
	conn := tls.Server(bare, t.liar.id.config(false))
	if err := conn.Handshake(); err != nil {
		return err
	}
	t.secure = true
	t.use(tap{conn, t.liar, &t.liar.plain})
	return nil
}

func (t *talk) hold() {
	if t.liar.options.Implicit && t.encrypt() != nil {
		return
	}
	if t.act("greeting", "", "220 liar.example ESMTP") != nil {
		return
	}
	for {
		line, err := t.in.ReadString('\n')
		if err != nil || t.command(strings.TrimRight(line, "\r\n")) != nil {
			return
		}
	}
}

func (t *talk) command(line string) error {
	verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
	switch verb {
	case "EHLO":
		return t.ehlo(line)
	case "STARTTLS":
		act := t.liar.script("starttls", line)
		if err := t.perform(act, "220 2.0.0 go ahead"); err != nil || !act.honest() {
			return err
		}
		return t.encrypt()
	case "AUTH":
		return t.auth(line)
	case "MAIL":
		return t.from(line)
	case "RCPT":
		t.mail.To = append(t.mail.To, line)
		return t.act("rcpt", line, "250 2.1.5 Ok")
	case "DATA":
		return t.data(line)
	case "RSET":
		t.open = false
		return t.act("rset", line, "250 2.0.0 Ok")
	case "QUIT":
		t.act("quit", line, "221 2.0.0 Bye")
		return errDone
	}
	return t.send("502 5.5.2 What?\r\n")
}

func (t *talk) ehlo(line string) error {
	if t.secure {
		return t.act("ehlo2", line, "250-liar.example\r\n250-"+strings.Join(t.liar.options.Extensions, "\r\n250-")+"\r\n250 HELP")
	}
	if t.liar.options.NoStartTLS {
		return t.act("ehlo", line, "250-liar.example\r\n250-AUTH PLAIN LOGIN\r\n250 PIPELINING")
	}
	return t.act("ehlo", line, "250-liar.example\r\n250-PIPELINING\r\n250 STARTTLS")
}

func (t *talk) auth(line string) error {
	const ok = "235 2.7.0 Authentication successful"
	if !strings.EqualFold(line, "AUTH LOGIN") {
		return t.act("auth", line, ok)
	}
	for _, question := range []string{"334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"} {
		if err := t.send(question + "\r\n"); err != nil {
			return err
		}
		answer, err := t.in.ReadString('\n')
		if err != nil {
			return err
		}
		line += " " + strings.TrimSpace(answer)
	}
	return t.act("auth", line, ok)
}

// from minds the order of commands, as strict servers do.
func (t *talk) from(line string) error {
	if t.open {
		return t.send("503 5.5.1 Nested MAIL\r\n")
	}
	act := t.liar.script("mail", line)
	t.mail, t.open = Mail{From: line}, act.honest()
	return t.perform(act, "250 2.1.0 Ok")
}

// data reads a body wherever the client has been told to send one.
func (t *talk) data(line string) error {
	act := t.liar.script("data", line)
	if err := t.perform(act, "354 End with a dot"); err != nil {
		return err
	}
	if act.kind == say && !strings.HasPrefix(act.text, "354") {
		return nil
	}
	for begun := false; ; begun = true {
		text, err := t.in.ReadString('\n')
		if err != nil {
			return err
		}
		if text == ".\r\n" {
			break
		}
		if !begun {
			if err := t.interrupt(); err != nil {
				return err
			}
		}
		t.mail.Bytes = append(t.mail.Bytes, strings.TrimPrefix(text, ".")...)
	}
	t.open = false
	t.liar.mu.Lock()
	t.liar.mails = append(t.liar.mails, t.mail)
	t.liar.mu.Unlock()
	return t.act("dot", "", "250 2.0.0 Ok: queued as 343FD5003CE")
}

// interrupt answers in the middle of a mail, if the script wants that.
func (t *talk) interrupt() error {
	act := t.liar.script("body", "")
	if act.honest() {
		return nil
	}
	return t.perform(act, "")
}
