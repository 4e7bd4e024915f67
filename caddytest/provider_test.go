package caddytest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// provider is a mock of a model server.
type provider struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	seen   []seen
	answer func(w http.ResponseWriter, r *http.Request, body []byte)
}

// seen is a request as it reached the provider.
type seen struct {
	Method, URI string
	Header      http.Header
	Body        string
}

// newProvider starts a mock. Requests are answered by what answers sets, at
// first a short whole answer in the dialect of the path.
func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{t: t, answer: plainAnswer}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		p.mu.Lock()
		// Also one whose body never came: its header has left the gateway.
		p.seen = append(p.seen, seen{r.Method, r.RequestURI, r.Header.Clone(), string(body)})
		answer := p.answer
		p.mu.Unlock()
		if err != nil {
			return
		}
		for _, key := range []string{webKey, batchKey, wrongKey} {
			if strings.Contains(string(body)+r.RequestURI, key) || headerHas(r.Header, key) {
				t.Errorf("the client's key reached the provider: %s %s %v", r.Method, r.RequestURI, r.Header)
			}
		}
		answer(w, r, body)
	}))
	t.Cleanup(func() {
		p.CloseClientConnections()
		p.Close()
	})
	return p
}

func headerHas(h http.Header, s string) bool {
	for _, vs := range h {
		for _, v := range vs {
			if strings.Contains(v, s) {
				return true
			}
		}
	}
	return false
}

// answers sets how the next requests are answered.
func (p *provider) answers(f func(w http.ResponseWriter, r *http.Request, body []byte)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = f
}

// count is how many requests have come; requests returns them.
func (p *provider) count() int { return len(p.requests()) }

func (p *provider) requests() []seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]seen(nil), p.seen...)
}

// forget drops what has been seen.
func (p *provider) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = nil
}

// Whole answers of the dialects, with 11 tokens in and 7 out.
const (
	chatWhole        = `{"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there.","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"service_tier":"default"}`
	completionsWhole = `{"id":"cmpl-1","object":"text_completion","created":1790000000,"model":"gpt-3.5-turbo-instruct","choices":[{"index":0,"text":"Hello there.","logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}`
	responsesWhole   = `{"id":"resp_1","object":"response","created_at":1790000000,"status":"completed","error":null,"model":"gpt-4o-mini","output":[{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello there.","annotations":[]}]}],"usage":{"input_tokens":11,"input_tokens_details":{"cached_tokens":0},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":18}}`
	embeddingsWhole  = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-2.5e-3]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":11,"total_tokens":11}}`
	messagesWhole    = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"Hello there."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":11,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":7}}`
	countTokensWhole = `{"input_tokens":11}`
	openaiModels     = `{"object":"list","data":[{"id":"gpt-4o","object":"model","created":1,"owned_by":"openai"},{"id":"gpt-4o-mini","object":"model","created":1,"owned_by":"openai"},{"id":"o3","object":"model","created":1,"owned_by":"openai"}]}`
	claudeModels     = `{"data":[{"type":"model","id":"claude-sonnet-4-5","display_name":"Claude","created_at":"2025-09-29T00:00:00Z"}],"has_more":false,"first_id":"claude-sonnet-4-5","last_id":"claude-sonnet-4-5"}`
)

// Streams of the dialects, as lists of events, with the same figures.
var (
	chatEvents = []string{
		`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`,
		`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}`,
		`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":" there."},"finish_reason":null}]}`,
		`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`,
		`data: [DONE]`,
	}
	chatUsageEvent    = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}`
	completionsEvents = []string{
		`data: {"id":"cmpl-1","object":"text_completion","created":1790000000,"model":"gpt-3.5-turbo-instruct","choices":[{"index":0,"text":"Hello","logprobs":null,"finish_reason":null}]}`,
		`data: {"id":"cmpl-1","object":"text_completion","created":1790000000,"model":"gpt-3.5-turbo-instruct","choices":[{"index":0,"text":" there.","logprobs":null,"finish_reason":"stop"}]}`,
		`data: [DONE]`,
	}
	responsesEvents = []string{
		"event: response.created\ndata: " + `{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1790000000,"status":"in_progress","model":"gpt-4o-mini","output":[],"usage":null}}`,
		"event: response.output_text.delta\ndata: " + `{"type":"response.output_text.delta","sequence_number":1,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hello"}`,
		"event: response.output_text.delta\ndata: " + `{"type":"response.output_text.delta","sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"delta":" there."}`,
		"event: response.completed\ndata: " + `{"type":"response.completed","sequence_number":3,"response":` + responsesWhole + `}`,
	}
	messagesEvents = []string{
		"event: message_start\ndata: " + `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":11,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}`,
		"event: content_block_start\ndata: " + `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
		"event: ping\ndata: " + `{"type":"ping"}`,
		"event: content_block_delta\ndata: " + `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}`,
		"event: content_block_delta\ndata: " + `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" there."}}`,
		"event: content_block_stop\ndata: " + `{"type":"content_block_stop","index":0}`,
		"event: message_delta\ndata: " + `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":7}}`,
		"event: message_stop\ndata: " + `{"type":"message_stop"}`,
	}
)

