package mail

import (
	"bytes"
	"strings"
	"testing"

	"pinbell/notify"
)

const jpeg = "\xff\xd8\xff\xe0 a picture"

func enclosing(files ...notify.Attachment) notify.Mail {
	m := letterOf(door())
	m.Files = files
	return m
}

func TestPicturesAreShownAndFilesAttached(t *testing.T) {
	c := mustCompose(t, stationery{enclosing(
		notify.Attachment{Name: "cam.jpg", Type: "image/jpeg", Data: []byte(jpeg)},
		notify.Attachment{Name: "no.jpg", Type: "image/jpeg", Data: []byte("<svg onload=evil>")},
		notify.Attachment{Name: "log.txt", Type: "text/plain", Data: []byte("log")},
		notify.Attachment{Name: "x.svg", Type: "image/svg+xml", Data: []byte("<svg/>")},
	), head})
	if len(c.Inline) != 1 || c.Inline[0].Name != "cam.jpg" || string(c.Inline[0].Data) != jpeg {
		t.Errorf("inline %+v", c.Inline)
	}
	var names []string
	for _, p := range c.Attached {
		names = append(names, p.Name+" "+p.Type)
	}
	if got, want := strings.Join(names, ", "), "no.jpg image/jpeg, log.txt text/plain, x.svg image/svg+xml"; got != want {
		t.Errorf("attached %q, want %q", got, want)
	}
	for _, want := range []string{"Picture: cam.jpg, 14 bytes.\n", "Attached: no.jpg, 17 bytes · log.txt, 3 bytes · x.svg, 6 bytes\n"} {
		if !strings.Contains(c.Text, want) {
			t.Errorf("no %q in\n%s", want, c.Text)
		}
	}
}

func TestFileThatCouldNotBeHadIsSaidInTheMail(t *testing.T) {
	for want, f := range map[string]notify.Attachment{
		"The picture from /usr/bin/rpicam-still could not be taken: gave nothing within 10 s.": {
			Source: "exec:/usr/bin/rpicam-still -o -", Fault: "gave nothing within 10 s"},
		"The picture from http://cam/last.jpg could not be taken: it is 31 MB, and 10 MB are taken.": {
			Source: "http://cam/last.jpg", Type: "image/jpeg", Fault: "it is 31 MB, and 10 MB are taken."},
		"The file from /var/log/heat.txt could not be taken: it was empty.": {Source: "file:/var/log/heat.txt", Type: "text/plain"},
	} {
		m := enclosing(f)
		c := mustCompose(t, stationery{m, head})
		if !strings.Contains(c.Text, want+"\n") || !strings.Contains(strings.ReplaceAll(c.HTML, "&#160;", " "), want) {
			t.Errorf("no %q in\n%s\n%s", want, c.Text, c.HTML)
		}
		if len(c.Inline)+len(c.Attached) != 0 {
			t.Errorf("there are parts for %q", want)
		}
	}
}

func TestSourceInAMailHoldsNoSecret(t *testing.T) {
	for source, want := range map[string]string{
		"file:/run/cam/last.jpg":                                "/run/cam/last.jpg",
		"exec:/usr/bin/curl -u admin:secret http://cam":         "/usr/bin/curl",
		"exec: /bin/cam\tsecret":                                "/bin/cam",
		"http://cam:8080/snapshot":                              "http://cam:8080/snapshot",
		"http://admin:secret@cam/a@b":                           "http://b",
		"http://admin:se@cret@cam":                              "http://cam",
		"https://cam/x?token=secret":                            "https://cam/x",
		"https://cam/x#secret":                                  "https://cam/x",
		"https://admin:secret/x@cam/":                           "https://cam/",
		"http://cam?user=x@secret":                              "http://cam",
		"http://cam/" + strings.Repeat("long", 100) + "?secret": "http://cam/" + strings.Repeat("long", 17) + "l…",
	} {
		if got := origin(source); got != want || strings.Contains(got, "secret") {
			t.Errorf("%q is shown as %q, want %q", source, got, want)
		}
	}
}

func TestMailThatWasTooLargeSaysWhatWasLeftOut(t *testing.T) {
	for slim, structure := range map[notify.Slim]string{
		notify.Whole:         "mixed(alternative(text/plain related(text/html image/png image/gif)) text/plain)",
		notify.NoAttachments: "alternative(text/plain related(text/html image/png))",
		notify.TextOnly:      "text/plain",
	} {
		m := withFiles(slim)
		mustBeSound(t, m, head)
		if _, got, _ := readBack(t, mustRender(t, m, head)); got != structure {
			t.Errorf("slim %d: %s, want %s", slim, got, structure)
		}
		said := strings.Contains(Text(m, head), "Left out: last.gif, taken Sat 14 Nov 22:41:09 GMT, 35 bytes · Kühl-Tagebuch.txt,")
		if said != (slim != notify.Whole) {
			t.Errorf("slim %d: the mail says what was left out: %v", slim, said)
		}
	}
}

func TestFilesThatWereNotEvenFetchedAreNamed(t *testing.T) {
	m := withFiles(notify.NoAttachments)
	m.Files = nil
	want := "Left out: /run/cam/last.gif · http://127.0.0.1:8080/snapshot · /usr/bin/journal. The server takes no mail of that size.\n"
	if got := Text(m, head); !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
}

func TestFileNamesAndTypesCannotBreakOut(t *testing.T) {
	for _, s := range append(poisons, "../../etc/passwd", `c:\x`, "con|>", "multipart/mixed", "message/rfc822", "a/b; boundary=x", "image/png\r\nBcc: x@y", "*/*") {
		m := enclosing(
			notify.Attachment{Source: s, Name: s, Type: s, Data: []byte("x")},
			notify.Attachment{Source: s, Name: s, Type: "image/gif", Data: pixel},
			notify.Attachment{Source: s, Name: s, Type: s, Fault: s},
		)
		mustBeSound(t, m, head)
		for _, p := range mustCompose(t, stationery{m, head}).Attached {
			if strings.ContainsAny(p.Name, `/\:"`) || p.Name == "" || strings.HasPrefix(p.Name, ".") {
				t.Errorf("the name %q", p.Name)
			}
			if strings.HasPrefix(p.Type, "multipart/") || strings.HasPrefix(p.Type, "message/") {
				t.Errorf("the type %q", p.Type)
			}
		}
	}
}

func TestLongFileNameKeepsItsExtension(t *testing.T) {
	got := fileName(0, notify.Attachment{Name: strings.Repeat("ü", 100) + ".jpeg"})
	if want := strings.Repeat("ü", maxName-5) + ".jpeg"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestLargeFileGoesInShortLines(t *testing.T) {
	m := enclosing(notify.Attachment{Name: "x.bin", Data: bytes.Repeat([]byte{0, 255, '\n'}, 100_001)})
	mustBeSound(t, m, head)
}

func TestMoreFilesThanAMailCarriesAreLeft(t *testing.T) {
	files := make([]notify.Attachment, 3*maxFiles)
	for i := range files {
		files[i] = notify.Attachment{Name: "x.txt", Data: []byte("x")}
	}
	if c := mustCompose(t, stationery{enclosing(files...), head}); len(c.Attached) != maxFiles {
		t.Errorf("%d files", len(c.Attached))
	}
}

func TestSizesAreAsPeopleSayThem(t *testing.T) {
	for want, n := range map[string]int{"1 byte": 1, "999 bytes": 999, "1 kB": 1000, "999 kB": 999_499, "1.0 MB": 999_500, "2.1 MB": 2_100_000} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}
