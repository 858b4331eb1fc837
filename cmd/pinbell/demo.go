package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"text/template"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"pinbell/notify/clock/ntptest"
	"pinbell/notify/smtp/smtptest"
	"pinbell/sensors/replay"
)

//go:embed demo/pinbell.toml demo/scenario.csv
var demoFiles embed.FS

const (
	demoUser     = "alex@garage.example"
	demoPassword = "abcd-efgh-ijkl-mnop"
	// demoTail is how long the last mails may take after the scenario's end.
	demoTail = time.Minute
)

func demoCommand() *cobra.Command {
	var keep, verbose bool
	c := &cobra.Command{
		Use: "demo", Short: "Show the whole job in half a minute, without a board or a mail account",
		Long: "Runs the daemon, as `pinbell run` does, on a simulated board, with time servers\n" +
			"and a mail server of its own on this machine (STARTTLS, a certificate that is\n" +
			"verified, a login), and shows what happens and each mail as it arrives.",
		RunE: func(c *cobra.Command, _ []string) error {
			log := io.Discard
			if verbose {
				log = c.ErrOrStderr()
			}
			return demo(c.Context(), c.OutOrStdout(), newLog(log), keep)
		},
	}
	c.Flags().BoolVar(&keep, "keep", false, "stay up when the scenario has ended, until Ctrl-C")
	c.Flags().BoolVar(&verbose, "verbose", false, "show the daemon's log too, on stderr")
	return c
}

// demo sets a stage in a folder of its own: servers, config, scenario. What
// runs on it is the daemon.
func demo(ctx context.Context, out io.Writer, log *slog.Logger, keep bool) error {
	dir, err := os.MkdirTemp("", "pinbell-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := setStage(dir)
	if err != nil {
		return fmt.Errorf("set up the demo: %w", err)
	}
	defer s.close()
	cfg, err := load(filepath.Join(dir, "pinbell.toml"), out)
	if err != nil {
		return err
	}
	scenario, err := replay.Load(filepath.Join(dir, "scenario.csv"))
	if err != nil {
		return err
	}
	show := newShow(out, cfg, s.mail)
	show.title(s, keep)
	d := daemon{
		cfg: cfg, state: filepath.Join(dir, "state"), log: log,
		onReadings: show.readings, onEvents: show.heard, onVerdict: show.verdict,
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var all errgroup.Group
	all.Go(func() error { defer stop(); return d.run(ctx) })
	all.Go(func() error { show.wait(ctx, scenario.Length(), keep, stop); return nil })
	if err := all.Wait(); err != nil {
		return err
	}
	return show.summary()
}

// stage is what the demo's daemon talks to.
type stage struct {
	mail  *smtptest.Server
	times []*ntptest.Server
}

func (s *stage) close() {
	s.mail.Close()
	for _, t := range s.times {
		t.Close()
	}
}

func setStage(dir string) (s *stage, err error) {
	s = &stage{}
	if s.mail, err = smtptest.Start(smtptest.Options{Username: demoUser, Password: demoPassword}); err != nil {
		return nil, err
	}
	var servers []string
	for range 3 {
		t, err := ntptest.Start("127.0.0.1:0")
		if err != nil {
			s.close()
			return nil, err
		}
		s.times = append(s.times, t)
		servers = append(servers, t.Addr())
	}
	if err := s.write(dir, servers); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// write puts the files into dir that an owner would write.
func (s *stage) write(dir string, servers []string) error {
	text, err := template.ParseFS(demoFiles, "demo/pinbell.toml")
	if err != nil {
		return err
	}
	var config bytes.Buffer
	if err := text.Execute(&config, map[string]any{"Port": strconv.Itoa(s.mail.Port()), "Servers": servers}); err != nil {
		return err
	}
	scenario, err := demoFiles.ReadFile("demo/scenario.csv")
	if err != nil {
		return err
	}
	authority, err := os.ReadFile(s.mail.CAFile())
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"pinbell.toml": config.Bytes(), "scenario.csv": scenario, "mail.password": []byte(demoPassword + "\n"), "ca.pem": authority,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
