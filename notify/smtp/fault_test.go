package smtp

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
)

// The proof that nothing a server does is without a verdict: each step of the
// dialogue meets each fault. Below are the meanings of the grid's words.
var meanings = map[string]struct {
	outcome notify.Outcome
	account bool // any other mail would meet it too
	trouble string
	wait    time.Duration // 0: the courier's own backoff
	ended   bool          // the session
}{
	"sent":   {accepted, false, "", 0, false},
	"net":    {down, true, "mail.network", 0, true},
	"serv":   {down, true, "mail.server", 0, true},
	"serv1m": {down, true, "mail.server", shortly, true},
	"barred": {down, true, "mail.server", later, true},
	"clear":  {down, true, "mail.starttls", 0, true},
	"tls":    {down, true, "mail.tls", 0, true},
	"login":  {down, true, "mail.login", later, true},
	"quota":  {down, true, "mail.quota", long, true},
	"sender": {down, true, "mail.sender", later, true},

	"net/m":  {deferred, false, "mail.network", 0, true}, // /m: this mail
	"serv/m": {deferred, false, "mail.server", 0, true},
	"wait/m": {deferred, false, "mail.server", 0, false},
	"rcpt/m": {refused, false, "mail.recipient", 0, false},
	"no/m":   {refused, false, "mail.refused", 0, false},
	"no/x":   {refused, false, "mail.refused", 0, true},
	"lost":   {unknown, false, "mail.network", 0, true},
}

// drop: hangs up · stall: says nothing · garbage: no reply at all · cut: part
// of a reply, then hangs up · order: the reply to another command · split: the
// honest reply, each byte on its own · trickle: an endless reply, a byte a
// second · flood: an endless reply, fast · 421, 4xx, 5xx, quota: such replies.
// ehlo2 is the one under TLS. body is in the middle of a large mail, where each
// reply is the last thing that the server does. rset is sent to a session that
// a mail before had left in a transaction; quit after the mail.
// A dash: such a thing cannot be there.
const grid = `
           drop   stall  garbage cut    order  split trickle flood  421    4xx    5xx    quota
dial       net    net    -       -      -      sent  -       -      -      -      -      -
greeting   net    net    serv    net    serv   sent  net     serv   serv   serv   barred barred
ehlo       net    net    serv    net    serv   sent  net     serv   serv   serv   barred barred
starttls   net    net    serv    net    serv   sent  net     serv   clear  clear  clear  clear
tls        net    net    tls     tls    tls    sent  tls     tls    tls    tls    tls    tls
ehlo2      net    net    serv    net    serv   sent  net     serv   serv   serv   barred barred
auth       net    net    serv    net    serv   sent  net     serv   serv1m serv1m login  quota
mail       net    net    serv    net    serv   sent  net     serv   serv   serv   sender quota
rcpt       net/m  net/m  serv/m  net/m  serv/m sent  net/m   serv/m serv/m wait/m rcpt/m quota
data       net/m  net/m  serv/m  net/m  serv/m sent  net/m   serv/m serv/m wait/m no/m   quota
body       net/m  net/m  net/m   net/m  net/m  -     net/m   net/m  serv/m serv/m no/x   quota
dot        lost   lost   lost    lost   lost   sent  lost    lost   serv/m wait/m no/m   quota
rset       sent   net    serv    sent   serv   sent  net     serv   sent   serv   serv   serv
quit       sent   sent   sent    sent   sent   sent  sent    sent   sent   sent   sent   sent
`

var (
	faultSteps = []string{"dial", "greeting", "ehlo", "starttls", "tls", "ehlo2", "auth", "mail", "rcpt", "data", "body", "dot", "rset", "quit"}
	faultActs  = map[string]smtptest.Act{
		"drop": smtptest.Drop, "stall": smtptest.Stall, "garbage": smtptest.Garbage, "cut": smtptest.Truncate,
		"order": smtptest.Say("354 and now something else"), "split": smtptest.Split,
		"trickle": smtptest.Trickle(time.Second), "flood": smtptest.Flood,
		"421": smtptest.Say("421 4.3.2 shutting down"), "4xx": smtptest.Say("451 4.3.0 not now"),
		"5xx": smtptest.Say("554 5.0.0 never"), "quota": smtptest.Say("550 5.7.1 you have exceeded your daily sending limit"),
	}
)

// cell is one encounter.
type cell struct{ step, fault, meaning string }

func cells(t *testing.T) (list []cell) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(grid), "\n")
	faults := strings.Fields(lines[0])
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		if len(words) != 1+len(faults) {
			t.Fatalf("%d cells for %d faults: %s", len(words)-1, len(faults), line)
		}
		for i, meaning := range words[1:] {
			list = append(list, cell{words[0], faults[i], meaning})
		}
	}
	return list
}

func TestNoStepAndNoFaultIsMissing(t *testing.T) {
	list := cells(t)
	used := map[string]bool{}
	for _, step := range faultSteps {
		for fault := range faultActs {
			i := slices.IndexFunc(list, func(c cell) bool { return c.step == step && c.fault == fault })
			if i < 0 {
				t.Errorf("%s × %s is missing", step, fault)
				continue
			}
			used[list[i].meaning] = true
			if _, known := meanings[list[i].meaning]; !known && list[i].meaning != "-" {
				t.Errorf("%s × %s: %q means nothing", step, fault, list[i].meaning)
			}
		}
	}
	if len(list) != len(faultSteps)*len(faultActs) {
		t.Errorf("%d cells for %d steps and %d faults", len(list), len(faultSteps), len(faultActs))
	}
	for meaning := range meanings {
		if !used[meaning] {
			t.Errorf("%q is never met", meaning)
		}
	}
	for _, step := range allSteps {
		if !slices.Contains(faultSteps, string(step)) {
			t.Errorf("the step %s is not in the grid", step)
		}
	}
}

