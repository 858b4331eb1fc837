package config

import (
	"bytes"
	"errors"
	"strings"

	"github.com/BurntSushi/toml"
)

// syntax parses the text. The TOML parser stops at the first mistake, so this
// one alone is told; and it quotes what it stumbled over, which may be a
// password, so it is told in our words.
func (c *check) syntax(text []byte) (map[string]any, bool) {
	if len(text) > maxFile {
		c.wrong("", "", "the file is larger than %d KB", maxFile>>10)
		return nil, false
	}
	places, deep := findPlaces(string(text))
	if c.places = places; deep > 0 {
		c.wrong("", "", "this is nested too deeply").Line = deep
		return nil, false
	}
	var table map[string]any
	_, err := toml.Decode(string(text), &table)
	if err == nil && len(table) > 0 {
		return table, true
	}
	if err == nil {
		c.wrong("", "Begin with pinbell.example.toml.", "nothing is set in this file")
		return nil, false
	}
	sentence, hint := plain(err.Error())
	p := c.wrong("", hint, "%s", sentence)
	if at, ok := errors.AsType[toml.ParseError](err); ok {
		p.Line = min(max(1, at.Position.Line), 1+bytes.Count(text, []byte("\n")))
		p.Column = max(0, at.Position.Col)
	}
	return nil, false
}

// mistakes are what the TOML parser says, by words that tell its messages
// apart, the more telling ones first, and what is said instead.
var mistakes = []struct{ words, sentence, hint string }{
	{"NULL", "the file is not text in UTF-8", "Save it as UTF-8."},
	{"UTF-8", "the file is not text in UTF-8", "Save it as UTF-8."},
	{"control characters", "there is a control character in the file", "Take it out."},
	{"already been defined", "this key or section stands twice", "Keep one of them."},
	{"already created", "this name is a key and a section at once", "Keep one of them."},
	{"is not a table", "this name is a key and a section at once", "Keep one of them."},
	{"invalid escape", `a backslash in "text" begins an escape, and this is none`, "Put the text in single quotes, or write two backslashes."},
	{"hexadecimal digits after", `a backslash in "text" begins an escape, and this is none`, "Put the text in single quotes, or write two backslashes."},
	{"strings cannot contain newlines", "a text ends without its closing quote", "Close it on the same line."},
	{`expected '"`, "a text ends without its closing quotes", "Close it."},
	{`expected "'`, "a text ends without its closing quotes", "Close it."},
	{"array terminator", "a list's entries need commas between them and a ] at the end", `It is written as in to = ["alex@icloud.com", "sam@icloud.com"].`},
	{"inline table", "this needs commas between its entries and a } at the end, on one line", "It is written as in offset = { temperature = -0.4 }."},
	{"unexpected comma", "there is a comma too many", ""},
	{"table", "a section's name stands in brackets", "It is written as in [mail] or [[sensor]]."},
	{"expected '.' or '='", "a key needs = and a value", `It is written as in name = "garage".`},
	{"key separator", "a key needs = and a value", `It is written as in name = "garage".`},
	{"key name appears blank", "there is no key in front of this =", ""},
	{"top-level item to end", "there is more on this line than a key and its value", "Text stands in quotes, and each key on a line of its own."},
	{"expected value", "there is no value here, or it is not in quotes", `Text stands in quotes, as in name = "garage".`},
	{"out of range", "this number is too large", ""},
	{"datetime", "this is not a value", "Text stands in quotes."},
	{"float", "this is not a number", "Text stands in quotes."},
	{"digit", "this is not a number", "Text stands in quotes."},
	{"number", "this is not a number", "Text stands in quotes."},
}

func plain(message string) (sentence, hint string) {
	for _, m := range mistakes {
		if strings.Contains(message, m.words) {
			return m.sentence, m.hint
		}
	}
	return "this is not TOML", `A line is a section, as in [mail], or a key and its value, as in name = "garage".`
}
