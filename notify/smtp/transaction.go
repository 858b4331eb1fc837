package smtp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"pinbell/notify"
)

// More recipients than this are named one by one: a client that writes without
// reading may stop for ever once both windows are full (RFC 2920 section 3.1).
const maxPipelined = 100

// transaction is one mail on its way, RFC 5321 section 3.3.
type transaction struct {
	*Session
	envelope Envelope
	body     []byte   // as sent, but for the last dot
	to       []string // recipients that are worth asking for
	piped    bool
	taken    int // recipients that the server took
	turned   []turned
	receipt  reply
}

// turned is a recipient that was not taken.
type turned struct {
	to string
	finding
}

// check finds what needs no server to be refused.
func (t *transaction) check() *finding {
	if met := t.checkSender(); met != nil {
		return met
	}
	if limit := t.largest(); limit > 0 && int64(len(t.body)) > limit {
		return &finding{step: atMail, cause: tooLarge,
			err: fmt.Errorf("it has %d bytes, and the server takes %d at most", len(t.body), limit)}
	}
	for _, to := range t.envelope.To {
		if err := t.wrongAddress(to); err != nil {
			t.turned = append(t.turned, turned{to, finding{step: atRcpt, cause: badAddr, err: err}})
			continue
		}
		t.to = append(t.to, to)
	}
	t.piped = t.offers("PIPELINING") && len(t.to) <= maxPipelined
	if len(t.to) == 0 {
		return t.nobody()
	}
	return nil
}

func (t *transaction) checkSender() *finding {
	if err := t.wrongAddress(t.envelope.From); err != nil {
		return &finding{step: atMail, cause: badSender, err: err}
	}
	return nil
}

func (t *transaction) run(ctx context.Context) *finding {
	if t.piped {
		if met := t.writeAhead(); met != nil {
			return met
		}
	}
	met := t.first()
	if t.lostThread(met) || met != nil && !t.piped {
		return met
	}
	if broken := t.recipients(); broken != nil {
		return t.cut(met, broken)
	}
	if met == nil && t.taken == 0 {
		met = t.nobody()
	}
	if met != nil && !t.piped {
		return met
	}
	return t.content(ctx, met)
}

// lostThread says that the dialogue cannot go on: the connection is lost, the
// server said 421, or its replies no longer match the commands. What pinbell
// found before it asked disturbs no dialogue.
func (t *transaction) lostThread(met *finding) bool {
	if met == nil {
		return false
	}
	switch met.cause {
	case "":
		return met.reply.code == 421
	case badSender, badAddr, tooLarge:
		return false
	}
	return true
}

// writeAhead sends all commands at once; their replies are read afterwards.
func (t *transaction) writeAhead() *finding {
	if r, err := t.unasked(); err != nil || r.code != 0 {
		return expect(atMail, 2, r, err)
	}
	if t.open {
		t.say("RSET")
	}
	t.say(t.mailCommand())
	for _, to := range t.to {
		t.say(rcptCommand(to))
	}
	t.say("DATA")
	if r, err := t.flush(); err != nil || r.code != 0 {
		return expect(atMail, 2, r, err)
	}
	return nil
}

// answer reads the reply to a command, sending it first if it was not yet.
func (t *transaction) answer(command string) (reply, error) {
	if t.piped {
		return readReply(t.in)
	}
	return t.ask(command)
}

// first opens the transaction, and closes one that was left open.
func (t *transaction) first() *finding {
	if t.open {
		if met := t.reset(); met != nil {
			return met
		}
	}
	r, err := t.answer(t.mailCommand())
	met := expect(atMail, 2, r, err)
	t.open = met == nil
	return met
}

// reset cannot be refused (RFC 5321 section 4.1.1.5): a server that does has
// lost the thread.
func (t *transaction) reset() *finding {
	r, err := t.answer("RSET")
	met := expect(atMail, 2, r, err)
	if met != nil && met.cause == "" && r.code != 421 {
		met = &finding{step: atMail, cause: garbled, err: garbage{strconv.Itoa(r.code) + " to RSET"}}
	}
	t.open = met != nil
	return met
}

