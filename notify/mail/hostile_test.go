package mail

import (
	"fmt"
	netmail "net/mail"
	"strings"
	"testing"
	"time"
	"unicode"

	"pinbell/notify"
	"pinbell/sensors"
)

// poisoned has s wherever a mail shows a text that others wrote.
func poisoned(s string) (notify.Mail, Letterhead) {
	e := freezer(notify.Raised)
	e.Rule, e.Title, e.Message, e.Clears, e.Cause, e.Remedy = s, s, s, s, s, s
	e.Terms[0].Title = s
	e.Terms = append(e.Terms, notify.Term{Op: s, Fact: notify.Fact{Title: s, Quantity: sensors.Level, State: s}})
	e.Others = []notify.Fact{{Title: s, Quantity: sensors.Level, State: s, Since: at(0)}}
	other := cellar(notify.Lost)
	other.Sensor, other.Title, other.Cause = s, s, s
	m := letterOf(e)
	if len(s)%2 == 0 {
		m = letterOf(e, other)
	}
	m.Troubles = []notify.Trouble{{Sentence: s, Doing: s, Remedy: s}}
	m.Files = []notify.Attachment{{Source: s, Fault: s}, {Name: s, Type: "image/gif", Data: pixel}, {Name: s, Type: s, Data: []byte(s)}}
	h := head
	h.Device, h.Version, h.From.Name, h.Road, h.Domain = s, s, s, s, s
	return m, h
}

var poisons = []string{
	"x\r\nBcc: eve@example.com\r\n\r\nBuy now", "\nSubject: other", "\r", "=?utf-8?q?=0D=0ABcc:_eve@example.com?=",
	"\u202egnp.exe", "\u2066a\u2069", "a\u2028b\u2029c\u0085d", "\x00\x07\x1b[31m", "\xff\xfe", strings.Repeat("long", 5000),
	strings.Repeat("é ", 5000), ".", "\"", "<eve@example.com>", "a,b;c:d", "\t\v\f", "", " ", "Tiefkühltruhe zu warm – schon wieder",
	strings.Repeat("=?", 300), strings.Repeat("\U0001F525", 100), "100 % %s %d", "From me", "=20", "a\u200bb",
	"<script>alert(1)</script>", `"><img src=http://eve.example/x>`, "&lt;b&gt;&#60;", "{{.Title}}", "javascript:x", "]]>", "<!--",
	"\n--=_alternative.118.k3f9x2ab--\n",
}

func TestNoTextCanBreakOutOfAMail(t *testing.T) {
	for _, s := range poisons {
		m, h := poisoned(s)
		mustBeSound(t, m, h)
		mustNotMislead(t, m, h)
	}
}

// mustNotMislead checks that nothing turns the text's direction, hides in it,
// or starts a line of its own outside the owner's message.
func mustNotMislead(t *testing.T, m notify.Mail, h Letterhead) {
	t.Helper()
	for _, s := range []string{Subject(m, h), Text(m, h)} {
		for _, r := range s {
			if unicode.Is(unicode.Cf, r) || unicode.IsControl(r) && r != '\n' || r == '\u2028' || r == '\u2029' {
				t.Fatalf("%U in %q", r, s)
			}
		}
	}
}

