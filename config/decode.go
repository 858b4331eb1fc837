package config

import (
	"encoding"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"pinbell/notify/rules"
)

// Tags of the fields in File's types, which say what the file may hold:
//
//	toml      the key; "-" for a field that is worked out
//	required  "yes": there is no default
//	default   as text; a list's entries are separated by spaces
//	oneof     the allowed words, separated by spaces
//	min, max  a number's or duration's bounds; of a text, its greatest length
//	count     a list's greatest length; its other tags are its entries'
//	unit      the unit that a bare number as a duration was probably meant in
//	lines     "many": text that may have line breaks
//	of        the kinds of driver that the key belongs to
//	doc       what it means, for people
type tags = reflect.StructTag

// keys gives the fields of a struct that have a key, those of an embedded
// struct among them: its keys stand in the same section.
func keys(of reflect.Value) iter.Seq2[tags, reflect.Value] {
	return func(yield func(tags, reflect.Value) bool) { eachKey(of, yield) }
}

func eachKey(of reflect.Value, yield func(tags, reflect.Value) bool) bool {
	for i := range of.NumField() {
		field := of.Type().Field(i)
		on := true
		switch {
		case field.Anonymous:
			on = eachKey(of.Field(i), yield)
		case field.Tag.Get("toml") != "-": // which is a key that TOML allows
			on = yield(field.Tag, of.Field(i))
		}
		if !on {
			return false
		}
	}
	return true
}

// decode fills a struct from a TOML table, strictly: it notes every key that
// does not belong and every value that does not fit.
func (c *check) decode(path string, in map[string]any, out reflect.Value) {
	var known []string
	for tag := range keys(out) {
		known = append(known, tag.Get("toml"))
	}
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if !slices.Contains(known, key) {
			c.unknown(path, key, in[key], known)
		}
	}
	for tag, field := range keys(out) {
		key := tag.Get("toml")
		if value, written := in[key]; written {
			c.value(join(path, key), value, field, tag)
		} else {
			c.absent(join(path, key), field, tag)
		}
	}
}

// absent gives a key that is not written its default, or notes that it has
// none. A sensor's keys of single drivers get theirs when the driver is known.
func (c *check) absent(path string, out reflect.Value, tag tags) {
	switch isSection := out.Kind() == reflect.Struct && out.Type().PkgPath() == configPackage; {
	case tag.Get("required") == "" && isSection:
		c.decode(path, nil, out)
	case tag.Get("required") == "" && tag.Get("of") == "":
		preset(out, tag)
	case tag.Get("required") == "" || !c.missing(path):
	case isSection:
		c.wrong(path, "Without it nobody can be told.", "there is no section [%s]", path)
	default:
		c.wrong(path, choices(tag), "%s is missing", leaf(path))
	}
}

var configPackage = reflect.TypeFor[File]().PkgPath()

// choices lists the words that a key can have, where there are only some.
func choices(tag tags) string {
	if words := tag.Get("oneof"); words != "" {
		return "It is one of " + strings.ReplaceAll(words, " ", ", ") + "."
	}
	return ""
}

// preset gives a field that was not written its default.
func preset(out reflect.Value, tag tags) {
	text, ok := tag.Lookup("default")
	if !ok {
		return
	}
	var in any = text
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		in = n
	}
	if kind := out.Kind(); kind == reflect.Slice || kind == reflect.Array {
		var words []any
		for word := range strings.FieldsSeq(text) {
			words = append(words, word)
		}
		in = words
	}
	var c check
	if c.value("default", in, out, tag); len(c.found) > 0 {
		panic("config: a default does not fit: " + c.found[0].Sentence)
	}
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// value puts one TOML value into out, or says why it does not fit.
func (c *check) value(path string, in any, out reflect.Value, tag tags) {
	if read, ok := readers[out.Type()]; ok {
		read(c, path, in, out, tag)
		return
	}
	if reflect.PointerTo(out.Type()).Implements(textUnmarshaler) {
		c.named(path, in, out, tag)
		return
	}
	switch out.Kind() {
	case reflect.String:
		if text, ok := c.text(path, in, tag); ok {
			out.SetString(text)
		}
	case reflect.Int, reflect.Uint16:
		c.whole(path, in, out, tag)
	case reflect.Float64:
		if f, ok := c.number(path, in); ok {
			out.SetFloat(f)
		}
	case reflect.Slice:
		c.list(path, in, out, tag)
	case reflect.Struct:
		if table, ok := in.(map[string]any); ok {
			c.decode(path, table, out)
		} else {
			c.wrong(path, "Write "+header(path)+" on a line of its own, and its keys below.", "this is a section, not %s", describe(in))
		}
	default:
		panic("config: no reader for " + out.Type().String())
	}
}

// header is how a section begins; a path that ends in a number is one of
// several.
func header(path string) string {
	if strings.HasSuffix(path, "]") {
		return "[[" + keyName(path) + "]]"
	}
	return "[" + keyName(path) + "]"
}

