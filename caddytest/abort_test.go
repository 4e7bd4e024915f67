package caddytest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// A client that leaves at any byte of its request, or of its answer, leaves
// nothing behind: no reservation, no call of the provider that nobody admitted, no
// goroutine (the site's end looks for those).
func TestClientAbortsAtEveryByte(t *testing.T) {
	p := newProvider(t)
	p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, ev := range chatEvents {
			_, _ = io.WriteString(w, ev+"\n\n")
			w.(http.Flusher).Flush()
			time.Sleep(time.Millisecond)
		}
	})
	s := startPair(t, "", p.URL, p.URL+"/")
	request := func(body string) string {
		return fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", webKey, len(body), body)
	}
	text := request(smartStream)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for n := range len(text) {
		c := dial()
		_, _ = io.WriteString(c, text[:n])
		if n%2 == 0 {
			_ = c.(*net.TCPConn).SetLinger(0)
		}
		c.Close()
	}
	if n := p.count(); n != 0 {
		t.Errorf("%d calls for requests that never came whole", n)
	}
	// The whole answer, to know how long it is.
	whole := s.chat(call{body: smartStream}).ok()
	length := len(whole.Body) + 400
	aborted := 0
	for n := 1; n < length; n += 7 {
		c := dial()
		_, _ = io.WriteString(c, text)
		_ = c.SetReadDeadline(time.Now().Add(patience))
		got, _ := io.ReadFull(c, make([]byte, n))
		if got > 0 {
			aborted++
		}
		if n%2 == 0 {
			_ = c.(*net.TCPConn).SetLinger(0)
		}
		c.Close()
	}
	s.chat(call{body: smartStream}).ok()
	t.Logf("%d requests cut at each byte, %d answers", len(text), aborted)
	s.nothingHeld()
	s.verify("default")
	if gone := s.everyCallEnded("default"); gone == 0 {
		t.Error("no record of a client that has gone")
	}
}