// Plain text in a header is not encoded, so what looks like an encoded word in
// it must not be taken for one.
func TestTextThatLooksEncodedStaysAsItIs(t *testing.T) {
	e, h := door(), head
	e.Title, h.Device, h.From.Name = "=?utf-8?q?Sub?=", "=?utf-8?q?Dev?=", "=?utf-8?q?Eve?="
	m := letterOf(e)
	mustBeSound(t, m, h)
	for _, name := range []string{"Subject", "From"} {
		if got := parse(t, mustRender(t, m, h)).Header.Get(name); strings.Contains(got, "=?") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func FuzzMail(f *testing.F) {
	for _, s := range poisons {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, h := poisoned(s)
		mustBeSound(t, m, h)
		mustNotMislead(t, m, h)
	})
}

func TestWhatCannotBeAMailIsRefused(t *testing.T) {
	good := letterOf(door())
	cases := map[string]func(*notify.Mail, *Letterhead){
		"not made of letters": func(m *notify.Mail, _ *Letterhead) { m.ID = "a@b>\r\n" },
		"ID":                  func(m *notify.Mail, _ *Letterhead) { m.ID = "" },
		"tells nothing":       func(m *notify.Mail, _ *Letterhead) { m.Events = nil },
		"no recipient": func(m *notify.Mail, _ *Letterhead) {
			m.To, m.Events = nil, []notify.Event{{Kind: notify.Test}}
		},
		`"alex"`:           func(m *notify.Mail, _ *Letterhead) { m.To = []string{"alex"} },
		`x@example.com\r`:  func(m *notify.Mail, _ *Letterhead) { m.To = []string{"x@example.com\r\nBcc: y@example.com"} },
		"jürgen":           func(m *notify.Mail, _ *Letterhead) { m.To = []string{"jürgen@example.com"} },
		"Alex <a@b.c>":     func(m *notify.Mail, _ *Letterhead) { m.To = []string{"Alex <a@b.c>"} },
		`a@b.c>, <d@e.f"`:  func(m *notify.Mail, _ *Letterhead) { m.To = []string{"a@b.c>, <d@e.f"} },
		`"" is not an add`: func(_ *notify.Mail, h *Letterhead) { h.From = netmail.Address{Name: "Garage"} },
		"@example.com":     func(m *notify.Mail, _ *Letterhead) { m.To = []string{strings.Repeat("a", 250) + "@example.com"} },
	}
	for want, spoil := range cases {
		m, h := good, head
		spoil(&m, &h)
		raw, err := Render(m, h)
		if err == nil || raw != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", want, err)
		}
	}
}

func TestDigestOfThousandsStaysShort(t *testing.T) {
	var events []notify.Event
	for i := range 5000 {
		e := freezer(notify.Raised)
		e.Rule, e.Title = fmt.Sprintf("rule-%d", i%250), fmt.Sprintf("Rule %d", i%250)
		e.Serial, e.At = uint64(i+1), at(time.Duration(i)*time.Second)
		events = append(events, e)
	}
	m := letterOf(events...)
	m.Troubles = make([]notify.Trouble, 500)
	mustBeSound(t, m, head)
	text := Text(m, head)
	if len(text) > 60_000 || !strings.Contains(text, "\nAnd 150 more, which `pinbell log` shows.\n") || !strings.HasPrefix(text, "5000 events") {
		t.Errorf("%d bytes: %.200s", len(text), text)
	}
	if n := strings.Count(text, "\n  - "); n != maxTroubles+1 || !strings.Contains(text, "\n  - And 480 more.\n") {
		t.Errorf("%d lines of troubles", n)
	}
	if got := parse(t, mustRender(t, m, head)).Header.Get("X-Pinbell-Events"); got != "1-5000" {
		t.Errorf("events %q", got)
	}
}

func TestManyRecipientsFitInLines(t *testing.T) {
	m := letterOf(door())
	for i := range 500 {
		m.To = append(m.To, fmt.Sprintf("somebody.%d@a-rather-long-domain.example.com", i))
	}
	mustBeSound(t, m, head)
}

func TestTimesAreInTheOwnersZone(t *testing.T) {
	h := head
	h.Location = zone("Asia/Kolkata")
	m := letterOf(door())
	if got := Text(m, h); !strings.HasPrefix(got, "Door left open for 10 min. Raised Sun 15 Nov 2026 04:11:07 +0530.\n") {
		t.Errorf("got %q", got)
	}
	if got := parse(t, mustRender(t, m, h)).Header.Get("Date"); got != "Sun, 15 Nov 2026 04:11:09 +0530" {
		t.Errorf("date %q", got)
	}
	h.Location = nil
	if got := parse(t, mustRender(t, m, h)).Header.Get("Date"); got != "Sat, 14 Nov 2026 22:41:09 +0000" {
		t.Errorf("date %q without a zone", got)
	}
}