// list reads an array, or a list of tables.
func (c *check) list(path string, in any, out reflect.Value, tag tags) {
	values, ok := entries(in)
	if _, single := in.(map[string]any); single && out.Type().Elem().Kind() == reflect.Struct {
		c.wrong(path, "Write [["+path+"]] with two brackets: there may be several.", "%s is a list of sections", path)
		return
	} else if !ok {
		hint := fmt.Sprintf("Entries stand in brackets: %s = [ ... ].", leaf(path))
		if text, isText := in.(string); isText {
			hint = fmt.Sprintf("Try %s = [%s].", leaf(path), shown(text))
		}
		c.wrong(path, hint, "a list is wanted here, not %s", describe(in))
		return
	}
	if most, err := strconv.Atoi(tag.Get("count")); err == nil && len(values) > most {
		c.wrong(path, "", "%d entries are too many, the most is %d", len(values), most)
		values = values[:most]
	}
	out.Set(reflect.MakeSlice(out.Type(), len(values), len(values)))
	for i, value := range values {
		c.value(entry(path, i), value, out.Index(i), tag)
	}
}

// entries gives the values of an array, in either of the forms that the TOML
// parser gives them.
func entries(in any) ([]any, bool) {
	switch in := in.(type) {
	case []any:
		return in, true
	case []map[string]any:
		values := make([]any, len(in))
		for i := range in {
			values[i] = in[i]
		}
		return values, true
	}
	return nil, false
}

// named reads a word that stands for a value.
func (c *check) named(path string, in any, out reflect.Value, tag tags) {
	text, ok := c.text(path, in, tag)
	if !ok {
		return
	}
	if err := out.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
		c.wrong(path, "", "%v", err)
	}
}

// describe names a TOML value's kind.
func describe(in any) string {
	switch in.(type) {
	case string:
		return "text"
	case int64:
		return "a number"
	case float64:
		return "a number with a fraction"
	case bool:
		return "true or false"
	case time.Time:
		return "a date or time"
	case []any:
		return "a list"
	case []map[string]any:
		return "a list of sections"
	}
	return "a section"
}

// unknown says of a key that it is none, and what it may have been meant for.
func (c *check) unknown(path, key string, in any, known []string) {
	at := join(path, key)
	near, ok := nearest(key, known)
	elsewhere, isElsewhere := misplaced[keyName(at)]
	switch {
	case isRoad(path) && strings.Contains(key, "pass") && !strings.HasPrefix(near, "pass"):
		c.meant[path+".password_file"] = true
		file := "mail.password"
		if path != "mail" {
			file = "fallback.password"
		}
		c.wrong(at, fmt.Sprintf("Put it alone into a file, chmod 600 it, and write password_file = %q.", file),
			"the password does not belong in this file")
		return
	case isElsewhere:
		c.wrong(at, elsewhere[1], "%s", elsewhere[0])
		return
	case path == "" && ok && isSection(in):
		c.wrong(at, "Did you mean "+sections[near]+"?", "there is no section of this name")
	case path == "" && isSection(in):
		c.wrong(at, "The sections are "+allSections+".", "there is no section of this name")
	case path == "":
		c.wrong(at, "Keys stand below the section that they belong to: "+allSections+".", "this key stands outside of any section")
	default:
		c.wrong(at, did(near, ok, "Known here are "+strings.Join(known, ", ")+"."), "there is no key of this name")
	}
	if ok {
		c.meant[join(path, near)] = true
	}
}

// misplaced are keys and sections that people look for in one place and that
// stand in another.
var misplaced = map[string][2]string{
	"mail.fallback.to": {"a fallback carries the same mails to the same people", "Leave it out: to stands in [mail], or in a rule."},
	"fallback":         {"there is no section of this name", "Did you mean [[mail.fallback]]?"},
	"templates":        {"there is no section of this name", "Did you mean [mail.templates]?"},
	"limits.at_most":   {"at_most is of a single rule", "Put it below the [[rule]] that it is for; [limits] has per_hour and per_day."},
	"rule.per_hour":    {"per_hour is of all rules together, in [limits]", `For this rule alone, try at_most = "3 per 1h".`},
	"rule.per_day":     {"per_day is of all rules together, in [limits]", `For this rule alone, try at_most = "10 per 24h".`},
}

// isRoad reports whether the section at path has the keys of a Road.
func isRoad(path string) bool { return path == "mail" || keyName(path) == "mail.fallback" }

// isSection reports whether a value was written as [name] or [[name]].
func isSection(in any) bool {
	switch in.(type) {
	case map[string]any, []map[string]any:
		return true
	}
	return false
}

var sections = map[string]string{
	"device": "[device]", "mail": "[mail]", "time": "[time]", "limits": "[limits]", "sensor": "[[sensor]]", "rule": "[[rule]]",
}

const allSections = "[device], [mail], [time], [limits], [[sensor]], [[rule]]"

func did(near string, ok bool, otherwise string) string {
	if ok {
		return "Did you mean " + near + "?"
	}
	return otherwise
}

// nearest looks only at words short enough to have been meant.
func nearest(word string, names []string) (string, bool) {
	if len(word) > 64 {
		return "", false
	}
	return rules.Nearest(word, names)
}