// cut chooses between why a mail could not go, as known before, and what then
// broke the dialogue. The first one tells more.
func (t *transaction) cut(why, broken *finding) *finding {
	if why == nil {
		return broken
	}
	t.hangUp()
	return why
}

// recipients names them and notes who was not taken. What it returns ended
// the dialogue.
func (t *transaction) recipients() *finding {
	for _, to := range t.to {
		r, err := t.answer(rcptCommand(to))
		met := expect(atRcpt, 2, r, err)
		switch {
		case t.lostThread(met):
			return met
		case met != nil:
			t.turned = append(t.turned, turned{to, *met})
		default:
			t.taken++
		}
	}
	return nil
}

// nobody is the finding that stands for all recipients when none was taken:
// the one that costs least, so that a recipient who may be tried again is.
func (t *transaction) nobody() *finding {
	if len(t.turned) == 0 {
		return &finding{step: atRcpt, cause: badAddr, err: errors.New("it has no recipient")}
	}
	worst := t.turned[0].finding
	for _, other := range t.turned[1:] {
		if mildness(t.judge(other.finding)) > mildness(t.judge(worst)) {
			worst = other.finding
		}
	}
	return &worst
}

func mildness(r ruling) int {
	switch r.outcome {
	case notify.Down:
		return 2
	case notify.Deferred:
		return 1
	}
	return 0
}

// content sends DATA and the mail. If the mail can go to nobody (why says so)
// and the server wants it all the same, as RFC 2920 section 3.1 foresees, it
// gets a lone dot, and whatever it says to that is no receipt.
func (t *transaction) content(ctx context.Context, why *finding) *finding {
	r, err := t.answer("DATA")
	met := expect(atData, 3, r, err)
	switch {
	case t.lostThread(met):
		return t.cut(why, met)
	case met != nil && why == nil:
		return met
	case met != nil:
		return why
	case why != nil:
		_, err := t.ask(".")
		t.open = false
		if err != nil {
			t.hangUp()
		}
		return why
	}
	return t.upload(ctx)
}

// upload sends all but the last dot, then the dot: until it leaves, the server
// cannot have taken the mail; from then on, it may have.
func (t *transaction) upload(ctx context.Context) *finding {
	if met := t.interrupted(); met != nil {
		return met
	}
	if met := t.pour(ctx); met != nil {
		return met
	}
	if met := t.interrupted(); met != nil {
		return met
	}
	r, err := t.ask(".")
	t.open = false
	if met := expect(atDot, 2, r, err); met != nil {
		return met
	}
	t.receipt = r
	return nil
}

// interrupted finds what a server said before the mail was at its end. A
// refusal counts, for this mail cannot be taken any more; but what the server
// makes of the rest of it is not known, so the session is over.
func (t *transaction) interrupted() *finding {
	if t.in.Buffered() == 0 {
		return nil
	}
	r, err := readReply(t.in)
	if err == nil && r.kind() < 4 {
		err = tooEarly(r)
	}
	t.hangUp()
	return expect(atData, 3, r, err)
}

// lastWord is kept of a session's time for reading why a server stopped
// reading.
const lastWord = 5 * time.Second

// pour sends the mail without its last dot.
func (t *transaction) pour(ctx context.Context) *finding {
	t.writeBy(ctx, t.until.Add(-min(lastWord, time.Until(t.until)/2)))
	defer t.writeBy(ctx, t.until)
	t.out.Write(t.body)
	if r, err := t.flush(); err != nil || r.code != 0 {
		return expect(atData, 3, r, err)
	}
	return nil
}

// writeBy sets when writing ends, unless ctx has ended it already.
func (t *transaction) writeBy(ctx context.Context, end time.Time) {
	t.conn.SetWriteDeadline(end)
	if ctx.Err() != nil {
		t.conn.SetDeadline(past)
	}
}
