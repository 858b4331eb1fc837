package smtp

import (
	"strings"
	"testing"

	"pinbell/notify"
)

func TestEachPresetKnowsItsServer(t *testing.T) {
	for provider, want := range map[string]struct {
		host     string
		port     int
		implicit bool
		perDay   int
	}{
		"icloud":     {"smtp.mail.me.com", 587, false, 1000},
		"gmail":      {"smtp.gmail.com", 587, false, 500},
		"outlook":    {"smtp-mail.outlook.com", 587, false, 0},
		"fastmail":   {"smtp.fastmail.com", 465, true, 0},
		"unione-us":  {"smtp.us1.unione.io", 587, false, 72000},
		"unione-eu":  {"smtp.eu1.unione.io", 587, false, 72000},
		"unione-api": {"api.unione.io", 443, true, 0},
		"custom":     {"", 587, false, 0},
	} {
		p, ok := PresetOf(provider)
		if !ok || p.Host != want.host || p.Port != want.port || p.Implicit != want.implicit || p.MessagesPerDay != want.perDay {
			t.Errorf("%s: %+v", provider, p)
		}
		if p.Web != (provider == "unione-api") {
			t.Errorf("%s is spoken to over HTTPS: %v", provider, p.Web)
		}
		if p.login == "" || p.sender == "" {
			t.Errorf("%s has no advice", provider)
		}
	}
	if len(Providers()) != 8 || Providers()[7] != "custom" {
		t.Errorf("providers are %v", Providers())
	}
	if _, ok := PresetOf("icloud.com"); ok {
		t.Error("found a provider that is none")
	}
}

func TestPasswordsAreKnownByTheirForm(t *testing.T) {
	for _, c := range []struct {
		provider string
		password notify.Secret
		fine     bool
	}{
		{"icloud", "abcd-efgh-ijkl-mnop", true}, {"icloud", "abcdefghijklmnop", true},
		{"icloud", "Abcd-efgh-ijkl-mnop", false}, {"icloud", "abcd-efgh-ijkl-mno1", false},
		{"icloud", "abcdefghijklmno", false}, {"icloud", "abc-defgh-ijkl-mnop", false},
		{"icloud", "abcd-efgh-ijkl-mnop\n", false}, {"icloud", "a-bcdefghijklmnop", false}, {"icloud", "", false},
		{"gmail", "abcd efgh ijkl mnop", true}, {"gmail", "abcdefghijklmnop", true}, {"gmail", "my password", false},
		{"custom", "anything goes", true}, {"custom", "not\rthis", false}, {"unione-eu", "6a7b8c", true},
	} {
		p, _ := PresetOf(c.provider)
		complaint := p.CheckPassword(c.password)
		if (complaint == "") != c.fine {
			t.Errorf("%s, %q: %q", c.provider, c.password.Reveal(), complaint)
		}
		if c.password != "" && strings.Contains(complaint, c.password.Reveal()) {
			t.Errorf("the complaint shows the password: %s", complaint)
		}
	}
}

func TestUserNamesAreKnownByTheirForm(t *testing.T) {
	for _, c := range []struct {
		provider, name string
		fine           bool
	}{
		{"icloud", "alex@icloud.com", true}, {"icloud", "alex", false}, {"icloud", "@icloud.com", false},
		{"unione-us", "123456", true}, {"unione-us", "alex@example.org", false}, {"custom", "alex", true},
	} {
		p, _ := PresetOf(c.provider)
		if complaint := p.CheckUsername(c.name); (complaint == "") != c.fine {
			t.Errorf("%s, %s: %q", c.provider, c.name, complaint)
		}
	}
}
