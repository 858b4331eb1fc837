package main

import (
	"strings"
	"testing"

	"pinbell/notify/clock"
	"pinbell/notify/outbox"
)

func TestStatusSaysThatMailWaitsForTheTime(t *testing.T) {
	r := Report{Clock: clock.Status{Trust: clock.Unknown}, Mail: MailReport{Status: outbox.Status{Waiting: 1}, Relay: "smtp.mail.me.com"}}
	var text strings.Builder
	r.write(&text)
	if !strings.Contains(text.String(), "1 waiting") || !strings.Contains(text.String(), "until the time is known") {
		t.Errorf("status says\n%s", text.String())
	}
	text.Reset()
	r.Clock.Trust = clock.Trusted
	r.write(&text)
	if strings.Contains(text.String(), "until the time is known") {
		t.Errorf("with a trusted clock, status says\n%s", text.String())
	}
}
