package capture

import (
	"bufio"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ipCamera answers as cameras do, well and badly.
func ipCamera(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	say := func(path string, f http.HandlerFunc) { mux.HandleFunc(path, f) }
	say("/snapshot", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html") // it is not
		fmt.Fprint(w, jpeg)
	})
	say("/login", func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "admin" || password != "s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, jpeg)
	})
	say("/login-elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) })
	say("/empty", func(w http.ResponseWriter, r *http.Request) {})
	say("/odd", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(599) })
	say("/partial", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusPartialContent) })
	say("/big", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, strings.Repeat("x", 1001)) })
	say("/full", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, strings.Repeat("x", 1000)) })
	say("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := fmt.Fprint(w, strings.Repeat("x", 4096)); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	})
	say("/hop/{left}", func(w http.ResponseWriter, r *http.Request) {
		left := r.PathValue("left")
		if left == "0" {
			fmt.Fprint(w, jpeg)
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/hop/%c", left[0]-1), http.StatusFound)
	})
	say("/to-https", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://127.0.0.1:1/", http.StatusFound)
	})
	say("/cut", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "half")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestWebAddressGivesItsAnswerOrTheReason(t *testing.T) {
	server := ipCamera(t)
	s := open(t, Config{MaxBytes: 1000})
	picture := fmt.Sprintf("(image/jpeg) %q", jpeg)
	withLogin := strings.Replace(server.URL, "://", "://admin:s3cret@", 1)
	for address, want := range map[string]string{
		server.URL + "/snapshot":           "snapshot.jpg " + picture,
		server.URL + "/snapshot?a=b":       "snapshot.jpg " + picture,
		server.URL + "/login":              "login answered 401 Unauthorized",
		withLogin + "/login":               "login.jpg " + picture,
		withLogin + "/login-elsewhere":     "login-elsewhere.jpg " + picture,
		server.URL + "/nowhere.jpg":        "nowhere.jpg answered 404 Not Found",
		server.URL:                         "camera-1 answered 404 Not Found",
		server.URL + "/odd":                "odd answered 599",
		server.URL + "/partial":            "partial answered 206 Partial Content",
		server.URL + "/empty":              "empty answered with nothing",
		server.URL + "/big":                "big is larger than 1 KB",
		server.URL + "/full":               fmt.Sprintf("full.txt (text/plain) %q", strings.Repeat("x", 1000)),
		server.URL + "/endless":            "endless is larger than 1 KB",
		server.URL + "/hop/3":              "3.jpg " + picture,
		server.URL + "/hop/4":              "4 sends us on more than 3 times",
		server.URL + "/to-https":           "to-https sends us on from http to https",
		server.URL + "/cut":                "cut broke off the connection",
		"http://" + refusing(t) + "/x.jpg": "x.jpg refuses connections",
		"http://" + babbling(t) + "/x.jpg": `x.jpg gave an answer that is not understood: malformed HTTP status code "not"`,
		"http://" + hangingUp(t) + "/x":    "x broke off the connection",
	} {
		if got := brief(s.shoot(wanting(uint64(time.Now().UnixNano()), address))); got != want {
			t.Errorf("%s:\n got %s\nwant %s", address, got, want)
		}
	}
}

// refusing is an address where connections are refused: its port is taken, so
// that nobody else gets it, and nobody listens.
func refusing(t *testing.T) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
}

// babbling answers, but not in HTTP.
func babbling(t *testing.T) string {
	return serve(t, func(conn net.Conn) {
		bufio.NewReader(conn).ReadString('\n')
		fmt.Fprint(conn, "HTTP/1.1 not a web server\r\n\r\n")
	})
}

func hangingUp(t *testing.T) string {
	return serve(t, func(conn net.Conn) { bufio.NewReader(conn).ReadString('\n') })
}

// serve answers each connection with f and closes it.
func serve(t *testing.T, f func(net.Conn)) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { defer conn.Close(); f(conn) }()
		}
	}()
	return listener.Addr().String()
}

