package caddytest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// faultServer is a model server that misbehaves at the level of the connection:
// what it writes is no library's idea of HTTP. The last word of the model's name
// in a request chooses how.
type faultServer struct {
	t   *testing.T
	URL string
	ln  net.Listener

	mu    sync.Mutex
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

func newFaultServer(t *testing.T) *faultServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &faultServer{t: t, URL: "http://" + ln.Addr().String(), ln: ln, conns: map[net.Conn]bool{}}
	f.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns[c] = true
			f.mu.Unlock()
			f.wg.Go(func() { f.serve(c) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		f.mu.Lock()
		for c := range f.conns {
			c.Close()
		}
		f.mu.Unlock()
		f.wg.Wait()
	})
	return f
}

func (f *faultServer) serve(c net.Conn) {
	defer func() {
		f.mu.Lock()
		delete(f.conns, c)
		f.mu.Unlock()
		c.Close()
	}()
	r := bufio.NewReader(c)
	req, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	name := req.URL.Path + string(body)
	for i := range faults {
		if strings.Contains(name, "fault-"+faults[i].name+"-end") {
			key := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ") + req.Header.Get("X-Api-Key") + req.Header.Get("X-Goog-Api-Key")
			faults[i].serve(&faulty{Conn: c, key: key, shape: shapeOf(req, body), stream: strings.Contains(string(body), `"stream":true`) || strings.Contains(req.URL.Path, "stream")})
			return
		}
	}
	f.t.Errorf("a request without a fault: %s %s", req.URL, body)
}

// shape is what an upstream of a dialect would have answered.
type shape struct {
	whole  string
	events []string
	sep    string // between events
	ctype  string // of a stream
}

func shapeOf(r *http.Request, body []byte) shape {
	switch {
	case strings.Contains(r.URL.Path, ":"):
		return shape{geminiWhole, []string{geminiFirst, geminiFirst, geminiLast}, "\n\n", "text/event-stream"}
	case strings.HasPrefix(r.URL.Path, "/api/"):
		return shape{ollamaLast, []string{ollamaFirst, ollamaFirst, ollamaLast}, "\n", "application/x-ndjson"}
	}
	d := dialectOf(r.URL.Path)
	return shape{d.whole, d.events, "\n\n", "text/event-stream"}
}

const (
	ollamaFirst = `{"model":"llama3","created_at":"2026-11-23T10:00:00Z","message":{"role":"assistant","content":"Hello"},"done":false}`
	ollamaLast  = `{"model":"llama3","created_at":"2026-11-23T10:00:00Z","message":{"role":"assistant","content":" there."},"done":true,"done_reason":"stop","prompt_eval_count":11,"eval_count":7}`
)

// faulty is a connection on which an answer goes wrong.
type faulty struct {
	net.Conn
	shape
	stream bool
	key    string // that came with the request
}

func (c *faulty) say(s string) { _, _ = io.WriteString(c.Conn, s) }

