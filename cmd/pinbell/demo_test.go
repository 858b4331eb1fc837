package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestDemoTellsEverything runs what the README shows first.
func TestDemoTellsEverything(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	g := newGarage(t)
	p := g.launch("demo")
	if code := p.wait(time.Minute); code != 0 {
		t.Fatalf("the demo exits %d:\n%s\n%s", code, p.stdout.String(), p.stderr.String())
	}
	summary := regexp.MustCompile(`(?m)^Summary: (\d+) events, \d+ mails accepted with (\d+) of them`).FindStringSubmatch(p.stdout.String())
	if summary == nil || summary[1] != summary[2] || summary[1] == "0" {
		t.Errorf("the summary is %q:\n%s", summary, p.stdout.String())
	}
	for _, piece := range []string{"RAISED", "REMINDER", "CLEARED", "LOST", "RETURNED", "Subject: [garage] ", "accepted by localhost (queued as "} {
		if !strings.Contains(p.stdout.String(), piece) {
			t.Errorf("the demo does not show %q", piece)
		}
	}
	if p.stderr.String() != "" {
		t.Errorf("it says on stderr: %s", p.stderr.String())
	}
}
