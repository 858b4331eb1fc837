package smtp

import (
	"context"
	"errors"
	"time"

	"pinbell/notify"
)

// Send hands over one mail. The session goes on after a refusal or a deferral
// by the server, and is over after Down; Ended tells.
//
// A session that the server closed while it was idle is opened anew, once and
// before anything of the mail was sent: that is a server's good right, says
// nothing about the account, and costs no wait.
func (s *Session) Send(ctx context.Context, e Envelope) notify.Verdict {
	end := s.begin(atMail)
	v, stale := s.try(ctx, e)
	if stale {
		if v = s.reopen(ctx); v.Outcome == 0 {
			v, _ = s.try(ctx, e)
		}
	}
	if v.Outcome == notify.Down {
		s.Close()
	}
	end(v)
	return v
}

func (s *Session) reopen(ctx context.Context) notify.Verdict {
	fresh, v := s.relay.Open(ctx)
	if v.Outcome == 0 {
		*s = *fresh
	}
	return v
}

// idle is how long a session may wait for its first mail, whose pictures may
// still be taken, before it is no surprise that the server has closed it.
const idle = 10 * time.Second

// try hands over one mail in this session. It is stale if it had ended since
// the mail before, or while it was idle.
func (s *Session) try(ctx context.Context, e Envelope) (v notify.Verdict, stale bool) {
	if s.ended {
		return s.verdict(finding{step: atMail, cause: lost, err: errors.New("the session is over")}), false
	}
	t := &transaction{Session: s, envelope: e, body: dotted(e.Message)}
	if met := t.check(); met != nil {
		return t.conclude(met), false
	}
	ctx, cancel := context.WithTimeout(ctx, s.relay.patience(len(t.body)))
	defer cancel()
	rested := s.used || time.Since(s.ready) >= idle
	met := s.under(ctx, t.run)
	stale = rested && met != nil && met.step == atMail && (met.cause == lost || met.reply.code == 421)
	s.used = true
	return t.conclude(met), stale
}

// TrySender asks whether the server takes a sender for a mail to a recipient,
// and sends nothing. The verdict is the zero one when it does. It is about the
// sender alone: a recipient that is refused proves nothing.
func (s *Session) TrySender(ctx context.Context, from, to string) notify.Verdict {
	end := s.begin(atMail)
	v := s.trySender(ctx, from, to)
	end(v)
	return v
}

func (s *Session) trySender(ctx context.Context, from, to string) notify.Verdict {
	if s.ended {
		return s.verdict(finding{step: atMail, cause: lost, err: errors.New("the session is over")})
	}
	t := &transaction{Session: s, envelope: Envelope{From: from}}
	if met := t.checkSender(); met != nil {
		return t.conclude(met)
	}
	ctx, cancel := context.WithTimeout(ctx, s.relay.patience(0))
	defer cancel()
	if met := s.under(ctx, func(context.Context) *finding { return t.first() }); met != nil {
		return t.conclude(met)
	}
	var refused *finding
	if met := s.under(ctx, func(context.Context) *finding { refused = t.atRecipient(to); return t.reset() }); met != nil {
		s.hangUp() // and yet all was said about the sender
	}
	if refused != nil {
		return t.verdict(*refused)
	}
	return notify.Verdict{}
}

// atRecipient names a recipient and gives what the server then says against
// the sender: Postfix takes every sender at MAIL and judges it at RCPT, unless
// it is told otherwise (smtpd_delay_reject).
func (t *transaction) atRecipient(to string) *finding {
	if t.wrongAddress(to) != nil {
		return nil
	}
	r, err := t.ask(rcptCommand(to))
	met := expect(atRcpt, 2, r, err)
	if met == nil || t.judge(*met).trouble != "mail.sender" {
		return nil
	}
	return met
}
