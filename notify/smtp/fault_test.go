package smtp

import (
	"testing"
	"testing/synctest"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
)

// Every step meets every fault; beside each stands what must come of it.
func TestEveryFaultAtEveryStepHasItsVerdict(t *testing.T) {
	t.Parallel()
	faults := []struct {
		name string
		act  smtptest.Act
	}{
		{"drop", smtptest.Drop}, {"stall", smtptest.Stall}, {"garbage", smtptest.Garbage},
		{"truncated", smtptest.Truncate}, {"wrong order", smtptest.Say("354 and now something else")},
		{"4xx", smtptest.Say("451 4.3.0 not now")}, {"421", smtptest.Say("421 4.3.2 shutting down")},
		{"5xx", smtptest.Say("554 5.0.0 never")},
	}
	steps := []struct {
		lie  string
		want [8]string // by fault
	}{
		{"greeting", [8]string{
			"down greeting mail.network", "down greeting mail.network", "down greeting mail.server",
			"down greeting mail.network", "down greeting mail.server",
			"down greeting mail.server", "down greeting mail.server", "down greeting mail.server"}},
		{"ehlo", [8]string{
			"down ehlo mail.network", "down ehlo mail.network", "down ehlo mail.server",
			"down ehlo mail.network", "down ehlo mail.server",
			"down ehlo mail.server", "down ehlo mail.server", "down ehlo mail.server"}},
		{"starttls", [8]string{
			"down starttls mail.network", "down starttls mail.network", "down starttls mail.server",
			"down starttls mail.network", "down starttls mail.server",
			"down starttls mail.starttls", "down starttls mail.starttls", "down starttls mail.starttls"}},
		{"tls", [8]string{
			"down tls mail.network", "down tls mail.network", "down tls mail.tls",
			"down tls mail.tls", "down tls mail.tls",
			"down tls mail.tls", "down tls mail.tls", "down tls mail.tls"}},
		{"ehlo2", [8]string{
			"down ehlo mail.network", "down ehlo mail.network", "down ehlo mail.server",
			"down ehlo mail.network", "down ehlo mail.server",
			"down ehlo mail.server", "down ehlo mail.server", "down ehlo mail.server"}},
		{"auth", [8]string{
			"down auth mail.network", "down auth mail.network", "down auth mail.server",
			"down auth mail.network", "down auth mail.server",
			"down auth mail.server", "down auth mail.server", "down auth mail.login"}},
		{"mail", [8]string{
			"down mail mail.network", "down mail mail.network", "down mail mail.server",
			"down mail mail.network", "down mail mail.server",
			"down mail mail.server", "down mail mail.server", "down mail mail.sender"}},
		{"rcpt", [8]string{
			"deferred rcpt mail.network", "deferred rcpt mail.network", "deferred rcpt mail.server",
			"deferred rcpt mail.network", "deferred rcpt mail.server",
			"deferred rcpt mail.server", "deferred rcpt mail.server", "refused rcpt mail.recipient"}},
		{"data", [8]string{
			"deferred data mail.network", "deferred data mail.network", "deferred data mail.server",
			"deferred data mail.network", "accepted dot -", // 354 is what DATA asks for
			"deferred data mail.server", "deferred data mail.server", "refused data mail.refused"}},
		{"dot", [8]string{
			"unknown dot mail.network", "unknown dot mail.network", "unknown dot mail.network",
			"unknown dot mail.network", "unknown dot mail.network",
			"deferred dot mail.server", "deferred dot mail.server", "refused dot mail.refused"}},
	}
	for _, extensions := range [][]string{nil, {"AUTH PLAIN"}} { // pipelined, and one by one
		for _, step := range steps {
			for i, fault := range faults {
				name, o := step.lie+", "+fault.name, smtptest.LiarOptions{Extensions: extensions, Script: smtptest.At(step.lie, fault.act)}
				if fault.act == smtptest.Stall { // real time would have to pass
					synctest.Test(t, func(t *testing.T) {
						_, r := rehearsed(t, o)
						meet(t, name, r, step.want[i])
					})
					continue
				}
				l, r := lying(t, o)
				v := meet(t, name, r, step.want[i])
				for _, m := range l.Mails() {
					if v.Outcome != notify.Accepted && v.Step != "dot" && len(m.Bytes) > 0 {
						t.Errorf("%s: the mail reached its dot, and the verdict is %s", name, short(v))
					}
				}
			}
		}
	}
}

func meet(t *testing.T, name string, r *Relay, want string) notify.Verdict {
	t.Helper()
	v := attempt(t, r, envelope())
	if got := short(v); got != want {
		t.Errorf("%s: got %s, want %s; reply %q", name, got, want, v.Reply)
	}
	complete(t, v)
	return v
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
