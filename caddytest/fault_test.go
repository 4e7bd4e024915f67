package caddytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// speaker is a client dialect for the faults, with the model's name as NAME.
type speaker struct {
	name, path     string
	body           string
	anthropic      bool
	whole, stream  bool   // what it can ask for
	line           string // begins the names of its models
	text, terminal string // of a whole stream
}

var faultSpeakers = []speaker{
	{"chat", "/v1/chat/completions", `{"model":"NAME","stream":STREAM,"max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`, false, true, true, "o", " there.", "data: [DONE]"},
	{"completions", "/v1/completions", `{"model":"NAME","stream":STREAM,"max_tokens":50,"prompt":"hi"}`, false, true, true, "o", " there.", "data: [DONE]"},
	{"responses", "/v1/responses", `{"model":"NAME","stream":STREAM,"store":false,"max_output_tokens":50,"input":"hi"}`, false, true, true, "o", " there.", "event: response.completed"},
	{"embeddings", "/v1/embeddings", `{"model":"NAME","input":"hi"}`, false, true, false, "o", "embedding", ""},
	{"messages", "/v1/messages", `{"model":"NAME","stream":STREAM,"max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`, true, true, true, "a", " there.", "event: message_stop"},
	{"count_tokens", "/v1/messages/count_tokens", `{"model":"NAME","messages":[{"role":"user","content":"hi"}]}`, true, true, false, "a", "input_tokens", ""},
	{"gemini", "/v1beta/models/NAME:VERB", `{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":50}}`, false, true, true, "g", " there.", `"finishReason":"STOP"`},
	{"ollama", "/api/chat", `{"model":"NAME","stream":STREAM,"options":{"num_predict":50},"messages":[{"role":"user","content":"hi"}]}`, false, true, true, "l", " there.", `"done":true`},
	// Translated: the provider speaks another dialect than the client.
	{"chat on messages", "/v1/chat/completions", `{"model":"NAME","stream":STREAM,"max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`, false, true, true, "a", " there.", "data: [DONE]"},
	{"chat on gemini", "/v1/chat/completions", `{"model":"NAME","stream":STREAM,"max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`, false, true, true, "g", " there.", "data: [DONE]"},
	{"messages on chat", "/v1/messages", `{"model":"NAME","stream":STREAM,"max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`, true, true, true, "c", " there.", "event: message_stop"},
	{"messages on responses", "/v1/messages", `{"model":"NAME","stream":STREAM,"max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`, true, true, true, "r", " there.", "event: message_stop"},
	{"messages on gemini", "/v1/messages", `{"model":"NAME","stream":STREAM,"max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`, true, true, true, "g", " there.", "event: message_stop"},
	{"responses on chat", "/v1/responses", `{"model":"NAME","stream":STREAM,"store":false,"max_output_tokens":50,"input":"hi"}`, false, true, true, "c", " there.", "event: response.completed"},
	{"responses on messages", "/v1/responses", `{"model":"NAME","stream":STREAM,"store":false,"max_output_tokens":50,"input":"hi"}`, false, true, true, "a", " there.", "event: response.completed"},
}

// shortSpeakers are those of -short: under the race detector all of them take
// minutes and find no more.
var shortSpeakers = []string{"chat", "messages", "ollama", "messages on chat", "responses on messages"}

func (q *speaker) call(model string, stream bool) call {
	c := call{path: strings.Replace(q.path, "NAME", model, 1), anthropic: q.anthropic}
	c.body = strings.Replace(strings.Replace(q.body, "NAME", model, 1), "STREAM", fmt.Sprint(stream), 1)
	verb := "generateContent"
	if stream {
		verb = "streamGenerateContent?alt=sse"
	}
	c.path = strings.Replace(c.path, "VERB", verb, 1)
	return c
}

