package capture

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"pinbell/notify/peer"
	"strconv"
	"strings"
	"syscall"
)

// maxRedirects is how often a server may send us elsewhere.
const maxRedirects = 3

// get asks a web server. Its login stands in the address and goes nowhere but
// there.
func (c *Camera) get(ctx context.Context, address *url.URL) ([]byte, error) {
	bare := *address
	bare.User = nil
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, bare.String(), nil)
	if err != nil {
		return nil, fault("cannot be asked: the address is not valid")
	}
	if user := address.User; user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	request.Header.Set("User-Agent", "pinbell")
	response, err := c.client(address.Scheme).Do(request)
	if err != nil {
		return nil, unanswered(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fault("answered " + status(response.StatusCode))
	}
	data, err := body(response, c.MaxBytes)
	if err != nil {
		return nil, unanswered(err)
	}
	if len(data) == 0 {
		return nil, fault("answered with nothing")
	}
	return data, nil
}

// client is made anew for each request, so that no connection outlives it.
func (c *Camera) client(scheme string) *http.Client {
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10}
	if scheme == "https" {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, Time: c.Now, RootCAs: peer.Roots(c.Roots)}
	}
	return &http.Client{Transport: transport, CheckRedirect: func(next *http.Request, before []*http.Request) error {
		switch {
		case next.URL.Scheme != scheme:
			return fault("sends us on from " + scheme + " to " + clean(next.URL.Scheme))
		case len(before) > maxRedirects:
			return fault(fmt.Sprintf("sends us on more than %d times", maxRedirects))
		}
		return nil
	}}
}

// body reads an answer. One that never ends, as a camera's moving picture, is
// read up to the end of its first part.
func body(response *http.Response, most int) ([]byte, error) {
	if response.ContentLength > int64(most) {
		return nil, tooLarge(most)
	}
	kind, parameters, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if kind == "multipart/x-mixed-replace" {
		return firstPart(response.Body, parameters["boundary"], most)
	}
	return readUpTo(response.Body, most)
}

func status(code int) string {
	if text := http.StatusText(code); text != "" {
		return strconv.Itoa(code) + " " + text
	}
	return strconv.Itoa(code)
}

// unanswered says in a fault's words why there is no answer. Errors of
// net/http show the address; ours do not.
func unanswered(err error) error {
	var (
		known   fault
		wrapped *url.Error
		name    *net.DNSError
		call    *net.OpError
		chain   *tls.CertificateVerificationError
	)
	if errors.As(err, &known) {
		return known
	}
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	switch {
	case errors.As(err, &name):
		return fault("cannot be found: the name " + clean(name.Name) + " has no address")
	case errors.As(err, &chain):
		return fault("has a certificate that cannot be trusted: " + distrust(chain.Err))
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault("refuses connections")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fault("broke off the connection")
	case errors.As(err, &call):
		return fault("cannot be reached: " + clean(call.Err.Error()))
	}
	said := strings.TrimPrefix(err.Error(), "net/http: HTTP/1.x transport connection broken: ")
	return fault("gave an answer that is not understood: " + clean(said))
}

func distrust(err error) string {
	var (
		name    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknown):
		return "nobody known has signed it"
	case errors.As(err, &name):
		return "it is for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it is not valid at this time"
	}
	return clean(err.Error())
}