// stream joins events to a stream.
func stream(events ...string) string { return strings.Join(events, "\n\n") + "\n\n" }

// dialect is an endpoint with its plain request and answers.
type dialect struct {
	name, path     string
	anthropic      bool
	whole          string
	events         []string
	request        string // without stream
	streamRequest  string
	unfinishedFrom int // the events before this one are no whole stream
}

var dialects = []dialect{
	{"chat", "/v1/chat/completions", false, chatWhole, chatEvents,
		`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say hello."}],"max_tokens":50}`,
		`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say hello."}],"max_tokens":50,"stream":true}`, 3},
	{"completions", "/v1/completions", false, completionsWhole, completionsEvents,
		`{"model":"gpt-3.5-turbo-instruct","prompt":"Say hello.","max_tokens":50}`,
		`{"model":"gpt-3.5-turbo-instruct","prompt":"Say hello.","max_tokens":50,"stream":true}`, 1},
	{"responses", "/v1/responses", false, responsesWhole, responsesEvents,
		`{"model":"gpt-4o-mini","input":"Say hello.","max_output_tokens":50}`,
		`{"model":"gpt-4o-mini","input":"Say hello.","max_output_tokens":50,"stream":true}`, 3},
	{"messages", "/v1/messages", true, messagesWhole, messagesEvents,
		`{"model":"claude-sonnet-4-5","max_tokens":50,"messages":[{"role":"user","content":"Say hello."}]}`,
		`{"model":"claude-sonnet-4-5","max_tokens":50,"messages":[{"role":"user","content":"Say hello."}],"stream":true}`, 5},
	{"embeddings", "/v1/embeddings", false, embeddingsWhole, nil,
		`{"model":"text-embedding-3-small","input":"Say hello."}`, "", 0},
	{"count_tokens", "/v1/messages/count_tokens", true, countTokensWhole, nil,
		`{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Say hello."}]}`, "", 0},
}

// dialectOf returns the dialect of a request at the provider.
func dialectOf(path string) *dialect {
	for i := range dialects {
		if strings.HasSuffix(path, strings.TrimPrefix(dialects[i].path, "/v1")) {
			if dialects[i].name == "completions" && strings.HasSuffix(path, "/chat/completions") {
				continue
			}
			return &dialects[i]
		}
	}
	return nil
}

// plainAnswer answers as a provider would: whole or streamed, with the usage
// chunk if it was asked for.
func plainAnswer(w http.ResponseWriter, r *http.Request, body []byte) {
	if strings.HasSuffix(r.URL.Path, "/models") {
		list := openaiModels
		if r.Header.Get("Anthropic-Version") != "" {
			list = claudeModels
		}
		sendJSON(w, 200, list)
		return
	}
	d := dialectOf(r.URL.Path)
	if d == nil {
		sendJSON(w, 404, `{"error":{"message":"no such endpoint","type":"invalid_request_error","param":null,"code":null}}`)
		return
	}
	if !strings.Contains(string(body), `"stream":true`) {
		sendJSON(w, 200, d.whole)
		return
	}
	events := d.events
	if strings.Contains(string(body), `"include_usage":true`) {
		n := len(events) - 1
		events = append(append([]string{}, events[:n]...), chatUsageEvent, events[n])
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	for _, ev := range events {
		_, _ = io.WriteString(w, ev+"\n\n")
		w.(http.Flusher).Flush()
	}
}

func sendJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// gate is a stream that a test lets out piece by piece.
type gate struct {
	next chan string   // events to send; closing it ends the answer
	gone chan struct{} // closed when the gateway has cancelled the call
	once sync.Once
}

func newGate() *gate { return &gate{next: make(chan string), gone: make(chan struct{})} }

// answer streams what comes until it is told to end or the gateway leaves.
func (g *gate) answer(w http.ResponseWriter, r *http.Request, _ []byte) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(200)
	w.(http.Flusher).Flush()
	for {
		select {
		case ev, ok := <-g.next:
			if !ok {
				return
			}
			if ev == abort {
				panic(http.ErrAbortHandler)
			}
			_, _ = io.WriteString(w, ev)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			g.once.Do(func() { close(g.gone) })
			return
		}
	}
}

// abort makes a gate cut the connection.
const abort = "\x00abort"
