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

// program gives a program its whole path. Its arguments stay as written.
func (c *check) program(at, line string) string {
	name, arguments, closed := firstWord(strings.TrimSpace(line))
	if !closed || name == "" {
		sentence := "exec: has no program after it"
		if !closed {
			sentence = "a quote in this line is not closed"
		}
		c.wrong(at, `It is written as in "exec:/usr/bin/rpicam-still -o -".`, "%s", sentence)
		return ""
	}
	whole := c.resolve(name)
	c.runnable(at, name, whole)
	return "exec:" + quoted(absolute(whole)) + arguments
}

// firstWord parts a program from its arguments. A word ends at a blank, and
// what is between two ' or two " is taken as it stands; there is no shell.
func firstWord(line string) (word, rest string, closed bool) {
	var quote rune
	end := len(line)
	for i, r := range line {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			} else if end == len(line) {
				word += string(r)
			}
		case r == '\'' || r == '"':
			quote = r
		case (r == ' ' || r == '\t') && end == len(line):
			end = i
		case end == len(line):
			word += string(r)
		}
	}
	return word, line[end:], quote == 0
}

// quoted keeps a path one word.
func quoted(path string) string {
	switch {
	case !strings.ContainsAny(path, " \t'\""):
		return path
	case !strings.Contains(path, `"`):
		return `"` + path + `"`
	}
	return `'` + strings.ReplaceAll(path, `'`, `'"'"'`) + `'`
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
		c.wrong(at, "Let curl fetch it, with the password in a file: exec:/usr/bin/curl -sf --netrc-file /etc/pinbell/camera.netrc and the address without it.",
			"a user name or password in an address would be kept with each alert, and does not belong in this file")
	case u.Host == "":
		c.wrong(at, example, "there is no host in this address")
	case !isHost(u.Hostname()):
		c.wrong(at, example, "%s is not the name of a host", shown(u.Hostname()))
	case u.Port() != "" && !isPort(u.Port()) || strings.HasSuffix(u.Host, ":"):
		c.wrong(at, "It goes from 1 to 65535.", "the port in this address is out of range")
	}
}
