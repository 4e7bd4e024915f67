package translate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// sse makes a stream of documents, with the name of the event where it is theirs.
func sse(docs ...string) string {
	var b strings.Builder
	for _, d := range docs {
		var e struct{ Type string }
		if json.Unmarshal([]byte(d), &e) == nil && e.Type != "" {
			b.WriteString("event: " + e.Type + "\n")
		}
		b.WriteString("data: " + d + "\n\n")
	}
	return b.String()
}

// relayed returns what a client gets of a provider's stream that arrives in
// pieces of the given size. request is the client's, "" for none.
func relayed(t testing.TB, client, upstream llm.Dialect, request, stream string, size int) (string, error) {
	t.Helper()
	c := testCall(client, upstream)
	if request != "" {
		if _, _, err := c.Request([]byte(request)); err != nil {
			t.Fatal(err)
		}
	}
	meter := answer.New(upstream, true)
	var s answer.Splitter
	var out []byte
	var err error
	for in := []byte(stream); len(in) > 0 && err == nil; {
		n := min(size, len(in))
		err = s.Feed(in[:n], func(ev []byte) error {
			meter.Event(ev)
			var err error
			out, err = c.Event(out, ev, meter.Usage)
			return err
		})
		in = in[n:]
	}
	if err == nil && len(s.Rest()) > 0 {
		return string(out), fmt.Errorf("an event was cut: %q", s.Rest())
	}
	if err == nil {
		out = c.End(out, meter.Usage())
	}
	return string(out), err
}

