package capture

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/textproto"
	"strconv"
	"strings"
)

// firstPart reads the first part of a body whose parts replace each other
// (multipart/x-mixed-replace), as cameras send moving pictures. It goes by the
// part's length where there is one, and so does not wait for the next picture.
//
// mime/multipart is stricter than cameras are: some write the two dashes of the
// delimiter into the boundary parameter, or name another boundary than they use.
func firstPart(r io.Reader, boundary string, most int) ([]byte, error) {
	const headerMost = 16 << 10
	in := bufio.NewReader(io.LimitReader(r, int64(most)+2*headerMost))
	if err := skipToDelimiter(in, headerMost); err != nil {
		return nil, err
	}
	header, err := textproto.NewReader(in).ReadMIMEHeader()
	if err != nil {
		return nil, noPart(err)
	}
	if length, err := strconv.ParseInt(strings.TrimSpace(header.Get("Content-Length")), 10, 64); err == nil && length >= 0 {
		if length > int64(most) {
			return nil, tooLarge(most)
		}
		data := make([]byte, length)
		_, err := io.ReadFull(in, data)
		return data, err
	}
	word := strings.Trim(boundary, "-")
	if word == "" {
		return nil, errNoPart
	}
	return upToDelimiter(in, []byte("--"+word), most)
}

// errNoPart is an answer that says it has parts, and has none.
const errNoPart = fault("gave a moving picture without a picture in it")

// noPart is a connection that broke, or else an answer without parts.
func noPart(err error) error {
	var malformed textproto.ProtocolError
	if errors.Is(err, io.EOF) || errors.As(err, &malformed) {
		return errNoPart
	}
	return err
}

// skipToDelimiter reads up to and with the first line that begins with two
// dashes.
func skipToDelimiter(in *bufio.Reader, most int) error {
	for skipped := 0; skipped < most; {
		line, err := in.ReadSlice('\n')
		skipped += len(line)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return noPart(err)
		case bytes.HasPrefix(line, []byte("--")):
			return nil
		}
	}
	return errNoPart
}

// upToDelimiter reads a part that does not say how long it is: up to the line
// that begins with the delimiter, or to the end.
func upToDelimiter(in *bufio.Reader, delimiter []byte, most int) ([]byte, error) {
	var data []byte
	for {
		line, err := in.ReadSlice('\n')
		searched := max(0, len(data)-len(delimiter))
		data = append(data, line...)
		if end := lineBefore(data, searched, delimiter); end >= 0 {
			data, err = data[:end], io.EOF
		}
		switch {
		case len(data) > most+len(delimiter)+4: // with what may turn out to be the delimiter
			return nil, tooLarge(most)
		case errors.Is(err, io.EOF) && len(data) > most:
			return nil, tooLarge(most)
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// lineBefore finds where the line ends that comes before the delimiter, which
// may have more dashes than two; -1: there is none from the place on.
func lineBefore(data []byte, from int, delimiter []byte) int {
	for {
		at := bytes.Index(data[from:], delimiter)
		if at < 0 {
			return -1
		}
		before := bytes.TrimRight(data[:from+at], "-")
		if without, found := bytes.CutSuffix(before, []byte("\n")); found {
			return len(bytes.TrimSuffix(without, []byte("\r")))
		}
		from += at + 1
	}
}
