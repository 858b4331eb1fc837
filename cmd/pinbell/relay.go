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

// relay makes the mail server of a provider, or the owner's own.
func relay(m config.Mail, clk *clock.Clock) (*smtp.Relay, error) {
	r := &smtp.Relay{
		Provider: m.Provider, Username: m.Username, Password: m.Password,
		Time: func() time.Time { now, _ := clk.Time(); return now },
	}
	if preset, ok := smtp.PresetOf(m.Provider); ok && preset.Host != "" {
		r.Host, r.Port, r.Implicit = preset.Host, preset.Port, preset.Implicit
	} else {
		r.Host, r.Port, r.Implicit = m.Host, m.Port, m.TLS == "implicit"
	}
	if name, err := os.Hostname(); err == nil {
		r.LocalName = name
	}
	if m.CAFile == "" {
		return r, nil
	}
	pem, err := os.ReadFile(m.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read mail.ca_file: %w", err)
	}
	r.Roots = x509.NewCertPool()
	if !r.Roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("there is no certificate in mail.ca_file %s", m.CAFile)
	}
	return r, nil
}

// roads are the ways for mail to leave the board, in their order.
func roads(cfg *config.Config, clk *clock.Clock) ([]outbox.Road, error) {
	server, err := relay(cfg.Mail, clk)
	if err != nil {
		return nil, err
	}
	preset, _ := smtp.PresetOf(cfg.Mail.Provider)
	return []outbox.Road{{
		Name: server.Host, From: cfg.Mail.From, Open: outbox.OverSMTP(server), Password: server.Password,
		Limits: outbox.Limits{PerDay: preset.MessagesPerDay, Recipients: preset.RecipientsPerDay},
	}}, nil
}

// relayHost is where mail goes, for people.
func relayHost(m config.Mail) string {
	if preset, ok := smtp.PresetOf(m.Provider); ok && preset.Host != "" {
		return preset.Host
	}
	return m.Host
}
