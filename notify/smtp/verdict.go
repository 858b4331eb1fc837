package smtp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"pinbell/notify"
)

func (s *Session) judge(f finding) ruling { return judge(f, s.relay.Provider) }

// verdict is what a finding means to the courier and to the owner.
func (s *Session) verdict(f finding, to ...string) notify.Verdict {
	ruled := s.judge(f)
	return notify.Verdict{
		Outcome:  ruled.outcome,
		Relay:    s.relay.Host,
		Step:     string(f.step),
		Code:     f.reply.code,
		Enhanced: f.reply.enhanced,
		Reply:    s.mask.clean(f.words()),
		Wait:     ruled.wait,
		Account:  ruled.account(),
		Trouble:  s.wording(f, to).trouble(ruled),
	}
}

func (s *Session) wording(f finding, to []string) wording {
	said := s.mask.clean(f.words())
	if f.cause == "" {
		said = strings.TrimSpace(fmt.Sprintf("%d %s", f.reply.code, strings.TrimSpace(f.reply.enhanced+" "+said)))
	}
	return wording{Relay: s.relay, finding: f, said: said, odd: s.odd, to: to}
}

// words are the server's, or the error's.
func (f finding) words() string {
	if f.cause == "" {
		return f.reply.text()
	}
	if errors.Is(f.err, io.EOF) || errors.Is(f.err, io.ErrUnexpectedEOF) {
		return "the other side hung up"
	}
	// The addresses in net's errors say nothing that Relay and Step do not.
	if op, ok := f.err.(*net.OpError); ok && op.Err != nil && op.Op != "dial" {
		return op.Op + ": " + op.Err.Error()
	}
	return f.err.Error()
}

// conclude turns the end of a transaction into a verdict, and ends the session
// where nothing more can be said in it.
func (t *transaction) conclude(met *finding) notify.Verdict {
	if met == nil {
		return t.accepted()
	}
	if t.lostThread(met) {
		t.hangUp()
	}
	switch {
	case t.lostThread(met):
		return t.verdict(*met)
	case met.step != atRcpt:
		return t.verdict(*met, t.envelope.To...)
	}
	v := t.verdict(*met, t.names()...)
	v.Rejected = t.rejections()
	return v
}

func (t *transaction) accepted() notify.Verdict {
	v := notify.Verdict{
		Outcome:  notify.Accepted,
		Relay:    t.relay.Host,
		Step:     string(atDot),
		Code:     t.receipt.code,
		Enhanced: t.receipt.enhanced,
		Reply:    t.mask.clean(t.receipt.text()),
		QueueID:  t.mask.clean(t.receipt.queueID()),
		Rejected: t.rejections(),
	}
	if len(t.turned) > 0 {
		mildest := *t.nobody()
		ruled := t.judge(mildest)
		ruled.outcome, v.Wait = notify.Accepted, ruled.wait // for those who may be tried again
		v.Trouble = t.wording(mildest, t.names()).trouble(ruled)
		v.Trouble.Doing = Doing(v, v.Wait)
	}
	return v
}

func (t *transaction) names() []string {
	var names []string
	for _, turned := range t.turned {
		names = append(names, turned.to)
	}
	return names
}

// rejections are permanent only where the table refuses for good.
func (t *transaction) rejections() []notify.Rejection {
	var list []notify.Rejection
	for _, turned := range t.turned {
		list = append(list, notify.Rejection{
			To:        turned.to,
			Code:      turned.reply.code,
			Reply:     t.mask.clean(turned.words()),
			Permanent: t.judge(turned.finding).outcome == notify.Refused,
		})
	}
	return list
}
