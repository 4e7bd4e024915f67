package caddytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// What users of other gateways complain about, one test each; 1 to 4 are about rules
// and streams.

// Complaint 1 (LiteLLM #29135, #31503, NeMo #588): a guard of answers holds the whole
// stream, so that the first byte comes when the last one does. And when it was taken
// out again, an error in it let unmasked chunks pass.
func TestComplaint1(t *testing.T) {
	p := newProvider(t)
	second := make(chan struct{})
	p.answers(func(w http.ResponseWriter, r *http.Request, _ []byte) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"choices":[{"index":0,"delta":{"content":"Hello there, "},"finish_reason":null}]}`+"\n\n")
		w.(http.Flusher).Flush()
		select {
		case <-second:
		case <-r.Context().Done():
			return
		case <-time.After(patience):
		}
		_, _ = io.WriteString(w, `data: {"choices":7,"note":"ann@home.example"}`+"\n\n"+`data: {"choices":[{"index":0,"delta":{"content":"ann@home.example"},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
	})
	s := startPolicy(t, p, "\t\tdeny leak `secrets(response.all).size() > 0` {\n\t\t\tin response\n\t\t}\n\t\tflag calls `response.tool_calls.size() > 0` {\n\t\t\tin response\n\t\t}\n\t\tredact mail email {\n\t\t\tin response\n\t\t}")
	req := s.newRequest(call{path: "/v1/chat/completions", body: `{"model":"gpt-4o","stream":true,"max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`})
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := newEventReader(resp.Body)
	// The first words are there while the answer has only begun.
	first, err := events.next()
	if err != nil || !strings.Contains(first, "Hello there") {
		t.Fatalf("%q, %v", first, err)
	}
	close(second)
	// What cannot be examined does not pass as it is: the stream ends in an error.
	rest, _ := io.ReadAll(events.r)
	if strings.Contains(string(rest), "ann@home") || !strings.Contains(string(rest), "unscannable") {
		t.Errorf("the rest: %s", rest)
	}
}

// Complaint 2 (LiteLLM #41936, #41611): a value that is cut in two by the stream
// escapes.
func TestComplaint2(t *testing.T) {
	p := newProvider(t)
	p.answers(echo) // in pieces of three bytes
	s := startPolicy(t, p, "\t\tdeny leak `secrets(response.all).size() > 0 || has_phrase(response.all, \"project falcon\")` {\n\t\t\tin response\n\t\t}")
	for i := range redactCalls {
		for _, text := range []string{"my key is " + awsKey, "about Project  Falcon"} {
			a := s.tell(i, true, text).ok()
			said, args := heard(t, "", a.Body, true)
			if !strings.Contains(a.Body, "policy_blocked") || strings.Contains(said+args, "AKI") || strings.Contains(said+args, "Proj") {
				t.Errorf("%s: %q and %q arrived", redactCalls[i].name, said, args)
			}
		}
	}
}

// Complaint 3 (LiteLLM #35257, #14152, #30728, #38734, #35999): endpoints, tool
// results and arguments of calls are not scanned, while the log says "success". Every
// cell of {chat, messages, responses} × {json, sse} × {text, tool_args, tool_result}:
// what is planted there is caught, and the record says that it was looked at.
func TestComplaint3(t *testing.T) {
	p := newProvider(t)
	s := startPolicy(t, p, strings.Join([]string{
		"\t\tdeny request `secrets(prompt.all).size() > 0`",
		"\t\tdeny answer `secrets(response.all).size() > 0` {\n\t\t\tin response\n\t\t}",
	}, "\n"))
	args, _ := json.Marshal(`{"k":"` + awsKey + `"}`)
	type cell struct{ path, body string }
	requests := map[string]map[string]cell{
		"chat": {
			"text":        {"/v1/chat/completions", `{"role":"user","content":"` + awsKey + `"}`},
			"tool_args":   {"/v1/chat/completions", `{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":` + string(args) + `}}]}`},
			"tool_result": {"/v1/chat/completions", `{"role":"tool","tool_call_id":"c","content":"` + awsKey + `"}`},
		},
		"messages": {
			"text":        {"/v1/messages", `{"role":"user","content":[{"type":"text","text":"` + awsKey + `"}]}`},
			"tool_args":   {"/v1/messages", `{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"k":"` + awsKey + `"}}]}`},
			"tool_result": {"/v1/messages", `{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"` + awsKey + `"}]}]}`},
		},
		"responses": {
			"text":        {"/v1/responses", `{"role":"user","content":[{"type":"input_text","text":"` + awsKey + `"}]}`},
			"tool_args":   {"/v1/responses", `{"type":"function_call","call_id":"c","name":"f","arguments":` + string(args) + `}`},
			"tool_result": {"/v1/responses", `{"type":"function_call_output","call_id":"c","output":"` + awsKey + `"}`},
		},
	}
	cells := 0
	for dialect, kinds := range requests {
		for kind, c := range kinds {
			for _, stream := range []bool{false, true} {
				name := fmt.Sprintf("%s, %s, stream %v", dialect, kind, stream)
				model, list, most := "gpt-4o", "messages", "max_tokens"
				switch dialect {
				case "messages":
					model = "claude-sonnet-4-5"
				case "responses":
					list, most = "input", "max_output_tokens"
				}
				body := fmt.Sprintf(`{"model":%q,"stream":%v,%q:50,%q:[%s]}`, model, stream, most, list, c.body)
				p.forget()
				a := s.do(call{path: c.path, body: body, anthropic: dialect == "messages"}).denied(422, "policy_blocked", dialect == "messages")
				if p.count() != 0 {
					t.Errorf("%s: it reached the provider", name)
				}
				rec := s.ended(a.Header.Get("Llm-Request-Id"))
				if rec.Denial.Rule != "request" || !strings.Contains(rec.raw, `"detector":"secrets"`) || strings.Contains(rec.raw, awsKey) {
					t.Errorf("%s: the record: %s", name, rec.raw)
				}
				cells++
				if kind == "tool_result" {
					continue // models make none
				}
				// And the same in answers: only in the text, only in the arguments.
				planted := kind
				p.answers(func(w http.ResponseWriter, r *http.Request, _ []byte) {
					text, arg := "fine", "fine"
					if planted == "text" {
						text = "key " + awsKey
					} else {
						arg = awsKey
					}
					plant(w, dialect, stream, text, arg)
				})
				clean := strings.ReplaceAll(body, awsKey, "nothing")
				a = s.do(call{path: c.path, body: clean, anthropic: dialect == "messages"})
				if !stream {
					a.denied(422, "policy_blocked", dialect == "messages")
				} else if !strings.Contains(a.ok().Body, "policy_blocked") {
					t.Errorf("%s: the answer passed: %s", name, a.Body)
				}
				if strings.Contains(a.Body, "AKIA") {
					t.Errorf("%s: the answer leaked: %s", name, a.Body)
				}
				rec = s.ended(a.Header.Get("Llm-Request-Id"))
				if rec.Denial.Rule != "answer" || !strings.Contains(rec.raw, `"where":"response"`) {
					t.Errorf("%s: the record of the answer: %s", name, rec.raw)
				}
				p.answers(plainAnswer)
			}
		}
	}
	if cells != 18 {
		t.Errorf("%d cells", cells)
	}
	s.nothingHeld()
}

// plant answers with a text, and a call of a tool with an argument.
func plant(w http.ResponseWriter, dialect string, stream bool, text, arg string) {
	args, _ := json.Marshal(`{"k":"` + arg + `"}`)
	whole, events := "", []string(nil)
	switch dialect {
	case "messages":
		whole = `{"id":"m","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"` + text + `"},{"type":"tool_use","id":"t","name":"f","input":{"k":"` + arg + `"}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}`
		events = []string{
			`{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"` + text + `"}}`, `{"type":"content_block_stop","index":0}`,
			`{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}`,
			`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":` + string(args) + `}}`, `{"type":"content_block_stop","index":1}`,
			`{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":2}}`, `{"type":"message_stop"}`,
		}
	case "responses":
		call := `{"type":"function_call","id":"f","call_id":"c","name":"f","arguments":` + string(args) + `,"status":"completed"}`
		msg := `{"type":"message","id":"m","role":"assistant","status":"completed","content":[{"type":"output_text","text":"` + text + `","annotations":[]}]}`
		whole = `{"id":"r","object":"response","status":"completed","model":"gpt-4o","output":[` + msg + `,` + call + `],"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}`
		events = []string{
			`{"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"` + text + `","sequence_number":0}`,
			`{"type":"response.function_call_arguments.delta","item_id":"f","output_index":1,"delta":` + string(args) + `,"sequence_number":1}`,
			`{"type":"response.completed","response":` + whole + `,"sequence_number":2}`,
		}
	default:
		call := `[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":` + string(args) + `}}]`
		whole = `{"id":"c","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"` + text + `","tool_calls":` + call + `},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`
		events = []string{
			`{"choices":[{"index":0,"delta":{"content":"` + text + `"},"finish_reason":null}]}`, `{"choices":[{"index":0,"delta":{"tool_calls":` + call + `},"finish_reason":null}]}`,
			`{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`, `[DONE]`,
		}
	}
	if !stream {
		sendJSON(w, 200, whole)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range events {
		_, _ = io.WriteString(w, "data: "+e+"\n\n")
	}
}

// Complaint 4 (LiteLLM #30728, agentgateway's default): a guard that fails lets the
// call pass. Here a rule that cannot be evaluated refuses, for requests and answers,
// unless it says otherwise, and what no rule can read is refused.
func TestComplaint4(t *testing.T) {
	p := newProvider(t)
	bad := "`%s.exists(s, s.text.matches(\"(\" + s.role))`"
	s := startPolicy(t, p, "\t\tdeny broken "+fmt.Sprintf(bad, "prompt.user"))
	a := s.tell(0, false, "hi").denied(422, "policy_blocked", false)
	if p.count() != 0 || s.ended(a.Header.Get("Llm-Request-Id")).Denial.Rule != "broken" {
		t.Errorf("it passed: %s", a.Body)
	}
	s.stop()
	s = startPolicy(t, p, "\t\tflag broken "+fmt.Sprintf(bad, "response.all")+" {\n\t\t\tin response\n\t\t}")
	s.tell(0, false, "hi").denied(422, "policy_blocked", false)
	s.stop()
	s = startPolicy(t, p, "\t\tdeny broken "+fmt.Sprintf(bad, "prompt.user")+" {\n\t\t\ton_error allow\n\t\t}")
	s.tell(0, false, "hi").ok()
	s.stop()
	s = startPolicy(t, p, "\t\tdeny leak `secrets(prompt.all).size() > 0`")
	tokens := `{"model":"gpt-4o","prompt":[1,2,3]}`
	a = s.do(call{path: "/v1/completions", body: tokens}).denied(422, "unscannable", false)
	if rec := s.ended(a.Header.Get("Llm-Request-Id")); !strings.Contains(rec.raw, `"rule":"unscannable","action":"deny"`) {
		t.Errorf("the record: %s", rec.raw)
	}
	s.stop()
	p.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, awsKey)
	})
	s = startPolicy(t, p, "\t\tdeny leak `secrets(response.all).size() > 0` {\n\t\t\tin response\n\t\t}")
	if a := s.tell(0, false, "hi"); a.Status < 400 || strings.Contains(a.Body, "AKIA") {
		t.Errorf("an answer in no known form: %d %s", a.Status, a.Body)
	}
}
