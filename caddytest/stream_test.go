package caddytest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// openStream is a streamed answer that a test reads piece by piece.
type openStream struct {
	s      *site
	resp   *http.Response
	events *eventReader
	cancel context.CancelFunc
}

// open starts a call and returns when its header has come.
func (s *site) open(c call) *openStream { s.t.Helper(); return s.openWith(s.client, c) }

func (s *site) openWith(client *http.Client, c call) *openStream {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	resp, err := client.Do(s.newRequest(c).WithContext(ctx))
	if err != nil {
		cancel()
		s.t.Fatalf("opening a stream: %v", err)
	}
	st := &openStream{s: s, resp: resp, events: newEventReader(plain(s.t, resp)), cancel: cancel}
	s.t.Cleanup(st.close)
	if resp.StatusCode != 200 {
		b, _ := io.ReadAll(resp.Body)
		s.t.Fatalf("opening a stream: %d %s", resp.StatusCode, b)
	}
	return st
}

// id is the id of the request.
func (st *openStream) id() string { return st.resp.Header.Get("Llm-Request-Id") }

// want reads the next event.
func (st *openStream) want(event string) {
	st.s.t.Helper()
	got, err := st.events.next()
	if err != nil || got != event {
		st.s.t.Fatalf("got %q, %v; want %q", got, err, event)
	}
}

// rest reads to the end.
func (st *openStream) rest() (string, error) {
	b, err := io.ReadAll(st.events.r)
	return string(b), err
}

// close leaves.
func (st *openStream) close() {
	st.cancel()
	st.resp.Body.Close()
}

// streamSite waits long for the next event of a stream, and under /impatient
// only a second.
const streamSite = `
(governed) {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_ratelimit concurrent 100
	llm_cost {
		budget 100 USD/day
	}
	llm_upstream {
		model claude-* claude
		model * openai
		stream_idle_timeout {args[0]}
	}
}
{
	llm_gateway {
		provider openai {
			api_key {env.OPENAI_API_KEY}
			base_url {{openai}}/v1
		}
		provider claude anthropic {
			api_key {env.ANTHROPIC_API_KEY}
			base_url {{openai}}
		}
	}
}
:8080 {
	handle /impatient/* {
		import governed 1s
	}
	handle {
		import governed 1m
	}
}
`

// What leaves the provider in one piece arrives before the next is sent:
// nothing holds events back. The test goes in lockstep and measures no time.
func lockstep(st *openStream, g *gate, events []string) {
	st.s.t.Helper()
	for _, ev := range events {
		select {
		case g.next <- ev + "\n\n":
		case <-time.After(patience):
			st.s.t.Fatal("the provider's stream is stuck")
		}
		st.want(ev + "\n\n")
	}
}