// startFaulty runs a site with a faulty and a good provider of each dialect:
// models called X-fault-… go to the faulty one, XX-fault-… to it and then to the
// good one, with X the letter of the dialect.
func startFaulty(t *testing.T, bad, good string) *site {
	t.Helper()
	n := nameOf.Add(1)
	var decl, lines strings.Builder
	for letter, opts := range map[string]string{
		"o": "openai {\n api_key {env.OPENAI_API_KEY}\n base_url %s/v1\n}", "c": "openai {\n api_key {env.OPENAI_API_KEY}\n base_url %s/v1\n speaks chat\n}",
		"r": "openai {\n api_key {env.OPENAI_API_KEY}\n base_url %s/v1\n speaks responses\n}",
		"a": "anthropic {\n api_key {env.ANTHROPIC_API_KEY}\n base_url %s\n}", "g": "gemini {\n api_key {env.OPENAI_API_KEY}\n base_url %s\n}", "l": "ollama {\n base_url %s\n}",
	} {
		for kind, url := range map[string]string{"bad": bad, "good": good} {
			fmt.Fprintf(&decl, "provider %s-%s-%d %s\n", letter, kind, n, fmt.Sprintf(opts, url))
		}
		fmt.Fprintf(&lines, "model %s-* %s-bad-%d\nmodel %s%s-* %s-bad-%d %s-good-%d\n", letter, letter, n, letter, letter, letter, n, letter, n)
	}
	return start(t, "{\n llm_gateway {\n"+decl.String()+"}\n}\n:8080 {\n llm_audit\n llm_auth {\n key web {env.WEB_APP_KEY}\n}\n llm_cost {\n budget 1000 USD/day\n unpriced 1\n}\n llm_upstream {\n"+
		lines.String()+" first_byte_timeout 8s\n stream_idle_timeout 8s\n max_fails 1000\n}\n}", options{})
}

// Every fault on every dialect, alone and with a second deployment behind it,
// native and translated: never a broken answer passed off as whole, never one made
// of two, always settled and recorded.
func TestFaults(t *testing.T) {
	bad := newFaultServer(t)
	healthy := newProvider(t)
	healthy.answers(healthyAnswer)
	s := startFaulty(t, bad.URL, healthy.URL)
	var mu sync.Mutex
	var requests []string
	cells := 0
	one := func(f *fault, q *speaker, stream, second bool) {
		model := q.line + "-fault-" + f.name + "-end"
		if second {
			model = q.line + model
		}
		a := s.do(q.call(model, stream))
		judgeFault(t, fmt.Sprintf("%s: %s, stream %v, second %v", f.name, q.name, stream, second), f, q, stream, second, a)
		mu.Lock()
		requests = append(requests, a.Header.Get("Llm-Request-Id"))
		mu.Unlock()
	}
	var silent sync.WaitGroup
	for i := range faults {
		f := &faults[i]
		var own sync.WaitGroup
		wg := &own
		if f.silent {
			wg = &silent
		}
		for j := range faultSpeakers {
			q := &faultSpeakers[j]
			if f.heavy && q.name != "chat" && q.name != "ollama" && q.name != "messages on chat" {
				continue
			}
			if testing.Short() && (j > 0 && f.heavy || !slices.Contains(shortSpeakers, q.name)) {
				continue
			}
			for _, stream := range []bool{false, true} {
				if stream && (!q.stream || f.wholes) || !stream && (!q.whole || f.streams) {
					continue
				}
				for _, second := range []bool{false, true} {
					cells++
					wg.Go(func() { one(f, q, stream, second) })
					if f.heavy {
						wg.Wait()
					}
				}
			}
		}
		own.Wait()
	}
	silent.Wait()
	t.Logf("%d cells: %d faults, %d dialects and translations", cells, len(faults), len(faultSpeakers))
	s.ended(requests[len(requests)-1]) // by then all the others have
	ends := map[string]record{}
	if !eventually(func() bool {
		for _, r := range s.records("default", "") {
			if r.Stage == "completed" || r.Stage == "denied" {
				ends[r.Request] = r
			}
		}
		return len(ends) >= len(requests)
	}) {
		t.Errorf("%d requests, %d of them have an end in the log", len(requests), len(ends))
	}
	for _, id := range requests {
		rec, ok := ends[id]
		if !ok {
			t.Errorf("no record of %q", id)
			continue
		}
		for _, at := range rec.Attempts {
			if at.Result == "pending" || at.Result == "" || (at.Result == "cut" || at.Result == "refused") && at.Error == "" && at.Status < 400 {
				t.Errorf("the record: %s", rec.raw)
			}
		}
		if len(rec.Attempts) == 0 || len(rec.Attempts) > 2 || rec.Outcome == "" {
			t.Errorf("the record: %s", rec.raw)
		}
	}
	s.nothingHeld()
	// One row for each call of a provider that may have reached it, and the
	// record says the same sum.
	rows, sums := map[string]int{}, map[string]int64{}
	for _, r := range s.rows("") {
		if r.Cost < 0 || r.Cost > r.Reserved {
			t.Errorf("a row costs %s of %s reserved", r.Cost, r.Reserved)
		}
		rows[r.Request]++
		sums[r.Request] += int64(r.Cost)
	}
	for _, id := range requests {
		sent := 0
		for _, at := range ends[id].Attempts {
			if at.Result != "unsent" && ends[id].Dialect != "count_tokens" { // those are free
				sent++
			}
		}
		if rows[id] != sent || sums[id] != ends[id].Cost {
			t.Errorf("%d rows of %d nano-USD: %s", rows[id], sums[id], ends[id].raw)
		}
	}
	s.verify("default")
}

