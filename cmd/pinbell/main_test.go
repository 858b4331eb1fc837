package main

import (
	"encoding/base64"
	"errors"
	"flag"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"pinbell/notify/clock/ntptest"
	"pinbell/notify/smtp/smtptest"
)

// TestMain lets the test binary be the program: under the name pinbell it runs
// Main, in a process of its own.
func TestMain(m *testing.M) {
	// The tests here wait for daemons far more than they compute; but a mail
	// session with a deadline has to come to its end beside all the others, on
	// a slow machine too.
	flag.Set("test.parallel", "20")
	// The race detector has each process sleep for a second when it ends well.
	os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	testscript.Main(m, map[string]func(){"pinbell": func() { os.Exit(Main()) }})
}

// TestCommandLine runs the scripts: each call with its exit code, and what it
// says where.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", Setup: equip, RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "expand": expand},
	})
}

// equip gives a script a mail server, a time server and a closed port of its
// own.
func equip(env *testscript.Env) error {
	mail, err := smtptest.Start(smtptest.Options{})
	if err != nil {
		return err
	}
	env.Defer(func() { mail.Close() })
	times, err := ntptest.Start("127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Defer(func() { times.Close() })
	closed, err := smtptest.HoldPort()
	if err != nil {
		return err
	}
	env.Defer(func() { closed.Close() })
	env.Setenv("GORACE", os.Getenv("GORACE"))
	env.Setenv("PORT", strconv.Itoa(mail.Port()))
	env.Setenv("CLOSED_PORT", strconv.Itoa(closed.Number()))
	env.Setenv("CA", mail.CAFile())
	env.Setenv("NTP", times.Addr())
	env.Setenv("USER_NAME", smtptest.Username)
	env.Setenv("PASSWORD", smtptest.Password)
	return nil
}

// exits runs a command, and wants its exit code: exits 2 pinbell check.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [argument...]")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	if exited, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exited.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%s exits %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
	for _, stream := range []string{"stdout", "stderr"} {
		if leak := leaked(ts.ReadFile(stream)); leak != "" {
			ts.Fatalf("%s shows the password on %s as %q", strings.Join(args[1:], " "), stream, leak)
		}
	}
}

// expand puts the environment into a file of the script: expand pinbell.toml.
func expand(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// secrets are the passwords that the tests here use.
var secrets = []string{smtptest.Password, demoPassword, "wrong-pass-word-9"}

// leaked gives the form in which a text shows a password; empty if none does.
// The base64 forms are those of AUTH LOGIN and AUTH PLAIN; the one of PLAIN is
// looked for without its ends, which depend on what stands before it.
func leaked(text string) string {
	for _, secret := range secrets {
		forms := []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))}
		for before := range 3 {
			code := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
			forms = append(forms, code[4:len(code)-4])
		}
		for _, form := range forms {
			if strings.Contains(text, form) {
				return form
			}
		}
	}
	return ""
}
