package unione

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pinbell/notify"
	"pinbell/notify/mail"
	"pinbell/notify/unione/unionetest"
)

func TestAnAcceptedMailKeepsItsReceipt(t *testing.T) {
	s, r := serve(t, unionetest.Options{})
	v := attempt(t, r, warm("alex@example.org", "sam@example.org"))
	want := notify.Verdict{Outcome: notify.Accepted, Relay: "127.0.0.1", Step: "dot", Code: 200, QueueID: "1ZymBc-00000N-9X"}
	if !reflect.DeepEqual(v, want) {
		t.Errorf("got  %+v\nwant %+v", v, want)
	}
	if m := s.Mails(); len(m) != 1 || !slices.Equal(m[0].To, []string{"alex@example.org", "sam@example.org"}) {
		t.Errorf("the server has %+v", m)
	}
}

func TestTheMailArrivesAsItWasWritten(t *testing.T) {
	s, r := serve(t, unionetest.Options{})
	m := warm()
	m.Events[0].Message = `5 < 6 & {{name}} "ü"`
	if v := attempt(t, r, m); v.Outcome != notify.Accepted {
		t.Fatalf("%s: %s", short(v), v.Reply)
	}
	got := s.Mails()[0]
	if got.Message.Subject != mail.Subject(m, head) || got.Message.Body.Text != mail.Text(m, head) {
		t.Errorf("subject %q\n%s", got.Message.Subject, got.Message.Body.Text)
	}
	if got.Message.From != head.From.Address || got.Message.FromName != head.From.Name || got.Message.Key != m.ID {
		t.Errorf("from %q %q, key %q", got.Message.FromName, got.Message.From, got.Message.Key)
	}
	if id := got.Message.Headers["X-Pinbell-Message-ID"]; id != mail.MessageID(m, head) {
		t.Errorf("Message-ID %q", id)
	}
	for field, want := range map[string]any{"template_engine": "none", "track_links": 0.0, "track_read": 0.0, "skip_unsubscribe": 0.0} {
		if got.Fields[field] != want {
			t.Errorf("%s is %v, want %v", field, got.Fields[field], want)
		}
	}
}

func TestPicturesAndThreadGoAlong(t *testing.T) {
	l := mail.Letter{
		MessageID: "<m1@garage>", Subject: "Warm", Text: "t", HTML: `<img src="cid:chart">`,
		Inline:     []mail.Part{{Name: "chart.png", Type: "image/png", ContentID: "chart", Data: []byte("PNG")}},
		Attached:   []mail.Part{{Name: "last.jpg", Type: "image/jpeg", Data: []byte{0xff, 0xd8}}},
		References: "<m0@garage>",
	}
	text, met := messageOf(l, head, []string{"alex@example.org"}).encode()
	if met != nil {
		t.Fatal(met)
	}
	var got struct{ Message unionetest.Message }
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	m := got.Message
	if m.Body.HTML != l.HTML || !reflect.DeepEqual(m.Inline, []unionetest.File{{Type: "image/png", Name: "chart", Content: []byte("PNG")}}) ||
		!reflect.DeepEqual(m.Attached, []unionetest.File{{Type: "image/jpeg", Name: "last.jpg", Content: []byte{0xff, 0xd8}}}) {
		t.Errorf("%s", text)
	}
	if m.Headers["References"] != "<m0@garage>" || m.Headers["In-Reply-To"] != "<m0@garage>" || m.Headers["X-Pinbell-Message-ID"] != l.MessageID {
		t.Errorf("headers %v", m.Headers)
	}
}

func TestSeveralMailsGoOverOneConnection(t *testing.T) {
	s, r := serve(t, unionetest.Options{Failed: map[string]string{"gone@example.org": "invalid"}})
	session := mustOpen(t, r)
	for i, to := range []string{"alex@example.org", "gone@example.org", "alex@example.org", "alex@example.org"} {
		m := warm(to)
		m.ID = fmt.Sprint("m", i)
		v := session.Send(t.Context(), m, head)
		if (v.Outcome == notify.Accepted) != (to == "alex@example.org") || session.Ended() {
			t.Fatalf("mail %d: %s: %s", i, short(v), v.Reply)
		}
	}
	if s.Connections() != 1 || len(s.Mails()) != 3 {
		t.Errorf("%d mails over %d connections", len(s.Mails()), s.Connections())
	}
}

