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

// recipientCap is the provider's own limit of recipients a day; 0: not known.
func recipientCap(road config.Road) int {
	preset, _ := smtp.PresetOf(road.Provider)
	return preset.RecipientsPerDay
}
