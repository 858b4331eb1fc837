package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pinbell/notify/smtp/smtptest"
)

func TestNumbersReadsEventsAsTheHeaderHasThem(t *testing.T) {
	for in, want := range map[string][]int{
		"7": {7}, "40-43": {40, 41, 42, 43}, "3, 5-6": {3, 5, 6}, "": nil,
	} {
		if got, err := numbers(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("numbers(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"x", "5-3", "1-", "-2"} {
		if got, err := numbers(in); err == nil {
			t.Errorf("numbers(%q) = %v, want an error", in, got)
		}
	}
}

func sent(id, content string, events ...int) letter {
	return letter{Mail: smtptest.Mail{MessageID: id, Bytes: []byte(content)}, events: events}
}

func TestOnceFindsWhatIsMissingTwiceOrChanged(t *testing.T) {
	for _, c := range []struct {
		name    string
		letters []letter
		n       int
		want    string // in the error; empty: none
	}{
		{"each event once", []letter{sent("a", "x", 1), sent("b", "y", 2, 3)}, 3, ""},
		{"a copy with equal Message-ID", []letter{sent("a", "x", 1), sent("a", "x", 1), sent("b", "y", 2)}, 2, ""},
		{"a copy that differs", []letter{sent("a", "x", 1), sent("a", "other", 1)}, 1, "not the same"},
		{"an event in two mails", []letter{sent("a", "x", 1), sent("b", "y", 1)}, 1, "event 1 is told by a and by b"},
		{"an event in none", []letter{sent("a", "x", 1), sent("b", "y", 3)}, 3, "no mail tells event [2]"},
		{"nothing at all", nil, 1, "no mail tells event [1]"},
		{"an event too many", []letter{sent("a", "x", 1, 2)}, 1, "2 events were told"},
	} {
		err := once(c.letters, c.n)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
	}
}

func TestLetterIsReadAsItsReaderSeesIt(t *testing.T) {
	raw := strings.ReplaceAll(`Subject: =?utf-8?q?[garage]_Rack_31.5_=C2=B0C?=
Date: Sat, 14 Nov 2026 22:41:09 +0000
Message-ID: <m7@example.org>
X-Pinbell-Events: 4-5
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Rack is above 30 =C2=B0C, and this=
 line goes on.
`, "\n", "\r\n")
	l, err := open(smtptest.Mail{Bytes: []byte(raw)})
	if err != nil {
		t.Fatal(err)
	}
	if l.subject != "[garage] Rack 31.5 °C" || l.text != "Rack is above 30 °C, and this line goes on.\n" ||
		!l.date.Equal(time.Date(2026, 11, 14, 22, 41, 9, 0, time.UTC)) || !slices.Equal(l.events, []int{4, 5}) {
		t.Errorf("read as %q, %q, %v, %v", l.subject, l.text, l.date, l.events)
	}
}

func TestSpanGivesMedianAndWorst(t *testing.T) {
	ms := func(n ...int) (d []time.Duration) {
		for _, n := range n {
			d = append(d, time.Duration(n)*time.Millisecond)
		}
		return d
	}
	if got := span(ms(30, 10, 90, 20, 40)); got != "30/90 ms" {
		t.Errorf("span = %q", got)
	}
	if got := span(nil); got != "none" {
		t.Errorf("span of nothing = %q", got)
	}
}
