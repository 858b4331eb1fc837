package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// Set by the linker: the version from git, and the time of the commit in Unix
// seconds, which makes equal sources equal bytes.
var (
	version = "dev"
	built   = ""
)

// oldest is before any build: the floor of a binary that was built without
// the Makefile and without version control.
var oldest = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// buildTime is a time that cannot be in the future: trusted time is never
// before it.
func buildTime() time.Time {
	if seconds, err := strconv.ParseInt(built, 10, 64); err == nil {
		return time.Unix(seconds, 0)
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return t
			}
		}
	}
	return oldest
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version",
		RunE: func(c *cobra.Command, _ []string) error {
			fmt.Fprintf(c.OutOrStdout(), "pinbell %s (%s/%s, %s, of %s)\n", version, runtime.GOOS, runtime.GOARCH,
				runtime.Version(), buildTime().UTC().Format(time.DateOnly))
			return nil
		},
	}
}
