package config

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// schemes are the ways to get an attachment.
var schemes = []string{"file", "http", "https", "exec"}

const schemesHint = "It begins with file:, http://, https:// or exec:."

// attachments checks what a rule wants attached, and gives each its whole
// path. An address is never repeated in a sentence: it may hold a password.
func (c *check) attachments(path string, list []string) {
	for i, text := range list {
		if text == "" {
			continue // told as empty, or as no text
		}
		at := entry(path, i)
		scheme, rest, found := strings.Cut(text, ":")
		switch {
		case !found:
			hint := schemesHint
			if !strings.ContainsAny(text, `"\`) {
				hint = `Try "file:` + text + `".`
			}
			c.wrong(at, hint, "this does not say how to get it")
		case scheme == "file":
			list[i] = c.picture(at, rest)
		case scheme == "exec":
			list[i] = c.program(at, rest)
		case scheme == "http" || scheme == "https":
			c.webAddress(at, text)
		default:
			near, ok := nearest(scheme, schemes)
			c.wrong(at, did(near+":", ok, schemesHint), "there is no way %s to get an attachment", shown(scheme+":"))
		}
	}
}

// picture gives a file its whole path. It need not be there yet.
func (c *check) picture(at, path string) string {
	if after, ok := strings.CutPrefix(path, "//"); ok { // file:///run, as in a browser
		if path = after; !strings.HasPrefix(path, "/") {
			c.wrong(at, `It is written as in "file:/run/cam/last.jpg".`, "this names a file on another machine")
			return ""
		}
	}
	if path == "" {
		c.wrong(at, `It is written as in "file:/run/cam/last.jpg".`, "file: has no path after it")
		return ""
	}
	whole := c.resolve(path)
	if info, err := os.Stat(whole); err == nil && info.IsDir() {
		c.wrong(at, "Name the file in it.", "this is a folder")
	}
	return "file:" + absolute(whole)
}

// program gives a program its whole path. Its arguments, which are separated
// by spaces, are left as they are.
func (c *check) program(at, line string) string {
	line = strings.TrimSpace(line)
	name, arguments, _ := strings.Cut(line, " ")
	if name == "" {
		c.wrong(at, `It is written as in "exec:/usr/bin/rpicam-still -o -".`, "exec: has no program after it")
		return ""
	}
	whole := c.resolve(name)
	if absolute(whole) != name && strings.Contains(absolute(whole), " ") {
		c.wrong(at, "Put the program where there is none, and write its whole path.", "there is a space in the path of this config's folder, and a space ends a program's name")
		return ""
	}
	c.runnable(at, name, whole)
	return "exec:" + strings.TrimSpace(absolute(whole)+" "+arguments)
}

// absolute keeps a path right wherever it is used, and a program from being
// looked for on $PATH.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// runnable warns of a program that is not there, or not one.
func (c *check) runnable(at, name, whole string) {
	switch info, err := os.Stat(whole); {
	case err != nil:
		hint := "Mails go out without it, and say so."
		if found, err := exec.LookPath(filepath.Base(name)); err == nil && filepath.IsAbs(found) {
			hint = "There is one at " + found + ": write its whole path."
		}
		c.warn(at, hint, "there is no program %s here", shown(whole))
	case info.IsDir():
		c.warn(at, "Name the program in it.", "%s is a folder", shown(whole))
	case info.Mode().Perm()&0o111 == 0:
		c.warn(at, "If it is a program, run chmod +x "+whole+".", "%s may not be run", shown(whole))
	}
}

// webAddress checks the form of an address on the web.
func (c *check) webAddress(at, text string) {
	const example = `It is written as in "http://127.0.0.1:8080/snapshot".`
	u, err := url.Parse(text)
	switch {
	case err != nil: // which would repeat the address
		c.wrong(at, example, "this is not an address on the web")
	case u.User != nil:
		c.wrong(at, "Let a program that keeps the password in a file of its own fetch it, with exec:, or let the camera serve this board without one.",
			"a user name or password in an address would show in logs")
	case u.Host == "":
		c.wrong(at, example, "there is no host in this address")
	case !isHost(u.Hostname()):
		c.wrong(at, example, "%s is not the name of a host", shown(u.Hostname()))
	case u.Port() != "" && !isPort(u.Port()) || strings.HasSuffix(u.Host, ":"):
		c.wrong(at, "It goes from 1 to 65535.", "the port in this address is out of range")
	}
}
