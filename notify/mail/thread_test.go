package mail

import (
	"testing"

	"pinbell/notify"
)

func TestMailsOfAnIncidentReferToItsFirst(t *testing.T) {
	const first = "<118.k3f9x2ab@icloud.com>"
	in := func(incident uint64, e notify.Event) notify.Event {
		e.Incident = incident
		return e
	}
	for name, c := range map[string]struct {
		mail notify.Mail
		want string
	}{
		"raised, the first itself":          {letterOf(freezer(notify.Raised)), ""},
		"reminder":                          {letterOf(freezer(notify.Reminder)), first},
		"cleared":                           {letterOf(freezer(notify.Cleared)), first},
		"reminder and cleared in one":       {letterOf(freezer(notify.Reminder), freezer(notify.Cleared)), first},
		"raised and cleared in one":         {letterOf(freezer(notify.Raised), freezer(notify.Cleared)), ""},
		"return of a sensor":                {letterOf(cellar(notify.Returned)), "<30.k3f9x2ab@icloud.com>"},
		"raised in a mail begun by another": {letterOf(door(), freezer(notify.Raised)), ""},
		"several incidents":                 {backlogOfIncidents(), ""},
		"an event without incident":         {letterOf(in(0, freezer(notify.Cleared))), ""},
	} {
		header := parse(t, mustRender(t, c.mail, head)).Header
		if got := header.Get("References"); got != c.want || header.Get("In-Reply-To") != c.want {
			t.Errorf("%s: references %q, in reply to %q; want %q", name, got, header.Get("In-Reply-To"), c.want)
		}
	}
}

func backlogOfIncidents() notify.Mail {
	return letterOf(cellar(notify.Returned), freezer(notify.Reminder))
}

func TestThreadIsTheSameByEveryRoad(t *testing.T) {
	road := head
	road.Domain, road.Road = "icloud.com", "smtp.gmail.com"
	road.From.Address = "alex@gmail.com"
	m := letterOf(freezer(notify.Cleared))
	first, second := parse(t, mustRender(t, m, head)).Header, parse(t, mustRender(t, m, road)).Header
	for _, name := range []string{"Message-ID", "References", "In-Reply-To"} {
		if first.Get(name) != second.Get(name) || first.Get(name) == "" {
			t.Errorf("%s is %q, and %q by the second road", name, first.Get(name), second.Get(name))
		}
	}
}

// Mails that were sealed before IDs had a dot wait in some stores.
func TestMailWithAnIDOfOldStandsAlone(t *testing.T) {
	m := letterOf(freezer(notify.Cleared))
	m.ID = "abcdefghij2345672345"
	mustBeSound(t, m, head)
	header := parse(t, mustRender(t, m, head)).Header
	if got := header.Get("Message-ID"); got != "<abcdefghij2345672345@icloud.com>" {
		t.Errorf("message ID %q", got)
	}
	if header.Get("References") != "" || header.Get("In-Reply-To") != "" {
		t.Errorf("it refers to %q", header.Get("References"))
	}
}

func TestDomainThatIsNoneDoesNotReachAHeader(t *testing.T) {
	for _, bad := range []string{"a b", "x>\r\nBcc: eve@example.com", "a@b", "ü.example", "a..b"} {
		h := head
		h.Domain = bad
		mustBeSound(t, letterOf(freezer(notify.Cleared)), h)
	}
}

func TestIDsHaveOneDotAtTheMost(t *testing.T) {
	for id, want := range map[string]bool{
		"118.k3f9x2ab": true, "m7k2p9": true, "a-b_c": true,
		"": false, ".a": false, "a.": false, "a.b.c": false, "a b": false, "a@b": false, "ü": false,
		"0123456789.0123456789012345678901234567890123456789": false,
	} {
		if got := isID(id); got != want {
			t.Errorf("isID(%q) = %v", id, got)
		}
	}
}
