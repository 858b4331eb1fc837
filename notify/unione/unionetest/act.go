package unionetest

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Act is what a server does with a request. The zero value is the honest one.
type Act struct {
	status int
	body   string
	header []string // name, value, name, value …
	raw    string   // written as it is, and then the connection ends
	drop   bool     // end the connection
	stall  bool     // say nothing until the server is closed
	flood  bool     // begin as a receipt does, and never end
}

// Drop takes the request and hangs up.
var Drop = Act{drop: true}

// Stall takes the request and says nothing.
var Stall = Act{stall: true}

// Flood answers with a receipt that goes on for as long as anybody listens.
var Flood = Act{flood: true}

// Say answers; header has names and values by turns.
func Say(status int, body string, header ...string) Act {
	return Act{status: status, body: body, header: header}
}

// Raw writes what may be no HTTP at all, and hangs up.
func Raw(text string) Act { return Act{raw: text} }

// Last answers as Say does and hangs up without having said that it would.
func Last(status int, body string) Act {
	return Raw("HTTP/1.1 " + strconv.Itoa(status) + " so\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body)
}

// maxBody is more than the API takes: how large a request is says the handler.
const maxBody = 32 << 20

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.options.Unread {
		s.takeOver(w, Drop)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	asked := Request{Path: r.URL.Path, Key: r.Header.Get("X-API-KEY"), Body: body, Connection: r.RemoteAddr}
	s.mu.Lock()
	s.requests = append(s.requests, asked)
	s.mu.Unlock()
	var act Act
	if s.options.Script != nil {
		act = s.options.Script(asked)
	}
	switch {
	case act.flood:
		flood(w)
	case act.stall, act.drop, act.raw != "":
		s.takeOver(w, act)
	case act.status != 0:
		for i := 0; i+1 < len(act.header); i += 2 {
			w.Header().Set(act.header[i], act.header[i+1])
		}
		w.WriteHeader(act.status)
		_, _ = io.WriteString(w, act.body) // the client may have gone
	default:
		s.honest(w, r, asked)
	}
}

func flood(w io.Writer) {
	_, err := io.WriteString(w, `{"status":"success","job_id":"`)
	for err == nil {
		_, err = io.WriteString(w, strings.Repeat("x", 1<<16))
	}
}

// takeOver does what no HTTP server would.
func (s *Server) takeOver(w http.ResponseWriter, act Act) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	s.mu.Lock()
	s.hijacked[conn] = true
	s.mu.Unlock()
	defer conn.Close()
	if act.stall {
		<-s.over
		return
	}
	_, _ = io.WriteString(conn, act.raw) // the client may have gone
}
