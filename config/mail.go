package config

import (
	"net/mail"
	"path/filepath"
	"reflect"
	"strings"
)

// mail checks what the keys of [mail] mean together, and its fallbacks.
func (c *check) mail(m *Mail) {
	c.roads(m)
	if !c.written("mail.to") && m.From.Address != "" {
		m.To = []string{m.From.Address}
	}
	if c.written("mail.to") {
		m.To = c.recipients("mail.to", m.To)
	}
	c.templates(m.Templates)
}

// resolve gives a path that starts at the config's folder unless it is
// absolute.
func (c *check) resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.file), path)
}

func isApple(address string) bool {
	switch domain(address) {
	case "icloud.com", "me.com", "mac.com":
		return true
	}
	return false
}

func domain(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

// address reads an address with or without a name in front.
func (c *check) address(path string, in any, out reflect.Value, tag tags) {
	text, ok := c.text(path, in, tag)
	if !ok {
		return
	}
	parsed, ok := parseAddress(text)
	if !ok {
		c.wrong(path, `It is written as in "alex@icloud.com" or "Garage <alex@icloud.com>".`, "%s is not a mail address", shown(text))
		return
	}
	out.Set(reflect.ValueOf(parsed))
}

// parseAddress takes what every mail server takes: ASCII, a plain local part,
// a host name, and the lengths of RFC 5321, section 4.5.3.1. A name in front
// may have any letters.
func parseAddress(text string) (mail.Address, bool) {
	parsed, err := mail.ParseAddress(text)
	if err != nil {
		return mail.Address{}, false
	}
	at := strings.LastIndexByte(parsed.Address, '@')
	local, host := parsed.Address[:at], parsed.Address[at+1:]
	plain := strings.IndexFunc(local, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"(),:;<>@[\]`, r) }) < 0
	if !plain || len(local) > 64 || len(parsed.Address) > 254 || !isHost(host) || strings.HasSuffix(host, ".") {
		return mail.Address{}, false
	}
	if strings.ContainsFunc(parsed.Name, func(r rune) bool { return hidden(r, false) }) {
		return mail.Address{}, false // encoded words may bring them in
	}
	return *parsed, true
}

// recipients gives the bare addresses of a list, each once.
func (c *check) recipients(path string, list []string) []string {
	if len(list) == 0 && !c.broken(path) {
		c.wrong(path, "Leave the key out for the default.", "this list is empty, so nobody would be told")
	}
	var to []string
	seen := map[string]bool{}
	for i, text := range list {
		if text == "" {
			continue // told as empty, or as no text
		}
		parsed, ok := parseAddress(text)
		key := strings.ToLower(parsed.Address)
		switch {
		case !ok:
			c.wrong(entry(path, i), `It is written as in "alex@icloud.com".`, "%s is not a mail address", shown(text))
		case seen[key]:
			c.warn(entry(path, i), "It gets one mail.", "%s stands in this list twice", parsed.Address)
		default:
			seen[key] = true
			to = append(to, parsed.Address)
		}
	}
	return to
}
