package simulated

import "strings"

// responses answers OpenAI's Responses API.
func (c *conversation) responses() {
	id := c.id("resp_")
	words := c.words()
	text := strings.Join(words, "")
	in := c.inputTokens()
	usage := map[string]any{"input_tokens": in, "input_tokens_details": map[string]any{"cached_tokens": 0}, "output_tokens": len(words),
		"output_tokens_details": map[string]any{"reasoning_tokens": 0}, "total_tokens": in + len(words)}
	part := func(text string) map[string]any {
		return map[string]any{"type": "output_text", "text": text, "annotations": []any{}, "logprobs": []any{}}
	}
	name, call := c.tool()
	itemID := c.id("msg_")
	item := func(status string, content []any) map[string]any {
		return map[string]any{"id": itemID, "type": "message", "role": "assistant", "status": status, "content": content}
	}
	done := item("completed", []any{part(text)})
	begun := item("in_progress", []any{})
	if call {
		itemID = c.id("fc_")
		fc := func(status, arguments string) map[string]any {
			return map[string]any{"id": itemID, "type": "function_call", "call_id": c.id("call_"), "name": name, "arguments": arguments, "status": status}
		}
		begun, done = fc("in_progress", ""), fc("completed", toolArguments)
	}
	response := func(status string, output []any, usage any) map[string]any {
		return map[string]any{"id": id, "object": "response", "created_at": created, "status": status, "model": c.req.Model,
			"output": output, "usage": usage, "error": nil, "incomplete_details": nil, "instructions": nil, "metadata": map[string]any{},
			"parallel_tool_calls": true, "temperature": 1, "top_p": 1, "tool_choice": "auto", "tools": []any{}, "store": false}
	}
	if !c.req.Stream {
		c.json(response("completed", []any{done}, usage))
		return
	}
	emit := func(kind string, v map[string]any) bool {
		v["type"], v["sequence_number"] = kind, c.seq
		c.seq++
		return c.event(kind, v)
	}
	if !emit("response.created", map[string]any{"response": response("in_progress", []any{}, nil)}) ||
		!emit("response.in_progress", map[string]any{"response": response("in_progress", []any{}, nil)}) ||
		!emit("response.output_item.added", map[string]any{"output_index": 0, "item": begun}) {
		return
	}
	if call {
		for _, piece := range []string{toolArguments[:6], toolArguments[6:]} {
			if !emit("response.function_call_arguments.delta", map[string]any{"item_id": itemID, "output_index": 0, "delta": piece}) {
				return
			}
		}
		if !emit("response.function_call_arguments.done", map[string]any{"item_id": itemID, "output_index": 0, "name": name, "arguments": toolArguments}) {
			return
		}
	} else {
		at := func(more map[string]any) map[string]any {
			v := map[string]any{"item_id": itemID, "output_index": 0, "content_index": 0}
			for k, x := range more {
				v[k] = x
			}
			return v
		}
		if !emit("response.content_part.added", at(map[string]any{"part": part("")})) {
			return
		}
		for i, word := range words {
			if i == 2 && c.breaks() {
				return
			}
			if !emit("response.output_text.delta", at(map[string]any{"delta": word, "logprobs": []any{}})) {
				return
			}
		}
		if !emit("response.output_text.done", at(map[string]any{"text": text, "logprobs": []any{}})) ||
			!emit("response.content_part.done", at(map[string]any{"part": part(text)})) {
			return
		}
	}
	if !emit("response.output_item.done", map[string]any{"output_index": 0, "item": done}) {
		return
	}
	emit("response.completed", map[string]any{"response": response("completed", []any{done}, usage)})
}
