package config

import (
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"pinbell/notify/smtp"
)

func (c *check) device(d *Device) {
	if d.Name == "" {
		d.Name = hostName()
	}
	d.Zone = time.Local
	if d.Timezone == "" {
		return
	}
	zone, err := time.LoadLocation(d.Timezone)
	if err != nil {
		c.wrong("device.timezone", `It is named as in "Europe/London"; timedatectl list-timezones lists them.`,
			"there is no time zone %s", shown(d.Timezone))
		return
	}
	d.Zone = zone
}

func hostName() string {
	name, err := os.Hostname()
	if name, _, _ = strings.Cut(name, "."); err != nil || name == "" || strings.ContainsFunc(name, func(r rune) bool { return hidden(r, false) }) {
		return "pinbell"
	}
	return name
}

// servers checks the time servers. One that stands twice would agree with
// itself, and agreement is the evidence.
func (c *check) servers(list []string) {
	for i, server := range list {
		path := entry("time.servers", i)
		if server == "" {
			continue // told as empty
		}
		if !isServer(server) {
			c.wrong(path, `A server is written as in "time.apple.com" or "192.168.1.1:123".`, "%s is not a server's name", shown(server))
			continue
		}
		c.once(path, "time server", strings.ToLower(server))
	}
}

func isServer(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return isHost(strings.Trim(text, "[]"))
	}
	return isPort(port) && isHost(host)
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// isHost reports whether text is an IP address or has the form of a host name
// (RFC 1123, section 2.1).
func isHost(text string) bool {
	if net.ParseIP(text) != nil {
		return true
	}
	text = strings.TrimSuffix(text, ".")
	if text == "" || len(text) > 253 {
		return false
	}
	for label := range strings.SplitSeq(text, ".") {
		ok := len(label) > 0 && len(label) < 64 && bare(label)
		if !ok || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

// cap holds a limit of mails below the provider's own for a day.
func (c *check) cap(path string, limit int, provider string) {
	preset, _ := smtp.PresetOf(provider)
	if most := preset.MessagesPerDay; most > 0 && limit > most {
		c.wrong(path, "", "%s takes at most %d mails a day, and %d is above that", provider, most, limit)
	}
}

// once notes a problem if the same thing has been seen before.
func (c *check) once(path, what, name string) bool {
	key := what + " " + name
	if first, seen := c.first[key]; seen {
		c.wrong(path, "", "this %s stands in line %d already", what, c.where(first).line)
		return false
	}
	c.first[key] = path
	return true
}
