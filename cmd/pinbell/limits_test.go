package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLimitHoldsMailsBackAndSaysSo lets five rules fire one after the other,
// where two mails an hour are allowed.
func TestLimitHoldsMailsBackAndSaysSo(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.parts = "[limits]\nper_hour = 2\n"
	for i := range 5 {
		g.write(fmt.Sprint("probe", i), "20\n")
		g.parts += fmt.Sprintf(`
[[sensor]]
name = "probe%d"
driver = "file"
path = "probe%[1]d"
quantity = "temperature"
every = "30ms"
silent_after = "1m"
[[rule]]
name = "hot%[1]d"
when = "probe%[1]d.temperature > 60"
`, i)
	}
	g.start()
	for i := range 5 {
		g.write(fmt.Sprint("probe", i), "75\n")
		g.until("the rule is raised", 5*time.Second, func(r Report) bool { return r.Rules[i].State == "raised" })
		g.arrived(min(i+1, 2), 5*time.Second)
	}
	r := g.until("three events wait for the limit", 5*time.Second, func(r Report) bool { return r.Mail.Waiting == 3 && trouble(r, "mail.limit") != nil })
	limit := trouble(r, "mail.limit")
	if r.Mail.Limit != "per_hour" || r.Mail.Today != 2 || !strings.Contains(limit.Sentence, "per_hour") || limit.Remedy == "" {
		t.Errorf("status says limit %q, %d mails, %+v", r.Mail.Limit, r.Mail.Today, limit)
	}
	if in := r.Mail.FreeAt.Sub(r.Clock.Time); in < 55*time.Minute || in > 61*time.Minute {
		t.Errorf("the limit lets the next one through in %v", in)
	}
	t.Log("\n" + g.tells("3 waiting", "held by the limit per_hour until", limit.Sentence, limit.Remedy, "not told yet"))
	g.restart() // a crash loop is no way around a limit
	g.until("three events still wait", 10*time.Second, func(r Report) bool { return r.Mail.Waiting == 3 && r.Mail.Limit == "per_hour" })
	if n := len(g.mail.Mails()); n != 2 {
		t.Errorf("%d mails went out, want 2", n)
	}
}
