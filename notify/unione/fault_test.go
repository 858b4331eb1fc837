package unione

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/smtp/smtptest"
	"pinbell/notify/unione/unionetest"
)

const taken = `{"status":"success","job_id":"1ZymBc-1","emails":["alex@example.org"]}`

func refusal(code string) string {
	return `{"status":"error","code":` + code + `,"message":"Error ID: 1. It is so, ` + unionetest.Key + `"}`
}

// faults are answers, with what they come to and how long the mail waits.
var faults = []struct {
	name string
	act  unionetest.Act
	want string
	wait time.Duration
}{
	{"duplicate", unionetest.Say(400, refusal("1573")), "accepted dot -", 0},
	{"bad key", unionetest.Say(401, refusal("102")), "down auth mail.login account", later},
	{"no key", unionetest.Say(401, refusal("101")), "down auth mail.login account", later},
	{"key 105", unionetest.Say(403, refusal("105")), "down auth mail.login account", later},
	{"key 106", unionetest.Say(403, refusal("106")), "down auth mail.login account", later},
	{"region", unionetest.Say(401, refusal("114")), "down auth mail.login account", later},
	{"401 alone", unionetest.Say(401, "<html>no</html>"), "down auth mail.login account", later},
	{"403 by the API", unionetest.Say(403, refusal("0")), "down auth mail.login account", later},
	{"403 by a gateway", unionetest.Say(403, "<html>Attention Required!</html>"), "down dot mail.server account", later},
	{"sender", unionetest.Say(400, refusal("1574")), "down mail mail.sender account", later},
	{"sender 205", unionetest.Say(400, `{"status":"error","code":205,"message":"from_email is empty"}`), "down mail mail.sender account", later},
	{"sender by words", unionetest.Say(400, `{"status":"error","code":7777,"message":"The domain is not verified"}`), "down mail mail.sender account", later},
	{"refused 206", unionetest.Say(400, refusal("206")), "refused dot mail.refused", again},
	{"refused 215", unionetest.Say(400, refusal("215")), "refused dot mail.refused", again},
	{"refused 1103", unionetest.Say(400, refusal("1103")), "refused dot mail.refused", again},
	{"refused 1598", unionetest.Say(400, refusal("1598")), "refused dot mail.refused", again},
	{"refused 7777", unionetest.Say(400, refusal("7777")), "refused dot mail.refused", again},
	{"tomorrow 901", unionetest.Say(403, refusal("901")), "deferred dot mail.quota account", long},
	{"tomorrow 902", unionetest.Say(403, refusal("902")), "deferred dot mail.quota account", long},
	{"tomorrow 905", unionetest.Say(403, refusal("905")), "deferred dot mail.quota account", long},
	{"tomorrow 906", unionetest.Say(400, refusal(`"906"`)), "deferred dot mail.quota account", long},
	{"tomorrow 1599", unionetest.Say(200, refusal("1599")), "deferred dot mail.quota account", long},
	{"pay", unionetest.Say(403, refusal("904")), "deferred dot mail.quota account", later},
	{"402", unionetest.Say(402, ""), "deferred dot mail.quota account", later},
	{"retry", unionetest.Say(503, refusal("150")), "deferred dot mail.server account", again},
	{"too fast", unionetest.Say(429, refusal("0")), "deferred dot mail.quota account", again},
	{"too fast, with a wait", unionetest.Say(429, "", "Retry-After", "600"), "deferred dot mail.quota account", 10 * time.Minute},
	{"too fast, for ever", unionetest.Say(429, "", "Retry-After", "2000000000"), "deferred dot mail.quota account", longest},
	{"large 199", unionetest.Say(400, refusal("199")), "refused dot mail.size", 0},
	{"large 413", unionetest.Say(413, "<html>nginx</html>"), "refused dot mail.size", 0},
	{"elsewhere", unionetest.Say(302, "", "Location", "/elsewhere"), "down dot mail.server account", later},
	{"moved", unionetest.Say(308, "", "Location", "https://127.0.0.1:1/"), "down dot mail.server account", later},
	{"404", unionetest.Say(404, "<html>nginx</html>"), "down dot mail.server account", later},
	{"405", unionetest.Say(405, ""), "down dot mail.server account", later},
	{"408", unionetest.Say(408, ""), "deferred dot mail.server", again},
	{"418 by a gateway", unionetest.Say(418, "<html>"), "deferred dot mail.server", later},
	{"a receipt that is none", unionetest.Say(400, taken), "deferred dot mail.server", later},
	{"500", unionetest.Say(500, refusal("100")), "deferred dot mail.server", again},
	{"502", unionetest.Say(502, "<html>bad gateway</html>"), "unknown dot mail.server account", 0},
	{"503", unionetest.Say(503, ""), "deferred dot mail.server account", again},
	{"504", unionetest.Say(504, ""), "unknown dot mail.server account", 0},
	{"599", unionetest.Say(599, ""), "deferred dot mail.server account", again},
	{"200 error without a code", unionetest.Say(200, `{"status":"error"}`), "deferred dot mail.server", again},
	{"nobody, as an error", unionetest.Say(400, `{"status":"error","code":204,"failed_emails":{"ALEX@example.org":"invalid"}}`), "refused rcpt mail.recipient", again},
	{"nobody, as a list", unionetest.Say(200, `{"status":"success","emails":[],"failed_emails":[{"alex@example.org":"temporary_unavailable"}]}`), "deferred rcpt mail.recipient", later},

	{"a page", unionetest.Say(200, "<html>Welcome to the hotel</html>"), "unknown dot mail.network", 0},
	{"nothing", unionetest.Say(200, ""), "unknown dot mail.network", 0},
	{"204", unionetest.Say(204, ""), "unknown dot mail.network", 0},
	{"cut JSON", unionetest.Say(200, taken[:40]), "unknown dot mail.network", 0},
	{"another's JSON", unionetest.Say(200, `{"ok":true}`), "unknown dot mail.network", 0},
	{"odd failures", unionetest.Say(200, `{"status":"success","failed_emails":7}`), "unknown dot mail.network", 0},
	{"endless", unionetest.Say(200, taken+strings.Repeat(" ", 2*maxAnswer)), "unknown dot mail.network", 0},
	{"cut receipt", unionetest.Raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + taken), "unknown dot mail.network", 0},
	{"cut refusal", unionetest.Raw("HTTP/1.1 401 no\r\nContent-Length: 1000\r\n\r\n" + taken), "down auth mail.login account", later},
	{"no HTTP", unionetest.Raw("220 smtp.example.org ESMTP\r\n"), "unknown dot mail.network", 0},
	{"endless head", unionetest.Raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*maxHeader)), "unknown dot mail.network", 0},
	{"dropped", unionetest.Drop, "unknown dot mail.network", 0},
}

