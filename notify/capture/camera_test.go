package capture

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pinbell/notify"
)

// jpeg is the smallest thing that calls itself a whole one.
const jpeg = "\xff\xd8\xff\xe0 a picture \xff\xd9"

// patience is for what should come at once, on a machine that is very busy.
const patience = time.Minute

// studio is a camera at work, with a folder of its own.
type studio struct {
	t *testing.T
	*Camera
	done chan struct{}
	stop func()
}

// open starts a camera as the daemon does, with a deadline of patience where
// there is none. What it is built with may be changed before it runs.
func open(t *testing.T, c Config, change ...func(*Camera)) *studio {
	t.Helper()
	s := &studio{t: t, done: make(chan struct{}, 1)}
	if c.Deadline == 0 {
		c.Deadline = patience
	}
	c.Done = func() { poke(s.done) }
	s.Camera = New(c)
	for _, f := range change {
		f(s.Camera)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end when told to")
		}
	}
	t.Cleanup(s.stop)
	return s
}

// shoot takes what an event wants, waits for it as an outbox does, and gives
// it.
func (s *studio) shoot(ev notify.Event) []notify.Attachment {
	s.t.Helper()
	s.Take(ev)
	s.wait(ev.Serial)
	return s.Files(ev)
}

func (s *studio) wait(serials ...uint64) {
	s.t.Helper()
	late := time.After(2 * patience)
	for slices.ContainsFunc(serials, s.Pending) {
		select {
		case <-s.done:
		case <-time.After(s.Deadline / 4):
		case <-late:
			s.t.Fatalf("events %v are still pending", serials)
		}
	}
}

// one is the single thing that a source gives.
func (s *studio) one(source string) notify.Attachment {
	s.t.Helper()
	return s.shoot(wanting(uint64(time.Now().UnixNano()), source))[0]
}

func wanting(serial uint64, sources ...string) notify.Event {
	return notify.Event{Serial: serial, Kind: notify.Raised, Rule: "door", Attach: sources}
}

