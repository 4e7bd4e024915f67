package translate

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// chatBody is a whole answer, or a chunk of a streamed one.
type chatBody struct {
	ID      string         `json:"id"`
	Model   string         `json:"model"`
	Created jsontext.Value `json:"created"`
	Tier    jsontext.Value `json:"service_tier"`
	Choices []struct {
		Index    int64          `json:"index"`
		Message  chatMessage    `json:"message"`
		Delta    chatMessage    `json:"delta"`
		Finish   string         `json:"finish_reason"`
		Stop     jsontext.Value `json:"stop_reason"` // of vLLM: the sequence that ended it
		Logprobs jsontext.Value `json:"logprobs"`
	} `json:"choices"`
}

func (q *chatBody) tier() string {
	if !absent(q.Tier) && q.Tier.Kind() == '"' {
		return unquote(q.Tier)
	}
	return ""
}

func (q *chatBody) created() int64 {
	r := responsesBody{Created: q.Created}
	return r.created()
}

// sequence is the stop sequence of a choice, as far as the server tells it.
func (q *chatBody) sequence(i int) string {
	if v := q.Choices[i].Stop; !absent(v) && v.Kind() == '"' && q.Choices[i].Finish == "stop" {
		return unquote(v)
	}
	return ""
}

// chatFinish reads a finish_reason.
func chatFinish(s string) Finish {
	switch s {
	case "":
		return ""
	case "stop", "eos", "end_turn":
		return FinishStop
	case "length", "max_tokens":
		return FinishLength
	case "tool_calls", "function_call":
		return FinishTools
	case "content_filter":
		return FinishFilter
	}
	return FinishUnknown
}

// chatReason is the inverse. A refusal in words is a message of its own kind, not
// a filtered answer.
func (c *Call) chatReason(f Finish, refusal bool) string {
	switch f {
	case FinishRefusal:
		if refusal {
			return "stop"
		}
		return "content_filter"
	case FinishLength, FinishContext:
		return "length"
	case FinishTools:
		if c.functions() {
			return "function_call"
		}
		return "tool_calls"
	case FinishFilter:
		return "content_filter"
	}
	return "stop"
}

// readChatAnswer reads a provider's whole answer.
func readChatAnswer(body []byte) (*Answer, error) {
	var q chatBody
	if err := decodeAnswer(body, &q); err != nil {
		return nil, err
	}
	a := &Answer{ID: q.ID, Model: q.Model, Created: q.created(), Tier: q.tier()}
	for i := range q.Choices {
		c := &q.Choices[i]
		m := &c.Message
		ch := Choice{Index: c.Index, Finish: chatFinish(c.Finish), Logprobs: object(c.Logprobs)}
		if s := m.reasoning(); s != "" {
			ch.Parts = append(ch.Parts, Part{Kind: PartReasoning, Text: s, Seal: openSeal})
		}
		ch.Parts = append(ch.Parts, chatTexts(m.Content)...)
		if m.Refusal != "" {
			ch.Parts = append(ch.Parts, Part{Kind: PartRefusal, Text: m.Refusal})
			if ch.Finish == FinishStop {
				ch.Finish = FinishRefusal
			}
		}
		for j := range m.ToolCalls {
			t := &m.ToolCalls[j]
			p := Part{Kind: PartToolCall, ID: t.ID, Name: t.Function.Name, Args: t.arguments(), Seal: t.seal()}
			if t.Type == "custom" {
				p.Custom, p.Name, p.Args = true, t.Custom.Name, t.Custom.Input
			}
			ch.Parts = append(ch.Parts, p)
			if ch.Finish == FinishStop || ch.Finish == "" { // some servers say so
				ch.Finish = FinishTools
			}
		}
		if s := q.sequence(i); s != "" && ch.Finish == FinishStop {
			ch.Finish, ch.Sequence = FinishSequence, s
		}
		a.Choices = append(a.Choices, ch)
	}
	if len(a.Choices) == 0 {
		return nil, errAnswer
	}
	return a, nil
}

