package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"pinbell/config"
	"pinbell/notify/clock"
	"pinbell/notify/outbox"
	"pinbell/notify/smtp"
)

// relay makes the mail server at the end of a road.
func relay(road config.Road, clk *clock.Clock) (*smtp.Relay, error) {
	if road.Web() {
		return nil, fmt.Errorf("%s is no mail server: the provider %s is spoken to over HTTPS", road.Host, road.Provider)
	}
	r := &smtp.Relay{
		Provider: road.Provider, Username: road.Username, Password: road.Password,
		Host: road.Host, Port: road.Port, Implicit: road.TLS == "implicit",
		Time: func() time.Time { now, _ := clk.Time(); return now },
	}
	if name, err := os.Hostname(); err == nil {
		r.LocalName = name
	}
	if road.CAFile == "" {
		return r, nil
	}
	pem, err := os.ReadFile(road.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read mail.ca_file: %w", err)
	}
	r.Roots = x509.NewCertPool()
	if !r.Roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("there is no certificate in mail.ca_file %s", road.CAFile)
	}
	return r, nil
}

// roads are the ways for mail to leave the board, in their order.
func roads(cfg *config.Config, clk *clock.Clock) ([]outbox.Road, error) {
	var all []outbox.Road
	for _, road := range cfg.Mail.Roads() {
		server, err := relay(road, clk)
		if err != nil {
			return nil, err
		}
		preset, _ := smtp.PresetOf(road.Provider)
		all = append(all, outbox.Road{
			Name: road.Host, From: road.From, After: road.After, Password: road.Password, Open: outbox.OverSMTP(server),
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
