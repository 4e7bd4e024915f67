package caddytest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is what a client got.
type answer struct {
	s      *site
	Status int
	Header http.Header
	Body   string
	// Err is why the body did not end cleanly.
	Err error
}

// call is a request of a client. Empty members get the usual values.
type call struct {
	method, path, body string
	header             map[string]string // "" removes
	key                string            // "-" sends none
	anthropic          bool
}

func (s *site) newRequest(c call) *http.Request {
	s.t.Helper()
	if c.method == "" {
		c.method = http.MethodPost
	}
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	r, err := http.NewRequest(c.method, s.URL+c.path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	key := c.key
	if key == "" {
		key = webKey
	}
	if c.anthropic {
		r.Header.Set("Anthropic-Version", "2023-06-01")
	}
	if key != "-" {
		if c.anthropic {
			r.Header.Set("X-Api-Key", key)
		} else {
			r.Header.Set("Authorization", "Bearer "+key)
		}
	}
	for name, v := range c.header {
		if v == "" {
			r.Header.Del(name)
			continue
		}
		if strings.EqualFold(name, "Host") {
			r.Host = v
			continue
		}
		r.Header.Set(name, v)
	}
	return r
}

// do makes a call and reads the whole answer.
func (s *site) do(c call) *answer {
	s.t.Helper()
	resp, err := s.client.Do(s.newRequest(c))
	if err != nil {
		s.t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return &answer{s: s, Status: resp.StatusCode, Header: resp.Header, Body: string(b), Err: err}
}

// chat makes the plain chat call.
func (s *site) chat(c call) *answer {
	s.t.Helper()
	if c.path == "" {
		c.path = "/v1/chat/completions"
	}
	if c.body == "" {
		c.body = dialects[0].request
	}
	return s.do(c)
}

// ok fails the test unless the answer is a clean 200.
func (a *answer) ok() *answer {
	a.s.t.Helper()
	if a.Status != 200 || a.Err != nil {
		a.s.t.Fatalf("got %d (%v): %s", a.Status, a.Err, a.Body)
	}
	return a
}

// code returns the code of an error answer, checking its envelope.
func (a *answer) code(anthropic bool) string {
	a.s.t.Helper()
	var env struct {
		Type  string
		Error struct {
			Message, Type, Code string
			Param               json.RawMessage
		}
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(a.Body), &env); err != nil {
		a.s.t.Errorf("the error is not JSON: %v: %q", err, a.Body)
		return ""
	}
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		a.s.t.Errorf("Content-Type of an error: %q", a.Header.Get("Content-Type"))
	}
	if env.Error.Message == "" || env.Error.Type == "" || env.Error.Code == "" {
		a.s.t.Errorf("an error without message, type or code: %s", a.Body)
	}
	id := a.Header.Get("Llm-Request-Id")
	if len(id) != 36 {
		a.s.t.Errorf("LLM-Request-Id is %q", id)
	}
	if anthropic {
		if env.Type != "error" || env.RequestID != id || a.Header.Get("Request-Id") != id {
			a.s.t.Errorf("not Anthropic's envelope: %s (request-id %q)", a.Body, a.Header.Get("Request-Id"))
		}
	} else {
		if env.Type != "" || env.Error.Param == nil || a.Header.Get("X-Request-Id") != id {
			a.s.t.Errorf("not OpenAI's envelope: %s (x-request-id %q)", a.Body, a.Header.Get("X-Request-Id"))
		}
	}
	return env.Error.Code
}

// denied fails the test unless the answer is that error.
func (a *answer) denied(status int, code string, anthropic bool) *answer {
	a.s.t.Helper()
	if a.Status != status {
		a.s.t.Errorf("got %d, want %d %s: %s", a.Status, status, code, a.Body)
		return a
	}
	if got := a.code(anthropic); got != code {
		a.s.t.Errorf("got code %q, want %q: %s", got, code, a.Body)
	}
	return a
}

// raw sends bytes over a connection and returns what comes back until the other
// side closes or the answer is complete.
func (s *site) raw(request string) *answer {
	s.t.Helper()
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, request); err != nil {
		s.t.Logf("writing: %v", err)
	}
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		return &answer{s: s, Err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return &answer{s: s, Status: resp.StatusCode, Header: resp.Header, Body: string(b), Err: err}
}

// eventReader reads server-sent events one at a time.
type eventReader struct{ r *bufio.Reader }

func newEventReader(r io.Reader) *eventReader { return &eventReader{bufio.NewReader(r)} }

// next returns the next event with its blank line.
func (e *eventReader) next() (string, error) {
	var b bytes.Buffer
	for {
		line, err := e.r.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			return b.String(), err
		}
		if line == "\n" {
			return b.String(), nil
		}
	}
}
