package unione

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"

	"pinbell/notify"
	"pinbell/notify/peer"
)

// verdict is what a finding means to the courier and to the owner.
func (s *Session) verdict(f *finding) notify.Verdict {
	ruled := judge(*f)
	v := notify.Verdict{
		Outcome: ruled.outcome,
		Relay:   s.relay.host(),
		Step:    string(f.stepOf(ruled)),
		Code:    f.answer.status,
		Reply:   s.mask.Clean(f.words()),
		Wait:    max(ruled.wait, f.answer.after),
		Account: ruled.account,
	}
	if f.answer.code != 0 {
		v.Enhanced = strconv.Itoa(f.answer.code)
	}
	if ruled.outcome == notify.Accepted {
		v.Wait = 0
		v.QueueID = peer.Excerpt(s.mask.Clean(f.answer.job))
		ruled = f.partial(ruled, &v)
	}
	v.Trouble = s.wording(f).trouble(ruled)
	return v
}

// partial turns the ruling on a mail that some did not get into one about them.
func (f *finding) partial(ruled ruling, v *notify.Verdict) ruling {
	if len(f.answer.failed) == 0 {
		return ruled
	}
	ruled.trouble = "mail.recipient"
	for _, failed := range f.answer.failed {
		if !failed.forGood() {
			v.Wait = later
		}
	}
	return ruled
}

// stepOf says what an answer is about; all of them come at the end.
func (f *finding) stepOf(ruled ruling) step {
	if f.cause != "" {
		return f.step
	}
	switch ruled.trouble {
	case "mail.login":
		return atAuth
	case "mail.sender":
		return atIdle
	case "mail.recipient":
		return atRcpt
	}
	return f.step
}

// words are the server's, or the error's.
func (f *finding) words() string {
	switch {
	case f.cause == "" && f.answer.read:
		return f.answer.message
	case f.cause == "":
		return strings.TrimSuffix(f.answer.numbers()+strings.TrimSpace(f.answer.message), ": ")
	case errors.Is(f.err, io.EOF), errors.Is(f.err, io.ErrUnexpectedEOF):
		return "the other side hung up"
	}
	// The addresses in net's errors say nothing that Relay and Step do not.
	var op *net.OpError
	if errors.As(f.err, &op) && op.Err != nil && op.Op != "dial" {
		return op.Op + ": " + op.Err.Error()
	}
	text := strings.TrimPrefix(f.err.Error(), "net/http: HTTP/1.x transport connection broken: ")
	return strings.TrimPrefix(text, "net/http: ")
}
