package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/outbox"
)

func TestLogTellsEachMailWithItsReceipt(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.start()
	g.write("rack", "75\n")
	raised := g.arrived(1, 10*time.Second)[0]
	g.write("rack", "20\n")
	cleared := g.arrived(2, 10*time.Second)[1]
	g.until("both are settled", 10*time.Second, func(r Report) bool { return waiting(r) == 0 })
	check := func(out string) {
		t.Helper()
		wants(t, out,
			`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  accepted by localhost, queued as `+raised.QueueID+`$`,
			`^  raised    \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  Rack hot \(rule rack-hot, event 1\)$`,
			`^  cleared   .*  Rack hot \(rule rack-hot, event 2\)$`,
			`^  to        alex@example\.org$`,
			`^  reply     250 .*`+cleared.QueueID+`.* \(1 attempt\)$`)
		if strings.Index(out, raised.QueueID) > strings.Index(out, cleared.QueueID) {
			t.Errorf("the newest is not the last:\n%s", out)
		}
	}
	out, note := g.call(0, "log", "--state", g.state)
	check(out)
	if note != "" {
		t.Errorf("on stderr: %s", note)
	}
	out, _ = g.call(0, "log", "-n", "1", "--state", g.state)
	if strings.Contains(out, raised.QueueID) || !strings.Contains(out, cleared.QueueID) {
		t.Errorf("-n 1 is not the newest:\n%s", out)
	}
	out, _ = g.call(0, "log", "--since", "1h", "--state", g.state)
	check(out)
	tomorrow := time.Now().Add(48 * time.Hour).Format(time.DateOnly)
	out, _ = g.call(0, "log", "--since", tomorrow, "--state", g.state)
	wants(t, out, "^No mail was accepted since "+tomorrow+`\.$`)

	g.kill()
	out, note = g.call(0, "log", "--state", g.state)
	check(out)
	wants(t, note, "^pinbell: no pinbell is running")
	asJSON, _ := g.call(0, "log", "--json", "--state", g.state)
	var records []outbox.Record
	if err := json.Unmarshal([]byte(asJSON), &records); err != nil || len(records) != 2 || records[1].Verdict.QueueID != cleared.QueueID {
		t.Errorf("--json gives %v: %s", err, asJSON)
	}
}

func TestWhereThereIsNothingItIsSaid(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.start()
	for _, running := range []bool{true, false} {
		if !running {
			g.kill()
		}
		for _, c := range []struct{ command, want, list string }{{"log", "No mail has been accepted yet.\n", "[]\n"}, {"outbox", "Nothing waits.\n", "[]\n"}} {
			if out, _ := g.call(0, c.command, "--state", g.state); out != c.want {
				t.Errorf("%s says %q, want %q", c.command, out, c.want)
			}
			if out, _ := g.call(0, c.command, "--json", "--state", g.state); out != c.list {
				t.Errorf("%s --json gives %q, want %q", c.command, out, c.list)
			}
		}
	}
}

func TestSinceIsATimeOrASpan(t *testing.T) {
	local := func(y int, m time.Month, d, h, min, s int) time.Time {
		return time.Date(y, m, d, h, min, s, 0, time.Local)
	}
	for text, want := range map[string]request{
		"24h":                  {Ago: 24 * time.Hour},
		"90m":                  {Ago: 90 * time.Minute},
		"7d":                   {Ago: 7 * 24 * time.Hour},
		"1.5d":                 {Ago: 36 * time.Hour},
		"2026-11-14":           {Since: local(2026, 11, 14, 0, 0, 0)},
		"2026-11-14 22:00":     {Since: local(2026, 11, 14, 22, 0, 0)},
		"2026-11-14 22:00:30":  {Since: local(2026, 11, 14, 22, 0, 30)},
		"2026-11-14T22:00:30Z": {Since: time.Date(2026, 11, 14, 22, 0, 30, 0, time.UTC)},
	} {
		r := request{Newest: usualTold}
		if err := r.reachBack(text, false); err != nil || r.Ago != want.Ago || !r.Since.Equal(want.Since) || r.Newest != 0 {
			t.Errorf("%s is %+v, %v", text, r, err)
		}
	}
	for _, text := range []string{"yesterday", "-1h", "0s", "0d", "14.11.2026", "2026-11-31", "24", "d", "22:00", "-7d"} {
		r := request{Newest: usualTold}
		if err := r.reachBack(text, false); err == nil || !strings.Contains(err.Error(), "neither a time nor a span") {
			t.Errorf("%s is %+v, %v", text, r, err)
		}
	}
}