// healthyAnswer answers in the dialect of the path.
func healthyAnswer(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.URL.Path != "/api/chat" {
		nativeAnswer(w, r, body)
		return
	}
	if !strings.Contains(string(body), `"stream":true`) {
		sendJSON(w, 200, ollamaLast)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	_, _ = io.WriteString(w, ollamaFirst+"\n"+ollamaLast+"\n")
}

// judgeFault says whether a client was told the truth.
func judgeFault(t *testing.T, name string, f *fault, q *speaker, stream, second bool, a *answer) {
	failed := a.Err != nil || a.Status >= 400 || strings.Contains(a.Body, `"error"`) && !strings.Contains(a.Body, `"error":null`) || strings.Contains(a.Body, `"response.failed"`)
	whole := a.Status == 200 && a.Err == nil && strings.Contains(a.Body, q.text) && (!stream || strings.Contains(a.Body, q.terminal))
	if strings.Contains(a.Body, openaiKey) || strings.Contains(a.Body, claudeKey) {
		t.Errorf("%s: a key in %s", name, a.Body)
	}
	if strings.Count(a.Body, "event: message_start") > 1 || strings.Count(a.Body, "event: response.created") > 1 {
		t.Errorf("%s: two answers in one: %s", name, a.Body)
	}
	clip := func(s string) string { return s[:min(len(s), 600)] }
	switch {
	case f.lossy && failed && !whole:
	case f.want == fine, second && (f.want == early || !stream):
		if !whole || failed && q.name != "responses" {
			t.Errorf("%s: want a whole answer, got %d %v %s", name, a.Status, a.Err, clip(a.Body))
		}
	case f.want == late && stream && second && whole && !failed && strings.Count(a.Body, "there.") == strings.Count(a.Body, "Hello"):
		// Nothing of the first had reached the client yet: a whole answer of
		// the second, and of it alone.
	case f.want == late && stream:
		if whole && !failed || a.Status != 200 {
			t.Errorf("%s: want a stream that ends in an error, got %d %v %s", name, a.Status, a.Err, clip(a.Body))
		}
		if q.terminal != "" && strings.Contains(a.Body, q.terminal) {
			t.Errorf("%s: the end of a whole answer: %s", name, clip(a.Body))
		}
	default: // early, alone
		if !failed || whole {
			t.Errorf("%s: want an error, got %d %v %s", name, a.Status, a.Err, clip(a.Body))
		}
		if f.own != 0 && a.Status != f.own {
			t.Errorf("%s: status %d, the provider said %d", name, a.Status, f.own)
		}
		if a.Status >= 400 && f.own == 0 && !json.Valid([]byte(a.Body)) {
			t.Errorf("%s: %d without a JSON error: %s", name, a.Status, clip(a.Body))
		}
	}
}