// frames takes a stream apart: the name and data of each event.
func frames(t testing.TB, stream string) (names []string, docs []string) {
	t.Helper()
	var s answer.Splitter
	if err := s.Feed([]byte(stream), func(ev []byte) error {
		d := string(answer.Data(ev))
		if d == "" {
			return nil
		}
		name := ""
		if line, _, _ := strings.Cut(string(ev), "\n"); strings.HasPrefix(line, "event: ") {
			name = line[len("event: "):]
		}
		names, docs = append(names, name), append(docs, d)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(s.Rest()) > 0 {
		t.Fatalf("an unfinished event: %q", s.Rest())
	}
	return names, docs
}

// lawful checks what holds for every stream of the Responses API.
func lawful(t testing.TB, stream string) (response map[string]any) {
	t.Helper()
	names, docs := frames(t, stream)
	meter := answer.New(llm.Responses, true)
	type open struct {
		kind, id, said string
		done           bool
	}
	items := map[int]*open{}
	for i, d := range docs {
		var e struct {
			Type     string
			Sequence int    `json:"sequence_number"`
			Output   *int   `json:"output_index"`
			ItemID   string `json:"item_id"`
			Delta    string
			Text     *string
			Args     *string `json:"arguments"`
			Input    *string
			Item     struct{ Type, ID string }
			Response map[string]any
		}
		if err := json.Unmarshal([]byte(d), &e); err != nil {
			t.Fatalf("event %d is not JSON: %v\n%s", i, err, d)
		}
		if e.Type != names[i] || e.Sequence != i {
			t.Errorf("event %d: named %q, type %q, sequence_number %d", i, names[i], e.Type, e.Sequence)
		}
		if meter.Terminal() {
			t.Errorf("event %d %s comes behind the end", i, e.Type)
		}
		meter.Event([]byte("data: " + d + "\n\n"))
		if want := [...]string{"response.created", "response.in_progress"}; i < 2 && e.Type != want[i] {
			t.Errorf("event %d is %s", i, e.Type)
		}
		if e.Response != nil {
			response = e.Response
			continue
		}
		if e.Output == nil {
			t.Fatalf("event %d %s names no item", i, e.Type)
		}
		it := items[*e.Output]
		switch {
		case e.Type == "response.output_item.added":
			if it != nil || *e.Output != len(items) {
				t.Errorf("event %d: item %d is added out of turn", i, *e.Output)
			}
			items[*e.Output] = &open{kind: e.Item.Type, id: e.Item.ID}
			continue
		case it == nil || it.done:
			t.Fatalf("event %d %s is about an item that is not open", i, e.Type)
		case e.Type == "response.output_item.done":
			if it.id != e.Item.ID || it.kind != e.Item.Type {
				t.Errorf("event %d: item %d changed its identity", i, *e.Output)
			}
			it.done = true
			continue
		case e.ItemID != it.id:
			t.Errorf("event %d: item_id %q, want %q", i, e.ItemID, it.id)
		}
		if strings.HasSuffix(e.Type, ".delta") {
			it.said += e.Delta
		}
		for _, whole := range []*string{e.Text, e.Args, e.Input} {
			if whole != nil && !strings.HasSuffix(it.said, *whole) {
				t.Errorf("event %d %s: %q, the pieces were %q", i, e.Type, *whole, it.said)
			}
		}
	}
	if !meter.Terminal() {
		t.Fatal("the stream has no end")
	}
	for i, it := range items {
		if !it.done {
			t.Errorf("item %d was not closed", i)
		}
	}
	output, _ := response["output"].([]any)
	if len(output) != len(items) {
		t.Fatalf("%d items in the response, %d in the events", len(output), len(items))
	}
	for i, o := range output {
		if o.(map[string]any)["id"] != items[i].id {
			t.Errorf("item %d has another id in the response", i)
		}
	}
	return response
}

const (
	geminiHello = `data: {"candidates":[{"content":{"parts":[{"text":"Let me ","thought":true}],"role":"model"},"index":0}],"modelVersion":"gemini-3","responseId":"r1","usageMetadata":{"promptTokenCount":7}}

data: {"candidates":[{"content":{"parts":[{"text":"think","thought":true},{"text":"Hel"}],"role":"model"},"index":0}],"modelVersion":"gemini-3","responseId":"r1"}

data: {"candidates":[{"content":{"parts":[{"text":"lo \ud83d\ude00"}],"role":"model"},"index":0}],"modelVersion":"gemini-3","responseId":"r1"}

data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a": 1}},"thoughtSignature":"U0lH"},{"functionCall":{"id":"g1","name":"patch","args":{"input":"x\ny"}}}],"role":"model"},"finishReason":"STOP","index":0}],"modelVersion":"gemini-3","responseId":"r1","usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":5,"thoughtsTokenCount":3,"totalTokenCount":15}}

`
	patchTools = `"tools":[{"type":"function","name":"f","parameters":{}},{"type":"custom","name":"patch"}]`
)

func TestGeminiStreamToResponses(t *testing.T) {
	request := `{"model":"gemini-3","stream":true,"input":"hi",` + patchTools + `}`
	got, err := relayed(t, llm.Responses, llm.GenerateContent, request, geminiHello, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	lawful(t, got)
	names, docs := frames(t, got)
	want := strings.Fields(`response.created response.in_progress
		response.output_item.added response.reasoning_summary_part.added response.reasoning_summary_text.delta response.reasoning_summary_text.delta
		response.reasoning_summary_text.done response.reasoning_summary_part.done response.output_item.done
		response.output_item.added response.content_part.added response.output_text.delta response.output_text.delta response.output_text.done response.content_part.done response.output_item.done
		response.output_item.added response.output_item.done response.output_item.added response.function_call_arguments.delta
		response.output_item.added response.custom_tool_call_input.delta
		response.function_call_arguments.done response.output_item.done response.custom_tool_call_input.done response.output_item.done response.completed`)
	if fmt.Sprint(names) != fmt.Sprint(want) {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(names, "\n"), strings.Join(want, "\n"))
	}
	var last struct {
		Response struct {
			Output, Usage json.RawMessage
			Status, Model string
		}
	}
	if err := json.Unmarshal([]byte(docs[len(docs)-1]), &last); err != nil {
		t.Fatal(err)
	}
	var output []map[string]any
	if err := json.Unmarshal(last.Response.Output, &output); err != nil {
		t.Fatal(err)
	}
	callID := output[3]["call_id"].(string)
	seal := packSeal(Seal{Origin: llm.GenerateContent, Kind: sealCall, ID: callID, Data: "U0lH"})
	sameJSON(t, last.Response.Output, `[
		{"type":"reasoning","id":"rs_0191ab_0","summary":[{"type":"summary_text","text":"Let me think"}]},
		{"type":"message","id":"msg_0191ab_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello 😀","annotations":[],"logprobs":[]}]},
		{"type":"reasoning","id":"rs_0191ab_2","summary":[],"encrypted_content":"`+seal+`"},
		{"type":"function_call","id":"fc_0191ab_3","status":"completed","call_id":"`+callID+`","name":"f","arguments":"{\"a\":1}"},
		{"type":"custom_tool_call","id":"ctc_0191ab_4","status":"completed","call_id":"g1","name":"patch","input":"x\ny"}]`)
	sameJSON(t, last.Response.Usage, `{"input_tokens":7,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":8,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":15}`)
	if last.Response.Status != "completed" || last.Response.Model != "gemini-3" {
		t.Errorf("status %q, model %q", last.Response.Status, last.Response.Model)
	}

	// What the client sends back reaches Gemini with its signature.
	next := `{"model":"gemini-3","input":[{"role":"user","content":"hi"},` + strings.Trim(string(last.Response.Output), "[]") + `,
		{"type":"function_call_output","call_id":"` + callID + `","output":"1"},{"type":"custom_tool_call_output","call_id":"g1","output":"2"}],` + patchTools + `}`
	out, lost := translated(t, llm.Responses, llm.GenerateContent, next)
	if len(lost) > 0 {
		t.Errorf("lost %q", lost)
	}
	for _, part := range []string{
		`{"functionCall":{"id":"` + callID + `","name":"f","args":{"a":1}},"thoughtSignature":"U0lH"},{"functionCall":{"id":"g1","name":"patch","args":{"input":"x\ny"}}}`,
		`{"functionResponse":{"id":"g1","name":"patch","response":{"output":"2"}}}`,
	} {
		if !bytes.Contains(out, []byte(part)) {
			t.Errorf("%s is missing in %s", part, out)
		}
	}
}

// openaiStream is the form in which OpenAI streams: text with log probabilities,
// two calls whose pieces are mixed, encrypted reasoning, and events of no
// interest.
var openaiStream = sse(
	`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1700000001,"status":"in_progress","model":"gpt-x","output":[]}}`,
	`{"type":"response.in_progress","response":{"id":"resp_1","status":"in_progress"}}`,
	`{"type":"codex.rate_limits","limits":{"delta":7}}`,
	`{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"gA"}}`,
	`{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}`,
	`{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"First","obfuscation":"xx"}`,
	`{"type":"response.reasoning_summary_text.done","item_id":"rs_1","output_index":0,"summary_index":0,"text":"First"}`,
	`{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":1,"delta":"Second"}`,
	`{"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"First"},{"type":"summary_text","text":"Second"}],"encrypted_content":"gAAAA"}}`,
	`{"type":"response.output_item.added","output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","content":[]}}`,
	`{"type":"response.content_part.added","item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"output_text","text":""}}`,
	`{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"Hel","logprobs":[{"token":"Hel","logprob":-0.5,"bytes":[72],"top_logprobs":[]}]}`,
	`{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"lo","logprobs":[]}`,
	`{"type":"response.output_text.done","item_id":"msg_1","output_index":1,"content_index":0,"text":"Hello"}`,
	`{"type":"response.output_item.done","output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello","annotations":[]}]}}`,
	`{"type":"response.output_item.added","output_index":2,"item":{"id":"fc_1","type":"function_call","call_id":"call_1","name":"f","arguments":""}}`,
	`{"type":"response.output_item.added","output_index":3,"item":{"id":"fc_2","type":"function_call","call_id":"call_2","name":"g","arguments":""}}`,
	`{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":"{\"a\""}`,
	`{"type":"response.function_call_arguments.delta","item_id":"fc_2","output_index":3,"delta":"{}"}`,
	`{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":":1}"}`,
	`{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":2,"arguments":"{\"a\":1}"}`,
	`{"type":"response.output_item.done","output_index":2,"item":{"id":"fc_1","type":"function_call","call_id":"call_1","name":"f","arguments":"{\"a\":1}"}}`,
	`{"type":"response.output_item.done","output_index":3,"item":{"id":"fc_2","type":"function_call","call_id":"call_2","name":"g","arguments":"{}"}}`,
	`{"type":"response.completed","response":{"id":"resp_1","status":"completed","model":"gpt-x","service_tier":"default","output":[{"id":"rs_1","type":"reasoning","summary":[]}],"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":6,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":16}}}`,
)

// deltas reads a stream of a provider and names what it says.
func deltas(t testing.TB, r eventReader, stream string) (list []string, end bool) {
	t.Helper()
	_, docs := frames(t, stream)
	for i, d := range docs {
		var err error
		if end, err = r.read([]byte(d), func(d Delta) { list = append(list, describe(&d)) }); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
	}
	return list, end
}

func describe(d *Delta) string {
	s := fmt.Sprintf("%d.%d ", d.Choice, d.Part)
	switch d.Kind {
	case DeltaStart:
		return fmt.Sprintf("start %s %s %d", d.ID, d.Model, d.Created)
	case DeltaText:
		return s + "text " + d.Text
	case DeltaRefusal:
		return s + "refusal " + d.Text
	case DeltaReasoning:
		return s + "reasoning " + d.Text
	case DeltaSeal:
		return s + fmt.Sprintf("seal %s %s %s %s", d.Seal.Origin, d.Seal.Kind, d.Seal.ID, d.Seal.Data)
	case DeltaTool:
		return s + fmt.Sprintf("tool %s %s %v", d.ID, d.Name, d.Custom)
	case DeltaArgs:
		return s + "args " + d.Text
	case DeltaLogprobs:
		return s + "logprobs " + string(d.Raw)
	case DeltaFinish:
		return fmt.Sprintf("%d finish %s %s", d.Choice, d.Finish, d.Tier)
	}
	return "ping"
}

func TestResponsesReader(t *testing.T) {
	for name, tc := range map[string]struct {
		stream string
		want   []string
	}{
		"OpenAI": {openaiStream, []string{
			"start resp_1 gpt-x 1700000001",
			"0.0 reasoning First", "0.0 reasoning \n\nSecond", "0.0 seal responses  rs_1 gAAAA",
			"0.1024 text Hel", `0.1024 logprobs {"content":[{"token":"Hel","logprob":-0.5,"bytes":[72],"top_logprobs":[]}],"refusal":null}`, "0.1024 text lo",
			"0.2048 tool call_1 f false", "0.3072 tool call_2 g false", `0.2048 args {"a"`, "0.3072 args {}", "0.2048 args :1}",
			"0 finish tools default",
		}},
		"a server that sends only whole items": {sse(
			`{"type":"response.created","response":{"id":"r","model":"m"}}`,
			`{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]}}`,
			`{"type":"response.output_item.done","output_index":1,"item":{"type":"message","content":[{"type":"output_text","text":"hi"},{"type":"refusal","refusal":"no"}]}}`,
			`{"type":"response.output_item.done","output_index":2,"item":{"type":"custom_tool_call","call_id":"c","name":"p","input":"in"}}`,
			`{"type":"response.completed","response":{"status":"completed"}}`),
			[]string{"start r m 0", "0.0 reasoning hm", "0.1024 text hi", "0.1025 refusal no", "0.2048 tool c p true", "0.2048 args in", "0 finish tools "}},
		"a server that sends only the end": {sse(
			`{"type":"response.completed","response":{"id":"r","model":"m","created_at":1700000000.5,"status":"completed","output":[{"type":"web_search_call"},{"type":"message","content":[{"type":"output_text","text":"hi"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}}`),
			[]string{"start r m 1700000000", "0.1024 text hi", "0.2048 tool c f false", "0.2048 args {}", "0 finish tools "}},
		"reasoning both ways": {sse(
			`{"type":"response.reasoning_text.delta","output_index":0,"delta":"raw"}`,
			`{"type":"response.reasoning_summary_text.delta","output_index":0,"delta":"sum"}`,
			`{"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"}}}`),
			[]string{"start   0", "0.0 reasoning raw", "0 finish length "}},
		"done without deltas": {sse(
			`{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"c","name":"f"}}`,
			`{"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"a\":1}"}`,
			`{"type":"response.output_text.done","output_index":1,"content_index":0,"text":"hi"}`,
			`{"type":"response.refusal.done","output_index":1,"content_index":1,"refusal":"no"}`,
			`{"type":"response.completed","response":{}}`),
			[]string{"start   0", "0.0 tool c f false", `0.0 args {"a":1}`, "0.1024 text hi", "0.1025 refusal no", "0 finish tools "}},
		"filtered": {sse(`{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}}`),
			[]string{"start   0", "0 finish filter "}},
		"refused": {sse(`{"type":"response.refusal.delta","output_index":0,"content_index":0,"delta":"no"}`, `{"type":"response.completed","response":{"status":"completed"}}`),
			[]string{"start   0", "0.0 refusal no", "0 finish refusal "}},
	} {
		t.Run(name, func(t *testing.T) {
			got, end := deltas(t, &responsesReader{}, tc.stream)
			if strings.Join(got, "\n") != strings.Join(tc.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
			if !end {
				t.Error("the end was not seen")
			}
		})
	}
	for _, bad := range []string{`{"type":"response.failed","response":{}}`, `{"type":"error"}`, `{"type":`, `[]`, `{"type":"response.completed","response":7}`,
		`{"type":"response.output_item.done","item":{"type":7}}`, `{"type":"response.completed","response":{"output":[7]}}`} {
		if end, err := (&responsesReader{}).read([]byte(bad), func(Delta) {}); err == nil || end {
			t.Errorf("%s: accepted", bad)
		}
	}
}

// A stream that is read and written again says the same.
func TestResponsesStreamAgain(t *testing.T) {
	c := testCall(llm.Responses, llm.Responses)
	c.request = &Request{Model: "m"}
	w := newResponsesWriter(c)
	r := &responsesReader{}
	var out []byte
	_, docs := frames(t, openaiStream)
	for _, d := range docs {
		end, err := r.read([]byte(d), func(d Delta) { out = w.write(out, &d) })
		if err != nil {
			t.Fatal(err)
		}
		if end {
			out = w.end(out, llm.Usage{Input: 6, CacheRead: 4, Output: 6, Reasoning: 2})
		}
	}
	got := lawful(t, string(out))
	b, _ := json.Marshal(got["output"])
	sameJSON(t, b, `[{"type":"reasoning","id":"rs_0191ab_0","summary":[{"type":"summary_text","text":"First\n\nSecond"}],"encrypted_content":"gAAAA"},
		{"type":"message","id":"msg_0191ab_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello","annotations":[],"logprobs":[{"token":"Hel","logprob":-0.5,"bytes":[72],"top_logprobs":[]}]}]},
		{"type":"function_call","id":"fc_0191ab_2","status":"completed","call_id":"call_1","name":"f","arguments":"{\"a\":1}"},
		{"type":"function_call","id":"fc_0191ab_3","status":"completed","call_id":"call_2","name":"g","arguments":"{}"}]`)
	b, _ = json.Marshal(got["usage"])
	sameJSON(t, b, `{"input_tokens":10,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":0},"output_tokens":6,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":16}`)
	if got["service_tier"] != "default" || got["created_at"] != 1700000001.0 {
		t.Errorf("tier %v, created %v", got["service_tier"], got["created_at"])
	}
}

// Each way for an answer to end.
func TestResponsesWriterEnds(t *testing.T) {
	for _, tc := range []struct {
		name   string
		deltas []Delta
		status string
		reason any
		item   string
	}{
		{"stop", []Delta{{Kind: DeltaText, Text: "x"}, {Kind: DeltaFinish, Finish: FinishStop}}, "completed", nil, "completed"},
		{"no reason given", []Delta{{Kind: DeltaText, Text: "x"}}, "completed", nil, "completed"},
		{"length", []Delta{{Kind: DeltaText, Text: "x"}, {Kind: DeltaFinish, Finish: FinishLength}}, "incomplete", "max_output_tokens", "incomplete"},
		{"context", []Delta{{Kind: DeltaText, Text: "x"}, {Kind: DeltaFinish, Finish: FinishContext}}, "incomplete", "max_output_tokens", "incomplete"},
		{"filter", []Delta{{Kind: DeltaFinish, Finish: FinishFilter}}, "incomplete", "content_filter", ""},
		{"refusal without words", []Delta{{Kind: DeltaFinish, Finish: FinishRefusal}}, "incomplete", "content_filter", ""},
		{"refusal", []Delta{{Kind: DeltaText, Text: "x"}, {Kind: DeltaRefusal, Text: "no"}, {Kind: DeltaFinish, Finish: FinishRefusal}}, "completed", nil, "completed"},
		{"tools", []Delta{{Kind: DeltaTool, ID: "c", Name: "f"}, {Kind: DeltaTool, ID: "c", Name: "f"}, {Kind: DeltaFinish, Finish: FinishTools}}, "completed", nil, "completed"},
		{"nothing at all", nil, "completed", nil, ""},
		{"a seal alone", []Delta{{Kind: DeltaSeal, Part: 3, Seal: Seal{Origin: llm.Messages, Kind: "redacted", Data: "x"}}}, "completed", nil, ""},
		{"seals in pieces", []Delta{{Kind: DeltaReasoning, Text: "a"}, {Kind: DeltaSeal, Seal: Seal{Origin: llm.Messages, Data: "x"}}, {Kind: DeltaSeal, Seal: Seal{Origin: llm.Messages, Data: "y"}}}, "completed", nil, ""},
		{"text between", []Delta{{Kind: DeltaText, Text: "a"}, {Kind: DeltaTool, Part: 1, Name: "f"}, {Kind: DeltaText, Part: 2, Text: "b"}, {Kind: DeltaArgs, Part: 1, Text: "{}"}, {Kind: DeltaPing}}, "completed", nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := testCall(llm.Responses, llm.Chat)
			w := newResponsesWriter(c)
			var out []byte
			for i := range tc.deltas {
				out = w.write(out, &tc.deltas[i])
			}
			out = w.end(out, llm.Usage{})
			r := lawful(t, string(out))
			if r["status"] != tc.status {
				t.Errorf("status %v", r["status"])
			}
			if d, _ := r["incomplete_details"].(map[string]any); d["reason"] != tc.reason {
				t.Errorf("reason %v", d["reason"])
			}
			items := r["output"].([]any)
			if tc.item != "" && items[len(items)-1].(map[string]any)["status"] != tc.item {
				t.Errorf("item %v", items)
			}
			if tc.name == "seals in pieces" {
				s, ok := unpackSeal(items[0].(map[string]any)["encrypted_content"].(string))
				if !ok || s.Data != "xy" {
					t.Errorf("seal %+v", s)
				}
			}
		})
	}
}
