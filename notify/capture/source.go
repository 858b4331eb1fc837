package capture

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"
)

// source is where a thing comes from.
type source struct {
	raw     string
	scheme  string   // file, exec, http, https
	path    string   // of a file
	args    []string // program and arguments
	address *url.URL
}

// Check says what is wrong with a source as a rule names it; nil: nothing. Its
// errors never show the source: there may be a password in it.
func Check(raw string) error {
	_, err := parse(raw)
	return err
}

func parse(raw string) (source, error) {
	scheme, rest, _ := strings.Cut(raw, ":")
	s := source{raw: raw, scheme: scheme}
	switch scheme {
	case "file":
		if s.path = rest; rest == "" || strings.ContainsRune(rest, 0) {
			return s, errors.New("it names no file, as in \"file:/run/cam/last.jpg\"")
		}
		return s, nil
	case "exec":
		var err error
		s.args, err = split(rest)
		return s, err
	case "http", "https":
		address, err := url.Parse(raw)
		if err != nil || address.Hostname() == "" {
			return s, fmt.Errorf("it is not a web address, as in \"%s://127.0.0.1:8080/snapshot\"", scheme)
		}
		s.address = address
		return s, nil
	}
	return s, errors.New("none of file:, exec:, http:// and https:// begins it")
}

// split makes a program and its arguments of a line. Blanks part them. What is
// between two ' or two " is taken as it stands, blanks and the other kind of
// quote included; there is no other special character, and no shell.
func split(line string) (args []string, err error) {
	var word strings.Builder
	begun, quote := false, rune(0)
	for _, r := range line {
		switch {
		case r == 0:
			return nil, errors.New("there is a zero byte in it")
		case r == quote && quote != 0:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, begun = r, true
		case quote == 0 && (r == ' ' || r == '\t' || r == '\n' || r == '\r'):
			if begun {
				args = append(args, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a %c in it is not closed", quote)
	}
	if begun {
		args = append(args, word.String())
	}
	if len(args) == 0 || args[0] == "" {
		return nil, errors.New("it names no program, as in \"exec:/usr/bin/rpicam-still -o -\"")
	}
	return args, nil
}

// shown is a source as it may stand in a mail and in a log: an address without
// its login and its query, and a program without its arguments. Cameras take
// passwords in all of these.
func shown(raw string) string {
	s, err := parse(raw)
	switch {
	case err != nil: // nobody knows what is in it
		return "…"
	case s.scheme == "file":
		return clean("file:" + s.path)
	case s.scheme == "exec":
		return clean("exec:" + s.args[0])
	}
	bare := url.URL{Scheme: s.scheme, Host: s.address.Host, Path: s.address.Path}
	return clean(bare.String())
}

// login finds what stands between a scheme and a host, query what comes after
// a path.
var (
	login = regexp.MustCompile(`://[^\s"']*@`)
	query = regexp.MustCompile(`(://[^\s"'?]*\?)[^\s"']*`)
)

// clean makes text from elsewhere fit for a sentence: one line, not long, and
// without the secrets of addresses.
func clean(text string) string {
	text = login.ReplaceAllString(text, "://***@")
	text = query.ReplaceAllString(text, "$1***")
	text = strings.ToValidUTF8(text, "?")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	const most = 200
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return strings.TrimRight(strings.TrimSpace(text), ".")
}

// stem is a source's name before its content is known.
func (s source) stem(index int) string {
	switch s.scheme {
	case "file":
		if name := tidy(path.Base(s.path)); name != "" {
			return name
		}
	case "http", "https":
		if name := tidy(path.Base(s.address.Path)); name != "" {
			return name
		}
	}
	return fmt.Sprintf("camera-%d", index+1)
}

// stemsOf names an event's sources, each differently.
func stemsOf(all []string) []string {
	stems := make([]string, len(all))
	taken := map[string]bool{}
	for i, raw := range all {
		s, err := parse(raw)
		if err != nil {
			s = source{}
		}
		stems[i] = s.stem(i)
		base, ending := parted(stems[i])
		if taken[strings.ToLower(base)] {
			base = fmt.Sprintf("%s-%d", base, i+1)
			stems[i] = base + ending
		}
		taken[strings.ToLower(base)] = true
	}
	return stems
}
