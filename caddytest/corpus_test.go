package caddytest

import (
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// plainSite governs without anything that declares an edit.
const plainSite = `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_ratelimit requests 1M/min
	llm_policy {
		flag never ` + "`llm.model == \"never\"`" + `
	}
	llm_upstream {
		model claude* claude
		model * openai
	}
}
`

// providersBlock declares both providers at mocks.
const providersBlock = `
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
`

// cell is one exchange of the corpus: what the client sends and what the
// provider answers, both to pass unchanged.
type cell struct {
	name     string
	d        *dialect
	status   int
	request  string
	response string
	sse      bool
}

// oddities are pieces that a decoder and encoder would not leave alone, as
// members of a JSON object.
var oddities = []struct{ name, members string }{
	{"text", ``},
	{"unknown fields", `,"x_unknown":{"b":1,"a":[null,true,{}]},"Zeta":"","metadata":{"user_id":"{\"device\":1}"}`},
	{"big integers", `,"seed":12345678901234567890,"x_float":1.0,"x_exp":1E+2,"x_huge":1e400,"x_neg":-0.0,"x_small":0.1000000000000000055511151231257827`},
	{"odd escapes", `,"x_esc":"\u00e9\/\ud83d\ude00\b\u0000\u2028","x_lone":"\ud800","x_html":"<&>\u003c/script\u003e","x_raw":"é` + "\u2028" + `😀","\u0078_name":"` + "\x7f" + `"`},
	{"white space", " , \"x_ws\" : [ 1 ,\t2 ]\r\n "},
}

// tools of the dialects, as members of a request, and answers that use them.
var toolMembers = map[string][2]string{
	"chat": {
		`,"tools":[{"type":"function","function":{"name":"get_weather","description":"é\/","parameters":{"type":"object","properties":{"n":{"const":9007199254740993}}}}}],"tool_choice":"auto"`,
		`{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"n\": 9007199254740993}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}`,
	},
	"responses": {
		`,"tools":[{"type":"function","name":"get_weather","parameters":{"type":"object","properties":{}},"strict":true}]`,
		`{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA=="},{"type":"function_call","id":"fc_1","call_id":"call_1","name":"get_weather","arguments":"{\"n\": 9007199254740993}"}],"usage":{"input_tokens":11,"output_tokens":7,"total_tokens":18}}`,
	},
	"messages": {
		`,"tools":[{"name":"get_weather","input_schema":{"type":"object","properties":{"n":{"type":"integer"}}},"cache_control":{"type":"ephemeral"}}]`,
		`{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"thinking","thinking":"hm","signature":"EqQBCgIYAhIM=="},{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{"n": 9007199254740993, "x":1.0}}],"stop_reason":"tool_use","usage":{"input_tokens":11,"output_tokens":7}}`,
	},
	"count_tokens": {
		`,"tools":[{"name":"get_weather","input_schema":{"type":"object"}}]`, `{"input_tokens":  11}`,
	},
}

var toolStreams = map[string][]string{
	"chat": {
		`data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"get_weather","arguments":""}}]},"finish_reason":null}]}`,
		`data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"n\": 900"}}]},"finish_reason":null}]}`,
		`data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`,
		`data: [DONE]`,
	},
	"responses": {
		"event: response.created\ndata: " + `{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","status":"in_progress","output":[]}}`,
		"event: response.function_call_arguments.delta\ndata: " + `{"type":"response.function_call_arguments.delta","sequence_number":1,"item_id":"fc_1","output_index":0,"delta":"{\"n\": 9007199254740993}"}`,
		"event: codex.rate_limits\ndata: " + `{"type":"codex.rate_limits","x":1}`,
		"event: response.completed\ndata: " + `{"type":"response.completed","sequence_number":2,"response":{"id":"resp_1","status":"completed","output":[],"usage":{"input_tokens":11,"output_tokens":7}}}`,
	},
	"messages": {
		messagesEvents[0],
		"event: content_block_start\ndata: " + `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{}}}`,
		"event: content_block_delta\ndata: " + `{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"n\": 9007199254740993"}}`,
		messagesEvents[5], messagesEvents[6], messagesEvents[7],
	},
}

// errorStreams end with an error inside the stream.
var errorStreams = map[string][]string{
	"chat":        {chatEvents[0], `data: {"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}`},
	"completions": {completionsEvents[0], `data: {"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}`},
	"responses":   {responsesEvents[0], "event: response.failed\ndata: " + `{"type":"response.failed","sequence_number":1,"response":{"id":"resp_1","object":"response","status":"failed","error":{"code":"server_error","message":"x"},"usage":null}}`},
	"messages":    {messagesEvents[0], "event: error\ndata: " + `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}`},
}

// with puts members at the end of a JSON object.
func with(object, members string) string { return object[:len(object)-1] + members + "}" }

// corpus builds every cell: endpoint × {JSON, SSE} × {text, tools, error,
// unknown fields, big integers, odd escapes, white space}.
func corpus() []cell {
	var cells []cell
	for i := range dialects {
		d := &dialects[i]
		errBody := "{\"error\" : {\"message\":\"prompt is too long: 200001 tokens > 200000 maximum\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"context_length_exceeded\"}}\n"
		if d.anthropic {
			errBody = "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 200001 tokens \\u003e 200000 maximum\"},\"request_id\":\"req_1\"}\n"
		}
		for _, status := range []int{400, 401, 403, 404, 413, 429, 500, 503, 529} {
			cells = append(cells, cell{fmt.Sprint("error ", status), d, status, d.request, errBody, false})
		}
		cells = append(cells, cell{"error 500, not JSON", d, 500, d.request, "<html>upstream connect error</html>", false})
		for _, o := range oddities {
			cells = append(cells, cell{o.name, d, 200, with(d.request, o.members), with(d.whole, o.members), false})
		}
		if tool, ok := toolMembers[d.name]; ok {
			cells = append(cells, cell{"tools", d, 200, with(d.request, tool[0]), tool[1], false})
		}
		if d.events == nil {
			continue
		}
		for _, o := range oddities {
			// In the first event that has a JSON object; never with a bare line
			// break, which would end the event's line.
			events := append([]string{}, d.events...)
			events[0] = with(events[0], strings.NewReplacer("\r\n", "", "\n", "").Replace(o.members))
			cells = append(cells, cell{o.name, d, 200, with(d.streamRequest, o.members), stream(events...), true})
		}
		cells = append(cells,
			cell{"error in the stream", d, 200, d.streamRequest, stream(errorStreams[d.name]...), true},
			cell{"error before the stream", d, 429, d.streamRequest, errBody, false},
			cell{"CRLF and comments", d, 200, d.streamRequest, ": hello\r\n\r\n" + strings.ReplaceAll(stream(d.events...), "\n", "\r\n"), true},
			cell{"ids and retries", d, 200, d.streamRequest, "retry: 3000\n\nid: 7\n" + stream(d.events...), true})
		if ev, ok := toolStreams[d.name]; ok {
			cells = append(cells, cell{"tools", d, 200, with(d.streamRequest, toolMembers[d.name][0]), stream(ev...), true})
		}
	}
	return cells
}

// What the client sends reaches the provider, and what the provider answers
// reaches the client, byte for byte, however the answer is cut into packets.
func TestCorpusPassesUnchanged(t *testing.T) {
	p := newProvider(t)
	s := start(t, "{\n"+providersBlock+"}\n"+plainSite, options{vars: map[string]string{"openai": p.URL}})
	metered := 0
	run := func(t *testing.T, c cell, pieces int, seed int64) {
		p.forget()
		p.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Content-Type", "application/json")
			if c.sse {
				w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
			}
			w.Header().Set("Retry-After", "17")
			w.Header().Set("X-Request-Id", "req_1")
			w.Header().Set("X-Ratelimit-Remaining-Tokens", "149984")
			if pieces == 1 {
				w.Header().Set("Content-Length", strconv.Itoa(len(c.response)))
			}
			w.WriteHeader(c.status)
			sendPieces(w, c.response, pieces, seed)
		})
		a := s.do(call{path: c.d.path, body: c.request, anthropic: c.d.anthropic, header: map[string]string{"Anthropic-Beta": "a-2026-01-01,b"}})
		if a.Err != nil || a.Status != c.status {
			t.Fatalf("got %d, %v: %s", a.Status, a.Err, a.Body)
		}
		if a.Body != c.response {
			at := 0
			for at < min(len(a.Body), len(c.response)) && a.Body[at] == c.response[at] {
				at++
			}
			t.Errorf("in %d pieces the answer was changed at byte %d of %d:\n got …%q\nwant …%q", pieces, at, len(c.response), a.Body[at:], c.response[at:])
		}
		for name, want := range map[string]string{"Retry-After": "17", "X-Request-Id": "req_1", "X-Ratelimit-Remaining-Tokens": "149984"} {
			if a.Header.Get(name) != want {
				t.Errorf("%s: %q", name, a.Header.Get(name))
			}
		}
		got := p.requests()
		if len(got) != 1 {
			t.Fatalf("%d requests reached the provider", len(got))
		}
		if got[0].Body != c.request {
			t.Errorf("the request was changed:\n got %q\nwant %q", got[0].Body, c.request)
		}
		if got[0].Header.Get("Anthropic-Beta") != "a-2026-01-01,b" || (c.d.anthropic && got[0].Header.Get("Anthropic-Version") != "2023-06-01") {
			t.Errorf("headers: %v", got[0].Header)
		}
		metered++
	}
	cells := corpus()
	kinds := map[string]int{}
	for i, c := range cells {
		form := "JSON"
		if c.sse {
			form = "SSE"
		}
		kinds[c.d.name+" "+form]++
		t.Run(c.d.name+"/"+form+"/"+c.name, func(t *testing.T) {
			run(t, c, 1, 0)
			run(t, c, 7, int64(i))
			run(t, c, len(c.response), int64(i)) // every byte on its own
		})
	}
	t.Logf("byte-diff corpus: %d cells, each in 3 chunkings, %d exchanges unchanged: %v", len(cells), metered, kinds)
	if len(cells) < 100 {
		t.Errorf("only %d cells", len(cells))
	}
}

