package smtp

import (
	"bufio"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

func read(text string) (reply, error) {
	return readReply(bufio.NewReaderSize(strings.NewReader(text), 2*maxReplyLine))
}

func TestRepliesAreReadToTheirLastLine(t *testing.T) {
	for text, want := range map[string]reply{
		"250 Ok\r\n":                                {250, "", []string{"Ok"}},
		"250\r\n":                                   {250, "", []string{""}},
		"250 2.0.0 Ok\n":                            {250, "2.0.0", []string{"Ok"}},
		"250 2.0.0\r\n":                             {250, "2.0.0", []string{""}},
		"250-a\r\n250-b c\r\n250 d\r\n250 e\r\n":    {250, "", []string{"a", "b c", "d"}},
		"550-5.7.1 one\r\n550 5.7.1 two\r\n":        {550, "5.7.1", []string{"one", "two"}},
		"250 1.2.3 no enhanced code\r\n":            {250, "", []string{"1.2.3 no enhanced code"}},
		"250 2.0.0.1 nor this\r\n":                  {250, "", []string{"2.0.0.1 nor this"}},
		"220 " + strings.Repeat("x", 2000) + "\r\n": {220, "", []string{strings.Repeat("x", 2000)}},
	} {
		if got, err := read(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%.40q: got %+v, %v", text, got, err)
		}
	}
}

func TestWhatIsNoReplyIsGarbage(t *testing.T) {
	for _, text := range []string{
		"\r\n", "hello\r\n", "25\r\n", "2500 a\r\n", "250_a\r\n", "150 a\r\n", "600 a\r\n", "2x0 a\r\n", "-50 a\r\n", " 250 a\r\n",
		"250-a\r\n251 b\r\n", "250-a\r\nb\r\n",
		strings.Repeat("250-a\r\n", maxReplyLines) + "250 b\r\n", "250 " + strings.Repeat("x", 5000) + "\r\n",
		"250 " + strings.Repeat("x", maxReplyLine) + "\r\n",
	} {
		var bad garbage
		if got, err := read(text); !errors.As(err, &bad) {
			t.Errorf("%.40q: got %+v, %v", text, got, err)
		}
	}
}

func TestAReplyCutShortIsNoReply(t *testing.T) {
	for text, want := range map[string]error{
		"": io.EOF, "2": io.ErrUnexpectedEOF, "250 2.0.0 Ok: queued as 343": io.ErrUnexpectedEOF,
		"250-a\r\n": io.ErrUnexpectedEOF, "250-a\r\n250": io.ErrUnexpectedEOF,
	} {
		if got, err := read(text); !errors.Is(err, want) {
			t.Errorf("%q: got %+v, %v, want %v", text, got, err, want)
		}
	}
}

func TestTheQueueIDIsFound(t *testing.T) {
	for text, want := range map[string]string{
		"Ok: queued as 343FD5003CE":                              "343FD5003CE",
		"Ok: queued as 4Xk2zq1234z9sT.":                          "4Xk2zq1234z9sT",
		"OK id=1rABcd-0002xY-1z":                                 "1rABcd-0002xY-1z",
		"OK  1699999999 a1-20020a05600c000000b0040a.12 - gsmtp":  "a1-20020a05600c000000b0040a.12",
		"<x@y> [InternalId=123456789, Hostname=a.b] Queued mail": "123456789",
		"4AEx12ab034567 Message accepted for delivery":           "4AEx12ab034567",
		"ok 1699999999 qp 12345":                                 "12345",
		"Message queued: id 7a8b9c":                              "7a8b9c",
		"OK: queued":                                             "",
		"Ok":                                                     "",
		"Message queued for delivery":                            "",
	} {
		if got := (reply{lines: []string{text}}).queueID(); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestShownTextIsOneCleanLine(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\n\tb\x00c\x1b[31m\u0085d \xff e": "a b c [31m d ? e",
		"":                                    "",
		strings.Repeat("ä", 400):              strings.Repeat("ä", 200) + " …",
	} {
		if got := excerpt(in); got != want {
			t.Errorf("%.30q: got %q", in, got)
		}
	}
}

func TestMaskingLeavesOtherTextAlone(t *testing.T) {
	m := masking(user, password)
	for in, want := range map[string]string{
		"550 5.7.1 no such user":           "550 5.7.1 no such user",
		"with open-sesame-1234, no":        "with ***, no",
		"OPEN-SESAME-1234":                 "***",
		"only open-s is enough":            "only *** is enough",
		"open the door":                    "open the door",
		"open-sesame-1234open-sesame-1234": "***",
	} {
		if got := m.clean(in); got != want {
			t.Errorf("%q: got %q", in, got)
		}
	}
	if got := (mask{}).clean("nothing"); got != "nothing" {
		t.Errorf("the empty mask: %q", got)
	}
	if got := masking("a", "kö").clean("the kö here"); got != "the *** here" {
		t.Errorf("a short password: %q", got)
	}
}
