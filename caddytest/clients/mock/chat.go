package mock

import "net/http"

func (c *call) usageAsked() bool {
	o, _ := c.req["stream_options"].(map[string]any)
	asked, _ := o["include_usage"].(bool)
	return asked
}

func chatUsage(in, out int) map[string]any {
	return map[string]any{
		"prompt_tokens": in, "completion_tokens": out, "total_tokens": in + out,
		"prompt_tokens_details":     map[string]any{"cached_tokens": 0},
		"completion_tokens_details": map[string]any{"reasoning_tokens": 0},
	}
}

func chat(c *call) {
	p := c.prompt()
	if p.lastUser == "" && p.toolResult == "" {
		c.fail(http.StatusBadRequest, "invalid_request_error", "mock_no_message", "mock: no user message")
		return
	}
	id := c.newID("chatcmpl")
	answer, finish, out := p.answer(), "stop", 0
	var calls []map[string]any
	if p.wantsTools() {
		finish = "tool_calls"
		for i, name := range p.tools {
			out += len(p.arguments(i))
			calls = append(calls, map[string]any{
				"id": c.newID("call") + name, "type": "function",
				"function": map[string]any{"name": name, "arguments": p.arguments(i)},
			})
		}
	} else {
		out = words(answer)
	}
	usage := chatUsage(words(p.all), out)
	c.reports(words(p.all), out)
	if !c.stream {
		msg := map[string]any{"role": "assistant", "content": answer, "refusal": nil}
		if calls != nil {
			msg["content"], msg["tool_calls"] = nil, calls
		}
		c.json(http.StatusOK, map[string]any{
			"id": id, "object": "chat.completion", "created": created, "model": c.model, "service_tier": "default",
			"choices": []any{map[string]any{"index": 0, "message": msg, "logprobs": nil, "finish_reason": finish}},
			"usage":   usage,
		})
		return
	}
	s := c.events()
	chunk := func(delta map[string]any, finish any) {
		v := map[string]any{
			"id": id, "object": "chat.completion.chunk", "created": created, "model": c.model,
			"choices": []any{map[string]any{"index": 0, "delta": delta, "logprobs": nil, "finish_reason": finish}},
		}
		if c.usageAsked() {
			v["usage"] = nil
		}
		s.send("", v)
	}
	chunk(map[string]any{"role": "assistant", "content": ""}, nil)
	if calls != nil {
		for i, tc := range calls {
			f := tc["function"].(map[string]any)
			chunk(map[string]any{"tool_calls": []any{map[string]any{
				"index": i, "id": tc["id"], "type": "function",
				"function": map[string]any{"name": f["name"], "arguments": ""},
			}}}, nil)
			for _, piece := range pieces(f["arguments"].(string)) {
				chunk(map[string]any{"tool_calls": []any{map[string]any{
					"index": i, "function": map[string]any{"arguments": piece},
				}}}, nil)
			}
		}
	} else {
		for i, piece := range pieces(answer) {
			chunk(map[string]any{"content": piece}, nil)
			if i == 1 && s.broken() {
				return
			}
		}
	}
	chunk(map[string]any{}, finish)
	if c.usageAsked() {
		s.send("", map[string]any{
			"id": id, "object": "chat.completion.chunk", "created": created, "model": c.model,
			"choices": []any{}, "usage": usage,
		})
	}
	s.raw("data: [DONE]\n\n")
}

func completions(c *call) {
	user := text(c.req["prompt"])
	id := c.newID("cmpl")
	answer := Answer(user)
	usage := chatUsage(words(user), words(answer))
	c.reports(words(user), words(answer))
	choice := func(t string, finish any) []any {
		return []any{map[string]any{"index": 0, "text": t, "logprobs": nil, "finish_reason": finish}}
	}
	shell := func(choices []any) map[string]any {
		return map[string]any{"id": id, "object": "text_completion", "created": created, "model": c.model, "choices": choices}
	}
	if !c.stream {
		v := shell(choice(answer, "stop"))
		v["usage"] = usage
		c.json(http.StatusOK, v)
		return
	}
	s := c.events()
	for i, piece := range pieces(answer) {
		s.send("", shell(choice(piece, nil)))
		if i == 1 && s.broken() {
			return
		}
	}
	s.send("", shell(choice("", "stop")))
	if c.usageAsked() {
		v := shell([]any{})
		v["usage"] = usage
		s.send("", v)
	}
	s.raw("data: [DONE]\n\n")
}
