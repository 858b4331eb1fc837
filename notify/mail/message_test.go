package mail

import (
	"bytes"
	"flag"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
	"pinbell/notify"
	"pinbell/sensors"
)

// anyMail draws a mail of any kind of events with anything in them.
func anyMail(t *rapid.T) notify.Mail {
	m := notify.Mail{ID: "7.k3f9x2ab", Checked: rapid.Bool().Draw(t, "checked"), To: []string{"alex@icloud.com"}}
	n := rapid.IntRange(1, 6).Draw(t, "events")
	for i := range n {
		m.Events = append(m.Events, anyEvent(t, i))
	}
	m.Sealed = noon.Add(time.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(t, "sealed")))
	m.Slim = notify.Slim(rapid.IntRange(0, 2).Draw(t, "slim"))
	if rapid.Bool().Draw(t, "files") {
		m.Files = withFiles(notify.Whole).Files
	}
	return m
}

func anyEvent(t *rapid.T, i int) notify.Event {
	moment := func(name string) notify.Moment {
		m := at(time.Duration(rapid.Int64Range(-int64(1000*time.Hour), int64(1000*time.Hour)).Draw(t, name)))
		m.Undated = rapid.IntRange(0, 5).Draw(t, name+" undated") == 0
		return m
	}
	e := notify.Event{
		Serial: uint64(7 + i), Incident: rapid.Uint64Range(5, 9).Draw(t, "incident"), Kind: notify.Kind(rapid.IntRange(0, 7).Draw(t, "kind")),
		Rule: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "rule"), Title: rapid.String().Draw(t, "title"), Message: rapid.String().Draw(t, "message"),
		Severity: notify.Severity(rapid.IntRange(0, 3).Draw(t, "severity")), At: moment("at"), Since: moment("since"), Began: moment("began"),
		Merged: rapid.IntRange(0, 9).Draw(t, "merged"), AtMost: notify.Rate{Mails: rapid.IntRange(0, 3).Draw(t, "rate"), Per: time.Hour},
	}
	if rapid.Bool().Draw(t, "terms") {
		e.Terms = []notify.Term{{Op: rapid.SampledFrom([]string{">", "<", "==", "?"}).Draw(t, "op"), Limit: rapid.Float64().Draw(t, "limit"), Fact: notify.Fact{
			Title: "x", Quantity: sensors.Quantity(rapid.IntRange(0, int(sensors.Quantities)).Draw(t, "quantity")), Value: rapid.Float64().Draw(t, "value"),
		}}}
	}
	if rapid.IntRange(0, 9).Draw(t, "trace") == 0 { // drawing takes long with the race detector
		values := rapid.SliceOfN(rapid.Float32(), 0, 20).Draw(t, "readings")
		e.Trace = &notify.Trace{Step: time.Duration(rapid.Int64().Draw(t, "step")), Low: values, High: values}
	}
	return e
}

// check is rapid.Check on so many draws, where nobody asks for another number:
// whole mails take long with the race detector.
func check(t *testing.T, draws int, property func(*rapid.T)) {
	t.Helper()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		defer func() { _ = f.Value.Set(f.DefValue) }()
		if err := f.Value.Set(strconv.Itoa(draws)); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, property)
}

// A second attempt comes after a restart, by another road or to fewer people:
// what it says must not depend on anything but the mail.
func TestWhateverTheMailEveryAttemptGivesTheSameBytes(t *testing.T) {
	check(t, 40, func(r *rapid.T) {
		m := anyMail(r)
		first := mustRender(t, m, head)
		m.To = nil
		if m.Events[0].To == nil {
			m.To = []string{"alex@icloud.com"}
		}
		if second := mustRender(t, m, head); !bytes.Equal(first, second) {
			r.Fatalf("attempts differ:\n%s\n%s", first, second)
		}
		mustBeSound(t, m, head)
	})
}

func TestBoundariesCannotStandInAPart(t *testing.T) {
	m := withFiles(notify.Whole)
	for _, kind := range []string{"alternative", "related", "mixed"} {
		m.Events[0].Message += "\n--=_" + kind + "." + m.ID + "--\n--=_" + kind + "." + m.ID + "\n"
	}
	m.Files[2].Data = []byte(m.Events[0].Message)
	raw := string(mustRender(t, m, head))
	mustBeSound(t, m, head)
	for _, kind := range []string{"alternative", "related", "mixed"} {
		if n := strings.Count(raw, "\r\n--=_"+kind+"."+m.ID+"--\r\n"); n != 1 {
			t.Errorf("%s ends %d times", kind, n)
		}
	}
}

func TestMailSaysByWhichRoadItCame(t *testing.T) {
	m, h := letterOf(door()), head
	if raw := string(mustRender(t, m, h)); strings.Contains(raw, "X-Pinbell-Road") || strings.Contains(raw, "came by") {
		t.Errorf("a mail by the first road speaks of another:\n%s", raw)
	}
	h.Road = "smtp.gmail.com"
	const want = "This mail came by smtp.gmail.com, because the first server for mail did not take it."
	c := mustCompose(t, stationery{m, h})
	if got := parse(t, mustRender(t, m, h)).Header.Get("X-Pinbell-Road"); got != "smtp.gmail.com" || !strings.Contains(c.Text, want) || !strings.Contains(c.HTML, want) {
		t.Errorf("header %q, text\n%s", got, c.Text)
	}
}

func TestTextIsReadFromOldMailsAndNewOnes(t *testing.T) {
	for message, want := range map[string]string{
		"Subject: x\r\n\r\nplain\r\n": "plain\n",
		"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n15 =C2=B0C=\r\n!\r\n":        "15 °C!\n",
		"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nfirst\r\n--a--\r\n": "first",
	} {
		if got, err := ReadText(strings.NewReader(message)); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", message, got, err, want)
		}
	}
	for _, bad := range []string{"", "Content-Type: multipart/mixed; boundary=a\r\n\r\nx", "Content-Type: ;;;\r\n\r\nx", "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a--\r\n"} {
		if got, err := ReadText(strings.NewReader(bad)); err == nil {
			t.Errorf("%q: read as %q", bad, got)
		}
	}
}

func TestZoneIsNamedWhereItsNameIsKnown(t *testing.T) {
	for name, want := range map[string]string{
		"UTC": "12:00:00 UTC", "Europe/London": "12:00:00 GMT", "Europe/Berlin": "13:00:00 CET", "America/New_York": "07:00:00 EST",
		"Asia/Kolkata": "17:30:00 +0530", "Asia/Shanghai": "20:00:00 +0800", "America/Sao_Paulo": "09:00:00 -0300", "Asia/Jerusalem": "14:00:00 +0200",
		"Australia/Sydney": "23:00:00 AEDT",
	} {
		h := head
		h.Location = zone(name)
		if got := (letter{notify.Mail{Checked: true}, h}).clock(at(0)); got != "Sat 14 Nov "+want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
