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

// credential is the name under which systemd hands the road's password over
// (systemd.exec(5), LoadCredential).
func (r Road) credential() string {
	if r.Number == 0 {
		return "mail.password"
	}
	return fmt.Sprintf("mail.fallback.%d.password", r.Number)
}

// maxPassword bounds a password, in bytes.
const maxPassword = 1024

var errNoPassword = errors.New("no password is set: name its file with password_file")

// Password reads the password anew at each call, so that a new one counts at
// once: from the file or the environment variable that the config names, else
// from the systemd credential, if the service was given one. Its errors show
// neither the password nor what stands in the config in its place.
func (r Road) Password() (notify.Secret, error) {
	text, err := r.source()
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

// source is the file or the variable that the config names, and the credential
// where they give nothing: what systemd hands over is a copy of its start, and
// a file that is replaced must count at once.
func (r Road) source() (string, error) {
	text, err := r.named()
	if err == nil && strings.TrimSpace(text) != "" {
		return text, nil
	}
	if folder := os.Getenv("CREDENTIALS_DIRECTORY"); folder != "" {
		handed, failed := readRegular(filepath.Join(folder, r.credential()), maxPassword+1)
		if !errors.Is(failed, fs.ErrNotExist) {
			return string(handed), unread("the credential "+r.credential(), failed)
		}
	}
	return text, err
}

func (r Road) named() (string, error) {
	switch {
	case r.PasswordFile != "":
		text, err := readRegular(r.PasswordFile, maxPassword+1)
		return string(text), unread("the file for the password", err)
	case r.PasswordEnv != "":
		text, ok := os.LookupEnv(r.PasswordEnv)
		if !ok {
			return "", errors.New("the environment variable for the password is not set")
		}
		return text, nil
	}
	return "", errNoPassword
}

// unreadPassword says why a password cannot be read, without the file's name:
// what the config has in its place may be the password itself.
type unreadPassword struct {
	sentence string
	cause    error
}

func (u unreadPassword) Error() string { return u.sentence }
func (u unreadPassword) Unwrap() error { return u.cause }

func unread(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return unreadPassword{what + " is not there", err}
	case errors.Is(err, fs.ErrPermission):
		return unreadPassword{what + " is closed to this user", err}
	case errors.Is(err, errNotPlain):
		return unreadPassword{what + " is not a plain file", err}
	}
	return unreadPassword{what + " cannot be read: " + cause(err).Error(), err}
}

var errNotPlain = errors.New("this is not a plain file")

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
		return nil, errNotPlain
	}
	return io.ReadAll(io.LimitReader(file, size))
}

var (
	appLike  = regexp.MustCompile(`^[A-Za-z]{4}([- ]?[A-Za-z]{4}){3}$`)
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// password checks where the password comes from, without ever showing what
// was written: it may be the password itself.
func (c *check) password(path string, r *Road) {
	inFile, inEnv := path+".password_file", path+".password_env"
	file, env := c.written(inFile), c.written(inEnv)
	switch {
	case file && env:
		c.wrong(inEnv, "Keep one of them.", "password_file is set too, and the password can come from one of them only")
		return
	case appLike.MatchString(r.PasswordFile):
		c.wrong(inFile, "Put it into a file, chmod 600 it, and name the file here.", "this looks like the password itself, which does not belong in this file")
		return
	case env && r.PasswordEnv != "" && (!variable.MatchString(r.PasswordEnv) || appLike.MatchString(r.PasswordEnv)):
		c.wrong(inEnv, `It is written as in password_env = "PINBELL_PASSWORD".`, "this is not the name of an environment variable")
		return
	}
	if r.PasswordFile != "" {
		r.PasswordFile = c.resolve(r.PasswordFile)
		if !c.private(inFile, r.PasswordFile) {
			return
		}
	}
	if !c.broken(inFile) && !c.broken(inEnv) {
		c.readable(path, r)
	}
}

// private notes a password file that others on the board may read.
func (c *check) private(at, path string) bool {
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		c.wrong(at, "Run chmod 600 "+path+", and let it belong to the user that the daemon runs as.",
			"other users of this board may read this file (mode %03o)", info.Mode().Perm())
		return false
	}
	return true
}

// readable warns of a password that is not there, or not of the form that the
// provider gives out. Neither is wrong for certain: the daemon runs as
// another user, and a credential may stand in.
func (c *check) readable(path string, r *Road) {
	at := path + ".password_file"
	if r.PasswordEnv != "" {
		at = path + ".password_env"
	}
	secret, err := r.Password()
	provider, _ := smtp.PresetOf(r.Provider)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.warn(at, "Write the password alone into it, and chmod 600 it.", "the file is not there (yet), or its folder is closed to this user")
	case errors.Is(err, fs.ErrPermission):
		c.warn(at, "That is fine if the daemon may.", "this user may not read the file, so the password is not checked")
	case errors.Is(err, errNoPassword) && c.meant[at]: // told as misspelt
	case errors.Is(err, errNoPassword):
		c.warn(at, "That is fine if systemd hands over a credential named "+r.credential()+"; else add password_file.", "no password is set here")
	case err != nil:
		c.warn(at, "", "%v", err)
	case r.Provider == "icloud" && provider.CheckPassword(secret) != "":
		c.warn(at, "iCloud takes app-specific passwords only: make one at account.apple.com under Sign-In and Security.",
			"the password is not of the form xxxx-xxxx-xxxx-xxxx, in lower-case letters")
	}
}
