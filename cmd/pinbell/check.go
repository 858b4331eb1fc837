package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"pinbell/config"
	"pinbell/notify"
)

func checkCommand() *cobra.Command {
	var p places
	return p.addConfig(&cobra.Command{
		Use: "check", Short: "Check the config and tell every problem at once; offline",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := load(p.config, c.OutOrStdout())
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s is fine: %s, %s; mail to %s by %s.\n", p.config,
				count(len(cfg.Sensors), "sensor"), count(len(cfg.Rules), "rule"), strings.Join(cfg.Mail.To, ", "), servers(cfg.Mail))
			return nil
		},
	})
}

// servers says by which servers mail goes, and when.
func servers(m config.Mail) string {
	var words []string
	for i, road := range m.Roads() {
		switch {
		case i == 0:
			words = append(words, road.Host)
		case road.After == 0:
			words = append(words, "else at once by "+road.Host)
		default:
			words = append(words, fmt.Sprintf("else after %s by %s", notify.Span(road.After), road.Host))
		}
	}
	return strings.Join(words, ", ")
}

// load reads the config and tells its problems on w. Warnings alone are no
// error.
func load(path string, w io.Writer) (*config.Config, error) {
	cfg, problems := config.Load(path)
	errors := 0
	for _, p := range problems {
		fmt.Fprintln(w, p)
		if !p.Warning {
			errors++
		}
	}
	if cfg == nil {
		return nil, exit{exitUsage, fmt.Errorf("%s has %s", path, count(errors, "problem"))}
	}
	return cfg, nil
}

// count says "1 rule", "2 rules".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sumOf tells one state of a config's file from another; empty: it cannot be
// read.
func sumOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}
