package unione

import (
	"context"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/mail"
	"pinbell/notify/unione/unionetest"
)

var head = mail.Letterhead{
	Device: "garage", Version: "1.2.0",
	From: netmail.Address{Name: "Garage", Address: "garage@" + unionetest.Domain},
}

// warm is a mail with one event.
func warm(to ...string) notify.Mail {
	if len(to) == 0 {
		to = []string{"alex@example.org"}
	}
	at := time.Date(2026, 11, 14, 22, 41, 7, 0, time.UTC)
	return notify.Mail{ID: "m1k9", Sealed: at, Checked: true, To: to, Events: []notify.Event{{
		Serial: 118, Incident: 118, Kind: notify.Raised, Rule: "freezer-warm", Title: "Freezer warm",
		Severity: notify.Critical, To: to, Message: "Close the door.", At: notify.Moment{Wall: at, Trusted: true},
	}}}
}

func serve(t testing.TB, o unionetest.Options) (*unionetest.Server, *Relay) {
	t.Helper()
	s, err := unionetest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, &Relay{
		Host: s.Host(), Port: s.Port(), Roots: s.Roots(), Deadline: time.Minute,
		Password: func() (notify.Secret, error) { return unionetest.Key, nil },
	}
}

// scripted is a server that acts alike at each request.
func scripted(t testing.TB, act unionetest.Act) (*unionetest.Server, *Relay) {
	return serve(t, unionetest.Options{Script: func(unionetest.Request) unionetest.Act { return act }})
}

func mustOpen(t testing.TB, r *Relay) *Session {
	t.Helper()
	s, v := r.Open(context.Background())
	if v.Outcome != 0 {
		t.Fatalf("Open: %s: %s", short(v), v.Reply)
	}
	t.Cleanup(s.Close)
	return s
}

// attempt opens a session and sends one mail, as far as that goes.
func attempt(t testing.TB, r *Relay, m notify.Mail) notify.Verdict {
	t.Helper()
	s, v := r.Open(context.Background())
	if v.Outcome != 0 {
		if s != nil {
			t.Error("a session came with a verdict that is not zero")
		}
		return v
	}
	defer s.Close()
	return s.Send(context.Background(), m, head)
}

// short is a verdict in one line, for tables.
func short(v notify.Verdict) string {
	code, account := "-", ""
	if v.Trouble != nil {
		code = v.Trouble.Code
	}
	if v.Account {
		account = " account"
	}
	return strings.Join([]string{v.Outcome.String(), v.Step, code}, " ") + account
}

func said(v notify.Verdict) string {
	if v.Trouble == nil {
		return ""
	}
	return v.Trouble.Sentence + " " + v.Trouble.Doing + " " + v.Trouble.Remedy
}

func mustSay(t testing.TB, v notify.Verdict, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(said(v), w) {
			t.Errorf("trouble does not say %q:\n%s", w, said(v))
		}
	}
}
