package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pinbell/notify/smtp/smtptest"
	"pinbell/notify/unione/unionetest"
)

// withRule puts keys into the rule of rack.
func withRule(keys string) string { return rack + keys + "\n" }

func TestSecondRoadTakesTheMailWhileTheFirstIsClosed(t *testing.T) {
	t.Parallel()
	server := serve(t, func() (*unionetest.Server, error) { return unionetest.Start(unionetest.Options{}) })
	g := newGarage(t)
	g.webFallback(server, unionetest.Key)
	g.parts = strings.Replace(g.parts, "provider =", "after = \"1s\"\nprovider =", 1)
	g.plug.pull()
	g.start()
	g.write("rack", "75\n")
	r := g.until("the mail goes by the second road", 20*time.Second, func(r Report) bool { return r.Mail.Last != nil })
	mails := server.Mails()
	if len(mails) != 1 || !strings.Contains(fmt.Sprint(mails[0]), "Rack hot") || !strings.Contains(fmt.Sprint(mails[0]), "127.0.0.1") {
		t.Errorf("by the second road came %v", mails)
	}
	if r.Mail.Last.Road != "127.0.0.1" || r.Mail.Last.Verdict.QueueID == "" {
		t.Errorf("the log has %+v", r.Mail.Last)
	}
	t.Log("\n" + g.tells("localhost: 0 mails in 24 hours, failing for", "127.0.0.1: 1 mail in 24 hours", "refuses connections"))
	g.plug.into(g.mail.Addr())
	g.until("the first road is found to work", 30*time.Second, func(r Report) bool { return trouble(r, "mail.network") == nil })
	g.write("rack", "20\n")
	g.arrived(1, 30*time.Second)
}

func TestPictureGoesWithTheAlarmAndABrokenCameraHoldsNothingUp(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	picture := append([]byte{0xff, 0xd8, 0xff, 0xe0}, bytes.Repeat([]byte("picture"), 3000)...)
	picture = append(picture, 0xff, 0xd9)
	g.write("last.jpg", string(picture))
	broken := filepath.Join(g.dir, "broken.sh")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\necho no cameras available >&2\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	g.parts = withRule(`attach = ["file:last.jpg", "exec:broken.sh"]`)
	g.start()
	g.write("rack", "75\n")
	m := g.arrived(1, 20*time.Second)[0]
	if said := text(t, m); !strings.Contains(said, "no cameras available") {
		t.Errorf("the mail does not name the broken camera:\n%s", said)
	}
	if got := part(t, m, "image/jpeg"); !bytes.Equal(got, picture) {
		t.Errorf("the picture came as %d bytes, want %d", len(got), len(picture))
	}
}

func TestMailThatIsTooLargeLosesItsAttachmentsAndSaysSo(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	small := serve(t, func() (*smtptest.Server, error) { return smtptest.Start(smtptest.Options{MaxBytes: 30_000}) })
	g.trust(small.CAFile())
	g.mail = small
	g.plug.into(small.Addr())
	g.write("video.bin", strings.Repeat("\x00\x01\x02\x03", 30_000))
	g.parts = withRule(`attach = ["file:video.bin"]`)
	g.start()
	g.write("rack", "75\n")
	m := g.arrived(1, 20*time.Second)[0]
	if said := text(t, m); !strings.Contains(said, "Left out") || !strings.Contains(said, "video.bin") {
		t.Errorf("the mail does not say what was left out:\n%s", said)
	}
}

func TestRuleWithItsOwnRateSendsNoMoreAndLosesNothing(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.parts = withRule(`at_most = "1 per 3s"`)
	g.start()
	for range 3 {
		for _, reading := range []string{"75\n", "20\n"} {
			g.write("rack", reading)
			g.until("the rule follows", 5*time.Second, func(r Report) bool { return (r.Rules[0].State == "raised") == (reading == "75\n") })
		}
	}
	g.until("all is told", 30*time.Second, func(r Report) bool { return waiting(r) == 0 })
	told := map[string]bool{}
	mails := g.mail.Mails()
	for i, m := range mails {
		head, err := mail.ReadMessage(bytes.NewReader(m.Bytes))
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range strings.Fields(head.Header.Get("X-Pinbell-Events")) {
			told[run] = true
		}
		if i > 0 && m.At.Sub(mails[i-1].At) < 3*time.Second {
			t.Errorf("mail %d came %v after the one before", i, m.At.Sub(mails[i-1].At))
		}
	}
	if len(mails) < 2 || len(told) != len(mails) {
		t.Errorf("%d mails with the runs %v", len(mails), told)
	}
}

func TestOwnersTemplatesAreTheirWords(t *testing.T) {
	t.Parallel()
	g := newGarage(t)
	g.parts += "\n[mail.templates]\nsubject = \"Schrank: {{.Title}} {{.Value}}\"\nbody = \"\"\"\nBitte nachsehen: {{.Title}} seit {{.Since}}\n\"\"\"\n"
	g.start()
	g.write("rack", "75\n")
	m := g.arrived(1, 20*time.Second)[0]
	head, err := mail.ReadMessage(bytes.NewReader(m.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(head.Header.Get("Subject"))
	if err != nil || !strings.HasSuffix(subject, "Schrank: Rack hot 75.0 °C") {
		t.Errorf("subject %q, %v", subject, err)
	}
	if said := text(t, m); !strings.Contains(said, "Bitte nachsehen: Rack hot seit ") {
		t.Errorf("text:\n%s", said)
	}
}

// part finds the first part of a type, decoded.
func part(t *testing.T, m smtptest.Mail, kind string) []byte {
	t.Helper()
	message, err := mail.ReadMessage(bytes.NewReader(m.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	return partIn(t, message.Header.Get("Content-Type"), message.Header.Get("Content-Transfer-Encoding"), message.Body, kind)
}

func partIn(t *testing.T, contentType, encoding string, body io.Reader, kind string) []byte {
	t.Helper()
	media, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	if media == kind {
		return decoded(t, encoding, body)
	}
	if !strings.HasPrefix(media, "multipart/") {
		return nil
	}
	parts := multipart.NewReader(body, parameters["boundary"])
	for {
		p, err := parts.NextRawPart()
		if err != nil {
			return nil
		}
		if got := partIn(t, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p, kind); got != nil {
			return got
		}
	}
}

func decoded(t *testing.T, encoding string, body io.Reader) []byte {
	t.Helper()
	if encoding == "base64" {
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