func TestEveryFaultAtEveryStepHasItsVerdict(t *testing.T) {
	for name, extensions := range map[string][]string{"pipelined": nil, "one by one": {"AUTH PLAIN"}} {
		for _, c := range cells(t) {
			if c.meaning == "-" {
				continue
			}
			t.Run(name+"/"+c.step+"/"+c.fault, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { c.prove(t, extensions) })
			})
		}
	}
}

func (c cell) prove(t *testing.T, extensions []string) {
	l, r := rehearsed(t, smtptest.LiarOptions{Extensions: extensions, Script: c.script()})
	if c.step == "dial" {
		c.breakDial(r)
	}
	began := time.Now()
	v, ended := c.carry(t, r)
	if took, most := time.Since(began), r.patience(len(c.envelope().Message))+goodbye; took > most {
		t.Errorf("took %v, and may take %v", took, most)
	}
	c.judge(t, v, ended)
	for _, m := range l.Mails() {
		if v.Outcome != notify.Accepted && v.Step != "dot" && len(m.Bytes) > 0 {
			t.Errorf("the mail reached its dot, and the verdict is %s", short(v))
		}
	}
}

// judge compares a verdict with what the grid says.
func (c cell) judge(t *testing.T, v notify.Verdict, ended bool) {
	t.Helper()
	want := meanings[c.meaning]
	line := func(o notify.Outcome, account bool, trouble string, wait time.Duration, ended bool) string {
		return fmt.Sprintf("%s, account %v, trouble %q, wait %v, ended %v", o, account, trouble, wait, ended)
	}
	code := ""
	if v.Trouble != nil {
		code = v.Trouble.Code
	}
	got, wanted := line(v.Outcome, v.Account, code, v.Wait, ended), line(want.outcome, want.account, want.trouble, want.wait, want.ended)
	if got != wanted {
		t.Errorf("\n got %s\nwant %s\nat %s: %d %q", got, wanted, v.Step, v.Code, v.Reply)
	}
	steps := map[string]string{"ehlo2": "ehlo", "body": "data", "rset": "mail"}
	if step := steps[c.step]; v.Outcome != notify.Accepted && v.Step != c.step && v.Step != step {
		t.Errorf("ended at %s", v.Step)
	}
	complete(t, v)
}

func (c cell) script() smtptest.Script {
	act := faultActs[c.fault]
	rejected := false
	return func(step, _ string) smtptest.Act {
		switch {
		case c.step == "rset" && step == "rcpt" && !rejected:
			rejected = true
			return smtptest.Say("550 5.1.1 no such user")
		case step != c.step:
			return smtptest.Honest
		case step == "body":
			return last(act)
		case step == "data" && c.fault == "order":
			return smtptest.Say("250 2.0.0 and now something else")
		}
		return act
	}
}

// last is an act after which the server hangs up.
func last(act smtptest.Act) smtptest.Act {
	for fault, text := range map[string]string{"421": "421 4.3.2 shutting down", "4xx": "451 4.3.0 not now", "5xx": "554 5.0.0 never",
		"quota": "550 5.7.1 you have exceeded your daily sending limit", "order": "354 and now something else"} {
		if faultActs[fault] == act {
			return smtptest.Last(text)
		}
	}
	if act == smtptest.Garbage {
		return smtptest.Last("\x00\x7f\xff HTTP/1.1 200 OK")
	}
	return act
}

// breakDial does what a network does.
func (c cell) breakDial(r *Relay) {
	honest := r.dial
	r.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		switch c.fault {
		case "drop":
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		case "stall":
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
		}
		return honest(ctx, network, address)
	}
}

func (c cell) envelope() Envelope {
	e := envelope()
	if c.step == "body" { // more than fits on the way
		e.Message = []byte(message + strings.Repeat("So it goes on and on.\r\n", 20_000))
	}
	return e
}

// carry sends the mail of the cell, after what has to come before.
func (c cell) carry(t *testing.T, r *Relay) (v notify.Verdict, ended bool) {
	s, v := r.Open(t.Context())
	if s == nil {
		return v, true
	}
	defer s.Close()
	if c.step == "rset" {
		s.Send(t.Context(), envelope())
		s.open = true // a pipelining server was given a lone dot
	}
	v = s.Send(t.Context(), c.envelope())
	return v, s.Ended()
}

// complete says that a verdict leaves no one with a riddle.
func complete(t *testing.T, v notify.Verdict) {
	t.Helper()
	if v.Outcome == notify.Accepted {
		return
	}
	if v.Relay == "" || v.Reply == "" {
		t.Errorf("no relay or reply in %+v", v)
	}
	if v.Trouble == nil || v.Trouble.Sentence == "" || v.Trouble.Doing == "" || v.Trouble.About != v.Relay {
		t.Errorf("no words: %+v", v.Trouble)
		return
	}
	if v.Trouble.Remedy == "" && v.Outcome != notify.Unknown {
		t.Errorf("no remedy: %+v", v.Trouble)
	}
}