func put(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// brief shows attachments in the words that tests compare.
func brief(files []notify.Attachment) string {
	var all []string
	for _, f := range files {
		if f.Fault != "" {
			all = append(all, f.Name+" "+f.Fault)
		} else {
			all = append(all, fmt.Sprintf("%s (%s) %q", f.Name, f.Type, f.Data))
		}
	}
	return strings.Join(all, "; ")
}

func TestWhatAnEventWantsComesInItsOrder(t *testing.T) {
	now := time.Date(2026, 11, 14, 22, 41, 7, 0, time.UTC)
	s := open(t, Config{Now: func() time.Time { return now }})
	files := s.shoot(wanting(7, "exec:/bin/echo 21.5", "file:/nowhere/last.jpg", "file:"+put(t, "last.jpg", jpeg)))
	want := `camera-1.txt (text/plain) "21.5\n"; last.jpg there is no such file; last-3.jpg (image/jpeg) ` + fmt.Sprintf("%q", jpeg)
	if got := brief(files); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if f := files[0]; !f.Taken.Equal(now) || f.Source != "exec:/bin/echo" {
		t.Errorf("%+v", f)
	}
}

func TestEventThatWantsNothingHasNothing(t *testing.T) {
	s := open(t, Config{})
	if files := s.shoot(notify.Event{Serial: 1}); len(files) != 0 || s.Pending(1) {
		t.Errorf("%v", files)
	}
}

func TestBrokenSourceIsAFaultBesideWholeOnes(t *testing.T) {
	s := open(t, Config{})
	for source, want := range map[string]string{
		"ftp://cam/last.jpg":     "camera-1 is not understood: none of file:, exec:, http:// and https:// begins it",
		"exec:/bin/echo 'a":      "camera-1 is not understood: a ' in it is not closed",
		"exec:":                  "camera-1 is not understood: it names no program, as in \"exec:/usr/bin/rpicam-still -o -\"",
		"http://user:pa ss@cam/": "camera-1 is not understood: it is not a web address, as in \"http://127.0.0.1:8080/snapshot\"",
		"file:":                  "camera-1 is not understood: it names no file, as in \"file:/run/cam/last.jpg\"",
	} {
		if got := brief([]notify.Attachment{s.one(source)}); got != want {
			t.Errorf("%s:\n got %s\nwant %s", source, got, want)
		}
		if err := Check(source); err == nil || !strings.HasSuffix(want, err.Error()) {
			t.Errorf("%s: Check says %v", source, err)
		}
	}
	for _, source := range []string{"file:/run/cam/last.jpg", "exec:/usr/bin/rpicam-still -o -", "https://[::1]/x", "http://127.0.0.1:8080/snapshot?channel=1"} {
		if err := Check(source); err != nil {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestSecretsOfASourceAreNeverShown(t *testing.T) {
	for source, want := range map[string]string{
		"http://admin:s3cret@cam/snap.cgi?user=admin&pwd=s3cret": "http://cam/snap.cgi",
		"https://admin:s3cret@[fe80::1]:8443/":                   "https://[fe80::1]:8443/",
		"exec:/usr/bin/curl -u admin:s3cret http://cam/":         "exec:/usr/bin/curl",
		"exec:'/opt/my camera/shoot' s3cret":                     "exec:/opt/my camera/shoot",
		"exec:/bin/echo 's3cret":                                 "…",
		"http://admin:s3 cret@cam/":                              "…",
		"s3cret":                                                 "…",
		"file:/run/cam/last.jpg":                                 "file:/run/cam/last.jpg",
	} {
		if got := shown(source); got != want {
			t.Errorf("%s is shown as %s, want %s", source, got, want)
		}
	}
	for text, want := range map[string]string{
		"rtsp://admin:p@ss/w@cam/live: Connection refused": "rtsp://***@cam/live: Connection refused",
		"GET http://cam/snap?user=a&pwd=b failed":          "GET http://cam/snap?*** failed",
		"no \x1b[31mcameras\x00 available.\n":              "no [31mcameras available",
		strings.Repeat("é", 300):                           strings.Repeat("é", 200) + "…",
	} {
		if got := clean(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestArgumentsAreSplitByQuotesAndBlanks(t *testing.T) {
	for line, want := range map[string][]string{
		"/usr/bin/rpicam-still -o -":     {"/usr/bin/rpicam-still", "-o", "-"},
		"  a\t b  ":                      {"a", "b"},
		`a "b c" 'd "e"' "f 'g'"`:        {"a", "b c", `d "e"`, "f 'g'"},
		`a b"c d"e ''`:                   {"a", "bc de", ""},
		`a $HOME *.jpg ; rm | x > y \ z`: {"a", "$HOME", "*.jpg", ";", "rm", "|", "x", ">", "y", `\`, "z"},
	} {
		if got, err := split(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v, want %q", line, got, err, want)
		}
	}
	for _, line := range []string{"", " ", "''", `a "b`, "a\x00b"} {
		if got, err := split(line); err == nil {
			t.Errorf("%q gives %q", line, got)
		}
	}
}

func TestNameEndsAsItsContentAsks(t *testing.T) {
	for _, test := range []struct{ name, kind, want string }{
		{"last.jpg", "image/jpeg", "last.jpg"},
		{"last.JPEG", "image/jpeg", "last.JPEG"},
		{"snapshot", "image/jpeg", "snapshot.jpg"},
		{"snapshot.php", "image/png", "snapshot.png"},
		{"last.jpg", "text/plain", "last.txt"},
		{"last.jpg", "text/html", "last.html"},
		{"log.2026", "text/plain", "log.2026"},
		{"log.2026", "image/jpeg", "log.2026.jpg"},
		{"camera-1", "application/octet-stream", "camera-1.bin"},
		{"photo.heic", "application/octet-stream", "photo.heic"},
		{"photo.jpg", "application/octet-stream", "photo.bin"},
		{"values.csv", "text/plain", "values.csv"},
	} {
		if got := nameFor(test.name, test.kind); got != test.want {
			t.Errorf("%s with %s is %s, want %s", test.name, test.kind, got, test.want)
		}
	}
}

func TestNamesAreFitForAnyMailAndDiffer(t *testing.T) {
	got := stemsOf([]string{
		"file:/cam1/last.jpg", "file:/cam2/last.jpg", "http://cam/Last.png", "http://cam/", "exec:/usr/bin/rpicam-still -o -",
		"file:/tmp/a \"b\"\r\nX: y.jpg", "file:/tmp/..", "file:/tmp/" + strings.Repeat("x", 300) + ".jpg", "http://cam/größe.jpg",
	})
	want := []string{
		"last.jpg", "last-2.jpg", "Last-3.png", "camera-4", "camera-5",
		"a-b--X-y.jpg", "camera-7", strings.Repeat("x", 60) + ".jpg", "größe.jpg",
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}
