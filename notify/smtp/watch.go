package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"pinbell/notify"
)

// Progress is a session on its way, as Relay.Watch sees it: once as a step
// begins and once as it ends. What is learnt about the server stays in it from
// then on. Foreign text in it is fit to be shown.
type Progress struct {
	Step  string        // as in Verdict.Step; all of a TrySender or Send is "mail"
	Ended bool          // false: it begins
	Took  time.Duration // of a step that ended
	// Verdict is the zero one as long as all is well. Of a Send that ended it
	// is what Send returns.
	Verdict notify.Verdict

	Address     string            // from dial on: IP address and port; after a failure the one tried last
	Greeting    string            // from greeting on
	Extensions  []string          // from ehlo on, those of the last one: "SIZE 28319744"
	Size        int64             // of them: the largest mail in bytes; 0 when none is named
	TLS         uint16            // from tls on: tls.VersionTLS13
	Certificate *x509.Certificate // from tls on: the server's own, even one that does not verify
}

// begin tells Watch that a step begins, and gives what tells it of its end.
func (s *Session) begin(at step) (end func(notify.Verdict)) {
	watch := s.relay.Watch
	if watch == nil {
		return func(notify.Verdict) {}
	}
	s.seen.Step, s.seen.Ended, s.seen.Took, s.seen.Verdict = string(at), false, 0, notify.Verdict{}
	began := time.Now()
	watch(s.seen)
	return func(v notify.Verdict) {
		s.seen.Step, s.seen.Ended, s.seen.Took, s.seen.Verdict = string(at), true, time.Since(began), v
		watch(s.seen)
	}
}

func (s *Session) sawDial(conn net.Conn, err error) {
	var failed *net.OpError
	switch {
	case err == nil:
		s.seen.Address = conn.RemoteAddr().String()
	case errors.As(err, &failed) && failed.Addr != nil:
		s.seen.Address = failed.Addr.String()
	}
}

func (s *Session) sawExtensions(r reply) {
	s.seen.Extensions = nil
	for _, line := range r.lines[1:] {
		s.seen.Extensions = append(s.seen.Extensions, excerpt(line))
	}
	slices.SortFunc(s.seen.Extensions, strings.Compare)
	s.seen.Size = s.largest()
}

func (s *Session) sawTLS(state tls.ConnectionState, err error) {
	certificates := state.PeerCertificates
	var unverified *tls.CertificateVerificationError
	if errors.As(err, &unverified) {
		certificates = unverified.UnverifiedCertificates
	}
	if len(certificates) > 0 {
		s.seen.Certificate = certificates[0]
	}
	s.seen.TLS = state.Version
}