func TestServerThatStallsIsGivenUpAtTheDeadline(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	silent := serve(t, func(net.Conn) { <-hold })
	stalling := serve(t, func(conn net.Conn) {
		bufio.NewReader(conn).ReadString('\n')
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		<-hold
	})
	s := open(t, Config{Deadline: time.Second})
	files := s.shoot(wanting(1, "http://"+silent+"/a", "http://"+stalling+"/b", "exec:/bin/sleep 1000"))
	for _, f := range files {
		if !strings.HasSuffix(f.Fault, " within 1 s") && !strings.HasPrefix(f.Fault, "was not asked within 1 s") {
			t.Errorf("%s: %q", f.Source, f.Fault)
		}
	}
}

func TestCertificateOfACameraIsVerified(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, jpeg) }))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	defer server.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		roots *x509.CertPool
		host  string
		now   time.Time
		want  string
	}{
		"trusted":       {trusted, "127.0.0.1", time.Now(), ""},
		"unknown":       {x509.NewCertPool(), "127.0.0.1", time.Now(), "has a certificate that cannot be trusted: nobody known has signed it"},
		"other name":    {trusted, "127.44.0.1", time.Now(), "has a certificate that cannot be trusted: it is for another name"},
		"board in 1970": {trusted, "127.0.0.1", time.Unix(0, 0).Add(-100 * time.Hour), "has a certificate that cannot be trusted: it is not valid at this time"},
	} {
		s := open(t, Config{Roots: func() *x509.CertPool { return test.roots }, Now: func() time.Time { return test.now }})
		address := "https://127.0.0.1:" + u.Port() + "/x.jpg"
		if test.host != "127.0.0.1" {
			forward := serveAt(t, test.host, u.Host)
			address = "https://" + forward + "/x.jpg"
		}
		if got := s.one(address); got.Fault != test.want {
			t.Errorf("%s: %q, want %q", name, got.Fault, test.want)
		}
	}
	if got := open(t, Config{}).one("http://" + u.Host + "/x.jpg"); got.Fault != "answered 400 Bad Request" {
		t.Errorf("http where https is spoken: %q", got.Fault)
	}
}

// serveAt passes connections to a host on to another one.
func serveAt(t *testing.T, host, to string) string {
	listener, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go pass(conn, to)
		}
	}()
	return listener.Addr().String()
}

func pass(conn net.Conn, to string) {
	defer conn.Close()
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer far.Close()
	go bufio.NewReader(conn).WriteTo(far)
	bufio.NewReader(far).WriteTo(conn)
}

func TestLogHasNoSecretOfASource(t *testing.T) {
	var log syncedText
	server := ipCamera(t)
	s := open(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	at := strings.TrimPrefix(server.URL, "http://")
	s.shoot(wanting(1,
		"http://admin:s3cret@"+at+"/nowhere?pwd=s3cret", "http://admin:s3cret@"+at+"/login?pwd=s3cret", "http://admin:s3cret@"+refusing(t)+"/?pwd=s3cret",
		"https://admin:s3cret@"+at+"/?pwd=s3cret", "exec:/bin/false s3cret", "exec:/bin/echo s3cret", "exec:/nowhere/s3cret", "exec:'s3cret"))
	s.stop()
	text := log.String()
	if strings.Contains(strings.ReplaceAll(text, "/nowhere/s3cret", ""), "s3cret") || strings.Count(text, "event=1") != 8 {
		t.Error(text)
	}
}

type syncedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *syncedText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *syncedText) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func TestNameThatNobodyHasIsAFault(t *testing.T) {
	err := unanswered(&url.Error{Op: "Get", URL: "http://a:b@cam.invalid/", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Name: "cam.invalid", IsNotFound: true}}})
	if err.Error() != "cannot be found: the name cam.invalid has no address" {
		t.Error(err)
	}
}
