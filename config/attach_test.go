package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ruled is a config with one rule that has more keys.
func ruled(keys string) string {
	return head + "[[sensor]]\nname = \"door\"\ndriver = \"gpio\"\nline = \"GPIO17\"\n[[rule]]\nname = \"door-open\"\nwhen = \"door.active\"\n" + keys
}

func TestAttachmentsHaveTheirWholePath(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "snap.sh"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	t.Chdir(folder)
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for written, want := range map[string]string{
		"file:cam/last.jpg":                  "file:" + folder + "/cam/last.jpg",
		"file:/run/cam/last.jpg":             "file:/run/cam/last.jpg",
		"file:///run/cam/last one.jpg":       "file:/run/cam/last one.jpg",
		"http://127.0.0.1:8080/snapshot":     "http://127.0.0.1:8080/snapshot",
		"https://[::1]/a?b=c#d":              "https://[::1]/a?b=c#d",
		"exec:'snap.sh' -x":                  "exec:" + folder + "/snap.sh -x",
		"exec:snap.sh -o  'a b' -":           "exec:" + folder + "/snap.sh -o  'a b' -",
		"exec: ./snap.sh ":                   "exec:" + folder + "/snap.sh",
		"exec:" + folder + "/snap.sh -t 1ms": "exec:" + folder + "/snap.sh -t 1ms",
	} {
		for _, file := range []string{"pinbell.toml", filepath.Join(folder, "pinbell.toml")} {
			config, problems := Parse(file, []byte(ruled("attach = [\""+written+"\"]\n")))
			if config == nil {
				t.Fatalf("%s: %s", written, spoken(problems))
			}
			if got := config.Rules[0].Attach; !reflect.DeepEqual(got, []string{want}) {
				t.Errorf("%s became %q, not %q", written, got, want)
			}
		}
	}
}

// A program is looked for where its path says, and never on $PATH: what runs
// with each alarm is what its owner wrote.
func TestProgramOnThePathIsNamedAndNotTaken(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("PATH", folder)
	if err := os.WriteFile(filepath.Join(folder, "still"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	config, problems := parse(t, ruled("attach = [\"exec:still -o -\"]\n"))
	if config == nil || len(problems) != 1 || problems[0].Hint != "There is one at "+folder+"/still: write its whole path." {
		t.Fatal(spoken(problems))
	}
	if got := config.Rules[0].Attach[0]; strings.Contains(got, folder+"/still") || !strings.HasSuffix(got, "/still -o -") {
		t.Errorf("it is %q", got)
	}
}

func TestProgramStaysOneWordWhateverItsFolderIsCalled(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	for folder, want := range map[string]string{
		"/srv/my board": `"/srv/my board/snap.sh" -o 'a b'`,
		"/srv/alex's":   `"/srv/alex's/snap.sh" -o 'a b'`,
		`/srv/19"`:      `'/srv/19"/snap.sh' -o 'a b'`,
		`/srv/'19"`:     `'/srv/'"'"'19"/snap.sh' -o 'a b'`,
		`/srv`:          `/srv/snap.sh -o 'a b'`,
	} {
		config, problems := Parse(folder+"/pinbell.toml", []byte(ruled(`attach = ["exec:'snap.sh' -o 'a b'"]`)))
		if config == nil || config.Rules[0].Attach[0] != "exec:"+want {
			t.Fatalf("%s: not %s: %+v %s", folder, want, config, spoken(problems))
		}
		if word, _, closed := firstWord(want); word != folder+"/snap.sh" || !closed {
			t.Errorf("%s is taken for %s", want, word)
		}
	}
}

func TestQuotedPathIsReadAsItWas(t *testing.T) {
	paths := rapid.StringMatching(`/[a-z '"\t]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		path := paths.Draw(t, "path")
		if word, rest, closed := firstWord(quoted(path) + " -o"); word != path || rest != " -o" || !closed {
			t.Fatalf("%q becomes %q and is read as %q, %q", path, quoted(path), word, rest)
		}
	})
}

// An address may have a password in it, in whatever broken form.
func TestNoProblemRepeatsAnAddress(t *testing.T) {
	for _, address := range []string{
		"http://alex:hunter2@cam/snapshot", "http://alex:hunter2@", "http://alex:hunter2@%zz", "http://:hunter2@cam:99999/", "https:alex:hunter2@cam",
		"htp://alex:hunter2@cam/", "http://hunter2@ca m/", "rtsp://alex:hunter2@cam/", "http:/alex:hunter2@cam/", "ftp:hunter2",
	} {
		_, problems := parse(t, ruled("attach = [\""+address+"\"]\n"))
		if text := spoken(problems); text == "" || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %s", address, text)
		}
	}
}