// chatTexts reads content: a string, or parts of which the texts are taken.
func chatTexts(v jsontext.Value) (out []Part) {
	switch {
	case absent(v):
	case v.Kind() == '"':
		if s := unquote(v); s != "" {
			out = append(out, Part{Text: s})
		}
	case v.Kind() == '[':
		var list []struct {
			Text string `json:"text"`
		}
		if decodeAnswer(v, &list) == nil {
			for _, p := range list {
				if p.Text != "" {
					out = append(out, Part{Text: p.Text})
				}
			}
		}
	}
	return out
}

// writeChatAnswer writes a whole answer for a client.
func writeChatAnswer(a *Answer, c *Call, u llm.Usage) ([]byte, error) {
	b := make([]byte, 0, 1024)
	b = keyString(append(b, '{'), "id", c.id("chatcmpl-", a.ID))
	b = keyInt(append(b, `,"object":"chat.completion"`...), "created", c.dated(a.Created))
	b = append(key(keyString(b, "model", c.model(a.Model)), "choices"), '[')
	for i := range a.Choices {
		ch := &a.Choices[i]
		b = append(keyInt(append(elem(b), '{'), "index", ch.Index), `,"message":{"role":"assistant"`...)
		b = c.chatMessage(b, ch.Parts)
		b = append(b, '}')
		if ch.Logprobs != nil {
			b = keyValue(b, "logprobs", ch.Logprobs)
		} else {
			b = keyRaw(b, "logprobs", "null")
		}
		refused := slices.ContainsFunc(ch.Parts, func(p Part) bool { return p.Kind == PartRefusal })
		b = append(keyString(b, "finish_reason", c.chatReason(ch.Finish, refused)), '}')
	}
	b = appendChatUsage(key(append(b, ']'), "usage"), u)
	if tier := chatTier(a.Tier); tier != "" {
		b = keyString(b, "service_tier", tier)
	}
	return append(b, '}'), nil
}

// chatTier is the tier that answered in OpenAI's words.
func chatTier(tier string) string {
	switch tier {
	case "standard":
		return "default"
	case "default", "flex", "scale", "priority", "fast":
		return tier
	}
	return ""
}

// chatMessage appends the members of a message of the model.
func (c *Call) chatMessage(b []byte, parts []Part) []byte {
	var said, refusal, reasoning strings.Builder
	calls := false
	for i := range parts {
		switch p := &parts[i]; p.Kind {
		case PartText:
			said.WriteString(p.Text)
		case PartRefusal:
			refusal.WriteString(p.Text)
		case PartReasoning:
			reasoning.WriteString(p.Text)
		case PartToolCall:
			calls = true
		}
	}
	if said.Len() > 0 || !calls && refusal.Len() == 0 {
		b = keyString(b, "content", said.String())
	} else {
		b = keyRaw(b, "content", "null")
	}
	if refusal.Len() > 0 {
		b = keyString(b, "refusal", refusal.String())
	} else {
		b = keyRaw(b, "refusal", "null")
	}
	if reasoning.Len() > 0 {
		b = keyString(b, "reasoning_content", reasoning.String())
	}
	switch {
	case calls && c.functions():
		p := &parts[slices.IndexFunc(parts, func(p Part) bool { return p.Kind == PartToolCall })]
		b = keyString(append(key(b, "function_call"), '{'), "name", p.Name)
		b = append(keyString(b, "arguments", firstOf(p.Args, "{}")), '}')
	case calls:
		b = append(key(b, "tool_calls"), '[')
		for i := range parts {
			if parts[i].Kind == PartToolCall {
				p := c.clientCall(parts[i])
				p.ID = c.callID(p.ID, i)
				b = appendChatCall(elem(b), &p)
			}
		}
		b = append(b, ']')
	}
	return b
}

// appendChatUsage appends a usage object: cached tokens count inside the prompt.
func appendChatUsage(b []byte, u llm.Usage) []byte {
	b = keyInt(append(b, '{'), "prompt_tokens", u.Prompt())
	b = keyInt(keyInt(b, "completion_tokens", u.Output), "total_tokens", u.Total())
	b = keyInt(append(key(b, "prompt_tokens_details"), '{'), "cached_tokens", u.CacheRead)
	if w := u.CacheWrite + u.CacheWrite1h; w > 0 {
		b = keyInt(b, "cache_write_tokens", w)
	}
	b = keyInt(append(key(append(b, '}'), "completion_tokens_details"), '{'), "reasoning_tokens", u.Reasoning)
	return append(b, "}}"...)
}
