package config

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"pinbell/notify/smtp"
)

// Roads are all ways for a mail to go, in the order in which they are tried:
// the first one, whose After is 0, and the fallbacks. Each is complete.
func (m Mail) Roads() []Road { return append([]Road{m.Road}, m.Fallback...) }

// Web reports whether the road is an interface over HTTPS and not SMTP.
func (r Road) Web() bool {
	preset, _ := smtp.PresetOf(r.Provider)
	return preset.Web
}

// roads checks the first road and the fallbacks.
func (c *check) roads(m *Mail) {
	for _, key := range []string{"after", "per_hour", "per_day"} {
		if at := join("mail", key); c.written(at) {
			hint := "Put it below a [[mail.fallback]], or set " + key + " in [limits]."
			if key == "after" {
				hint = "Put it below the [[mail.fallback]] that is to wait."
			}
			c.wrong(at, hint, "this key goes with a fallback, and [mail] is the first road")
		}
	}
	m.After, m.PerHour, m.PerDay = 0, 0, 0
	c.road("mail", &m.Road)
	for i := range m.Fallback {
		path, road := entry("mail.fallback", i), &m.Fallback[i]
		road.Number = i + 1
		c.road(path, road)
		c.cap(path+".per_hour", road.PerHour, road.Provider)
		c.cap(path+".per_day", road.PerDay, road.Provider)
	}
	c.apart(m.Roads())
}

// section is the path of a road's keys.
func (r Road) section() string {
	if r.Number == 0 {
		return "mail"
	}
	return entry("mail.fallback", r.Number-1)
}

// road checks what the keys of one road mean together.
func (c *check) road(path string, r *Road) {
	switch {
	case c.told(path): // as no section
		return
	case r.Provider == "": // told as missing or unknown
		c.loginMissing(path, r)
		return
	}
	c.server(path, r)
	c.user(path, r)
	if r.Username != "" || !c.anonymous(path, r) {
		c.password(path, r)
	}
	c.sender(path, r)
}

// apart warns of a road that leads where an earlier one does: it would fail
// along with it.
func (c *check) apart(roads []Road) {
	seen := map[string]string{}
	for _, r := range roads {
		path := r.section()
		if r.Host == "" || c.broken(path+".username") || c.broken(path+".host") {
			continue
		}
		key := strings.ToLower(fmt.Sprintln(r.Host, r.Port, r.Username))
		if first, again := seen[key]; again {
			c.warn(path+".provider", "A road by another provider gets through when that one fails.",
				"this is the same server and user as the road in line %d, so both fail together", c.where(first).line)
			continue
		}
		seen[key] = path + ".provider"
	}
}

// serverKeys are the keys by which an owner may describe a server; the other
// providers have one of their own.
var serverKeys = map[string][]string{
	"custom":     {"host", "port", "tls", "ca_file"},
	"unione-api": {"host", "port", "ca_file"},
}

// server checks where mails go, and fills in what a provider is known by.
func (c *check) server(path string, r *Road) {
	for _, key := range []string{"host", "port", "tls", "ca_file"} {
		if at := join(path, key); c.written(at) && !slices.Contains(serverKeys[r.Provider], key) {
			c.foreign(at, r)
		}
	}
	preset, _ := smtp.PresetOf(r.Provider)
	switch {
	case r.Provider == "custom":
		c.custom(path, r)
	case preset.Web:
		c.web(path, r, preset)
	default:
		r.Host, r.Port, r.TLS, r.CAFile = preset.Host, preset.Port, "starttls", ""
		if preset.Implicit {
			r.TLS = "implicit"
		}
		return
	}
	if r.CAFile != "" {
		r.CAFile = c.resolve(r.CAFile)
		c.authority(path+".ca_file", r.CAFile)
	}
}

// foreign notes a server's key that does not go with the provider.
func (c *check) foreign(at string, r *Road) {
	if r.Web() {
		c.wrong(at, "Leave it out.", "the provider %s is spoken to over HTTPS, which is always encrypted", r.Provider)
		return
	}
	c.wrong(at, `Leave it out, or set provider = "custom".`, "the provider %s has a server of its own", r.Provider)
}

// custom checks the owner's own server.
func (c *check) custom(path string, r *Road) {
	at := path + ".host"
	switch {
	case c.missing(at):
		c.wrong(at, "Add the name of your provider's SMTP server.", "host is missing, and the provider custom needs it")
	case r.Host != "" && !isHost(r.Host):
		c.wrong(at, `It is written as in "smtp.example.org", without a port.`, "%s is not a server's name", shown(r.Host))
	}
	c.transport(path, r)
}

// web checks the host of an interface over HTTPS.
func (c *check) web(path string, r *Road, preset smtp.Preset) {
	at := path + ".host"
	switch {
	case r.Host == "":
		r.Host = preset.Host
	case !isHost(r.Host):
		c.wrong(at, "It is written as in \""+preset.Host+"\", without https:// and without a port.", "%s is not a server's name", shown(r.Host))
	case strings.HasPrefix(strings.ToLower(r.Host), "smtp."):
		c.wrong(at, "Leave it out, or try "+fmt.Sprintf("host = %q.", r.Host[len("smtp."):]), "this is a server for SMTP, and the provider %s is spoken to over HTTPS", r.Provider)
	}
	if r.Port == 0 {
		r.Port = preset.Port
	}
	r.TLS = "implicit"
}

// transport fills in the port and the way of TLS, and warns of a pair that
// servers do not offer.
func (c *check) transport(path string, r *Road) {
	if r.TLS == "" {
		r.TLS = "starttls"
	}
	usual, other := 587, "implicit"
	if r.TLS == "implicit" {
		usual, other = 465, "starttls"
	}
	if r.Port == 0 {
		r.Port = usual
	}
	if r.Port == 587+465-usual {
		c.warn(path+".port", "Set tls = \""+other+"\", or leave port out.", "port %d goes with tls = %q at most servers", r.Port, other)
	}
}

// authority checks that a file holds certificates.
func (c *check) authority(at, file string) {
	text, err := readRegular(file, maxFile)
	if err != nil {
		c.wrong(at, "", "the file cannot be read: %v", cause(err))
		return
	}
	count := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			c.wrong(at, "", "certificate %d in the file is damaged", count+1)
			return
		}
		count++
	}
	if count == 0 {
		c.wrong(at, `It holds blocks that begin with "-----BEGIN CERTIFICATE-----".`, "there is no certificate in the file")
	}
}
