package translate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// BenchmarkChatAndMessages prints what an event and a request of 80 KB cost
// between the two.
func BenchmarkChatAndMessages(b *testing.B) {
	events := []struct {
		name             string
		client, upstream llm.Dialect
		event            string
	}{
		{"text", llm.Messages, llm.Chat, chunks(says(`"content":" world"`))},
		{"arguments", llm.Messages, llm.Chat, chunks(calls(`{"index":0,"id":"c","function":{"name":"f","arguments":" x"}}`))},
		{"text", llm.Chat, llm.Messages, sse(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" world"}}`)},
	}
	for _, tc := range events {
		b.Run(fmt.Sprintf("%s for %s", tc.name, tc.client), func(b *testing.B) {
			c := testCall(tc.client, tc.upstream)
			if _, _, err := c.Request([]byte(plainRequests[tc.client])); err != nil {
				b.Fatal(err)
			}
			ev, usage, dst := []byte(tc.event), func() llm.Usage { return llm.Usage{} }, make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, err = c.Event(dst[:0], ev, usage); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/event")
		})
	}
	for _, client := range []llm.Dialect{llm.Chat, llm.Messages} {
		upstream := llm.Chat
		if client == llm.Chat {
			upstream = llm.Messages
		}
		body := largeRequest(b, client)
		b.Run(fmt.Sprintf("request of %s", client), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := testCall(client, upstream).Request(body); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N)*80_000/float64(len(body)), "ms/80KB")
		})
	}
}

// largeRequest is a conversation of some 80 KB with many tools.
func largeRequest(b *testing.B, client llm.Dialect) []byte {
	filler := strings.Repeat("All work and no play makes \\\"Jack\\\" a dull boy.\\n", 60)
	var tools, turns []string
	for i := range 20 {
		tools = append(tools, fmt.Sprintf(`{"name":"tool%d","description":"%s","input_schema":{"type":"object","properties":{"a":{"type":"string","description":"x"},"b":{"type":"array","items":{"type":"integer"}}},"required":["a"]}}`, i, filler[:800]))
	}
	for i := range 9 {
		turns = append(turns, fmt.Sprintf(`{"role":"assistant","content":[{"type":"text","text":"%s"},{"type":"tool_use","id":"c%d","name":"tool1","input":{"a":"1"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c%d","content":"%s"}]}`, filler, i, i, filler))
	}
	body := []byte(`{"model":"m","max_tokens":999,"stream":true,"system":"` + filler + `","messages":[{"role":"user","content":"hi"},` + strings.Join(turns, ",") + `],"tools":[` + strings.Join(tools, ",") + `]}`)
	if client == llm.Messages {
		return body
	}
	out, _, err := testCall(llm.Messages, client).Request(body)
	if err != nil {
		b.Fatal(err)
	}
	return out
}