// TestLogShowsAttemptsAndWhatBecameOfThem writes one record with all there is.
func TestLogShowsAttemptsAndWhatBecameOfThem(t *testing.T) {
	when := time.Date(2026, 11, 14, 22, 36, 5, 0, time.Local)
	put := notify.Verdict{Outcome: notify.Deferred, Step: "dot", Code: 451, Enhanced: "4.7.1", Reply: "Greylisted"}
	var out strings.Builder
	writeRecord(&out, outbox.Record{
		Mail: "7.abc", To: []string{"alex@icloud.com", "sam@icloud.com"}, Sealed: when, Settled: when.Add(5 * time.Minute), Tries: 4, Road: "smtp.fastmail.com",
		Attempts: []outbox.Attempt{{At: when, Last: when.Add(time.Minute), Times: 3, Road: "smtp.mail.me.com", Verdict: put}},
		Verdict: notify.Verdict{Outcome: notify.Accepted, Relay: "smtp.fastmail.com", Step: "dot", Code: 250, Enhanced: "2.0.0", Reply: "Ok: queued as 343FD", QueueID: "343FD",
			Rejected: []notify.Rejection{{To: "sam@icloud.com", Code: 550, Reply: "No such user", Permanent: true}}},
		Events: []outbox.RecordedEvent{
			{Serial: 7, Kind: notify.Raised, Rule: "freezer-warm", Title: "Freezer warm", At: notify.Moment{Wall: when, Trusted: true}},
			{Serial: 9, Kind: notify.Lost, Sensor: "cellar", Title: "Cellar", At: notify.Moment{Wall: when}, Merged: 2},
			{Serial: 10, Kind: notify.Returned, Sensor: "cellar", Title: "Cellar", At: notify.Moment{Undated: true}},
		},
	})
	const want = `2026-11-14 22:41:05  accepted by smtp.fastmail.com, queued as 343FD
  raised    2026-11-14 22:36:05  Freezer warm (rule freezer-warm, event 7)
  lost      2026-11-14 22:36:05 (unchecked)  Cellar (sensor cellar, event 9, standing for 2 more before it)
  returned  undated, before a start of the board  Cellar (sensor cellar, event 10)
  to        alex@icloud.com, sam@icloud.com
  not to    sam@icloud.com: 550 No such user
  mail      7.abc, sealed 2026-11-14 22:36:05
  attempt   2026-11-14 22:36:05  by smtp.mail.me.com was put off (dot: 451 4.7.1 Greylisted), 3 times until 2026-11-14 22:37:05
  reply     250 2.0.0 Ok: queued as 343FD (4 attempts)
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestAQueueIsShownByAge(t *testing.T) {
	var all []waits
	for _, age := range []time.Duration{time.Second, 9 * time.Minute, 10 * time.Minute, 5 * time.Hour, 23 * time.Hour, 24 * time.Hour, 0} {
		w := waits{Age: age, Waiting: outbox.Waiting{ID: fmt.Sprint(len(all)), Why: "why", Events: []outbox.RecordedEvent{{}}}}
		w.Mail = len(all) < 3
		all = append(all, w)
	}
	var out strings.Builder
	writeWaiting(&out, all)
	want := "3 mails and 4 events wait. By age: under 10 min: 2 · under 1 h: 1 · under 6 h: 1 · under a day: 1 · a day or longer: 2.\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("got\n%s\nwant at its end\n%s", out.String(), want)
	}
	if !regexp.MustCompile(`(?m)^event 6 waits since before the last start of the board$`).MatchString(out.String()) {
		t.Errorf("an event of unknown age:\n%s", out.String())
	}
}