func TestEachAnswerHasItsVerdict(t *testing.T) {
	for _, c := range faults {
		t.Run(c.name, func(t *testing.T) {
			s, r := scripted(t, c.act)
			v := attempt(t, r, warm())
			if short(v) != c.want || v.Wait != c.wait {
				t.Fatalf("got %s, wait %v; want %s, %v\n%s", short(v), v.Wait, c.want, c.wait, v.Reply)
			}
			complete(t, v)
			if n := len(s.Requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// complete holds a verdict to what every one of them has to have, and to no
// secret.
func complete(t testing.TB, v notify.Verdict) {
	t.Helper()
	if v.Relay == "" || v.Step == "" {
		t.Errorf("%+v", v)
	}
	if v.Outcome != notify.Accepted {
		tr := v.Trouble
		if tr == nil || tr.About != v.Relay || !strings.HasSuffix(tr.Doing, ".") || len(tr.Sentence) < 20 ||
			tr.Remedy == "" && v.Outcome != notify.Unknown {
			t.Errorf("the trouble is not complete: %+v", tr)
		}
	}
	for _, text := range []string{v.Reply, v.QueueID, v.Enhanced, said(v)} {
		if strings.Contains(strings.ToLower(text), unionetest.Key[3:15]) || len(text) > 8000 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
			t.Errorf("is shown: %q", text)
		}
	}
}

func TestTheTroubleNamesWhatHelps(t *testing.T) {
	for _, c := range []struct {
		host string
		code string
		http int
		says []string
	}{
		{"api.unione.io", "114", 401, []string{"another data centre", `"us1.unione.io" or "eu1.unione.io"`}},
		{"us1.unione.io", "114", 401, []string{"another data centre", `mail.host = "eu1.unione.io"`}},
		{"eu1.unione.io", "114", 401, []string{"another data centre", `mail.host = "us1.unione.io"`}},
		{"api.unione.io", "102", 401, []string{"refused the API key", "not copied whole", "mail.password_file", "tries again in 1 h"}},
		{"api.unione.io", "0", 403, []string{"does not let this API key send", "blocked"}},
		{"api.unione.io", "1574", 400, []string{"HTTP 400, code 1574", "domain of your own", "DNS", "@icloud.com"}},
		{"api.unione.io", "904", 403, []string{"paid for", "Billing"}},
		{"api.unione.io", "901", 403, []string{"no more mail", "tomorrow", "tries again in 4 h", "keeps every mail"}},
		{"api.unione.io", "0", 429, []string{"fewer requests"}},
		{"api.unione.io", "0", 302, []string{"HTTP 302 Found", "not where UniOne's API is"}},
		{"api.unione.io", "0", 502, []string{"status page", "may arrive twice"}},
		{"us1.unione.io", "102", 401, []string{"refused the API key", `mail.host = "eu1.unione.io"`}},
	} {
		s := &Session{relay: Relay{Host: c.host}}
		v := s.verdict(&finding{step: atDot, answer: readAnswer(c.http, []byte(refusal(c.code)))})
		mustSay(t, v, c.says...)
	}
}

func TestWhatIsNoAnswerOfTheAPIsIsShown(t *testing.T) {
	for body, want := range map[string]string{
		"":                             "HTTP 200 OK",
		"<h1>Welcome to the hotel\n":   "HTTP 200 OK: <h1>Welcome to the hotel",
		"key " + unionetest.Key + "!":  "HTTP 200 OK: key ***!",
		strings.Repeat("y", 10*maxOdd): "HTTP 200 OK: " + strings.Repeat("y", maxOdd),
	} {
		_, r := scripted(t, unionetest.Say(200, body))
		v := attempt(t, r, warm())
		if v.Reply != want {
			t.Errorf("%.50q: %q, want %q", body, v.Reply, want)
		}
		mustSay(t, v, "gave no clear receipt for the mail: "+want)
	}
	for want, act := range map[string]unionetest.Act{
		"malformed HTTP":          unionetest.Raw("220 smtp.example.org ESMTP\r\n"),
		"server response headers": unionetest.Raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*maxHeader)),
		"the other side hung up":  unionetest.Raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + taken),
		"HTTP 200 OK: {":          unionetest.Flood,
	} {
		_, r := scripted(t, act)
		if v := attempt(t, r, warm()); v.Outcome != notify.Unknown || !strings.HasPrefix(v.Reply, want) {
			t.Errorf("%s: %q, want %q", short(v), v.Reply, want)
		}
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	other, _ := serve(t, unionetest.Options{})
	_, r := scripted(t, unionetest.Say(307, "", "Location", "https://"+net.JoinHostPort(other.Host(), "1")+"/"))
	if v := attempt(t, r, warm()); v.Outcome != notify.Down || len(other.Requests()) != 0 {
		t.Errorf("%s, and the other server heard %d requests", short(v), len(other.Requests()))
	}
}

// late is a context whose deadline passes when the test says so.
type late struct {
	context.Context
	done chan struct{}
}

func (l late) Done() <-chan struct{} { return l.done }

func (l late) Err() error {
	select {
	case <-l.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestAServerThatSaysNothingIsGivenUp(t *testing.T) {
	end := late{context.Background(), make(chan struct{})}
	_, r := serve(t, unionetest.Options{Script: func(unionetest.Request) unionetest.Act {
		close(end.done) // the request is here, and now the deadline passes
		return unionetest.Stall
	}})
	session := mustOpen(t, r)
	v := session.Send(end, warm(), head)
	if short(v) != "unknown dot mail.network" || !session.Ended() {
		t.Fatalf("%s: %s", short(v), v.Reply)
	}
	mustSay(t, v, "stopped answering while waiting for the receipt")
}

func TestTheDeadlineHoldsWhateverStalls(t *testing.T) {
	_, stalling := scripted(t, unionetest.Stall)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	mute := *stalling
	mute.Port = silent.Addr().(*net.TCPAddr).Port
	for _, r := range []*Relay{stalling, &mute} {
		r.Deadline = 200 * time.Millisecond
		v := attempt(t, r, warm())
		if v.Outcome == notify.Accepted || v.Outcome == notify.Refused || v.Trouble == nil || v.Trouble.Code != "mail.network" {
			t.Errorf("%s: %s", short(v), v.Reply)
		}
		complete(t, v)
	}
}

func TestStoppingPinbellIsNoTrouble(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, r := serve(t, unionetest.Options{Script: func(unionetest.Request) unionetest.Act {
		cancel()
		return unionetest.Stall
	}})
	if v := mustOpen(t, r).Send(ctx, warm(), head); short(v) != "unknown dot -" {
		t.Errorf("%s: %s", short(v), v.Reply)
	}
	if s, v := r.Open(ctx); s != nil || v.Outcome != notify.Down || v.Trouble != nil {
		t.Errorf("%s: %s", short(v), v.Reply)
	}
}

// What breaks in the midst of a mail may be that mail's fault, which must not
// hold up the others.
func TestAMailThatBreaksOffIsTheMails(t *testing.T) {
	_, r := serve(t, unionetest.Options{Unread: true})
	session := mustOpen(t, r)
	found := session.ask(t.Context(), "email/send.json", make([]byte, 9_000_000))
	if v := session.verdict(&found); short(v) != "deferred data mail.network" || !session.Ended() {
		t.Errorf("%s: %s", short(v), v.Reply)
	}
}

func TestWhoCannotBeReachedIsDown(t *testing.T) {
	closed, err := smtptest.HoldPort()
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	v := attempt(t, &Relay{Host: "127.0.0.1", Port: closed.Number()}, warm())
	if short(v) != "down dial mail.network account" {
		t.Fatalf("%s: %s", short(v), v.Reply)
	}
	mustSay(t, v, "refuses connections", "nc -vz 127.0.0.1")

	for err, want := range map[error]string{
		&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: Host, IsNotFound: true}}: "down dial mail.dns account",
		&net.OpError{Op: "dial", Err: context.DeadlineExceeded}:                                         "down dial mail.network account",
		errors.New("network is unreachable"):                                                            "down dial mail.network account",
	} {
		v := new(Session).verdict(&finding{step: atDial, cause: causeOf(err), err: err})
		if short(v) != want || v.Relay != Host {
			t.Errorf("%v: %s", err, short(v))
		}
		complete(t, v)
	}
}

func TestCheckAsksForTheKeyAndSendsNothing(t *testing.T) {
	s, r := serve(t, unionetest.Options{ForeignKey: "key-of-another-data-centre"})
	account, v := mustOpen(t, r).Check(t.Context())
	if v.Outcome != 0 || account != (Account{Email: "alex@example.org", Included: 6000}) {
		t.Errorf("%+v, %s", account, short(v))
	}
	r.Password = func() (notify.Secret, error) { return "key-of-another-data-centre", nil }
	_, v = mustOpen(t, r).Check(t.Context())
	if short(v) != "down auth mail.login account" || v.Enhanced != "114" {
		t.Errorf("%s: %s", short(v), v.Reply)
	}
	if len(s.Mails()) != 0 {
		t.Error("a mail was sent")
	}
}

func TestWhateverCheckMeetsIsDown(t *testing.T) {
	for _, c := range faults {
		_, r := scripted(t, c.act)
		_, v := mustOpen(t, r).Check(t.Context())
		switch {
		case c.name == "nobody, as a list": // a success, and there are no recipients here
		case v.Outcome != notify.Down:
			t.Errorf("%s: %s", c.name, short(v))
		default:
			complete(t, v)
		}
	}
}

func TestNoSecretIsInAVerdictsJSON(t *testing.T) {
	_, r := scripted(t, unionetest.Say(200, `{"status":"success","job_id":"`+unionetest.Key+`"}`))
	text, err := json.Marshal(attempt(t, r, warm()))
	if err != nil || strings.Contains(string(text), unionetest.Key[:8]) {
		t.Errorf("%s %v", text, err)
	}
}
