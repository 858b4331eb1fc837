package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	_ "time/tzdata"
)

var update = flag.Bool("update", false, "write what is said now to the .want files")

// atHome copies a folder of testdata to where modes can be set, and goes
// there. The environment has no passwords.
func atHome(t *testing.T, folder string) {
	t.Helper()
	home := t.TempDir()
	if err := os.CopyFS(home, os.DirFS(filepath.Join("testdata", folder))); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	t.Chdir(home)
	for _, name := range files(t, "*.password") {
		mode := os.FileMode(0o600)
		if name == "open.password" {
			mode = 0o644
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return names
}

func spoken(problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

// Each file in testdata/bad has one mistake, or as many as its name says, and
// beside it stands all that is said about it.
func TestEveryMistakeIsToldInItsOwnSentence(t *testing.T) {
	golden, err := filepath.Abs(filepath.Join("testdata", "bad"))
	if err != nil {
		t.Fatal(err)
	}
	atHome(t, "bad")
	for _, name := range files(t, "*.toml") {
		t.Run(strings.TrimSuffix(name, ".toml"), func(t *testing.T) {
			config, problems := Load(name)
			got := spoken(problems)
			want := filepath.Join(golden, strings.TrimSuffix(name, ".toml")+".want")
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			text, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(text) {
				t.Errorf("said:\n%s\nwanted:\n%s", got, text)
			}
			if got == "" {
				t.Error("nothing is said about it")
			}
			if (config == nil) != fatal(problems) {
				t.Errorf("config %v with these problems:\n%s", config, got)
			}
		})
	}
}

func TestGoodConfigsPassWithoutAWord(t *testing.T) {
	atHome(t, "good")
	for _, name := range files(t, "*.toml") {
		t.Run(strings.TrimSuffix(name, ".toml"), func(t *testing.T) {
			config, problems := Load(name)
			if config == nil || len(problems) > 0 {
				t.Errorf("config %v, problems:\n%s", config, spoken(problems))
			}
		})
	}
}

func TestExamplePassesExceptForItsPassword(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	config, problems := Parse("pinbell.toml", Example)
	if config == nil {
		t.Fatalf("the example does not pass:\n%s", spoken(problems))
	}
	for _, p := range problems {
		if !p.Warning || p.Key != "mail.password_file" {
			t.Errorf("beside the password: %s", p)
		}
	}
}
