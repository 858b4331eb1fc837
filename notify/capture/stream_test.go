package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

func TestMovingPictureGivesItsFirstPart(t *testing.T) {
	const body = "a\r\n--b\r\nc"
	for name, test := range map[string]struct{ stream, boundary, want string }{
		"with a length, and nothing after it": {"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 8\r\n\r\na\r\n--b\r\n", "frame", "a\r\n--b\r\n"},
		"without a length":                    {"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + body + "\r\n--frame\r\n\r\nsecond", "frame", body},
		"after a preamble":                    {"hello\r\n\r\n--frame\r\n\r\n" + body + "\r\n--frame--\r\n", "frame", body},
		"dashes in the parameter":             {"--frame\r\n\r\n" + body + "\r\n--frame\r\n", "--frame", body},
		"dashes in the delimiter":             {"----frame\r\n\r\n" + body + "\r\n----frame\r\n", "--frame", body},
		"lines that end in LF":                {"--frame\nX: y\n\n" + body + "\n--frame\n", "frame", body},
		"another delimiter than named":        {"--other\r\nContent-Length: 1\r\n\r\nx", "frame", "x"},
		"no second delimiter":                 {"--frame\r\n\r\n" + body, "frame", body},
		"the word stands in the picture":      {"--frame\r\n\r\nx--frame\r\n--framx\r\n--frame\r\n", "frame", "x--frame\r\n--framx"},
		"a long line":                         {"--frame\r\n\r\n" + strings.Repeat("x", 9000) + "\r\n--frame\r\n", "frame", strings.Repeat("x", 9000)},
	} {
		for reading, r := range map[string]io.Reader{"whole": strings.NewReader(test.stream), "byte by byte": iotest.OneByteReader(strings.NewReader(test.stream))} {
			if got, err := firstPart(r, test.boundary, 10000); string(got) != test.want || err != nil {
				t.Errorf("%s, read %s: %q, %v, want %q", name, reading, got, err, test.want)
			}
		}
	}
}

func TestMovingPictureThatIsNoneIsAFault(t *testing.T) {
	for name, test := range map[string]struct{ stream, boundary, want string }{
		"nothing":                    {"", "frame", string(errNoPart)},
		"no delimiter":               {strings.Repeat("x\r\n", 90000), "frame", string(errNoPart)},
		"no header's end":            {"--frame\r\nX: y\r\n", "frame", string(errNoPart)},
		"a broken header":            {"--frame\r\nnonsense\r\n\r\n", "frame", string(errNoPart)},
		"no boundary and no length":  {"--\r\n\r\nx", "", string(errNoPart)},
		"announced to be large":      {"--frame\r\nContent-Length: 99999999999\r\n\r\nx", "frame", "is larger than 1 KB"},
		"large":                      {"--frame\r\n\r\n" + strings.Repeat("x", 1001) + "\r\n--frame", "frame", "is larger than 1 KB"},
		"without an end":             {"--frame\r\n\r\n" + strings.Repeat("x", 90000), "frame", "is larger than 1 KB"},
		"cut off":                    {"--frame\r\nContent-Length: 5\r\n\r\nx", "frame", io.ErrUnexpectedEOF.Error()},
		"a header that does not end": {"--frame\r\n" + strings.Repeat("X: y\r\n", 90000), "frame", string(errNoPart)},
	} {
		if got, err := firstPart(strings.NewReader(test.stream), test.boundary, 1000); err == nil || err.Error() != test.want {
			t.Errorf("%s: %q, %v, want %s", name, got, err, test.want)
		}
	}
	broken := errors.New("broken")
	if _, err := firstPart(io.MultiReader(strings.NewReader("--frame\r\n\r\nx"), iotest.ErrReader(broken)), "frame", 1000); !errors.Is(err, broken) {
		t.Errorf("a broken connection: %v", err)
	}
}

// TestMovingPictureThatNeverEndsIsTakenAtOnce has a camera that holds its next
// picture back.
func TestMovingPictureThatNeverEndsIsTakenAtOnce(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	address := serve(t, func(conn net.Conn) {
		bufio.NewReader(conn).ReadString('\n')
		fmt.Fprintf(conn, "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=--cam\r\n\r\n--cam\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s", len(jpeg), jpeg)
		<-hold
	})
	got := open(t, Config{}).one("http://" + address + "/stream")
	if got.Fault != "" || got.Name != "stream.jpg" || string(got.Data) != jpeg {
		t.Errorf("%s %s %q", got.Name, got.Fault, got.Data)
	}
}

func FuzzFirstPart(f *testing.F) {
	f.Add("--frame\r\nContent-Length: 3\r\n\r\nabc", "frame")
	f.Add("x\n----frame\n\nabc\n----frame--\n", "--frame")
	f.Add("--frame\r\n\r\nx--frame\r\n--frame", "frame")
	f.Fuzz(func(t *testing.T, stream, boundary string) {
		data, err := firstPart(strings.NewReader(stream), boundary, 100)
		if len(data) > 100 || err == nil && !strings.Contains(stream, string(data)) {
			t.Errorf("%q, %v", data, err)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add(`/usr/bin/rpicam-still -o - --text "it's 5 o'clock"`)
	f.Add(`'a'"b" '' c`)
	f.Fuzz(func(t *testing.T, line string) {
		args, err := split(line)
		if err == nil && (len(args) == 0 || args[0] == "") {
			t.Errorf("%q gives %q", line, args)
		}
		total := 0
		for _, arg := range args {
			total += len(arg)
		}
		if total > 3*len(line) { // a broken byte becomes U+FFFD
			t.Errorf("%q gives more than there is: %q", line, args)
		}
	})
}
