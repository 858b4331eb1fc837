package unione

import (
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
	"pinbell/notify/unione/unionetest"
)

func TestNobodyHearsTheKeyBeforeAVerifiedHandshake(t *testing.T) {
	for _, c := range []struct {
		name    string
		options unionetest.Options
		want    string
		words   []string
	}{
		{"expired", unionetest.Options{Certificate: smtptest.Expired}, "down tls mail.certificate account", []string{"has expired", "time server"}},
		{"not yet valid", unionetest.Options{Certificate: smtptest.NotYetValid}, "down tls mail.certificate account", []string{"is not valid yet", "time server"}},
		{"wrong name", unionetest.Options{Certificate: smtptest.WrongName}, "down tls mail.certificate account", []string{"is for elsewhere.example", "try another network"}},
		{"foreign authority", unionetest.Options{Certificate: smtptest.ForeignCA}, "down tls mail.certificate account", []string{"does not trust", "try another network"}},
		{"old TLS", unionetest.Options{OldTLS: true}, "down tls mail.tls account", []string{"too old", "1.2"}},
		{"clear text", unionetest.Options{Clear: true}, "down tls mail.tls account", []string{"does not begin with TLS"}},
		{"hangs up", unionetest.Options{Deaf: true}, "down tls mail.network account", []string{"broke off while agreeing on TLS"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, r := serve(t, c.options)
			v := attempt(t, r, warm())
			if short(v) != c.want {
				t.Fatalf("%s: %s", short(v), v.Reply)
			}
			mustSay(t, v, c.words...)
			complete(t, v)
			if n := len(s.Requests()); n != 0 {
				t.Errorf("the server heard %d requests", n)
			}
		})
	}
}

func TestCertificatesAreCheckedAgainstCorrectedTime(t *testing.T) {
	_, r := serve(t, unionetest.Options{})
	r.Time = func() time.Time { return time.Date(1970, 1, 1, 0, 1, 0, 0, time.UTC) }
	v := attempt(t, r, warm())
	if short(v) != "down tls mail.certificate account" {
		t.Fatalf("in 1970: %s", short(v))
	}
	mustSay(t, v, "is not valid yet", "was checked at 1 Jan 1970 00:01 UTC")

	_, r = serve(t, unionetest.Options{Certificate: smtptest.NotYetValid})
	r.Time = func() time.Time { return time.Now().Add(48 * time.Hour) }
	if v := attempt(t, r, warm()); v.Outcome != notify.Accepted {
		t.Errorf("with the right time: %s: %s", short(v), v.Reply)
	}
}

func TestWithoutRootsTheSystemsCount(t *testing.T) {
	_, r := serve(t, unionetest.Options{})
	r.Roots = nil
	if v := attempt(t, r, warm()); short(v) != "down tls mail.certificate account" {
		t.Errorf("trusted an authority that nobody named: %s", short(v))
	}
}

func TestAProxyInTheEnvironmentIsNotUsed(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	_, r := serve(t, unionetest.Options{})
	if mustOpen(t, r).transport.Proxy != nil {
		t.Error("there is a proxy")
	}
	if v := attempt(t, r, warm()); v.Outcome != notify.Accepted {
		t.Errorf("%s: %s", short(v), v.Reply)
	}
}
