// Package unione hands a mail to UniOne's Web API by HTTPS, and says in a
// notify.Verdict what became of it: the road for networks that let no SMTP out.
//
// It promises that Accepted means that UniOne said it took the mail; that a
// mail of which no clear answer came is Unknown, and is offered again with the
// same idempotence key; and that each other end has a sentence, what pinbell
// does and what the owner can do. Table table.go decides all of them.
//
// It never sends a byte of the key or a mail before a verified TLS handshake,
// never follows a redirect, knows no proxy, never retries what a server may
// have seen, and never waits past an absolute deadline. No secret appears in
// what it returns. In its verdicts Step is dial, tls, auth (the key), mail (the
// sender), rcpt, data (the request) or dot (the answer), Code is the HTTP
// status, Enhanced is UniOne's own code, and QueueID its job_id.
//
// Lost on this road: UniOne makes the Message-ID and the Date, shows each
// recipient only to himself, adds a footer with a link to unsubscribe, and
// drops In-Reply-To and References unless its support allows them.
package unione

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
	"time"

	"pinbell/notify"
	"pinbell/notify/peer"
)

// Relay is UniOne's API and the key to it. It is a value built from the
// config; Open may be called on it as often as needed.
type Relay struct {
	Host  string         // default api.unione.io; an account lives at us1.unione.io or eu1.unione.io
	Port  int            // default 443
	Roots *x509.CertPool // nil: the system's, or the ones built in

	Password func() (notify.Secret, error) // the API key; read for each mail, so that a replaced file counts

	Time func() time.Time // corrected time, for certificates; nil: the board's clock
	// Deadline ends each mail, answer and all, with an allowance for its size,
	// and the opening of a session. 0: two minutes.
	Deadline time.Duration
}

// Host is UniOne's address for accounts of all regions.
const Host = "api.unione.io"

// What UniOne's reference says of a mail.
const (
	MaxRecipients = 500        // of one mail
	MaxBytes      = 10_000_000 // of one request
	maxFile       = 9_786_710  // of one attachment in base64
	maxKey        = 64         // of an idempotence key
)

const path = "/en/transactional/api/v1/"

func (r *Relay) host() string { return cmp.Or(r.Host, Host) }

func (r *Relay) port() int { return cmp.Or(r.Port, 443) }

func (r *Relay) address() string { return net.JoinHostPort(r.host(), strconv.Itoa(r.port())) }

// patience is how long it may take to carry size bytes and hear the answer.
func (r *Relay) patience(size int) time.Duration { return peer.Patience(r.Deadline, size) }

// now is the time that certificates are checked against.
func (r *Relay) now() time.Time { return peer.Now(r.Time) }

// key reads the API key. One that could end a header line is none.
func (r *Relay) key() (notify.Secret, error) {
	if r.Password == nil {
		return "", errors.New("none is configured")
	}
	key, err := r.Password()
	if err != nil {
		return "", err
	}
	if key == "" {
		return "", errors.New("it is empty")
	}
	for _, c := range []byte(key.Reveal()) {
		if c <= ' ' || c >= 0x7f {
			return "", errors.New("it has a space, a line break or a letter in it that no API key has")
		}
	}
	return key, nil
}

// Open makes a verified connection, which Send and Check use. The verdict is
// the zero one when that succeeded; else it is Down and there is no session.
func (r *Relay) Open(ctx context.Context) (*Session, notify.Verdict) {
	ctx, cancel := context.WithTimeout(ctx, r.patience(0))
	defer cancel()
	s := &Session{relay: *r, first: make(chan net.Conn, 1)}
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, s.verdict(s.broken(ctx, atDial, err))
	}
	s.first <- conn
	s.transport = s.roundTripper()
	return s, notify.Verdict{}
}
