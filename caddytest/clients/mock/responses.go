package mock

import (
	"fmt"
	"net/http"
)

func responseShell(c *call, status string, output []any) map[string]any {
	if output == nil {
		output = []any{}
	}
	return map[string]any{
		"id": c.newID("resp"), "object": "response", "created_at": created, "status": status,
		"background": false, "error": nil, "incomplete_details": nil, "instructions": nil,
		"max_output_tokens": nil, "metadata": map[string]any{}, "model": c.model, "output": output,
		"parallel_tool_calls": true, "previous_response_id": nil, "reasoning": map[string]any{"effort": nil, "summary": nil},
		"service_tier": "default", "store": false, "temperature": 1.0, "text": map[string]any{"format": map[string]any{"type": "text"}},
		"tool_choice": "auto", "tools": []any{}, "top_p": 1.0, "truncation": "disabled", "usage": nil, "user": nil,
	}
}

func responses(c *call) {
	p := c.prompt()
	if p.lastUser == "" && p.toolResult == "" {
		c.fail(http.StatusBadRequest, "invalid_request_error", "mock_no_message", "mock: no user message")
		return
	}
	answer := p.answer()
	var items []any
	out := 0
	if p.wantsTools() {
		for i, name := range p.tools {
			out += len(p.arguments(i))
			if p.agent != nil && p.agent.free {
				items = append(items, map[string]any{
					"id": fmt.Sprintf("%s_%d", c.newID("ctc"), i), "type": "custom_tool_call", "status": "completed",
					"call_id": c.newID("call") + name, "name": name, "input": p.agent.input,
				})
				continue
			}
			items = append(items, map[string]any{
				"id": fmt.Sprintf("%s_%d", c.newID("fc"), i), "type": "function_call", "status": "completed",
				"call_id": c.newID("call") + name, "name": name, "arguments": p.arguments(i),
			})
		}
	} else {
		out = words(answer)
		items = append(items, map[string]any{
			"id": c.newID("msg"), "type": "message", "status": "completed", "role": "assistant",
			"content": []any{map[string]any{"type": "output_text", "text": answer, "annotations": []any{}, "logprobs": []any{}}},
		})
	}
	in := words(p.all)
	c.reports(in, out)
	final := responseShell(c, "completed", items)
	final["usage"] = map[string]any{
		"input_tokens": in, "input_tokens_details": map[string]any{"cached_tokens": 0},
		"output_tokens": out, "output_tokens_details": map[string]any{"reasoning_tokens": 0}, "total_tokens": in + out,
	}
	if !c.stream {
		c.json(http.StatusOK, final)
		return
	}
	s := c.events()
	event := func(typ string, more map[string]any) {
		v := map[string]any{"type": typ, "sequence_number": s.n}
		for name, value := range more {
			v[name] = value
		}
		s.typed(v)
	}
	event("response.created", map[string]any{"response": responseShell(c, "in_progress", nil)})
	event("response.in_progress", map[string]any{"response": responseShell(c, "in_progress", nil)})
	for i, item := range items {
		m := item.(map[string]any)
		id := m["id"]
		started := map[string]any{}
		for name, value := range m {
			started[name] = value
		}
		started["status"] = "in_progress"
		if m["type"] == "custom_tool_call" {
			started["input"] = ""
			event("response.output_item.added", map[string]any{"output_index": i, "item": started})
			for _, piece := range pieces(m["input"].(string)) {
				event("response.custom_tool_call_input.delta", map[string]any{"item_id": id, "output_index": i, "delta": piece})
			}
			event("response.custom_tool_call_input.done", map[string]any{"item_id": id, "output_index": i, "input": m["input"]})
			event("response.output_item.done", map[string]any{"output_index": i, "item": m})
			continue
		}
		if m["type"] == "function_call" {
			started["arguments"] = ""
			event("response.output_item.added", map[string]any{"output_index": i, "item": started})
			for _, piece := range pieces(m["arguments"].(string)) {
				event("response.function_call_arguments.delta", map[string]any{"item_id": id, "output_index": i, "delta": piece})
			}
			event("response.function_call_arguments.done", map[string]any{"item_id": id, "output_index": i, "name": m["name"], "arguments": m["arguments"]})
			event("response.output_item.done", map[string]any{"output_index": i, "item": m})
			continue
		}
		started["content"] = []any{}
		at := func(more map[string]any) map[string]any {
			more["item_id"], more["output_index"], more["content_index"] = id, i, 0
			return more
		}
		event("response.output_item.added", map[string]any{"output_index": i, "item": started})
		event("response.content_part.added", at(map[string]any{"part": map[string]any{"type": "output_text", "text": "", "annotations": []any{}, "logprobs": []any{}}}))
		for j, piece := range pieces(answer) {
			event("response.output_text.delta", at(map[string]any{"delta": piece, "logprobs": []any{}}))
			if j == 1 && s.broken() {
				return
			}
		}
		event("response.output_text.done", at(map[string]any{"text": answer, "logprobs": []any{}}))
		event("response.content_part.done", at(map[string]any{"part": m["content"].([]any)[0]}))
		event("response.output_item.done", map[string]any{"output_index": i, "item": m})
	}
	event("response.completed", map[string]any{"response": final})
}

func inputTokens(c *call) {
	c.json(http.StatusOK, map[string]any{"object": "response.input_tokens", "input_tokens": words(c.prompt().all)})
}