// A client that leaves in the middle of a stream: the provider's call is
// cancelled, what was used is charged, the record says so, nothing is held.
func TestClientAbort(t *testing.T) {
	p := newProvider(t)
	s := start(t, streamSite, options{vars: map[string]string{"openai": p.URL}})
	var ids []string
	for i := range dialects[:4] {
		d := &dialects[i]
		for _, after := range []int{0, 1, d.unfinishedFrom} {
			g := newGate()
			p.answers(g.answer)
			st := s.open(call{path: d.path, body: d.streamRequest, anthropic: d.anthropic})
			lockstep(st, g, d.events[:after])
			st.close()
			select {
			case <-g.gone:
			case <-time.After(patience):
				t.Fatalf("%s: the provider's call was not cancelled", d.name)
			}
			ids = append(ids, st.id())
			rec := s.ended(st.id())
			if rec.Outcome != "client_gone" || rec.Stage != "completed" || len(rec.Attempts) != 1 || rec.Attempts[0].Result != "cut" || rec.Cost <= 0 || !rec.Usage.Estimated {
				t.Errorf("%s after %d events: %s", d.name, after, rec.raw)
			}
		}
	}
	// One that leaves before the answer begins.
	began := make(chan struct{})
	gone := make(chan struct{})
	p.answers(func(_ http.ResponseWriter, r *http.Request, _ []byte) {
		close(began)
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-began; cancel() }()
	if resp, err := s.client.Do(s.newRequest(call{path: "/v1/chat/completions", body: dialects[0].request}).WithContext(ctx)); err == nil {
		resp.Body.Close()
		t.Error("an answer came")
	}
	<-gone
	if !eventually(func() bool { return len(s.records("default", "")) >= 2*len(ids)+2 }) {
		t.Error("no record of the call that was given up before its answer")
	}
	totals := s.nothingHeld()
	if totals.Rows != len(ids)+1 {
		t.Errorf("%d rows for %d calls", totals.Rows, len(ids)+1)
	}
	for _, id := range ids {
		if rows := s.rows(id); len(rows) != 1 || rows[0].Cost <= 0 || rows[0].Cost > rows[0].Reserved {
			t.Errorf("rows: %+v", rows)
		}
	}
	s.verify("default")
}

// A stream that the provider does not end properly ends in an error of the
// dialect, never in a clean end.
func TestUpstreamCut(t *testing.T) {
	p := newProvider(t)
	s := start(t, streamSite, options{vars: map[string]string{"openai": p.URL}})
	for i := range dialects[:4] {
		d := &dialects[i]
		for _, how := range []string{"connection cut", "clean early end", "stalled", "cut within an event", "ended within an event", "malformed event"} {
			t.Run(d.name+"/"+how, func(t *testing.T) {
				s.t = t
				g := newGate()
				p.answers(g.answer)
				c := call{path: d.path, body: d.streamRequest, anthropic: d.anthropic}
				if how == "stalled" {
					c.path = "/impatient" + c.path
				}
				st := s.open(c)
				if how != "stalled" {
					lockstep(st, g, d.events[:d.unfinishedFrom])
				} else { // in one piece: a pause between them would be a stall
					g.next <- stream(d.events[:d.unfinishedFrom]...)
					for _, ev := range d.events[:d.unfinishedFrom] {
						st.want(ev + "\n\n")
					}
				}
				switch how {
				case "connection cut":
					g.next <- abort
				case "clean early end":
					close(g.next)
				case "cut within an event":
					g.next <- d.events[d.unfinishedFrom][:20]
					g.next <- abort
				case "ended within an event":
					g.next <- d.events[d.unfinishedFrom]
					close(g.next)
				case "malformed event":
					g.next <- "data: {\"type\":\"message_delta\",\"choices\":[{\"finish_reason\":\"st\n\n"
					close(g.next)
				}
				rest, err := st.rest()
				if err != nil {
					t.Fatalf("the connection broke instead: %v after %q", err, rest)
				}
				want := map[string]string{
					"chat": "data: {\"error\":{", "completions": "data: {\"error\":{",
					"responses": "event: response.failed\ndata: {\"type\":\"response.failed\",",
					"messages":  "event: error\ndata: {\"type\":\"error\",",
				}[d.name]
				if !strings.HasPrefix(rest, want) || !strings.HasSuffix(rest, "}\n\n") || strings.Count(rest, "\n\n") != 1 {
					t.Errorf("the stream ends in %q", rest)
				}
				code := "provider_error"
				if how == "stalled" {
					code = "provider_timeout"
				}
				if !strings.Contains(rest, `"code":"`+code+`"`) {
					t.Errorf("the stream ends in %q, want the code %s", rest, code)
				}
				rec := s.ended(st.id())
				if rec.Outcome != "cut" || rec.Denial.Code != code || rec.Attempts[0].Result != "cut" || rec.Cost <= 0 {
					t.Errorf("the record: %s", rec.raw)
				}
			})
		}
	}
	s.t = t
	s.nothingHeld()
	s.verify("default")
}

// The same in front of a stock reverse_proxy.
func TestUpstreamCutBehindReverseProxy(t *testing.T) {
	p := newProvider(t)
	s := start(t, `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_cost {
		budget 100 USD/day
	}
	reverse_proxy {{openai}}
}`, options{vars: map[string]string{"openai": p.URL}})
	for i := range dialects[:4] {
		d := &dialects[i]
		for _, how := range []string{"connection cut", "clean early end"} {
			t.Run(d.name+"/"+how, func(t *testing.T) {
				s.t = t
				g := newGate()
				p.answers(g.answer)
				st := s.open(call{path: d.path, body: d.streamRequest, anthropic: d.anthropic})
				lockstep(st, g, d.events[:d.unfinishedFrom])
				if how == "connection cut" {
					g.next <- abort
				} else {
					close(g.next)
				}
				rest, err := st.rest()
				if err != nil || !strings.Contains(rest, `"code":"provider_error"`) {
					t.Errorf("the stream ends in %q, %v", rest, err)
				}
				if rec := s.ended(st.id()); rec.Outcome != "cut" || rec.Cost <= 0 {
					t.Errorf("the record: %s", rec.raw)
				}
			})
		}
	}
	s.t = t
	// A client that leaves.
	g := newGate()
	p.answers(g.answer)
	st := s.open(call{path: "/v1/chat/completions", body: dialects[0].streamRequest})
	lockstep(st, g, chatEvents[:2])
	st.close()
	<-g.gone
	if rec := s.ended(st.id()); rec.Outcome != "client_gone" || rec.Cost <= 0 {
		t.Errorf("the record: %s", rec.raw)
	}
	s.nothingHeld()
}
