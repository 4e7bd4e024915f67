package trial

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/translate"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

const defaultModel = "gpt-4o"

type object = map[string]any

// request makes the request of a case in one dialect.
func (c *Case) request(d llm.Dialect, stream bool) (*Request, error) {
	now, err := c.now()
	if err != nil {
		return nil, err
	}
	r := &Request{
		Method: http.MethodPost, Header: http.Header{}, IP: c.IP, Caller: c.Caller.principal(), Now: now, Verdicts: c.Classifiers,
		Type: "application/json",
	}
	for name, v := range c.Headers {
		r.Header.Set(name, v)
	}
	r.Header.Set("Content-Type", "application/json")
	switch {
	case c.Path != "":
		r.Path, r.Body = c.Path, c.Request
		var asked struct {
			Stream bool `json:"stream"`
		}
		stream = json.Unmarshal(c.Request, &asked) == nil && asked.Stream || strings.Contains(c.Path, ":streamGenerateContent")
	default:
		if r.Path, r.Body, err = c.inWords(d, stream); err != nil {
			return nil, err
		}
	}
	if c.AnswerBody != nil {
		r.Answer = c.AnswerBody
		var events string
		if json.Unmarshal(c.AnswerBody, &events) == nil { // a stream, as one string
			r.Answer, r.Type = []byte(events), "text/event-stream"
		}
		return r, nil
	}
	if d == llm.GenerateContent { // the gateway translates from this dialect only
		r.Answer = geminiAnswer(c.Answer, c.ToolCall, stream)
		if stream {
			r.Type = "text/event-stream"
		}
		return r, nil
	}
	r.Translate = true
	if stream {
		r.Type = "text/event-stream"
		r.Answer = chatStream(c.Answer, c.ToolCall)
	} else {
		r.Answer = chatAnswer(c.Answer, c.ToolCall)
	}
	return r, nil
}

// inWords writes the request that a case describes.
func (c *Case) inWords(d llm.Dialect, stream bool) (path string, body []byte, err error) {
	model := c.Model
	if model == "" {
		model = defaultModel
	}
	var messages []any
	if c.System != "" {
		messages = append(messages, object{"role": "system", "content": c.System})
	}
	if c.User != "" || c.ToolResult == "" {
		messages = append(messages, object{"role": "user", "content": c.User})
	}
	if c.ToolResult != "" {
		messages = append(messages,
			object{"role": "assistant", "content": nil, "tool_calls": []any{object{"id": "call_1", "type": "function", "function": object{"name": "lookup", "arguments": "{}"}}}},
			object{"role": "tool", "tool_call_id": "call_1", "content": c.ToolResult})
	}
	chat := object{"model": model, "messages": messages}
	if stream {
		chat["stream"] = true
	}
	if c.MaxTokens > 0 {
		chat["max_tokens"] = c.MaxTokens
	}
	var tools []any
	for _, name := range c.Tools {
		tools = append(tools, object{"type": "function", "function": object{"name": name, "parameters": object{"type": "object", "properties": object{}}}})
	}
	if tools != nil {
		chat["tools"] = tools
	}
	if body, err = json.Marshal(chat); err != nil {
		return "", nil, err
	}
	switch d {
	case llm.Messages:
		path = "/v1/messages"
	case llm.Responses:
		path = "/v1/responses"
	case llm.GenerateContent:
		verb := ":generateContent"
		if stream {
			verb = ":streamGenerateContent"
		}
		path = "/v1beta/models/" + url.PathEscape(model) + verb
	default:
		return "/v1/chat/completions", body, nil
	}
	body, _, err = translate.New(llm.Chat, d, translate.Options{RequestID: "test", MaxTokensField: "max_tokens"}).Request(body)
	if err != nil {
		return "", nil, fmt.Errorf("the request cannot be written in the dialect %s: %w", d, err)
	}
	return path, body, nil
}

