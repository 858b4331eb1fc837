// Command pinbell watches the pins and sensors of a small board and sends a
// mail when something is wrong.
//
// main.go has flags, signals and exit codes; run.go all wiring and every
// goroutine of the daemon; and each command has a file of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // minimal images have no time zones

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitFailed = 1 // it was tried and did not work
	exitUsage  = 2 // the config or the call is wrong
	exitFault  = 3 // doctor found a fault
)

// exit is an error with the code to end with. An empty text says nothing: what
// there was to say has been said.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string { return e.err.Error() }
func (e exit) Unwrap() error { return e.err }

func main() { os.Exit(Main()) }

// Main runs the command line and gives the exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	err := command().ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if text := strings.TrimSpace(err.Error()); text != "" {
		fmt.Fprintln(os.Stderr, "pinbell: "+text)
	}
	var e exit
	if errors.As(err, &e) {
		return e.code
	}
	return exitUsage // all that does not come from a command is about the call
}

// places is where the config and the state are.
type places struct {
	config string
	state  string
}

const (
	defaultConfig = "/etc/pinbell/pinbell.toml"
	defaultState  = "/var/lib/pinbell"
)

func (p *places) addConfig(c *cobra.Command) *cobra.Command {
	c.Flags().StringVarP(&p.config, "config", "c", defaultConfig, "the config `file`")
	return c
}

func (p *places) addState(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&p.state, "state", "", "the state `directory` (default $STATE_DIRECTORY, else "+defaultState+")")
	return c
}

// stateDir is where State lives when the flag does not say.
func (p *places) stateDir() string {
	if p.state != "" {
		return p.state
	}
	// systemd may give several, with colons between; the first is ours.
	if dir, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); dir != "" {
		return dir
	}
	return defaultState
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "pinbell",
		Short: "Sends a mail when something is wrong with what a board's sensors see",
		Long: "pinbell watches the pins and sensors of a small board and sends a mail when\n" +
			"something is wrong: once, soon, with the right time on it.",
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cobra.EnableCommandSorting = false // in the order in which an owner comes to need them
	root.AddCommand(checkCommand(), doctorCommand(), testCommand(), runCommand(), statusCommand(), outboxCommand(), logCommand(), demoCommand(), versionCommand())
	equal(root)
	return root
}

// equal gives all commands below c the same manners.
func equal(c *cobra.Command) {
	for _, c := range c.Commands() {
		if c.Args == nil {
			c.Args = noArguments
		}
		c.RunE = coded(c.RunE)
		equal(c)
	}
}

// noArguments says where what stands there may have been meant to go.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s takes no argument, but there is %q: `%s --help` shows what it takes", c.CommandPath(), args[0], c.CommandPath())
}

// coded gives an error of a command the code for failure, unless it has one.
func coded(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		err := run(c, args)
		var e exit
		if err == nil || errors.As(err, &e) {
			return err
		}
		return exit{exitFailed, err}
	}
}

// newLog writes lines for people and the journal. Under systemd the journal
// has the time already. What libraries write by themselves is left out: to
// net/http that is what a server said unasked, and it may echo a key.
func newLog(w io.Writer) *slog.Logger {
	log.SetOutput(io.Discard)
	options := &slog.HandlerOptions{}
	if os.Getenv("JOURNAL_STREAM") != "" {
		options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	return slog.New(slog.NewTextHandler(w, options))
}
