package answer

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

var fuzzed = []llm.Dialect{llm.Chat, llm.Responses, llm.Embeddings, llm.Completions, llm.Messages, llm.Models, llm.CountTokens,
	llm.GenerateContent, llm.GeminiBatchEmbed, llm.OllamaChat, llm.OllamaEmbed, llm.InputTokens}

var seeds = []string{
	`{"id":"a","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}],"usage":null}`,
	`{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":1}}}`,
	`{"choices":[],"x_groq":{"usage":{"prompt_tokens":1}},"error":{"message":"m"}}`,
	`{"type":"message_start","message":{"model":"m","usage":{"input_tokens":1,"cache_creation":{"ephemeral_1h_input_tokens":1},"iterations":[{"model":"x","input_tokens":1}]}}}`,
	`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5,"speed":"fast"}}`,
	`{"type":"content_block_delta","delta":{"type":"text_delta","text":"\"error\""}}`,
	`{"type":"response.completed","response":{"status":"completed","model":"m","usage":{"input_tokens":1,"output_tokens":1},"incomplete_details":{"reason":"r"}}}`,
	`{"candidates":[{"index":1,"content":{"parts":[{"text":"a"},{"inlineData":{"data":"x"}}]},"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["q"]}}],"usageMetadata":{"promptTokenCount":1,"cachedContentTokenCount":5,"thoughtsTokenCount":3,"totalTokenCount":90,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":7}]}}`,
	`[{"candidates":[{"finishReason":"STOP"}]}]`, `{"promptFeedback":{"blockReason":"SAFETY"}}`,
	`{"model":"m","message":{"content":"x"},"done":true,"prompt_eval_count":1,"eval_count":2}`, `{"response":"x","done":false}`,
	`{"type":"error","message":"m"}`, `[DONE]`, `{"type":`, `{"a":"\`, `{"index":`, "{}", "null", "{\"type\"}", `{"text":"`,
}

// check holds for every answer whatever came.
func check(t *testing.T, a *Answer) {
	u := a.Usage()
	all := append([]llm.Usage{u}, u.Parts...)
	for _, u := range all {
		for _, n := range []int64{u.Input, u.CacheRead, u.CacheWrite, u.CacheWrite1h, u.InputAudio, u.Output, u.Reasoning, u.OutputAudio, u.WebSearches, u.FileSearches, u.CodeSessions, u.InputImage, u.OutputImage, u.CacheReadAudio, u.Total()} {
			if n < 0 || n > 10*maxFigure {
				t.Fatalf("%+v", u)
			}
		}
		if u.Reasoning > u.Output {
			t.Fatalf("more reasoning than output: %+v", u)
		}
	}
	if u.Final && !u.Reported {
		t.Fatalf("final without a figure: %+v", u)
	}
	if a.TextBytes() < 0 {
		t.Fatal(a.TextBytes())
	}
	_, _ = a.Failed()
	_, _, _ = a.Terminal(), a.FinishReason(), a.Model()
}

func FuzzEvent(f *testing.F) {
	for i, s := range seeds {
		f.Add(uint8(i), []byte(s), []byte(seeds[(i+1)%len(seeds)]))
	}
	f.Fuzz(func(t *testing.T, n uint8, one, two []byte) {
		for _, raw := range [][]byte{one, append([]byte("data: "), one...)} {
			a := New(fuzzed[int(n)%len(fuzzed)], true)
			before := string(raw)
			a.Event(raw)
			a.Event(append([]byte("data: "), two...))
			if string(raw) != before {
				t.Fatal("the event was changed")
			}
			check(t, a)
		}
	})
}

// What is not parsed, because it looks ordinary, holds nothing that parsing would
// have found.
func FuzzShortcuts(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	for _, tc := range deltas {
		f.Add(Data([]byte(tc.raw)))
	}
	f.Add([]byte(`{"usage" : null, "choices" : [ {"index" : 0, "finish_reason" : null, "delta":{"content":"\"usage\":{"} } ] }`))
	f.Fuzz(func(t *testing.T, d []byte) {
		if bytes.Contains(d, []byte(`\u`)) || bytes.ContainsAny(d, "\r\n") || !json.Valid(d) || !object(d) {
			return // names in escapes, or more lines than one: no provider writes them
		}
		if _, plain := scanChunk(d); plain {
			var c chatChunk
			if err := c.read(d); err != nil {
				t.Fatal(err)
			}
			if c.usage.given() || c.failed {
				t.Fatalf("overlooked: %+v", c)
			}
			for _, ch := range c.choices {
				if ch.finish != "" || ch.index != 0 {
					t.Fatalf("overlooked: %+v", ch)
				}
			}
		}
		a := New(llm.Messages, true)
		if a.Event(append([]byte("data: "), d...)) != Pass {
			t.Fatal("a valid object is malformed")
		}
		var m messagesEvent
		if err := m.read(d); err != nil {
			t.Fatal(err)
		}
		if m.kind == "message_stop" && !a.Terminal() || (m.kind == "message_delta" && m.usage.completion.set) != a.Usage().Final {
			t.Fatalf("overlooked: %+v", m)
		}
		var r responsesBody
		if err := r.readEvent(d); err != nil {
			t.Fatal(err)
		}
		// Of a repeated type the first counts here; nobody writes two.
		if kind := responsesKind(d); bytes.Count(d, typeMark) == 1 && string(kind) != r.event && (r.event == "response.completed" || r.event == "response.failed") {
			t.Fatalf("%q, not %q", kind, r.event)
		}
	})
}

func FuzzBody(f *testing.F) {
	for i, s := range seeds {
		f.Add(uint8(i), []byte(s))
	}
	f.Fuzz(func(t *testing.T, n uint8, body []byte) {
		d := fuzzed[int(n)%len(fuzzed)]
		a := New(d, false)
		err := a.Body(body)
		if err == nil && d.Billed() && !a.Terminal() {
			t.Fatal("read, yet not terminal")
		}
		// What the standard library takes for an object is one here too.
		var v map[string]json.RawMessage
		if e := json.Unmarshal(body, &v); e == nil && v != nil && err != nil && err != errUnfinished {
			t.Fatalf("refused: %v", err)
		} else if e != nil && err == nil && d.Billed() && !json.Valid(body) && len(body) < 1000 {
			t.Fatalf("accepted, though %v", e)
		}
		check(t, a)
	})
}
