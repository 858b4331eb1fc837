package notify

import "testing"

func TestTroubleLeadsWithItsSubjectOnce(t *testing.T) {
	for _, c := range []struct {
		trouble Trouble
		want    string
	}{
		{Trouble{About: "freezer", Sentence: "bme280 at 0x76 does not answer"}, "freezer: bme280 at 0x76 does not answer."},
		{Trouble{About: "smtp.mail.me.com", Sentence: "smtp.mail.me.com refused the login."}, "smtp.mail.me.com refused the login."},
		{Trouble{Sentence: "The time is not known."}, "The time is not known."},
	} {
		if got := c.trouble.Lead(); got != c.want {
			t.Errorf("Lead() = %q, want %q", got, c.want)
		}
	}
}
