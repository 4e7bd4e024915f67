package translate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// BenchmarkEvents prints what one small event of a stream costs.
func BenchmarkEvents(b *testing.B) {
	events := map[llm.Dialect]string{
		llm.Responses:       sse(`{"type":"response.output_text.delta","sequence_number":9,"item_id":"msg_68af0f4e4a","output_index":0,"content_index":0,"delta":" world","logprobs":[],"obfuscation":"x9Kd2"}`),
		llm.GenerateContent: `data: {"candidates":[{"content":{"parts":[{"text":" world"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":7,"totalTokenCount":9,"promptTokensDetails":[{"modality":"TEXT","tokenCount":7}]},"modelVersion":"gemini-3","responseId":"r1"}` + "\n\n",
		llm.Chat:            `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"x","choices":[{"index":0,"delta":{"content":" world"},"finish_reason":null}]}` + "\n\n",
		llm.Messages:        sse(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" world"}}`),
	}
	pairs(func(client, upstream llm.Dialect) {
		b.Run(fmt.Sprintf("%s from %s", client, upstream), func(b *testing.B) {
			c := testCall(client, upstream)
			if _, _, err := c.Request([]byte(plainRequests[client])); err != nil {
				b.Fatal(err)
			}
			ev := []byte(events[upstream])
			usage := func() llm.Usage { return llm.Usage{} }
			dst := make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, err = c.Event(dst[:0], ev, usage); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/event")
		})
	})
}

// BenchmarkRequest prints what a request of 80 KB costs.
func BenchmarkRequest(b *testing.B) {
	filler := strings.Repeat("All work and no play makes \\\"Jack\\\" a dull boy.\\n", 60)
	tool := func(i int) string {
		return fmt.Sprintf(`{"type":"function","name":"tool%d","description":"%s","parameters":{"type":"object","properties":{"a":{"type":"string","description":"x"},"b":{"type":"array","items":{"type":"integer"}}},"required":["a"]},"strict":false}`, i, filler[:800])
	}
	var tools, items []string
	for i := range 20 {
		tools = append(tools, tool(i))
	}
	for i := range 9 {
		items = append(items, fmt.Sprintf(`{"type":"message","role":"user","content":[{"type":"input_text","text":"%s"}]},{"type":"function_call","call_id":"c%d","name":"tool1","arguments":"{\"a\":1}"},{"type":"function_call_output","call_id":"c%d","output":"%s"}`, filler, i, i, filler))
	}
	bodies := map[llm.Dialect][]byte{
		llm.Responses: []byte(`{"model":"m","stream":true,"instructions":"` + filler + `","input":[` + strings.Join(items, ",") + `],"tools":[` + strings.Join(tools, ",") + `]}`),
	}
	for _, d := range []llm.Dialect{llm.Chat, llm.Messages} {
		out, _, err := testCall(llm.Responses, d).Request(bodies[llm.Responses])
		if err != nil {
			b.Fatal(err)
		}
		bodies[d] = out
	}
	pairs(func(client, upstream llm.Dialect) {
		body := bodies[client]
		b.Run(fmt.Sprintf("%s to %s", client, upstream), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := testCall(client, upstream).Request(body); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N)*80_000/float64(len(body)), "ms/80KB")
		})
	})
}
