package answer

import (
	"bytes"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// deltas are ordinary events that carry text, as the providers write them.
var deltas = []struct {
	name string
	d    llm.Dialect
	raw  string
}{
	{"chat", llm.Chat, `data: {"id":"chatcmpl-CabcdefGHIJKLmnopqrSTUVwx","object":"chat.completion.chunk","created":1750000000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" gateway"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"aB3dE"}` + "\n\n"},
	{"responses", llm.Responses, `event: response.output_text.delta` + "\n" + `data: {"type":"response.output_text.delta","sequence_number":17,"item_id":"msg_0123456789abcdef0123456789abcdef","output_index":0,"content_index":0,"delta":" gateway","logprobs":[],"obfuscation":"aB3dE"}` + "\n\n"},
	{"messages", llm.Messages, `event: content_block_delta` + "\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" gateway"}}` + "\n\n"},
	{"tool call", llm.Chat, `data: {"id":"chatcmpl-CabcdefGHIJKLmnopqrSTUVwx","object":"chat.completion.chunk","created":1750000000,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]},"finish_reason":null}]}` + "\n\n"},
}

// An ordinary delta is looked at without garbage.
func TestDeltasDoNotAllocate(t *testing.T) {
	for _, tc := range deltas {
		a := New(tc.d, true)
		raw := []byte(tc.raw)
		if n := testing.AllocsPerRun(100, func() { a.Event(raw) }); n != 0 {
			t.Errorf("%s: %v allocations", tc.name, n)
		}
		if a.TextBytes() == 0 {
			t.Errorf("%s: no text", tc.name)
		}
	}
	var s Splitter
	piece := bytes.Repeat([]byte(deltas[0].raw), 20)
	if n := testing.AllocsPerRun(100, func() { _ = s.Feed(piece, func([]byte) error { return nil }) }); n != 0 {
		t.Errorf("splitter: %v allocations", n)
	}
}

func BenchmarkEvent(b *testing.B) {
	for _, tc := range deltas {
		b.Run(tc.name, func(b *testing.B) {
			a := New(tc.d, true)
			raw := []byte(tc.raw)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				a.Event(raw)
			}
		})
	}
}

// A full buffer of events, LF and CRLF: the cost per event must not grow with
// the length of the piece.
func BenchmarkFeed(b *testing.B) {
	for _, n := range []int{1, 100} {
		for name, end := range map[string]string{"lf": "\n", "crlf": "\r\n"} {
			piece := bytes.Repeat(bytes.ReplaceAll([]byte(deltas[0].raw), []byte("\n"), []byte(end)), n)
			b.Run(name+"/"+map[int]string{1: "one", 100: "hundred"}[n], func(b *testing.B) {
				var s Splitter
				events := 0
				b.SetBytes(int64(len(piece)))
				b.ReportAllocs()
				for b.Loop() {
					_ = s.Feed(piece, func([]byte) error { events++; return nil })
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
			})
		}
	}
}

func BenchmarkBody(b *testing.B) {
	body := []byte(`{"id":"chatcmpl-x","object":"chat.completion","created":1750000000,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"` + string(bytes.Repeat([]byte("word "), 400)) + `","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":400,"total_tokens":410,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}},"service_tier":"default"}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := New(llm.Chat, false).Body(body); err != nil {
			b.Fatal(err)
		}
	}
}