// reset closes the connection so that the other side sees a reset.
func (c *faulty) reset() {
	_ = c.Conn.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// silence keeps the connection open until the gateway gives up.
func (c *faulty) silence() {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	_, _ = c.Read(make([]byte, 1))
}

// head begins an answer whose body has no length.
func (c *faulty) head(status int, ctype string, more ...string) {
	c.say(fmt.Sprintf("HTTP/1.1 %d X\r\nConnection: close\r\n", status))
	if ctype != "" {
		c.say("Content-Type: " + ctype + "\r\n")
	}
	for _, h := range more {
		c.say(h + "\r\n")
	}
	c.say("\r\n")
}

// ok begins a good answer of the kind that was asked for; begin sends also what
// reaches a client of it before something goes wrong.
func (c *faulty) ok(more ...string) {
	if c.stream {
		c.head(200, c.ctype, more...)
		return
	}
	c.head(200, "application/json", more...)
}

func (c *faulty) begin() {
	c.ok()
	if c.stream {
		c.say(c.events[0] + c.sep + c.events[1] + c.sep)
		time.Sleep(20 * time.Millisecond) // its first bytes have gone to the client
	} else {
		c.say(c.whole[:len(c.whole)/2])
	}
}

func (c *faulty) good() {
	if c.stream {
		c.say(strings.Join(c.events, c.sep) + c.sep)
	} else {
		c.say(c.whole)
	}
}

// verdict is what must become of a faulty answer.
type verdict uint8

const (
	early verdict = iota // nothing of it may reach the client: another deployment can answer
	late                 // a stream that has begun and must end in an error; a whole answer is early
	fine                 // odd, but whole
)

// fault is a way to misbehave.
type fault struct {
	name  string
	want  verdict
	serve func(c *faulty)
	// streams and wholes: what it is for, if not for both.
	streams, wholes bool
	// own marks an error status of the provider that a client of a single
	// deployment gets as it is.
	own int
	// heavy ones send many megabytes: a few dialects must do, one at a time.
	heavy bool
	// silent ones end by a timeout: they wait together.
	silent bool
	// lossy ones reset the connection after data, and who has not read that data
	// by then loses it: the gateway must then say that the provider failed.
	lossy bool
}

func status(code int, ctype, body string, more ...string) func(c *faulty) {
	return func(c *faulty) { c.head(code, ctype, more...); c.say(body) }
}

var faults = []fault{
	{name: "reset-before-headers", serve: func(c *faulty) { c.reset() }},
	{name: "close-before-headers", serve: func(c *faulty) {}},
	{name: "reset-mid-headers", serve: func(c *faulty) { c.say("HTTP/1.1 200 OK\r\nContent-Ty"); c.reset() }},
	{name: "close-mid-headers", serve: func(c *faulty) { c.say("HTTP/1.1 200 OK\r\nContent-Ty") }},
	{name: "hang-before-headers", silent: true, serve: func(c *faulty) { c.silence() }},
	{name: "hang-mid-headers", silent: true, serve: func(c *faulty) { c.say("HTTP/1.1 200 OK\r\nContent-Ty"); c.silence() }},
	{name: "hang-after-headers", silent: true, serve: func(c *faulty) { c.ok(); c.silence() }},
	{name: "garbage", serve: func(c *faulty) { c.say("\x00\x01\x02 not http at all\r\n\r\n") }},
	{name: "huge-headers", heavy: true, serve: func(c *faulty) {
		c.say("HTTP/1.1 200 OK\r\nX-Huge: " + strings.Repeat("a", 12<<20) + "\r\n\r\n")
	}},
	{name: "flood-of-1xx", heavy: true, serve: func(c *faulty) { c.say(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 5000)) }},
	{name: "redirect-302", serve: status(302, "", "", "Location: /elsewhere")},
	{name: "redirect-307", serve: status(307, "", "", "Location: http://127.0.0.1:1/")},
	{name: "redirect-308", serve: status(308, "", "", "Location: http://127.0.0.1:1/")},
	{name: "status-500", own: 500, serve: status(500, "application/json", `{"error":{"message":"boom","type":"server_error"}}`)},
	{name: "status-500-html", own: 500, serve: status(500, "text/html", "<html><body>boom</body></html>")},
	{name: "status-502-empty", own: 502, serve: status(502, "", "")},
	{name: "status-503", own: 503, serve: status(503, "application/json", `{"error":"busy"}`, "Retry-After: 1")},
	{name: "status-529", own: 529, serve: status(529, "application/json", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`)},
	{name: "status-429-seconds", own: 429, serve: status(429, "application/json", `{"error":{"message":"slow down"}}`, "Retry-After: 1")},
	{name: "status-429-date", own: 429, serve: status(429, "application/json", `{"error":{"message":"slow down"}}`, "Retry-After: Mon, 01 Jan 2035 00:00:00 GMT")},
	{name: "status-401-with-key", own: 401, serve: func(c *faulty) {
		c.head(401, "application/json", "X-Request-Id: "+c.key)
		c.say(`{"error":{"message":"wrong key ` + c.key + `"}}`)
	}},
	{name: "html-200", serve: status(200, "text/html", "<html>a captive portal</html>")},
	{name: "no-type-garbage", wholes: true, serve: status(200, "", "garbage")},
	{name: "garbage-json", serve: func(c *faulty) { c.ok(); c.say("{]}\n\n") }},
	{name: "two-documents", wholes: true, serve: func(c *faulty) { c.ok(); c.say(c.whole + c.whole) }},
	{name: "short-body", serve: func(c *faulty) {
		c.ok("Content-Length: 5000")
		if c.stream {
			c.say(c.events[0][:12])
		} else {
			c.say(c.whole[:12])
		}
	}},
	{name: "empty-body", serve: func(c *faulty) { c.ok() }},
	{name: "broken-chunk", serve: func(c *faulty) { c.ok("Transfer-Encoding: chunked"); c.say("ZZ\r\nabc\r\n") }},
	{name: "unasked-gzip", serve: func(c *faulty) {
		c.ok("Content-Encoding: gzip")
		z := gzip.NewWriter(c.Conn)
		_, _ = io.WriteString(z, c.whole)
		z.Close()
	}},
	{name: "gzip-bomb", heavy: true, serve: func(c *faulty) {
		c.ok("Content-Encoding: gzip")
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		zeros := make([]byte, 1<<20)
		for range 64 {
			_, _ = z.Write(zeros)
		}
		z.Close()
		c.say(b.String())
	}},
	{name: "error-in-200", serve: func(c *faulty) {
		c.ok()
		c.say(`{"error":{"message":"boom","type":"server_error","code":500}}`)
	}, wholes: true},
	{name: "error-first", streams: true, serve: func(c *faulty) {
		c.ok()
		if c.sep == "\n" {
			c.say(`{"error":"boom"}` + "\n")
			return
		}
		c.say("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"boom\"}}\n\n")
	}},
	{name: "half-first-event-close", streams: true, serve: func(c *faulty) { c.ok(); c.say(c.events[0][:20]) }},
	{name: "half-first-event-reset", streams: true, serve: func(c *faulty) { c.ok(); c.say(c.events[0][:20]); c.reset() }},
	{name: "event-too-large", heavy: true, streams: true, serve: func(c *faulty) {
		c.ok()
		c.say("data: {\"x\":\"")
		piece := strings.Repeat("a", 1<<20)
		for range 18 {
			c.say(piece)
		}
	}},

	{name: "cut-close", want: late, serve: func(c *faulty) { c.begin() }},
	{name: "cut-reset", lossy: true, want: late, serve: func(c *faulty) { c.begin(); c.reset() }},
	{name: "cut-mid-event-close", want: late, streams: true, serve: func(c *faulty) { c.begin(); c.say(c.events[1][:20]) }},
	{name: "cut-mid-event-reset", lossy: true, want: late, streams: true, serve: func(c *faulty) { c.begin(); c.say(c.events[1][:20]); c.reset() }},
	{name: "hang-mid-answer", silent: true, want: late, serve: func(c *faulty) { c.begin(); c.silence() }},
	{name: "hang-mid-event", silent: true, want: late, streams: true, serve: func(c *faulty) { c.begin(); c.say(c.events[1][:20]); c.silence() }},
	{name: "garbage-mid-stream", want: late, streams: true, serve: func(c *faulty) { c.begin(); c.say("data: ]{\n\n") }},
	{name: "error-mid-stream", want: late, streams: true, serve: func(c *faulty) {
		c.begin()
		if c.sep == "\n" {
			c.say(`{"error":"boom"}` + "\n")
			return
		}
		c.say("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"boom " + c.key + "\"}}\n\n")
	}},
	{name: "event-too-large-mid-stream", heavy: true, want: late, streams: true, serve: func(c *faulty) {
		c.begin()
		c.say("data: {\"x\":\"")
		piece := strings.Repeat("a", 1<<20)
		for range 18 {
			c.say(piece)
		}
	}},

	{name: "fine", want: fine, serve: func(c *faulty) { c.ok(); c.good() }},
	{name: "few-1xx", want: fine, serve: func(c *faulty) {
		c.say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
		c.ok()
		c.good()
	}},
	{name: "trailers", want: fine, serve: func(c *faulty) {
		c.ok("Transfer-Encoding: chunked", "Trailer: X-Checksum")
		body := c.whole
		if c.stream {
			body = strings.Join(c.events, c.sep) + c.sep
		}
		c.say(fmt.Sprintf("%x\r\n%s\r\n0\r\nX-Checksum: 1\r\n\r\n", len(body), body))
	}},
	{name: "stream-without-type", want: fine, streams: true, serve: func(c *faulty) { c.head(200, ""); c.good() }},
	{name: "one-byte-at-a-time", want: fine, serve: func(c *faulty) {
		_ = c.Conn.(*net.TCPConn).SetNoDelay(true)
		c.ok()
		body := c.whole
		if c.stream {
			body = strings.Join(c.events, c.sep) + c.sep
		}
		for i := range len(body) {
			c.say(body[i : i+1])
		}
	}},
	{name: "large-line", heavy: true, want: fine, streams: true, serve: func(c *faulty) {
		c.ok()
		// A megabyte inside an event that means nothing.
		if c.sep == "\n" {
			c.say(strings.Replace(ollamaFirst, "{", `{"padding":"`+strings.Repeat("a", 1<<20)+`",`, 1) + "\n")
		} else {
			c.say(": " + strings.Repeat("a", 1<<20) + "\n\n")
		}
		c.good()
	}},
	{name: "data-after-the-end", want: fine, streams: true, serve: func(c *faulty) { c.ok(); c.good(); c.say(": bye" + c.sep) }},
	{name: "reset-after-the-end", lossy: true, want: fine, streams: true, serve: func(c *faulty) {
		c.ok()
		c.good()
		time.Sleep(20 * time.Millisecond)
		c.reset()
	}},
}