// sendPieces writes a body in a number of pieces, each flushed.
func sendPieces(w http.ResponseWriter, body string, pieces int, seed int64) {
	rnd := rand.New(rand.NewSource(seed))
	for pieces > 1 && len(body) > 1 {
		n := 1
		if pieces < len(body) {
			n = 1 + rnd.Intn(2*len(body)/pieces)
			n = min(n, len(body)-1)
		}
		_, _ = io.WriteString(w, body[:n])
		w.(http.Flusher).Flush()
		body, pieces = body[n:], pieces-1
	}
	_, _ = io.WriteString(w, body)
}

// Under llm_cost the usage chunk of a stream is asked for. A client that asked
// for it too gets every byte; for one that did not, the request differs by
// exactly that member and the answer by exactly that chunk.
func TestUsageChunkIsTheOnlyEdit(t *testing.T) {
	p := newProvider(t)
	s := start(t, "{\n"+providersBlock+"}\n"+strings.Replace(plainSite, "\tllm_upstream {", "\tllm_cost {\n\t\tunpriced meter\n\t}\n\tllm_upstream {", 1),
		options{vars: map[string]string{"openai": p.URL}})
	moderation := `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[],"moderation":{"flagged":false},"usage":null}`
	for _, c := range []struct {
		name, options, sent string
		asked               bool
	}{
		{"asked", `,"stream_options":{"include_usage":true}`, `,"stream_options":{"include_usage":true}`, true},
		{"not asked", ``, `"stream_options":{"include_usage":true}`, false},
		{"asked not to", `,"stream_options":{ "include_usage" : false }`, `"stream_options":{ "include_usage" : true }`, false},
		{"empty options", `,"stream_options":{}`, `"stream_options":{"include_usage":true}`, false},
		{"other options", `,"stream_options":{"include_obfuscation":false}`, `"include_obfuscation":false`, false},
		{"null", `,"stream_options":null`, `"stream_options":{"include_usage":true}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.forget()
			events := append(append([]string{}, chatEvents[:4]...), chatUsageEvent, moderation, chatEvents[4])
			p.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
				w.Header().Set("Content-Type", "text/event-stream")
				sendPieces(w, stream(events...), 9, 3)
			})
			request := with(dialects[0].streamRequest, c.options)
			a := s.chat(call{body: request}).ok()
			want := events
			if !c.asked {
				want = append(append([]string{}, chatEvents[:4]...), moderation, chatEvents[4])
			}
			if a.Body != stream(want...) {
				t.Errorf("got\n%s", a.Body)
			}
			got := p.requests()[0].Body
			if !strings.Contains(got, c.sent) || !strings.Contains(strings.ReplaceAll(got, " ", ""), `"include_usage":true`) || strings.Count(got, "stream_options") != 1 {
				t.Errorf("the provider got %s", got)
			}
			if c.asked && got != request {
				t.Errorf("the request was changed: %s", got)
			}
			rec := s.ended(a.Header.Get("Llm-Request-Id"))
			if rec.Usage.Input != 11 || rec.Usage.Output != 7 || rec.Usage.Estimated {
				t.Errorf("the record: %s", rec.raw)
			}
		})
	}
	s.nothingHeld()
}
