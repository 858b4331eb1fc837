package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"pinbell/config"
	"pinbell/notify"
	"pinbell/notify/clock"
	"pinbell/notify/outbox"
	"pinbell/notify/smtp"
	"pinbell/notify/unione"
)

// roads are the ways for mail to leave the board, in their order.
func roads(cfg *config.Config, clk *clock.Clock) ([]outbox.Road, error) {
	var all []outbox.Road
	for _, road := range cfg.Mail.Roads() {
		open, err := opener(road, clk)
		if err != nil {
			return nil, err
		}
		preset, _ := smtp.PresetOf(road.Provider)
		all = append(all, outbox.Road{
			Name: road.Host, From: road.From, After: road.After, Password: road.Password, Open: open,
			Limits: outbox.Limits{
				PerHour: road.PerHour, PerDay: lower(road.PerDay, preset.MessagesPerDay), Recipients: preset.RecipientsPerDay,
			},
		})
	}
	return all, nil
}

// lower is the lower of two limits, of which zero is none.
func lower(a, b int) int {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// opener is how a road's server is reached.
func opener(road config.Road, clk *clock.Clock) (func(context.Context) (outbox.Session, notify.Verdict), error) {
	if !road.Web() {
		server, err := relay(road, clk)
		if err != nil {
			return nil, err
		}
		return outbox.OverSMTP(server), nil
	}
	server, err := web(road, clk)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (outbox.Session, notify.Verdict) {
		session, v := server.Open(ctx)
		if session == nil {
			return nil, v // and no interface around a nil
		}
		return session, v
	}, nil
}

// relay makes the mail server at the end of a road.
func relay(road config.Road, clk *clock.Clock) (*smtp.Relay, error) {
	r := &smtp.Relay{
		Provider: road.Provider, Username: road.Username, Password: road.Password,
		Host: road.Host, Port: road.Port, Implicit: road.TLS == "implicit", Time: corrected(clk),
	}
	if name, err := os.Hostname(); err == nil {
		r.LocalName = name
	}
	var err error
	r.Roots, err = authority(road.CAFile)
	return r, err
}

// web makes the same of a road over HTTPS.
func web(road config.Road, clk *clock.Clock) (*unione.Relay, error) {
	roots, err := authority(road.CAFile)
	return &unione.Relay{Host: road.Host, Port: road.Port, Roots: roots, Password: road.Password, Time: corrected(clk)}, err
}

// corrected is the time that certificates are checked against.
func corrected(clk *clock.Clock) func() time.Time {
	return func() time.Time { now, _ := clk.Time(); return now }
}

// authority reads the certificates of a private authority; nil: the public
// ones count.
func authority(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("there is no certificate in ca_file %s", file)
	}
	return roots, nil
}
