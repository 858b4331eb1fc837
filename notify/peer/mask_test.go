package peer

import (
	"strings"
	"testing"
)

func TestASecretIsHiddenInEachOfItsForms(t *testing.T) {
	m := NewMask("Open-Sesame", "T3BlbiBTZXNhbWU")
	for in, want := range map[string]string{
		"no key":                        "no key",
		"with open-sesame, no":          "with ***, no",
		"as t3blbibtZXNHbWU":            "as ***",
		"only pen-Se of it":             "only *** of it",
		"Open-SesameOpen-Sesame\nagain": "*** again",
	} {
		if got := m.Clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestAnEmptyMaskHidesNothing(t *testing.T) {
	for _, m := range []Mask{{}, NewMask(), NewMask("")} {
		if got := m.Clean("all of it"); got != "all of it" {
			t.Errorf("%+v: %q", m, got)
		}
	}
}

func TestShownTextIsOneCleanLine(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\n\tb\x00c\x1b[31m\u0085d \xff e": "a b c [31m d ? e",
		strings.Repeat("ä", 400):              strings.Repeat("ä", 200) + " …",
	} {
		if got := Excerpt(in); got != want {
			t.Errorf("%.30q: got %q", in, got)
		}
	}
}
