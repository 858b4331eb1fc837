package smtp

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
)

// watched notes what Watch hears: "dial…" as it begins, "dial" as it ends
// well, "dial!" as it fails.
func watched(r *Relay) (heard *[]string, last *Progress) {
	heard, last = new([]string), new(Progress)
	r.Watch = func(p Progress) {
		sign := "…"
		switch {
		case p.Ended && p.Verdict.Outcome != 0 && p.Verdict.Outcome != notify.Accepted:
			sign = "!"
		case p.Ended:
			sign = ""
		}
		*heard, *last = append(*heard, p.Step+sign), p
	}
	return heard, last
}

func TestAWatcherHearsEachStepBeginAndEnd(t *testing.T) {
	const opened = "greeting… greeting ehlo… ehlo "
	for _, c := range []struct {
		implicit bool
		want     string
	}{
		{false, "dial… dial " + opened + "starttls… starttls tls… tls ehlo… ehlo auth… auth mail… mail mail… mail"},
		{true, "dial… dial tls… tls " + opened + "auth… auth mail… mail mail… mail"},
	} {
		_, r := honest(t, smtptest.Options{Implicit: c.implicit})
		heard, last := watched(r)
		s := mustOpen(t, r)
		if v := s.TrySender(t.Context(), user, user); v.Outcome != 0 {
			t.Fatalf("%s: %s", short(v), v.Reply)
		}
		v := s.Send(t.Context(), envelope())
		if got := strings.Join(*heard, " "); got != c.want {
			t.Errorf("implicit %v:\n got %s\nwant %s", c.implicit, got, c.want)
		}
		if fmt.Sprint(last.Verdict) != fmt.Sprint(v) || v.Outcome != notify.Accepted {
			t.Errorf("heard of %s, and Send returned %s", short(last.Verdict), short(v))
		}
	}
}

func TestAWatcherHearsWhatWasLearnt(t *testing.T) {
	s, r := honest(t, smtptest.Options{MaxBytes: 1 << 20})
	_, last := watched(r)
	mustOpen(t, r)
	if last.Address != s.Addr() || last.TLS != tls.VersionTLS13 || last.Size != 1<<20 || !strings.Contains(last.Greeting, "localhost") {
		t.Errorf("learnt %+v", last)
	}
	if !slices.Contains(last.Extensions, "SIZE 1048576") || slices.Contains(last.Extensions, "STARTTLS") {
		t.Errorf("extensions %v, want those under TLS", last.Extensions)
	}
	if last.Certificate == nil || !slices.Contains(last.Certificate.DNSNames, "localhost") {
		t.Errorf("certificate %v", last.Certificate)
	}
}

func TestAWatcherSeesTheCertificateThatFails(t *testing.T) {
	_, r := honest(t, smtptest.Options{Certificate: smtptest.WrongName})
	heard, last := watched(r)
	v := attempt(t, r, envelope())
	if !strings.HasSuffix(strings.Join(*heard, " "), "tls… tls!") || fmt.Sprint(last.Verdict) != fmt.Sprint(v) {
		t.Errorf("heard %v, and Open returned %s", *heard, short(v))
	}
	if last.Certificate == nil || last.Certificate.DNSNames[0] != "elsewhere.example" {
		t.Errorf("certificate %v", last.Certificate)
	}
}

func TestAWatcherHearsOfTheStepThatFailed(t *testing.T) {
	for step, want := range map[string]string{"greeting": "greeting!", "starttls": "starttls!", "auth": "auth!", "mail": "mail!", "dot": "mail!"} {
		_, r := lying(t, smtptest.LiarOptions{Script: smtptest.At(step, smtptest.Say("554 5.7.1 no"))})
		heard, last := watched(r)
		attempt(t, r, envelope())
		if got := (*heard)[len(*heard)-1]; got != want || last.Verdict.Step != step || last.Took <= 0 {
			t.Errorf("%s: heard %v, last %+v", step, *heard, last)
		}
	}
}
