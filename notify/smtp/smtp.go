// Package smtp hands a mail's bytes to a submission server (RFC 6409) and says
// in a notify.Verdict what became of it.
//
// It promises that Accepted means the server took responsibility with a 2xx
// reply to the final dot, that a mail lost from sight after that dot is Unknown
// and never called a failure, and that each other end has a sentence, what
// pinbell does and what the owner can do. Table table.go decides all of them.
//
// It never sends a byte of a login or a mail before a verified TLS handshake,
// never goes on in clear text, never sends a mail twice by itself, and never
// waits past an absolute deadline, whatever the server trickles. No secret
// appears in what it returns.
//
// A session passes these states; each failure ends it:
//
//	dial → greeting → ehlo → starttls → tls → ehlo → auth → ready
//	dial → tls → greeting → ehlo → auth → ready                     (implicit TLS)
//	ready → mail → rcpt → data → dot → ready                         (once per mail)
//	ready → closed by the server while idle → dial → …               (seen at the next mail)
//
// The dialogue is our own lines, not those of go-smtp's client: the budget of
// nine round trips needs MAIL, RCPT and DATA in one flush (RFC 2920), and the
// verdict needs to know at which step a session ended.
package smtp

import (
	"context"
	"crypto/x509"
	"net"
	"time"

	"pinbell/notify"
	"pinbell/notify/peer"
)

// Relay is a submission server and how to log in there. It is a value built
// from the config; Open may be called on it as often as needed.
type Relay struct {
	Provider string         // a preset's name: chooses rows of the table, and remedies
	Host     string         // also the name that the certificate must be for
	Port     int            // 1 to 65535
	Implicit bool           // TLS from the first byte (465), not STARTTLS (587)
	Roots    *x509.CertPool // nil: the system's, or the ones built in

	Username string                        // empty: no login
	Password func() (notify.Secret, error) // read at each login, so that a replaced file counts

	LocalName string           // for EHLO; empty: localhost
	Time      func() time.Time // corrected time, for certificates; nil: the board's clock
	// Deadline ends a session, from before the dial on; each mail begins it
	// anew, with an allowance for its size. 0: two minutes.
	Deadline time.Duration
	// Watch, if set, hears as each step of a session begins and ends, in the
	// goroutine that runs it: for a person who waits.
	Watch func(Progress)

	dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: net.Dialer
}

// patience is how long a session may take to carry size bytes.
func (r *Relay) patience(size int) time.Duration { return peer.Patience(r.Deadline, size) }

// now is the time that certificates are checked against.
func (r *Relay) now() time.Time { return peer.Now(r.Time) }

func (r *Relay) localName() string {
	if !plainWord(r.LocalName) {
		return "localhost"
	}
	return r.LocalName
}

// plainWord says that text can stand in a command: printable ASCII, no space.
func plainWord(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return text != ""
}
