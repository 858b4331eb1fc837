package config

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// place is where a key stands in the file, and where its value begins.
type place struct {
	line, column         int // of the key, from 1; columns in characters
	textLine, textColumn int // of the first character of a value that is text
	verbatim             bool
	// verbatim: the text stands in the file as it is, without escapes, so
	// that lines and columns in it are lines and columns of the file.
	implied bool // only by a section inside it, until its own header comes
}

// maxDepth bounds how deep keys and values may be nested: the TOML parser's
// time grows with the square of it.
const maxDepth = 16

// findPlaces finds the place of every key path ("sensor[1].pull") in a text
// that the TOML parser accepts; in any other text it finds what it can. It
// stops where the text is nested too deeply, and gives that line, else 0.
func findPlaces(text string) (places map[string]place, deep int) {
	s := &scanner{text: text, places: map[string]place{}, lists: map[string]int{}, starts: []int{0}}
	for i := range len(text) {
		if text[i] == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	s.file()
	return s.places, s.deep
}

type scanner struct {
	text   string
	at     int
	starts []int // offset of each line
	places map[string]place
	lists  map[string]int // arrays of tables: how many there are so far
	depth  int            // of the value that is being read
	deep   int            // the line where depth was too much, 0 for none
}

// join adds a key to a path; a key that is not bare is quoted.
func join(path, key string) string {
	if !bare(key) {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func bare(key string) bool {
	return key != "" && strings.IndexFunc(key, func(r rune) bool { return r >= utf8.RuneSelf || !bareByte(byte(r)) }) < 0
}

func bareByte(c byte) bool {
	return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func entry(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// position turns an offset into a line and a column.
func (s *scanner) position(offset int) (line, column int) {
	line = sort.SearchInts(s.starts, offset+1)
	return line, utf8.RuneCountInString(s.text[s.starts[line-1]:offset]) + 1
}

func (s *scanner) mark(path string, offset int) {
	if at, known := s.places[path]; !known || at.implied {
		line, column := s.position(offset)
		s.places[path] = place{line: line, column: column, textLine: line, textColumn: column}
	}
}

func (s *scanner) file() {
	section := ""
	for s.at = len(s.text) - len(strings.TrimPrefix(s.text, "\ufeff")); s.blank(); {
		if s.text[s.at] == '[' {
			section = s.header()
		} else {
			s.pair(section)
		}
		s.toLineEnd()
	}
}

// tooDeep ends the scan when something is nested too deeply.
func (s *scanner) tooDeep(depth int) bool {
	if depth > maxDepth {
		s.deep, _ = s.position(s.at)
		s.at = len(s.text)
	}
	return s.at == len(s.text)
}

// blank skips space, line breaks and comments; false at the end of the text.
func (s *scanner) blank() bool {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		case '#':
			s.toLineEnd()
		default:
			return true
		}
	}
	return false
}

func (s *scanner) toLineEnd() {
	if i := strings.IndexByte(s.text[s.at:], '\n'); i >= 0 {
		s.at += i
	} else {
		s.at = len(s.text)
	}
}

// take moves over prefix if it comes next.
func (s *scanner) take(prefix string) bool {
	if strings.HasPrefix(s.text[s.at:], prefix) {
		s.at += len(prefix)
		return true
	}
	return false
}

// header reads [a.b] or [[a.b]] and gives its path.
func (s *scanner) header() string {
	start := s.at
	list := s.take("[[")
	_ = list || s.take("[")
	path := ""
	keys := s.keys()
	for i, key := range keys {
		path = join(path, key)
		last := i == len(keys)-1
		if last && list {
			s.mark(path, start)
			s.lists[path]++
		}
		if n := s.lists[path]; n > 0 {
			path = entry(path, n-1)
		}
		if _, known := s.places[path]; last || !known {
			s.mark(path, start)
			p := s.places[path]
			p.implied = !last
			s.places[path] = p
		}
	}
	return path
}

// pair reads key = value inside the table at path.
func (s *scanner) pair(path string) {
	start := s.at
	for _, key := range s.keys() {
		path = join(path, key)
		s.mark(path, start)
	}
	if s.take("=") {
		s.value(path)
	}
}

// keys reads a dotted key.
func (s *scanner) keys() []string {
	var keys []string
	for {
		s.space()
		start := s.at
		var key string
		if quote, ok := s.quote(); ok {
			raw := s.quoted(quote)
			key = raw
			if plain, err := strconv.Unquote(`"` + raw + `"`); quote == `"` && err == nil {
				key = plain
			}
		} else {
			for s.at < len(s.text) && bareByte(s.text[s.at]) {
				s.at++
			}
			key = s.text[start:s.at]
		}
		if s.at == start {
			return keys
		}
		keys = append(keys, key)
		if s.space(); !s.take(".") || s.tooDeep(len(keys)) {
			return keys
		}
	}
}

func (s *scanner) space() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\t') {
		s.at++
	}
}

// quote takes the quotes that open a text.
func (s *scanner) quote() (string, bool) {
	for _, q := range []string{`"""`, `'''`, `"`, `'`} {
		if s.take(q) {
			return q, true
		}
	}
	return "", false
}

// quoted reads up to and over the closing quotes and gives what is between.
func (s *scanner) quoted(quote string) string {
	start := s.at
	for s.at < len(s.text) && !strings.HasPrefix(s.text[s.at:], quote) {
		if s.text[s.at] == '\\' && quote[0] == '"' {
			s.at++
		}
		s.at++
	}
	s.at = min(s.at, len(s.text))
	raw := s.text[start:s.at]
	s.take(quote)
	for len(quote) == 3 && s.take(quote[:1]) { // the text itself may end in quotes
	}
	return raw
}

func (s *scanner) value(path string) {
	s.depth++
	defer func() { s.depth-- }()
	if s.space(); s.tooDeep(s.depth) {
		return
	}
	if quote, ok := s.quote(); ok {
		s.textValue(path, quote)
		return
	}
	switch {
	case s.take("["):
		for i := 0; s.blank() && !s.take("]"); i++ {
			before := s.at
			s.mark(entry(path, i), s.at)
			s.value(entry(path, i))
			if s.blank(); !s.take(",") && s.at == before {
				return
			}
		}
	case s.take("{"):
		for s.blank() && !s.take("}") {
			before := s.at
			s.pair(path)
			if s.blank(); !s.take(",") && s.at == before {
				return
			}
		}
	default:
		for s.at < len(s.text) && !strings.ContainsRune(",]}#\n", rune(s.text[s.at])) {
			s.at++
		}
	}
}

// textValue notes where a text begins; a line break right after opening
// triple quotes is not part of it.
func (s *scanner) textValue(path, quote string) {
	if len(quote) == 3 {
		_ = s.take("\r\n") || s.take("\n")
	}
	p := s.places[path]
	p.textLine, p.textColumn = s.position(s.at)
	raw := s.quoted(quote)
	p.verbatim = quote[0] == '\'' || !strings.Contains(raw, `\`)
	s.places[path] = p
}
