package handlers

import (
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// streamShapes are streams as providers send them, with every kind of event that
// the dialects know, line ends of both kinds, comments and escapes.
var streamShapes = []struct{ name, path, ctype, body, stream string }{
	{"chat", chatPath, "text/event-stream", asked, ": ping\n\n" + delta + "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\": \\ud83d\\ude00é\"}}]},\"finish_reason\":null}]}\r\n\r\n" + delta + finish + done},
	{"completions", "/v1/completions", "text/event-stream", `{"model":"m","stream":true,"stream_options":{"include_usage":true},"prompt":"hi"}`,
		"data: {\"id\":\"c\",\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"Hé\",\"finish_reason\":null}]}\n\ndata: {\"id\":\"c\",\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"stop\"}]}\n\n" + figures + done},
	{"responses", "/v1/responses", "text/event-stream; charset=utf-8", `{"model":"m","stream":true,"input":"hi"}`,
		"event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\",\"output\":[]}}\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":1,\"item_id\":\"m\",\"output_index\":0,\"content_index\":0,\"delta\":\"Hello \\u00e9😀\"}\n\nevent: codex.rate_limits\ndata: {\"type\":\"codex.rate_limits\"}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":2,\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"output\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}}\n\n"},
	{"messages", "/v1/messages", "text/event-stream", `{"model":"m","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`,
		"event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\r\n\r\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"EqQB==\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"},
	{"gemini", "/v1beta/models/m:streamGenerateContent", "text/event-stream", `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`,
		"data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hé\"}]}}],\"usageMetadata\":{\"promptTokenCount\":3}}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\".\"}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":2,\"totalTokenCount\":5}}\r\n\r\n"},
	{"ollama", "/api/chat", "application/x-ndjson", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`,
		"{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Hé\"},\"done\":false}\n{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":3,\"eval_count\":2}\n"},
}

// However the provider's bytes are cut, the client of the same dialect gets just
// these bytes, and the call is metered the same: every single boundary, and as many
// random ways as RECHUNKINGS says (the bar is 10000).
func TestRechunkings(t *testing.T) {
	random := 200
	if s := os.Getenv("RECHUNKINGS"); s != "" {
		var err error
		if random, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	for i := range streamShapes {
		sh := &streamShapes[i]
		t.Run(sh.name, func(t *testing.T) {
			send := func(size func(left int) int) {
				t.Helper()
				rec, c, err := through(t, "POST", sh.path, sh.body, func(w http.ResponseWriter, _ *http.Request) error {
					w.Header().Set("Content-Type", sh.ctype)
					for rest := sh.stream; rest != ""; {
						n := min(max(size(len(rest)), 1), len(rest))
						piece := []byte(rest[:n])
						if _, err := w.Write(piece); err != nil {
							return err
						}
						clear(piece) // the buffer is the provider's again
						rest = rest[n:]
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if rec.Body.String() != sh.stream {
					t.Fatalf("got %q\nwant %q", rec.Body.String(), sh.stream)
				}
				if a := c.x.Current(); c.x.Outcome != llm.OutcomeOK || a.Result != llm.ResultAnswered {
					t.Fatalf("outcome %s, result %s", c.x.Outcome, a.Result)
				}
			}
			for cut := range len(sh.stream) { // 0 is byte by byte
				first := true
				send(func(left int) int {
					if cut == 0 {
						return 1
					} else if first {
						first = false
						return cut
					}
					return left
				})
			}
			rng := rand.New(rand.NewPCG(20261128, uint64(i)))
			for range random {
				most := 1 + rng.IntN(1+len(sh.stream)>>rng.IntN(9))
				send(func(int) int { return 1 + rng.IntN(most) })
			}
			t.Logf("%d boundaries and %d random re-chunkings of %d bytes", len(sh.stream)-1, random, len(sh.stream))
		})
	}
}