// toolCall is a call as chat completions write it.
func (t *ToolCall) chat() object {
	args := string(t.Arguments)
	if args == "" {
		args = "{}"
	}
	return object{"id": "call_1", "type": "function", "function": object{"name": t.Name, "arguments": args}}
}

// chatAnswer is a whole answer of chat completions.
func chatAnswer(text string, call *ToolCall) []byte {
	msg, finish := object{"role": "assistant", "content": text}, "stop"
	if call != nil {
		msg["tool_calls"], finish = []any{call.chat()}, "tool_calls"
	}
	b, _ := json.Marshal(object{"id": "chatcmpl-test", "object": "chat.completion", "created": 1767225600, "model": defaultModel,
		"choices": []any{object{"index": 0, "message": msg, "finish_reason": finish}},
		"usage":   object{"prompt_tokens": 8, "completion_tokens": 8, "total_tokens": 16}})
	return b
}

// pieceLen is how many characters an event of a stream brings: few, so that whatever
// a rule looks for is cut in several places.
const pieceLen = 3

// chatStream is the same answer as a stream.
func chatStream(text string, call *ToolCall) []byte {
	var b strings.Builder
	event := func(delta object, finish any) {
		data, _ := json.Marshal(object{"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1767225600, "model": defaultModel,
			"choices": []any{object{"index": 0, "delta": delta, "finish_reason": finish}}})
		fmt.Fprintf(&b, "data: %s\n\n", data)
	}
	event(object{"role": "assistant", "content": ""}, nil)
	for _, p := range pieces(text) {
		event(object{"content": p}, nil)
	}
	finish := "stop"
	if call != nil {
		finish = "tool_calls"
		whole := call.chat()
		fn := whole["function"].(object)
		args := fn["arguments"].(string)
		whole["index"], fn["arguments"] = 0, ""
		event(object{"tool_calls": []any{whole}}, nil)
		for _, p := range pieces(args) {
			event(object{"tool_calls": []any{object{"index": 0, "function": object{"arguments": p}}}}, nil)
		}
	}
	event(object{}, finish)
	b.WriteString(`data: {"id":"chatcmpl-test","object":"chat.completion.chunk","created":1767225600,"model":"` + defaultModel +
		`","choices":[],"usage":{"prompt_tokens":8,"completion_tokens":8,"total_tokens":16}}` + "\n\ndata: [DONE]\n\n")
	return []byte(b.String())
}

// geminiAnswer is an answer of Gemini.
func geminiAnswer(text string, call *ToolCall, stream bool) []byte {
	answer := func(parts []any, last bool) []byte {
		candidate := object{"index": 0, "content": object{"role": "model", "parts": parts}}
		if last {
			candidate["finishReason"] = "STOP"
		}
		b, _ := json.Marshal(object{"candidates": []any{candidate}, "modelVersion": defaultModel,
			"usageMetadata": object{"promptTokenCount": 8, "candidatesTokenCount": 8, "totalTokenCount": 16}})
		return b
	}
	var last []any
	if call != nil {
		args := json.RawMessage("{}")
		if call.Arguments != nil {
			args = call.Arguments
		}
		last = append(last, object{"functionCall": object{"name": call.Name, "args": args}})
	}
	if !stream {
		return answer(append([]any{object{"text": text}}, last...), true)
	}
	var b strings.Builder
	for _, p := range pieces(text) {
		fmt.Fprintf(&b, "data: %s\n\n", answer([]any{object{"text": p}}, false))
	}
	if last == nil {
		last = []any{object{"text": ""}}
	}
	fmt.Fprintf(&b, "data: %s\n\n", answer(last, true))
	return []byte(b.String())
}

func pieces(text string) (out []string) {
	runes := []rune(text)
	for len(runes) > 0 {
		n := min(pieceLen, len(runes))
		out = append(out, string(runes[:n]))
		runes = runes[n:]
	}
	return out
}
