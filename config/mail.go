package config

import (
	"crypto/x509"
	"encoding/pem"
	"net/mail"
	"path/filepath"
	"reflect"
	"strings"
)

// mail checks what the keys of [mail] mean together.
func (c *check) mail(m *Mail) {
	c.server(m)
	c.login(m)
	c.sender(m)
	if !c.written("mail.to") && m.From.Address != "" {
		m.To = []string{m.From.Address}
	}
	if c.written("mail.to") {
		m.To = c.recipients("mail.to", m.To)
	}
}

// server checks where mails go: a provider's own server, or a custom one.
func (c *check) server(m *Mail) {
	if m.Provider == "" {
		return // told as missing or unknown
	}
	if m.Provider != "custom" {
		for _, key := range []string{"host", "port", "tls", "ca_file"} {
			if path := "mail." + key; c.written(path) {
				c.wrong(path, `Leave it out, or set provider = "custom".`, "the provider %s has a server of its own", m.Provider)
			}
		}
		return
	}
	switch {
	case c.missing("mail.host"):
		c.wrong("mail.host", "Add the name of your provider's SMTP server.", "host is missing, and the provider custom needs it")
	case m.Host != "" && !isHost(m.Host):
		c.wrong("mail.host", `It is written as in "smtp.example.org", without a port.`, "%s is not a server's name", shown(m.Host))
	}
	c.transport(m)
	if m.CAFile != "" {
		m.CAFile = c.resolve(m.CAFile)
		c.authority(m.CAFile)
	}
}

// transport fills in the port and the way of TLS, and warns of a pair that
// servers do not offer.
func (c *check) transport(m *Mail) {
	if m.TLS == "" {
		m.TLS = "starttls"
	}
	usual, other := 587, "implicit"
	if m.TLS == "implicit" {
		usual, other = 465, "starttls"
	}
	if m.Port == 0 {
		m.Port = usual
	}
	if m.Port == 587+465-usual {
		c.warn("mail.port", "Set tls = \""+other+"\", or leave port out.", "port %d goes with tls = %q at most servers", m.Port, other)
	}
}

// authority checks that a file holds certificates.
func (c *check) authority(path string) {
	text, err := readRegular(path, maxFile)
	if err != nil {
		c.wrong("mail.ca_file", "", "the file cannot be read: %v", cause(err))
		return
	}
	count := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			c.wrong("mail.ca_file", "", "certificate %d in the file is damaged", count+1)
			return
		}
		count++
	}
	if count == 0 {
		c.wrong("mail.ca_file", `It holds blocks that begin with "-----BEGIN CERTIFICATE-----".`, "there is no certificate in the file")
	}
}

// resolve gives a path that starts at the config's folder unless it is
// absolute.
func (c *check) resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.file), path)
}

// login checks the user name and the password.
func (c *check) login(m *Mail) {
	switch {
	case m.Provider != "icloud" || m.Username == "":
	case bare(m.Username):
		c.wrong("mail.username", "Try username = \""+m.Username+"@icloud.com\".", "iCloud's user name is the full address")
	case !strings.Contains(m.Username, "@"):
		c.wrong("mail.username", `It is written as in "alex@icloud.com".`, "iCloud's user name is the full address")
	case !isApple(m.Username):
		c.warn("mail.username", `Use the address that ends in @icloud.com, and set from to the one of your domain.`,
			"iCloud's user name is the iCloud address, also for mail with a domain of its own")
	}
	c.password(m)
}

// sender checks from, or takes it from the user name.
func (c *check) sender(m *Mail) {
	if !c.written("mail.from") && m.Username != "" && !c.broken("mail.username") {
		if parsed, ok := parseAddress(m.Username); ok {
			m.From = parsed
		} else {
			c.wrong("mail.from", "Add from with the address that mails come from.", "from is missing, and the user name is not an address")
		}
	}
	if strings.HasPrefix(m.Provider, "unione") && isApple(m.From.Address) {
		c.wrong("mail.from", "Use an address of a domain that you have verified there.", "UniOne does not send from %s", domain(m.From.Address))
	}
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
