package main

import (
	"context"
	"fmt"
)

// overHTTPS visits the interface of a provider that is spoken to without SMTP.
func (v *visit) overHTTPS(ctx context.Context) {
	server, err := web(v.road, v.d.clock)
	if err != nil {
		v.fail("dns", Check{Sentence: err.Error(), Remedy: "Check mail.ca_file."})
		return
	}
	server.Deadline = longestSession
	v.d.progress.start("connecting to %s, port %d", v.road.Host, v.road.Port)
	session, verdict := server.Open(ctx)
	reached := 3
	if session == nil {
		reached = v.gate(verdict)
	}
	for i, sentence := range []string{v.named(), fmt.Sprintf("port %d answers", v.road.Port), "the certificate is good for " + v.road.Host} {
		if i < reached {
			v.pass(gates[i], Check{Sentence: sentence})
		}
	}
	if session == nil {
		v.fail(gates[reached], v.told(verdict, gates[reached]))
		return
	}
	defer session.Close()
	if v.barred {
		v.pass("login", unread())
		return
	}
	v.d.progress.start("showing the key to %s", v.road.Host)
	account, verdict := session.Check(ctx)
	if verdict.Outcome != 0 {
		v.fail("login", v.told(verdict, "login"))
		return
	}
	sentence := "the key is good"
	if account.Email != "" {
		sentence += " for the account of " + account.Email
	}
	if account.Included > 0 {
		sentence += fmt.Sprintf(", which has sent %s of %s mails", grouped(account.Sent), grouped(account.Included))
	}
	v.pass("login", v.d.letIn(v.road, sentence))
	v.pass("sender", Check{State: skipped, Sentence: "not tried: only a mail shows whether " + v.road.From.Address + " is verified there (--send)"})
}