func TestAServerMayEndTheConnectionAfterEachMail(t *testing.T) {
	const taken = `{"status":"success","job_id":"j1","emails":["alex@example.org"]}`
	s, r := scripted(t, unionetest.Say(200, taken, "Connection", "close"))
	session := mustOpen(t, r)
	for range 3 {
		if v := session.Send(t.Context(), warm(), head); v.Outcome != notify.Accepted || v.QueueID != "j1" {
			t.Fatalf("%s: %s", short(v), v.Reply)
		}
	}
	if s.Connections() != 3 {
		t.Errorf("%d connections", s.Connections())
	}
}

// A server that hangs up unannounced may do so while the next mail is on its
// way: then nobody knows, and the repeat is declined or taken, but never both.
func TestAConnectionThatEndsBetweenMailsLosesNone(t *testing.T) {
	first := true
	s, r := serve(t, unionetest.Options{Script: func(unionetest.Request) unionetest.Act {
		if first {
			first = false
			return unionetest.Last(200, `{"status":"success","job_id":"j1"}`)
		}
		return unionetest.Act{}
	}})
	session := mustOpen(t, r)
	if v := session.Send(t.Context(), warm(), head); v.Outcome != notify.Accepted {
		t.Fatalf("the first mail: %s: %s", short(v), v.Reply)
	}
	m := warm()
	m.ID = "m2"
	v := session.Send(t.Context(), m, head)
	if v.Outcome != notify.Accepted {
		if !session.Ended() {
			t.Error("the session goes on over a broken connection")
		}
		v = attempt(t, r, m)
	}
	if v.Outcome != notify.Accepted || len(s.Mails()) != 1 {
		t.Errorf("%s, and the server has %d mails", short(v), len(s.Mails()))
	}
}

func TestARepeatWithinAMinuteIsThereAlready(t *testing.T) {
	s, r := serve(t, unionetest.Options{})
	for range 2 {
		if v := attempt(t, r, warm()); v.Outcome != notify.Accepted || v.Trouble != nil {
			t.Errorf("%s: %s", short(v), v.Reply)
		}
	}
	if len(s.Mails()) != 1 || len(s.Requests()) != 2 {
		t.Errorf("%d mails of %d requests", len(s.Mails()), len(s.Requests()))
	}
}

// Under one key, UniOne would decline the second of these for a minute, and
// pinbell would take that for a receipt.
func TestAMailToThoseWhoAreLeftIsAnother(t *testing.T) {
	s, r := serve(t, unionetest.Options{})
	all := warm("alex@example.org", "sam@example.org")
	left := all
	left.To = all.To[1:]
	slim := all
	slim.Slim = notify.TextOnly
	for _, m := range []notify.Mail{all, left, slim} {
		if v := attempt(t, r, m); v.Outcome != notify.Accepted {
			t.Fatalf("%s: %s", short(v), v.Reply)
		}
	}
	if len(s.Mails()) != 3 {
		t.Errorf("the server took %d", len(s.Mails()))
	}
	long := all
	long.ID = strings.Repeat("x", 100)
	for _, m := range []notify.Mail{all, left, slim, long} {
		key := idempotenceKey(m, m.To)
		if again := idempotenceKey(m, slices.Clone(m.To)); key != again || len(key) > maxKey || key == "" {
			t.Errorf("%q, then %q", key, again)
		}
	}
}

func TestAMailGoesToWhomUniOneTakes(t *testing.T) {
	s, r := serve(t, unionetest.Options{Failed: map[string]string{
		"Gone@example.org": "permanent_unavailable", "full@example.org": "temporary_unavailable",
		"odd@example.org": "new_reason_" + unionetest.Key, "twice@example.org": "duplicate",
	}})
	v := attempt(t, r, warm("Gone@example.org", "alex@example.org", "full@example.org", "odd@example.org", "ALEX@example.org"))
	if short(v) != "accepted dot mail.recipient" || v.Wait != later || v.QueueID == "" {
		t.Fatalf("%s, wait %v", short(v), v.Wait)
	}
	want := []notify.Rejection{
		{To: "Gone@example.org", Reply: "permanent_unavailable", Permanent: true},
		{To: "full@example.org", Reply: "temporary_unavailable"},
		{To: "odd@example.org", Reply: "new_reason_***"},
	}
	if !slices.Equal(v.Rejected, want) {
		t.Errorf("rejected %+v\nwant %+v", v.Rejected, want)
	}
	mustSay(t, v, "Gone@example.org (permanent_unavailable", "full@example.org", "suppression list", "sent the mail to the other recipients")
	if m := s.Mails(); len(m) != 1 || !slices.Equal(m[0].To, []string{"alex@example.org"}) {
		t.Errorf("the server has %+v", m)
	}
}

