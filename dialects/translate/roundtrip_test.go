package translate

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// gathered is the message that a client of messages makes of a stream, as its SDK
// does.
func gathered(t *testing.T, stream string) string {
	t.Helper()
	_, docs := frames(t, stream)
	var blocks []map[string]any
	var input string
	for _, d := range docs {
		var e struct {
			Type  string
			Block map[string]any `json:"content_block"`
			Delta map[string]any
		}
		if err := json.Unmarshal([]byte(d), &e); err != nil {
			t.Fatal(err)
		}
		var last map[string]any
		if len(blocks) > 0 {
			last = blocks[len(blocks)-1]
		}
		switch e.Type {
		case "content_block_start":
			blocks, input = append(blocks, e.Block), ""
		case "content_block_delta":
			for _, member := range []string{"text", "thinking"} {
				if s, ok := e.Delta[member].(string); ok {
					last[member] = last[member].(string) + s
				}
			}
			if s, ok := e.Delta["signature"].(string); ok {
				last["signature"] = s
			}
			if s, ok := e.Delta["partial_json"].(string); ok {
				input += s
			}
		case "content_block_stop":
			if last["type"] == "tool_use" && input != "" {
				last["input"] = json.RawMessage(input)
			}
		}
	}
	b, err := json.Marshal(map[string]any{"role": "assistant", "content": blocks})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// gatheredChat is the message that a chat client makes of a stream.
func gatheredChat(t *testing.T, stream string) string {
	t.Helper()
	_, docs := frames(t, stream)
	type call struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	}
	m := struct {
		Role      string  `json:"role"`
		Content   string  `json:"content"`
		Reasoning string  `json:"reasoning_content,omitempty"`
		Calls     []*call `json:"tool_calls,omitempty"`
	}{Role: "assistant"}
	for _, d := range docs {
		if d == "[DONE]" {
			break
		}
		var e struct {
			Choices []struct {
				Delta struct {
					Content   string
					Reasoning string `json:"reasoning_content"`
					Calls     []struct {
						Index int
						call
					} `json:"tool_calls"`
				}
			}
		}
		if err := json.Unmarshal([]byte(d), &e); err != nil {
			t.Fatal(err)
		}
		for _, c := range e.Choices {
			m.Content += c.Delta.Content
			m.Reasoning += c.Delta.Reasoning
			for i := range c.Delta.Calls {
				p := &c.Delta.Calls[i]
				if p.Index == len(m.Calls) {
					m.Calls = append(m.Calls, &p.call)
				} else {
					m.Calls[p.Index].Function.Arguments += p.Function.Arguments
				}
			}
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A client of messages talks for six turns with a server of chat that reasons in
// the open: what the server said comes back to it word for word, its reasoning
// included, though the client keeps everything in its own dialect.
func TestSixTurnsOnChat(t *testing.T) {
	reply := func(i int) string {
		return chunks(says(fmt.Sprintf(`"role":"assistant","reasoning_content":"think %d"`, i)), says(fmt.Sprintf(`"content":"step %d"`, i)),
			calls(fmt.Sprintf(`{"index":0,"id":"a%d","type":"function","function":{"name":"f","arguments":"{\"n\":"}},{"index":1,"id":"b%d","type":"function","function":{"name":"f","arguments":""}}`, i, i)),
			calls(fmt.Sprintf(`{"index":1,"function":{"arguments":"{\"m\":\"é%d\"}"}},{"index":0,"function":{"arguments":"%d}"}}`, i, i)), ends("tool_calls"), chatEnd)
	}
	history := `{"role":"user","content":[{"type":"text","text":"go"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aW1n"}}]}`
	want := `{"role":"user","content":[{"type":"text","text":"go"},{"type":"image_url","image_url":{"url":"data:image/png;base64,aW1n"}}]}`
	for i := 1; i <= 6; i++ {
		request := `{"model":"m","max_tokens":99,"stream":true,"thinking":{"type":"adaptive"},"messages":[` + history + `],"tools":[{"name":"f","input_schema":{"type":"object"}}]}`
		out, lost := translated(t, llm.Messages, llm.Chat, request)
		if len(lost) > 0 {
			t.Fatalf("turn %d lost %q", i, lost)
		}
		sameJSON(t, out, `{"model":"m","max_completion_tokens":99,"stream":true,"stream_options":{"include_usage":true},"messages":[`+want+`],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}`)
		got, err := relayed(t, llm.Messages, llm.Chat, request, reply(i), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		history += "," + gathered(t, got) + fmt.Sprintf(`,{"role":"user","content":[{"type":"tool_result","tool_use_id":"a%d","content":"done"},{"type":"tool_result","tool_use_id":"b%d","is_error":true,"content":"failed"}]}`, i, i)
		want += fmt.Sprintf(`,{"role":"assistant","content":"step %d","reasoning_content":"think %d","tool_calls":[{"id":"a%d","type":"function","function":{"name":"f","arguments":"{\"n\":%d}"}},{"id":"b%d","type":"function","function":{"name":"f","arguments":"{\"m\":\"é%d\"}"}}]},
			{"role":"tool","tool_call_id":"a%d","content":"done"},{"role":"tool","tool_call_id":"b%d","content":"failed"}`, i, i, i, i, i, i, i, i)
	}
}

// A chat client talks for six turns with Claude.
func TestSixTurnsOnMessages(t *testing.T) {
	reply := func(i int) string {
		return streamOf(`"tool_use"`, block(0, `"type":"thinking","thinking":"","signature":""`, `"type":"thinking_delta","thinking":"hm"`, `"type":"signature_delta","signature":"SIG"`), block(1, beginText, textDelta(fmt.Sprint("step ", i))),
			block(2, beginTool(fmt.Sprint("toolu_a", i), "f"), argsDelta(`{"n":`), argsDelta(fmt.Sprint(i, "}"))), block(3, beginTool(fmt.Sprint("toolu_b", i), "f")))
	}
	history := `{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"go"},{"type":"image_url","image_url":{"url":"data:image/png;base64,aW1n"}}]}`
	want := `{"role":"user","content":[{"type":"text","text":"go"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aW1n"}}]}`
	for i := 1; i <= 6; i++ {
		request := `{"model":"claude-opus-4-6","max_completion_tokens":99,"stream":true,"reasoning_effort":"high","messages":[` + history + `],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}`
		out, lost := translated(t, llm.Chat, llm.Messages, request)
		if len(lost) > 0 {
			t.Fatalf("turn %d lost %q", i, lost)
		}
		thinking := "" // its thoughts are not kept, so that it must go on without
		if i == 1 {
			thinking = `"thinking":{"type":"adaptive"},"output_config":{"effort":"high"},`
		}
		sameJSON(t, out, `{"model":"claude-opus-4-6","max_tokens":99,"stream":true,`+thinking+`"system":[{"type":"text","text":"s"}],"messages":[`+want+`],"tools":[{"name":"f","input_schema":{"type":"object"}}]}`)
		got, err := relayed(t, llm.Chat, llm.Messages, request, reply(i), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		message := gatheredChat(t, got)
		if !strings.Contains(message, `"reasoning_content":"hm"`) {
			t.Fatalf("the thoughts are not shown: %s", message)
		}
		history += "," + message + fmt.Sprintf(`,{"role":"tool","tool_call_id":"toolu_a%d","content":"done"},{"role":"tool","tool_call_id":"toolu_b%d","content":"failed"}`, i, i)
		want += fmt.Sprintf(`,{"role":"assistant","content":[{"type":"text","text":"step %d"},{"type":"tool_use","id":"toolu_a%d","name":"f","input":{"n":%d}},{"type":"tool_use","id":"toolu_b%d","name":"f","input":{}}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_a%d","content":[{"type":"text","text":"done"}]},{"type":"tool_result","tool_use_id":"toolu_b%d","content":[{"type":"text","text":"failed"}]}]}`, i, i, i, i, i, i)
	}
}

// Very many of anything cost no more than their bytes.
func TestManyForChatAndMessages(t *testing.T) {
	const n = 30_000
	many := func(f func(i int) string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = f(i)
		}
		return strings.Join(list, ",")
	}
	for name, tc := range map[string]struct {
		client llm.Dialect
		body   string
	}{
		"tools": {llm.Chat, `{"model":"m","messages":[],"tools":[` + many(func(i int) string { return fmt.Sprintf(`{"type":"function","function":{"name":"f%d"}}`, i) }) + `],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[` +
			many(func(i int) string { return fmt.Sprintf(`{"type":"function","function":{"name":"f%d"}}`, i) }) + `]}}}`},
		"turns":   {llm.Chat, `{"model":"m","messages":[` + many(func(int) string { return `{"role":"user","content":"x"},{"role":"system","content":"x"}` }) + `]}`},
		"results": {llm.Chat, `{"model":"m","messages":[` + many(func(int) string { return `{"role":"tool","tool_call_id":"x","content":"x"}` }) + `]}`},
		"called": {llm.Chat, `{"model":"m","messages":[` + many(func(i int) string {
			return fmt.Sprintf(`{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f%d"}}]}`, i)
		}) + `]}`},
		"odd": {llm.Chat, `{"model":"m","messages":[{"role":"user","content":[` + many(func(int) string { return `{"type":"x","y":1}` }) + `]}]}`},
		"blocks": {llm.Messages, `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[` + many(func(int) string {
			return `{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"x"}]},{"type":"image","source":{"type":"url","url":"x"}}`
		}) + `]}]}`},
		"thoughts": {llm.Messages, `{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":[` + many(func(i int) string {
			return fmt.Sprintf(`{"type":"thinking","thinking":"x","signature":%q},{"type":"tool_use","id":"a%d","name":"f","input":{}}`, packSeal(Seal{Origin: llm.GenerateContent, Kind: sealCall, ID: fmt.Sprint("a", i), Data: "x"}), i)
		}) + `]}]}`},
	} {
		for upstream := range codecs {
			if Can(tc.client, upstream) {
				if out, _, err := testCall(tc.client, upstream).Request([]byte(tc.body)); err != nil || !json.Valid(out) {
					t.Errorf("%s to %s: %v", name, upstream, err)
				}
			}
		}
	}
	// Calls that are all open at once, in one event, and a piece of each.
	stream := chunks(calls(many(func(i int) string {
		return fmt.Sprintf(`{"index":%d,"id":"c%d","function":{"name":"f","arguments":"{"}}`, i, i)
	})),
		calls(many(func(i int) string { return fmt.Sprintf(`{"index":%d,"function":{"arguments":"}"}}`, n-1-i) })), ends("tool_calls"), chatEnd)
	got, err := relayed(t, llm.Messages, llm.Chat, plainRequests[llm.Messages], stream, 1<<20)
	if err != nil || strings.Count(got, `"tool_use","id"`) != n || strings.Count(got, `"partial_json":"}"`) != n {
		t.Errorf("%v: %d calls", err, strings.Count(got, `"tool_use","id"`))
	}
}
