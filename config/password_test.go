package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPasswordComesFromTheFileOrTheVariableElseFromTheCredential(t *testing.T) {
	folder := t.TempDir()
	m := Road{PasswordFile: write(t, filepath.Join(folder, "file"), "from the file\r\n"), PasswordEnv: "PINBELL_TEST_PASSWORD"}
	t.Setenv("PINBELL_TEST_PASSWORD", "from the environment")
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	said := func(want string) {
		t.Helper()
		if secret, err := m.Password(); err != nil || secret.Reveal() != want {
			t.Errorf("%q, %v, not %q", secret.Reveal(), err, want)
		}
	}
	said("from the file")
	write(t, filepath.Join(folder, "mail.password"), "from systemd\n")
	t.Setenv("CREDENTIALS_DIRECTORY", folder)
	said("from the file") // a credential is a copy of the start, and the file may be newer
	write(t, m.PasswordFile, "\n")
	said("from systemd")
	m.PasswordFile = filepath.Join(folder, "none")
	said("from systemd")
	m.PasswordFile = ""
	said("from the environment")
}

func TestPasswordIsReadAnewEachTime(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	m := Road{PasswordFile: write(t, filepath.Join(t.TempDir(), "file"), "old")}
	for _, want := range []string{"old", "new"} {
		write(t, m.PasswordFile, want)
		if secret, err := m.Password(); err != nil || secret.Reveal() != want {
			t.Errorf("%q, %v, not %q", secret.Reveal(), err, want)
		}
	}
}

func TestPasswordThatCannotBeReadSaysWhyAndShowsNothing(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	t.Setenv("PINBELL_TEST_EMPTY", " \n")
	folder := t.TempDir()
	pipe := filepath.Join(folder, "hunter2-pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mail Road
		want string
	}{
		{Road{}, "no password is set"},
		{Road{PasswordFile: "hunter2"}, "the file for the password is not there"},
		{Road{PasswordFile: pipe}, "the file for the password is not a plain file"},
		{Road{PasswordFile: write(t, filepath.Join(folder, "two"), "hunter2\nhunter2")}, "line break"},
		{Road{PasswordFile: write(t, filepath.Join(folder, "nul"), "hunter2\x00")}, "control character"},
		{Road{PasswordFile: write(t, filepath.Join(folder, "long"), strings.Repeat("hunter2", 200))}, "longer than"},
		{Road{PasswordEnv: "hunter2"}, "for the password is not set"},
		{Road{PasswordEnv: "PINBELL_TEST_EMPTY"}, "is empty"},
	} {
		secret, err := c.mail.Password()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, not %q", c.mail, err, c.want)
		}
		if secret != "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v shows what it must not, or comes with a password", err)
		}
	}
}

func TestBrokenCredentialIsToldWhereThereIsNothingElse(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", folder)
	if err := os.Mkdir(filepath.Join(folder, "mail.password"), 0o700); err != nil {
		t.Fatal(err)
	}
	m := Road{PasswordFile: filepath.Join(folder, "none")}
	if secret, err := m.Password(); err == nil || !strings.Contains(err.Error(), "credential") {
		t.Errorf("took %q, %v", secret.Reveal(), err)
	}
}

func TestPasswordFileThatIsMissingCanBeToldApart(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	_, err := Road{PasswordFile: filepath.Join(t.TempDir(), "none")}.Password()
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// Whatever an owner does with the password, no problem repeats it.
func TestPasswordIsInNoProblem(t *testing.T) {
	const canary = "Hunter2Canary"
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	t.Setenv("PINBELL_TEST_PASSWORD", canary)
	t.Chdir(t.TempDir())
	write(t, "private", canary)
	write(t, "two-lines", canary+"\n"+canary)
	if err := os.WriteFile("open", []byte(canary), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod("open", 0o644); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`password_file = "private"`, `password_file = "open"`, `password_file = "two-lines"`, `password_env = "PINBELL_TEST_PASSWORD"`,
		`password = "` + canary + `"`, `passwort = "` + canary + `"`, `pass_word = ["` + canary + `"]`, `password.plain = "` + canary + `"`,
		`password = ` + canary, `password = "` + canary, `password = '` + canary, `password "` + canary + `"`, `password: ` + canary,
		`password = "` + canary + `\q"`, `password_file = "` + canary + `"`, `password_file = ` + canary,
		`password_file = ["` + canary + `"]`, `password_file = "a\u0000` + canary + `"`,
		`password_env = "` + canary + `"`, `password_env = "` + canary + `!"`, `password_env = { x = "` + canary + `" }`,
		`password_env = "` + strings.Repeat(canary, 100) + `"`,
	} {
		_, problems := Parse("pinbell.toml", []byte("[mail]\nprovider = \"icloud\"\nusername = \"alex@icloud.com\"\n"+line+"\n"))
		if text := spoken(problems); strings.Contains(text, canary) || text == "" {
			t.Errorf("%s:\n%s", line, text)
		}
	}
}