func TestWhenNobodyIsTakenTheMildestReasonCounts(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"invalid", "unsubscribed", "refused rcpt mail.recipient"},
		{"invalid", "temporary_unavailable", "deferred rcpt mail.recipient"},
		{"complained", "something new", "deferred rcpt mail.recipient"},
	} {
		_, r := serve(t, unionetest.Options{Failed: map[string]string{"a@example.org": c.a, "b@example.org": c.b}})
		v := attempt(t, r, warm("a@example.org", "b@example.org"))
		if short(v) != c.want || len(v.Rejected) != 2 {
			t.Errorf("%s and %s: %s, rejected %+v", c.a, c.b, short(v), v.Rejected)
		}
	}
}

func TestMoreRecipientsThanOneMailTakesComeNext(t *testing.T) {
	s, r := serve(t, unionetest.Options{})
	var to []string
	for i := range MaxRecipients + 3 {
		to = append(to, fmt.Sprintf("a%d@example.org", i))
	}
	v := attempt(t, r, warm(to...))
	if v.Outcome != notify.Accepted || len(v.Rejected) != 3 || v.Rejected[0].Permanent || v.Rejected[2].To != to[502] {
		t.Errorf("%s: rejected %+v", short(v), v.Rejected)
	}
	if n := len(s.Mails()[0].To); n != MaxRecipients {
		t.Errorf("the server has %d", n)
	}
}

func TestAReplacedKeyCountsForTheNextMail(t *testing.T) {
	s, r := serve(t, unionetest.Options{Key: "a-second-key-that-is-longer"})
	file := filepath.Join(t.TempDir(), "key")
	put := func(key string) {
		if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.Password = func() (notify.Secret, error) {
		text, err := os.ReadFile(file)
		return notify.Secret(text), err
	}
	session := mustOpen(t, r)
	for _, step := range []struct{ key, want string }{
		{"", "down auth mail.password account"},
		{"two\nlines", "down auth mail.password account"},
		{unionetest.Key, "down auth mail.login account"},
		{"a-second-key-that-is-longer", "accepted dot -"},
	} {
		put(step.key)
		if v := session.Send(t.Context(), warm(), head); short(v) != step.want {
			t.Fatalf("with %q: %s: %s", step.key, short(v), v.Reply)
		}
	}
	os.Remove(file)
	v := session.Send(t.Context(), warm(), head)
	mustSay(t, v, "mail.password_file")
	if short(v) != "down auth mail.password account" || len(s.Requests()) != 2 {
		t.Errorf("%s after %d requests", short(v), len(s.Requests()))
	}
}

func TestWhatUniOneWouldRefuseForItsSizeIsNotSent(t *testing.T) {
	photo := func(n int) file { return file{"image/jpeg", "a.jpg", make([]byte, n)} }
	for name, m := range map[string]message{
		"one file":     {Attached: []file{photo(7_400_000)}},
		"all together": {Attached: []file{photo(4_000_000)}, Inline: []file{photo(4_000_000)}},
		"the text":     {Body: body{Text: strings.Repeat("x", MaxBytes)}},
	} {
		_, met := m.encode()
		if met == nil {
			t.Fatalf("%s: no finding", name)
		}
		v := (&Session{}).verdict(met)
		if short(v) != "refused mail mail.size" {
			t.Errorf("%s: %s", name, short(v))
		}
		mustSay(t, v, "too large", "bytes", "less in it")
	}
	full, met := message{Attached: []file{photo(7_000_000)}}.encode()
	if met != nil || len(full) < 9_000_000 || len(full) > MaxBytes {
		t.Errorf("a mail that fits: %d bytes, %v", len(full), met)
	}
}

func TestAMailThatCannotBeWrittenIsRefused(t *testing.T) {
	_, r := serve(t, unionetest.Options{})
	m := warm()
	m.ID = "no id"
	if v := attempt(t, r, m); short(v) != "refused mail mail.refused" || v.Reply == "" {
		t.Errorf("%s: %s", short(v), v.Reply)
	}
}

func TestASessionThatIsOverSaysSo(t *testing.T) {
	_, r := serve(t, unionetest.Options{})
	session := mustOpen(t, r)
	session.Close()
	session.Close()
	if v := session.Send(t.Context(), warm(), head); !session.Ended() || short(v) != "down mail mail.network account" {
		t.Errorf("%s", short(v))
	}
	if _, v := session.Check(t.Context()); v.Outcome != notify.Down {
		t.Errorf("%s", short(v))
	}
}
