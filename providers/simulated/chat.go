package simulated

import "strings"

// usage is the usage object of chat and completions.
func (c *conversation) usage(out int) map[string]any {
	in := c.inputTokens()
	return map[string]any{"prompt_tokens": in, "completion_tokens": out, "total_tokens": in + out}
}

// chat answers chat completions.
func (c *conversation) chat() {
	id := c.id("chatcmpl-")
	words := c.words()
	finish := "stop"
	if c.cut(words) {
		finish = "length"
	}
	name, call := c.tool()
	toolCall := map[string]any{"id": c.id("call_"), "type": "function", "function": map[string]any{"name": name, "arguments": toolArguments}}
	if !c.req.Stream {
		msg := map[string]any{"role": "assistant", "content": strings.Join(words, ""), "refusal": nil}
		if call {
			msg["content"], msg["tool_calls"], finish = nil, []any{toolCall}, "tool_calls"
		}
		c.json(map[string]any{"id": id, "object": "chat.completion", "created": created, "model": c.req.Model,
			"choices": []any{map[string]any{"index": 0, "message": msg, "logprobs": nil, "finish_reason": finish}},
			"usage":   c.usage(len(words))})
		return
	}
	chunk := func(delta map[string]any, finish any) bool {
		v := map[string]any{"id": id, "object": "chat.completion.chunk", "created": created, "model": c.req.Model,
			"choices": []any{map[string]any{"index": 0, "delta": delta, "logprobs": nil, "finish_reason": finish}}}
		if c.req.StreamOptions.IncludeUsage {
			v["usage"] = nil
		}
		return c.event("", v)
	}
	if !chunk(map[string]any{"role": "assistant", "content": ""}, nil) {
		return
	}
	if call {
		finish = "tool_calls"
		toolCall["index"] = 0
		toolCall["function"] = map[string]any{"name": name, "arguments": ""}
		if !chunk(map[string]any{"tool_calls": []any{toolCall}}, nil) {
			return
		}
		for _, piece := range []string{toolArguments[:6], toolArguments[6:]} {
			if !chunk(map[string]any{"tool_calls": []any{map[string]any{"index": 0, "function": map[string]any{"arguments": piece}}}}, nil) {
				return
			}
		}
	} else {
		for i, word := range words {
			if i == 2 && c.breaks() {
				return
			}
			if !chunk(map[string]any{"content": word}, nil) {
				return
			}
		}
	}
	if !chunk(map[string]any{}, finish) {
		return
	}
	if c.req.StreamOptions.IncludeUsage {
		c.event("", map[string]any{"id": id, "object": "chat.completion.chunk", "created": created, "model": c.req.Model, "choices": []any{}, "usage": c.usage(len(words))})
	}
	c.frame("", "[DONE]")
}

// completions answers the old completions.
func (c *conversation) completions() {
	id := c.id("cmpl-")
	words := c.words()
	answer := func(text string, finish any) map[string]any {
		return map[string]any{"id": id, "object": "text_completion", "created": created, "model": c.req.Model,
			"choices": []any{map[string]any{"index": 0, "text": text, "logprobs": nil, "finish_reason": finish}}}
	}
	if !c.req.Stream {
		v := answer(strings.Join(words, ""), "stop")
		v["usage"] = c.usage(len(words))
		c.json(v)
		return
	}
	for i, word := range words {
		if i == 2 && c.breaks() {
			return
		}
		if !c.event("", answer(word, nil)) {
			return
		}
	}
	c.event("", answer("", "stop"))
	if c.req.StreamOptions.IncludeUsage {
		v := answer("", nil)
		v["choices"], v["usage"] = []any{}, c.usage(len(words))
		c.event("", v)
	}
	c.frame("", "[DONE]")
}
