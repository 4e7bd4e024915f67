package simulated

import (
	"encoding/json"
	"strings"
)

// messages answers Anthropic's messages.
func (c *conversation) messages() {
	id := c.id("msg_")
	words := c.words()
	stop := "end_turn"
	if c.cut(words) {
		stop = "max_tokens"
	}
	name, call := c.tool()
	if call {
		stop = "tool_use"
	}
	usage := map[string]any{"input_tokens": c.inputTokens(), "output_tokens": len(words), "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "service_tier": "standard"}
	msg := map[string]any{"id": id, "type": "message", "role": "assistant", "model": c.req.Model, "stop_reason": stop, "stop_sequence": nil, "usage": usage,
		"content": []any{map[string]any{"type": "text", "text": strings.Join(words, "")}}}
	if !c.req.Stream {
		if call {
			msg["content"] = []any{map[string]any{"type": "tool_use", "id": c.id("toolu_"), "name": name, "input": json.RawMessage(toolArguments)}}
		}
		c.json(msg)
		return
	}
	msg["content"], msg["stop_reason"] = []any{}, nil
	msg["usage"] = map[string]any{"input_tokens": c.inputTokens(), "output_tokens": 1, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
	if !c.event("message_start", map[string]any{"type": "message_start", "message": msg}) {
		return
	}
	block := map[string]any{"type": "text", "text": ""}
	if call {
		block = map[string]any{"type": "tool_use", "id": c.id("toolu_"), "name": name, "input": map[string]any{}}
	}
	if !c.event("content_block_start", map[string]any{"type": "content_block_start", "index": 0, "content_block": block}) ||
		!c.event("ping", map[string]any{"type": "ping"}) {
		return
	}
	delta := func(d map[string]any) bool {
		return c.event("content_block_delta", map[string]any{"type": "content_block_delta", "index": 0, "delta": d})
	}
	if call {
		for _, piece := range []string{"", toolArguments[:6], toolArguments[6:]} {
			if !delta(map[string]any{"type": "input_json_delta", "partial_json": piece}) {
				return
			}
		}
	} else {
		for i, word := range words {
			if i == 2 && c.breaks() {
				return
			}
			if !delta(map[string]any{"type": "text_delta", "text": word}) {
				return
			}
		}
	}
	if !c.event("content_block_stop", map[string]any{"type": "content_block_stop", "index": 0}) {
		return
	}
	c.event("message_delta", map[string]any{"type": "message_delta", "delta": map[string]any{"stop_reason": stop, "stop_sequence": nil},
		"usage": map[string]any{"output_tokens": len(words)}})
	c.event("message_stop", map[string]any{"type": "message_stop"})
}
