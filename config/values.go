package config

import (
	"fmt"
	"maps"
	"math"
	"net/mail"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"pinbell/notify"
	"pinbell/sensors"
)

// Percent is a share, from 0 to 100.
type Percent int

// Offset holds what is added to a sensor's values, by quantity, in its unit.
type Offset map[sensors.Quantity]float64

// readers are the types that have a way of being written of their own.
var readers map[reflect.Type]func(*check, string, any, reflect.Value, tags)

func init() { // an initializer would refer to itself through check.value
	readers = map[reflect.Type]func(*check, string, any, reflect.Value, tags){
		reflect.TypeFor[time.Duration]():    (*check).duration,
		reflect.TypeFor[Percent]():          (*check).percent,
		reflect.TypeFor[Offset]():           (*check).offset,
		reflect.TypeFor[sensors.Quantity](): (*check).quantity,
		reflect.TypeFor[mail.Address]():     (*check).address,
		reflect.TypeFor[States]():           (*check).states,
		reflect.TypeFor[notify.Rate]():      (*check).rate,
	}
}

// maxText is the length of a text without a bound of its own, in characters.
const maxText = 256

// text reads text: not empty, bounded, and without control characters, which
// would go into mail headers, logs and terminals.
func (c *check) text(path string, in any, tag tags) (string, bool) {
	text, ok := in.(string)
	if !ok {
		c.wrong(path, quoteHint(path, in, tag), "text is wanted here, not %s", describe(in))
		return "", false
	}
	most, err := strconv.Atoi(tag.Get("max"))
	if err != nil {
		most = maxText
	}
	words := strings.Fields(tag.Get("oneof"))
	switch {
	case text == "":
		c.wrong(path, "", "this is empty")
	case utf8.RuneCountInString(text) > most:
		c.wrong(path, "", "this has %d characters, the most is %d", utf8.RuneCountInString(text), most)
	case strings.IndexFunc(text, func(r rune) bool { return hidden(r, tag.Get("lines") != "") }) >= 0:
		c.wrong(path, "", "there is a line break or another control character in it")
	case len(words) > 0 && !slices.Contains(words, text):
		near, ok := nearest(text, words)
		c.wrong(path, did(near, ok, choices(tag)), "%q is not known here", text)
	default:
		return text, true
	}
	return "", false
}

