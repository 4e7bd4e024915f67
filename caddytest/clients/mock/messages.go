package mock

import (
	"encoding/json"
	"net/http"
)

func messages(c *call) {
	p := c.prompt()
	if p.lastUser == "" && p.toolResult == "" {
		c.fail(http.StatusBadRequest, "invalid_request_error", "", "mock: no user message")
		return
	}
	if n, ok := c.req["max_tokens"].(json.Number); !ok || n.String() == "0" {
		c.fail(http.StatusBadRequest, "invalid_request_error", "", "mock: max_tokens: Field required")
		return
	}
	answer, stop, out := p.answer(), "end_turn", 0
	var blocks []map[string]any
	if p.wantsTools() {
		stop = "tool_use"
		for i, name := range p.tools {
			out += len(p.arguments(i))
			blocks = append(blocks, map[string]any{
				"type": "tool_use", "id": c.newID("toolu") + name, "name": name, "input": json.RawMessage(p.arguments(i)),
			})
		}
	} else {
		out = words(answer)
		blocks = append(blocks, map[string]any{"type": "text", "text": answer})
	}
	c.reports(words(p.all), out)
	usage := func(out int) map[string]any {
		return map[string]any{
			"input_tokens": words(p.all), "output_tokens": out,
			"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
			"cache_creation": map[string]any{"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
			"service_tier":   "standard",
		}
	}
	msg := map[string]any{
		"id": c.newID("msg"), "type": "message", "role": "assistant", "model": c.model,
		"content": blocks, "stop_reason": stop, "stop_sequence": nil, "usage": usage(out),
	}
	if !c.stream {
		c.json(http.StatusOK, msg)
		return
	}
	s := c.events()
	start := map[string]any{}
	for name, value := range msg {
		start[name] = value
	}
	start["content"], start["stop_reason"], start["usage"] = []any{}, nil, usage(1)
	s.typed(map[string]any{"type": "message_start", "message": start})
	for i, b := range blocks {
		if b["type"] == "tool_use" {
			s.typed(map[string]any{"type": "content_block_start", "index": i, "content_block": map[string]any{
				"type": "tool_use", "id": b["id"], "name": b["name"], "input": map[string]any{},
			}})
			for _, piece := range pieces(p.arguments(i)) {
				s.typed(map[string]any{"type": "content_block_delta", "index": i, "delta": map[string]any{"type": "input_json_delta", "partial_json": piece}})
			}
		} else {
			s.typed(map[string]any{"type": "content_block_start", "index": i, "content_block": map[string]any{"type": "text", "text": ""}})
			s.typed(map[string]any{"type": "ping"})
			for j, piece := range pieces(answer) {
				s.typed(map[string]any{"type": "content_block_delta", "index": i, "delta": map[string]any{"type": "text_delta", "text": piece}})
				if j == 1 && s.broken() {
					return
				}
			}
		}
		s.typed(map[string]any{"type": "content_block_stop", "index": i})
	}
	s.typed(map[string]any{
		"type": "message_delta", "delta": map[string]any{"stop_reason": stop, "stop_sequence": nil},
		"usage": usage(out),
	})
	s.typed(map[string]any{"type": "message_stop"})
}

func countTokens(c *call) {
	c.json(http.StatusOK, map[string]any{"input_tokens": words(c.prompt().all)})
}
