package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"pinbell/notify"
	"pinbell/notify/smtp"
)

// credential is the name under which systemd hands the password over
// (systemd.exec(5), LoadCredential).
const credential = "mail.password"

// maxPassword bounds a password, in bytes.
const maxPassword = 1024

var errNoPassword = errors.New("no password is set: name its file with mail.password_file")

// Password reads the password anew at each call, so that a new one counts at
// once: from the systemd credential, if the service was given one, else from
// the file or the environment variable that the config names. Its errors show
// neither the password nor what stands in the config in its place.
func (m Mail) Password() (notify.Secret, error) {
	secret, err := m.secret()
	if err != nil {
		return "", fmt.Errorf("read the mail password: %w", err)
	}
	return secret, nil
}

func (m Mail) secret() (notify.Secret, error) {
	text, err := m.source()
	text = strings.TrimSpace(text)
	switch {
	case err != nil:
		return "", err
	case text == "":
		return "", errors.New("the password is empty")
	case len(text) > maxPassword:
		return "", fmt.Errorf("the password is longer than %d bytes", maxPassword)
	case strings.ContainsFunc(text, func(r rune) bool { return hidden(r, false) }):
		return "", errors.New("there is a line break or another control character in the password")
	}
	return notify.Secret(text), nil
}

func (m Mail) source() (string, error) {
	if folder := os.Getenv("CREDENTIALS_DIRECTORY"); folder != "" {
		text, err := readRegular(filepath.Join(folder, credential), maxPassword+1)
		if !errors.Is(err, fs.ErrNotExist) {
			return string(text), named("the credential "+credential, err)
		}
	}
	switch {
	case m.PasswordFile != "":
		text, err := readRegular(m.PasswordFile, maxPassword+1)
		return string(text), named("the file", err)
	case m.PasswordEnv != "":
		text, ok := os.LookupEnv(m.PasswordEnv)
		if !ok {
			return "", errors.New("the environment variable is not set")
		}
		return text, nil
	}
	return "", errNoPassword
}

func named(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, cause(err))
}

// readRegular reads at most size bytes of a regular file: a pipe or a device
// could be waited for without end.
func readRegular(path string, size int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("this is not a plain file")
	}
	return io.ReadAll(io.LimitReader(file, size))
}

var (
	appLike  = regexp.MustCompile(`^[A-Za-z]{4}([- ]?[A-Za-z]{4}){3}$`)
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// password checks where the password comes from, without ever showing what
// was written: it may be the password itself.
func (c *check) password(m *Mail) {
	file, env := c.written("mail.password_file"), c.written("mail.password_env")
	switch {
	case m.Provider == "":
		return // whose password it would be is told as missing
	case file && env:
		c.wrong("mail.password_env", "Keep one of them.", "password_file is set too, and the password can come from one of them only")
		return
	case appLike.MatchString(m.PasswordFile):
		c.wrong("mail.password_file", "Put it into a file, chmod 600 it, and name the file here.", "this looks like the password itself, which does not belong in this file")
		return
	case env && m.PasswordEnv != "" && (!variable.MatchString(m.PasswordEnv) || appLike.MatchString(m.PasswordEnv)):
		c.wrong("mail.password_env", `It is written as in password_env = "PINBELL_PASSWORD".`, "this is not the name of an environment variable")
		return
	}
	if m.PasswordFile != "" {
		m.PasswordFile = c.resolve(m.PasswordFile)
		if !c.private(m.PasswordFile) {
			return
		}
	}
	if !c.broken("mail.password_file") && !c.broken("mail.password_env") {
		c.readable(m)
	}
}

// private notes a password file that others on the board may read.
func (c *check) private(path string) bool {
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		c.wrong("mail.password_file", "Run chmod 600 "+path+", and let it belong to the user that the daemon runs as.",
			"other users of this board may read this file (mode %03o)", info.Mode().Perm())
		return false
	}
	return true
}

// readable warns of a password that is not there, or not of the form that the
// provider gives out. Neither is wrong for certain: the daemon runs as
// another user, and a credential may stand in.
func (c *check) readable(m *Mail) {
	path := "mail.password_file"
	if m.PasswordEnv != "" {
		path = "mail.password_env"
	}
	secret, err := m.secret()
	provider, _ := smtp.PresetOf(m.Provider)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.warn(path, "Write the password alone into it, and chmod 600 it.", "the file is not there (yet), or its folder is closed to this user")
	case errors.Is(err, fs.ErrPermission):
		c.warn(path, "That is fine if the daemon may.", "this user may not read the file, so the password is not checked")
	case errors.Is(err, errNoPassword) && c.meant[path]: // told as misspelt
	case errors.Is(err, errNoPassword):
		c.warn(path, "That is fine if systemd hands over a credential named "+credential+"; else add password_file.", "no password is set here")
	case err != nil:
		c.warn(path, "", "%v", err)
	case m.Provider == "icloud" && provider.CheckPassword(secret) != "":
		c.warn(path, "iCloud takes app-specific passwords only: make one at account.apple.com under Sign-In and Security.",
			"the password is not of the form xxxx-xxxx-xxxx-xxxx, in lower-case letters")
	}
}
