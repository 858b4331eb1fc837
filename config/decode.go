package config

import (
	"encoding"
	"fmt"
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
//	min, max  a number's or duration's bounds, a text's greatest length, a
//	          list's greatest length; entries takes a list's entries' own
//	unit      the unit that a bare number as a duration was probably meant in
//	lines     "many": text that may have line breaks
//	of        the kinds of driver that the key belongs to
//	doc       what it means, for people
type tags = reflect.StructTag

// decode fills a struct from a TOML table, strictly: it notes every key that
// does not belong and every value that does not fit.
func (c *check) decode(path string, in map[string]any, out reflect.Value) {
	known := map[string]bool{}
	for i := range out.NumField() {
		field := out.Type().Field(i)
		key := field.Tag.Get("toml")
		if key == "-" {
			continue
		}
		known[key] = true
		at := join(path, key)
		value, written := in[key]
		switch {
		case written:
			c.value(at, value, out.Field(i), field.Tag)
		case field.Tag.Get("required") != "" && path == "":
			c.wrong(at, "", "there is no section [%s]", key)
		case field.Tag.Get("required") != "":
			c.wrong(at, missing(field.Tag), "%s is missing", key)
		case field.Type.Kind() == reflect.Struct && field.Type.PkgPath() == configPackage:
			c.decode(at, nil, out.Field(i))
		case field.Tag.Get("of") == "":
			preset(out.Field(i), field.Tag)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if !known[key] {
			c.unknown(path, key, in[key], slices.Sorted(maps.Keys(known)))
		}
	}
}

var configPackage = reflect.TypeFor[File]().PkgPath()

func missing(tag tags) string {
	if words := tag.Get("oneof"); words != "" {
		return "It is one of " + strings.ReplaceAll(words, " ", ", ") + "."
	}
	return ""
}

// preset gives a field that was not written its default, which goes through
// no checks: the defaults are this package's own.
func preset(out reflect.Value, tag tags) {
	text := tag.Get("default")
	if text == "" {
		return
	}
	if out.Kind() == reflect.Slice {
		for word := range strings.FieldsSeq(text) {
			out.Set(reflect.Append(out, reflect.Zero(out.Type().Elem())))
			preset(out.Index(out.Len()-1), tags(fmt.Sprintf("default:%q", word)))
		}
		return
	}
	var any any = text
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		any = n
	}
	var quiet check
	quiet.value("default", any, out, "")
	if len(quiet.found) > 0 {
		panic("config: default does not fit: " + quiet.found[0].Sentence)
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
			c.wrong(path, "Write ["+path+"] on a line of its own, and its keys below.", "this is a section, not %s", describe(in))
		}
	default:
		panic("config: no reader for " + out.Type().String())
	}
}

// list reads an array, or a list of tables.
func (c *check) list(path string, in any, out reflect.Value, tag tags) {
	values, ok := entries(in)
	if _, single := in.(map[string]any); single && out.Type().Elem().Kind() == reflect.Struct {
		c.wrong(path, "Write [["+path+"]] with two brackets: there may be several.", "%s is a list of sections", path)
		return
	} else if !ok {
		c.wrong(path, fmt.Sprintf("Entries stand in brackets: %s = [ ... ].", leaf(path)), "a list is wanted here, not %s", describe(in))
		return
	}
	if most, err := strconv.Atoi(tag.Get("max")); err == nil && len(values) > most {
		c.wrong(path, "", "%d entries are too many, the most is %d", len(values), most)
		values = values[:most]
	}
	out.Set(reflect.MakeSlice(out.Type(), len(values), len(values)))
	for i, value := range values {
		c.value(entry(path, i), value, out.Index(i), tags(strings.ReplaceAll(string(tag), "max:", "list:")))
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
	_, isTable := in.(map[string]any)
	_, isTables := in.([]map[string]any)
	switch near, ok := nearest(key, known); {
	case path == "mail" && (key == "password" || key == "pass"):
		c.wrong(at, `Put it alone into a file, chmod 600 it, and write password_file = "mail.password".`,
			"the password does not belong in this file")
	case path == "" && (isTable || isTables):
		c.wrong(at, did(near, ok, "The sections are "+sections+"."), "there is no section of this name")
	case path == "":
		c.wrong(at, "Keys stand below the section that they belong to: "+sections+".", "this key stands outside of any section")
	default:
		c.wrong(at, did(near, ok, "Known here are "+strings.Join(known, ", ")+"."), "there is no key of this name")
	}
}

const sections = "[device], [mail], [time], [limits], [[sensor]], [[rule]]"

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