// hidden reports whether a character acts on what shows it, instead of being
// shown: controls, line and paragraph separators, changes of direction.
func hidden(r rune, linesAllowed bool) bool {
	if linesAllowed && (r == '\n' || r == '\r' || r == '\t') {
		return false
	}
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

// quoteHint shows a number or a truth as the text that was probably meant,
// unless it may be a secret, or cannot be right.
func quoteHint(path string, in any, tag tags) string {
	if tag.Get("secret") != "" || tag.Get("oneof") != "" || strings.HasSuffix(path, "]") {
		return ""
	}
	switch in.(type) {
	case int64, bool:
		return fmt.Sprintf("Try %s = \"%v\".", leaf(path), in)
	}
	return ""
}

// whole reads an integer within the field's size and bounds.
func (c *check) whole(path string, in any, out reflect.Value, tag tags) {
	n, ok := in.(int64)
	if !ok {
		c.wrong(path, wholeHint(path, in), "a whole number is wanted here, not %s", describe(in))
		return
	}
	least, most := int64(math.MinInt32), int64(math.MaxInt32)
	if out.Kind() == reflect.Uint16 {
		least, most = 0, math.MaxUint16
	}
	if bound, err := strconv.ParseInt(tag.Get("min"), 10, 64); err == nil {
		least = bound
	}
	if bound, err := strconv.ParseInt(tag.Get("max"), 10, 64); err == nil {
		most = bound
	}
	if n < least || n > most {
		c.wrong(path, fmt.Sprintf("It goes from %d to %d.", least, most), "%d is out of range", n)
		return
	}
	if out.CanUint() {
		out.SetUint(uint64(n))
	} else {
		out.SetInt(n)
	}
}

func wholeHint(path string, in any) string {
	switch in := in.(type) {
	case float64:
		if in == math.Trunc(in) && math.Abs(in) < 1e9 {
			return fmt.Sprintf("Try %s = %d.", leaf(path), int64(in))
		}
	case string:
		if n, err := strconv.ParseInt(in, 0, 32); err == nil {
			return fmt.Sprintf("Numbers stand without quotes. Try %s = %s.", leaf(path), decimalOrHex(in, n))
		}
	}
	return ""
}

// decimalOrHex keeps an address in the form that its owner thinks in.
func decimalOrHex(text string, n int64) string {
	if strings.HasPrefix(strings.ToLower(text), "0x") {
		return fmt.Sprintf("0x%02x", n)
	}
	return strconv.FormatInt(n, 10)
}

// number reads a finite number.
func (c *check) number(path string, in any) (float64, bool) {
	switch in := in.(type) {
	case int64:
		return float64(in), true
	case float64:
		if !math.IsNaN(in) && !math.IsInf(in, 0) {
			return in, true
		}
		c.wrong(path, "", "%v is not a number to reckon with", strings.ToLower(fmt.Sprint(in)))
		return 0, false
	case string:
		if _, err := strconv.ParseFloat(in, 64); err == nil {
			c.wrong(path, "Numbers stand without quotes.", "a number is wanted here, not text")
			return 0, false
		}
	}
	c.wrong(path, "", "a number is wanted here, not %s", describe(in))
	return 0, false
}

func (c *check) percent(path string, in any, out reflect.Value, tag tags) {
	text, isText := in.(string)
	digits, hasSign := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(digits)
	most, boundErr := strconv.Atoi(tag.Get("max"))
	if boundErr != nil {
		most = 100
	}
	switch {
	case !isText || !hasSign || err != nil:
		c.wrong(path, percentHint(path, in), "shares are text with a whole number and a percent sign")
	case n < 0 || n > most:
		c.wrong(path, fmt.Sprintf("It goes from 0%% to %d%%.", most), "%d%% is out of range", n)
	default:
		out.SetInt(int64(n))
	}
}

func percentHint(path string, in any) string {
	share := 20.0
	switch in := in.(type) {
	case int64:
		share = float64(in)
	case float64:
		share = in * 100
	case string:
		if f, err := strconv.ParseFloat(in, 64); err == nil {
			share = f
		}
	}
	if !(share >= 0 && share <= 100) {
		share = 20
	}
	return fmt.Sprintf("Try %s = \"%.0f%%\".", leaf(path), share)
}

func (c *check) quantity(path string, in any, out reflect.Value, tag tags) {
	text, ok := c.text(path, in, tag)
	if !ok {
		return
	}
	if q, known := sensors.ParseQuantity(text); known {
		out.SetUint(uint64(q))
		return
	}
	c.wrong(path, quantityHint(text), "there is no quantity %q", text)
}

func quantityHint(word string) string {
	var names []string
	for q := sensors.Temperature; q < sensors.Quantities; q++ {
		if q != sensors.Level { // a level is what a line has, not what a file does
			names = append(names, q.String())
		}
	}
	near, ok := nearest(word, names)
	return did(near, ok, "There are "+strings.Join(names, ", ")+".")
}

func (c *check) offset(path string, in any, out reflect.Value, _ tags) {
	table, ok := in.(map[string]any)
	if !ok {
		c.wrong(path, "Try offset = { temperature = -0.4 }.", "quantities and numbers are wanted here, not %s", describe(in))
		return
	}
	offset := Offset{}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		at := join(path, key)
		q, known := sensors.ParseQuantity(key)
		if !known {
			c.wrong(at, quantityHint(key), "there is no quantity of this name")
			continue
		}
		if f, ok := c.number(at, table[key]); ok {
			offset[q] = f
		}
	}
	out.Set(reflect.ValueOf(offset))
}
