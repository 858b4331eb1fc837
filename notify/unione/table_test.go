package unione

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
	"pinbell/notify/peer"
	"pinbell/notify/unione/unionetest"
)

var (
	allSteps  = []step{atDial, atTLS, atAuth, atIdle, atData, atDot}
	allCauses = []cause{lost, silent, stopped, noName, closed, badCert, badTLS, noSecret, tooLarge, unfit}
	allCodes  = []int{0, 100, 101, 102, 105, 106, 114, 150, 199, 204, 205, 206, 215, 901, 902, 904, 905, 906, 1103, 1573, 1574, 1598, 1599, 7777}
)

// lawful: no words, codes or statuses move an attempt across these lines.
func lawful(t testing.TB, f finding) {
	t.Helper()
	got := judge(f)
	receipt := f.cause == "" && (f.answer.gist() == "success" && f.answer.status/100 == 2 || f.answer.gist() == "1573")
	answered := f.cause == ""
	switch {
	case got.outcome == 0:
		t.Errorf("%+v has no outcome", f)
	case (got.outcome == notify.Accepted) != receipt:
		t.Errorf("%+v is %s", f, got.outcome)
	case got.outcome == notify.Unknown && f.step != atDot:
		t.Errorf("%+v is unknown before all of it was sent", f)
	case f.step == atDot && !answered && got.outcome != notify.Unknown:
		t.Errorf("%+v is %s, and nobody knows", f, got.outcome)
	case f.step != atDot && f.step != atData && got.outcome != notify.Down && f.cause != tooLarge && f.cause != unfit:
		t.Errorf("%+v is %s, and no mail is concerned", f, got.outcome)
	case got.outcome == notify.Refused && answered && !f.answer.read && f.answer.status != http.StatusRequestEntityTooLarge:
		t.Errorf("%+v is refused by who is not the API", f)
	case answered && (got.outcome == notify.Refused || got.outcome == notify.Deferred) && got.wait <= time.Minute && got.trouble != "mail.size":
		t.Errorf("%+v is tried again while UniOne may decline its key", f)
	case got.outcome == notify.Down && !got.account:
		t.Errorf("%+v is down, and yet not for every mail", f)
	case got.wait < 0 || got.wait > 24*time.Hour:
		t.Errorf("%+v waits %v", f, got.wait)
	case (got.trouble == "") != (got.outcome == notify.Accepted || f.cause == stopped):
		t.Errorf("%+v raises %q", f, got.trouble)
	}
}

// everyFinding calls try with each combination of what can come back.
func everyFinding(try func(finding)) {
	for _, at := range allSteps {
		for _, c := range allCauses {
			if at == atDot && c != lost && c != silent && c != stopped {
				continue // those come before anything was sent
			}
			if at != atIdle && (c == tooLarge || c == unfit) {
				continue
			}
			try(finding{step: at, cause: c, err: errors.New("so")})
		}
	}
	bodies := []string{"", "<html>", `{"status":"success"}`, `{"status":"error"}`, `{"status":"success","failed_emails":{"a@b":"invalid"}}`,
		`{"status":"success","failed_emails":{"a@b":"temporary_unavailable"}}`}
	for _, code := range allCodes {
		for _, text := range []string{"so it is", "the sender's from_email"} {
			bodies = append(bodies, fmt.Sprintf(`{"status":"error","code":%d,"message":%q}`, code, text))
		}
	}
	for _, status := range []int{200, 201, 204, 299, 300, 302, 308, 400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 422, 429, 499, 500, 501, 502, 503, 504, 511, 520, 524, 599, 700} {
		for _, body := range bodies {
			a := readAnswer(status, []byte(body))
			a.match([]string{"a@b"})
			try(finding{step: atDot, answer: a})
		}
	}
}

func TestNoAnswerBreaksTheLawOfItsClass(t *testing.T) {
	everyFinding(func(f finding) { lawful(t, f) })
}

func TestEachRowOfTheTableCanApply(t *testing.T) {
	reached := make([]bool, len(table))
	everyFinding(func(f finding) {
		if i := slices.IndexFunc(table, func(r row) bool { return r.applies(f) }); i >= 0 {
			reached[i] = true
		}
	})
	for i, ok := range reached {
		if !ok {
			t.Errorf("row %d never applies: %+v", i, table[i])
		}
	}
}

func TestNoRowDecidesByTextAlone(t *testing.T) {
	for _, r := range table {
		if _, known := topics[r.says]; r.says != "" && (!known || r.came == "" && r.gist == "") {
			t.Errorf("%+v", r)
		}
	}
}

func TestRetryAfterIsSecondsOrADateAndBounded(t *testing.T) {
	now := time.Date(2026, 11, 14, 22, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-5": 0, "90": 90 * time.Second, "99999999": longest, "99999999999999999999": 0,
		"Sat, 14 Nov 2026 22:10:00 GMT": 10 * time.Minute, "Sat, 14 Nov 2026 21:00:00 GMT": 0, "Mon, 14 Nov 2050 22:10:00 GMT": longest,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// FuzzAnswer reads foreign bytes, and holds the table to its law.
func FuzzAnswer(f *testing.F) {
	f.Add(200, taken)
	f.Add(200, `{"status":"success","job_id":"j","emails":[],"failed_emails":{"A@b":"invalid","c@d":"duplicate"}}`)
	f.Add(200, `{"status":"success","failed_emails":[]}`)
	f.Add(200, `{"status":"success","failed_emails":[{"a@b":"blocked"}]}`)
	f.Add(400, refusal("1573"))
	f.Add(400, refusal(`"1574"`))
	f.Add(429, "<html>\x00\xff"+unionetest.Key)
	f.Add(503, `{"code":1e999}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 999 {
			return
		}
		s := &Session{mask: peer.NewMask(unionetest.Key)}
		found := finding{step: atDot, answer: readAnswer(status, []byte(body))}
		found.answer.match([]string{"a@b", "c@d"})
		lawful(t, found)
		v := s.verdict(&found)
		v.Rejected = s.rejections(found.answer)
		texts := []string{v.Reply, v.QueueID, said(v)}
		for _, r := range v.Rejected {
			texts = append(texts, r.Reply)
			if r.To != "a@b" && r.To != "c@d" {
				t.Errorf("rejects %q, whom nobody named", r.To)
			}
		}
		for _, shown := range texts {
			if len(shown) > 8*peer.MaxText || strings.ContainsFunc(shown, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("%q is shown", shown)
			}
			if strings.Contains(peer.Lower(shown), unionetest.Key) {
				t.Errorf("the key is shown in %+v", v)
			}
		}
	})
}
