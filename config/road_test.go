package config

import (
	"errors"
	"io/fs"
	"net/mail"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRoadsAreCompleteAndInTheOrderOfTheFile(t *testing.T) {
	config := accepted(t, ruled(`at_most = "3 per 1h"`)+`
[[mail.fallback]]
provider = "fastmail"
username = "alex@fastmail.com"
password_file = "mail.password"
[[mail.fallback]]
provider = "unione-api"
password_file = "mail.password"
from = "Garage <bell@example.org>"
after = "0s"
per_hour = 5
[[mail.fallback]]
provider = "unione-api"
host = "us1.unione.io"
port = 8443
password_file = "mail.password"
from = "bell@example.org"
per_day = 7
[[mail.fallback]]
provider = "custom"
host = "10.0.0.1"
tls = "implicit"
from = "bell@example.org"
`)
	const quarter = 15 * time.Minute
	want := []Road{
		{Provider: "icloud", Username: "alex@icloud.com", PasswordFile: "mail.password", From: mail.Address{Address: "alex@icloud.com"}, Host: "smtp.mail.me.com", Port: 587, TLS: "starttls"},
		{Provider: "fastmail", Username: "alex@fastmail.com", PasswordFile: "mail.password", From: mail.Address{Address: "alex@fastmail.com"}, Host: "smtp.fastmail.com", Port: 465, TLS: "implicit", After: quarter, Number: 1},
		{Provider: "unione-api", PasswordFile: "mail.password", From: mail.Address{Name: "Garage", Address: "bell@example.org"}, Host: "api.unione.io", Port: 443, TLS: "implicit", PerHour: 5, Number: 2},
		{Provider: "unione-api", PasswordFile: "mail.password", From: mail.Address{Address: "bell@example.org"}, Host: "us1.unione.io", Port: 8443, TLS: "implicit", After: quarter, PerDay: 7, Number: 3},
		{Provider: "custom", From: mail.Address{Address: "bell@example.org"}, Host: "10.0.0.1", Port: 465, TLS: "implicit", After: quarter, Number: 4},
	}
	got := config.Mail.Roads()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("roads\n%+v\nnot\n%+v", got, want)
	}
	for i, web := range []bool{false, false, true, true, false} {
		if got[i].Web() != web {
			t.Errorf("%s is spoken to over HTTPS: %v", got[i].Provider, !web)
		}
	}
	if to := config.Mail.To; !reflect.DeepEqual(to, []string{"alex@icloud.com"}) {
		t.Errorf("to %q", to)
	}
}

func TestEachRoadHasACredentialOfItsOwn(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"mail.password": "first", "mail.fallback.1.password": "second", "mail.fallback.2.password": "third"} {
		write(t, filepath.Join(folder, name), text)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", folder)
	for i, want := range []string{"first", "second", "third"} {
		if secret, err := (Road{Number: i}).Password(); err != nil || secret.Reveal() != want {
			t.Errorf("road %d: %q, %v", i, secret.Reveal(), err)
		}
	}
}

func TestCredentialsSpeakForFallbacksWithoutAPasswordKey(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "mail.fallback.1.password"), "abcdefghijklmnop")
	text := ruled("") + "[[mail.fallback]]\nprovider = \"gmail\"\nusername = \"alex@gmail.com\"\n"
	file := filepath.Join(folder, "pinbell.toml")
	write(t, filepath.Join(folder, "mail.password"), "abcd-efgh-ijkl-mnop")
	for where, warnings := range map[string]int{folder: 0, "": 1} {
		t.Setenv("CREDENTIALS_DIRECTORY", where)
		if config, problems := Parse(file, []byte(text)); config == nil || len(problems) != warnings {
			t.Errorf("with credentials in %q:\n%s", where, spoken(problems))
		}
	}
}

// The same account on another port gets through where one port is blocked.
func TestOnlyTheSameDoorOfTheSameAccountIsWarnedOf(t *testing.T) {
	fallback := func(keys string) string {
		return "[[mail.fallback]]\nprovider = \"custom\"\npassword_file = \"mail.password\"\n" + keys + "\n"
	}
	same := "host = \"smtp.mail.me.com\"\nusername = \"alex@icloud.com\""
	for text, warnings := range map[string]int{
		fallback(same):                          1,
		fallback(same) + fallback(same):         2,
		fallback(same + "\ntls = \"implicit\""): 0,
		fallback("host = \"smtp.mail.me.com\"\nusername = \"sam@icloud.com\""):  0,
		fallback("host = \"smtp.example.org\"\nusername = \"alex@icloud.com\""): 0,
	} {
		if config, problems := parse(t, ruled("")+text); config == nil || len(problems) != warnings {
			t.Errorf("%s%s", text, spoken(problems))
		}
	}
}

func TestMistakeInARoadIsToldOnce(t *testing.T) {
	for _, keys := range []string{
		"provider = \"gmial\"", "provider = \"unione_api\"", "provdier = \"gmail\"\nusername = \"a@gmail.com\"", "provider = 1\nfrom = \"a@example.org\"",
		"provider = \"custom\"\nhots = \"a\"\nfrom = \"a@example.org\"", "provider = \"custom\"\nhost = \"a b\"\nfrom = \"a@example.org\"",
		"provider = \"custom\"\nhost = \"a\"\nuser = \"me\"\nfrom = \"a@example.org\"", "provider = \"custom\"\nhost = \"a\"\nfrm = \"a@example.org\"",
		"provider = \"icloud\"\nusername = \"me\"\npassword_file = \"mail.password\"", "provider = \"gmail\"\nusername = 5\npassword_file = \"mail.password\"",
	} {
		if _, problems := parse(t, ruled("")+"[[mail.fallback]]\n"+keys+"\n"); len(problems) != 1 {
			t.Errorf("%s\n%s", keys, spoken(problems))
		}
	}
}

func TestPasswordOfAFallbackIsInNoProblemEither(t *testing.T) {
	const canary = "Hunter2Canary"
	t.Setenv("PINBELL_TEST_PASSWORD", canary)
	for _, line := range []string{
		`password = "` + canary + `"`, `passwd = ["` + canary + `"]`, `password_file = "` + canary + `"`, `password_file = ["` + canary + `"]`,
		`password_env = "` + canary + `!"`, `password_env = "` + canary + `"`, `password = ` + canary,
	} {
		_, problems := parse(t, ruled("")+"[[mail.fallback]]\nprovider = \"gmail\"\nusername = \"alex@gmail.com\"\n"+line+"\n")
		if text := spoken(problems); text == "" || strings.Contains(text, canary) {
			t.Errorf("%s:\n%s", line, text)
		}
	}
}

func TestPasswordThatIsClosedOrBrokenIsCalledSo(t *testing.T) {
	for want, cause := range map[string]error{
		"it is closed to this user":             syscall.EACCES,
		"it is not there":                       syscall.ENOENT,
		"it cannot be read: input/output error": syscall.EIO,
		"it cannot be read: is a directory":     syscall.EISDIR,
		"it is not a plain file":                errNotPlain,
	} {
		err := unread("it", &fs.PathError{Op: "open", Path: "hunter2", Err: cause})
		if err.Error() != want || !errors.Is(err, cause) {
			t.Errorf("%v, not %q", err, want)
		}
	}
	if err := unread("it", nil); err != nil {
		t.Error(err)
	}
}
