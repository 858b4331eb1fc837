package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"pinbell/config"
	"pinbell/notify/clock"
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

// recipientCap is the provider's own limit of recipients a day; 0: not known.
func recipientCap(m config.Mail) int {
	preset, _ := smtp.PresetOf(m.Provider)
	return preset.RecipientsPerDay
}

// relayHost is where mail goes, for people.
func relayHost(m config.Mail) string {
	if preset, ok := smtp.PresetOf(m.Provider); ok && preset.Host != "" {
		return preset.Host
	}
	return m.Host
}
