package translate

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// decodeText decodes a text that came as base64.
func decodeText(data string) (string, bool) {
	b, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		b, err = base64.RawStdEncoding.DecodeString(data)
	}
	return string(b), err == nil && utf8.Valid(b)
}

// messagesBody is a message, whole or in message_start.
type messagesBody struct {
	ID         string           `json:"id"`
	Model      string           `json:"model"`
	Content    []jsontext.Value `json:"content"`
	StopReason string           `json:"stop_reason"`
	Sequence   string           `json:"stop_sequence"`
	Usage      struct {
		Tier string `json:"service_tier"`
	} `json:"usage"`
}

// messagesFinish reads a stop_reason.
func messagesFinish(s string) Finish {
	switch s {
	case "":
		return ""
	case "end_turn":
		return FinishStop
	case "max_tokens":
		return FinishLength
	case "tool_use":
		return FinishTools
	case "stop_sequence":
		return FinishSequence
	case "refusal":
		return FinishRefusal
	case "pause_turn":
		return FinishPause
	case "model_context_window_exceeded":
		return FinishContext
	}
	return FinishUnknown
}

// messagesReason is the inverse. Servers of chat have words of their own where
// others tell the sequence that ended an answer.
func (c *Call) messagesReason(f Finish, sequence string) string {
	if f == FinishSequence && sequence != "" && c.request != nil && !slices.Contains(c.request.Stop, sequence) {
		f = FinishStop
	}
	switch f {
	case FinishLength:
		return "max_tokens"
	case FinishTools:
		return "tool_use"
	case FinishSequence:
		return "stop_sequence"
	case FinishFilter, FinishRefusal:
		return "refusal"
	case FinishPause:
		return "pause_turn"
	case FinishContext:
		return "model_context_window_exceeded"
	}
	return "end_turn"
}

// readMessagesAnswer reads a provider's whole answer. Blocks of types that are
// not translated (the provider's own tools) are left out.
func readMessagesAnswer(body []byte) (*Answer, error) {
	var q messagesBody
	if err := decodeAnswer(body, &q); err != nil {
		return nil, err
	}
	if q.StopReason == "" && q.Content == nil {
		return nil, errAnswer
	}
	ch := Choice{Finish: messagesFinish(q.StopReason), Sequence: q.Sequence}
	for _, v := range q.Content {
		var blk messagesBlock
		if err := decodeAnswer(v, &blk); err != nil {
			return nil, err
		}
		switch blk.Type {
		case "text":
			ch.Parts = append(ch.Parts, Part{Text: blk.Text})
		case "thinking":
			ch.Parts = append(ch.Parts, Part{Kind: PartReasoning, Text: blk.Thinking, Seal: signature(blk.Signature)})
		case "redacted_thinking":
			ch.Parts = append(ch.Parts, Part{Kind: PartReasoning, Seal: Seal{Origin: llm.Messages, Kind: sealRedacted, Data: blk.Data}})
		case "tool_use":
			ch.Parts = append(ch.Parts, Part{Kind: PartToolCall, ID: blk.ID, Name: blk.Name, Args: string(object(blk.Input))})
		}
	}
	return &Answer{ID: q.ID, Model: q.Model, Tier: q.Usage.Tier, Choices: []Choice{ch}}, nil
}

// signature is the seal of a provider's own thinking.
func signature(s string) Seal {
	if s == "" {
		return Seal{}
	}
	return Seal{Origin: llm.Messages, Data: s}
}

// clientSignature is a seal as a client of messages keeps it.
func clientSignature(s Seal) string {
	if s.Origin == llm.Messages || s.Origin == llm.DialectNone {
		return s.Data
	}
	return packSeal(s)
}

// writeMessagesAnswer writes a whole answer for a client. It has one choice.
func writeMessagesAnswer(a *Answer, c *Call, u llm.Usage) ([]byte, error) {
	if len(a.Choices) == 0 {
		return nil, errAnswer
	}
	ch := &a.Choices[0]
	b := keyString(append(make([]byte, 0, 1024), '{'), "id", c.id("msg_", a.ID))
	b = keyString(append(b, `,"type":"message","role":"assistant"`...), "model", c.model(a.Model))
	b = append(key(b, "content"), '[')
	for i := range ch.Parts {
		p := &ch.Parts[i]
		switch p.Kind {
		case PartText, PartRefusal:
			if p.Text != "" {
				b = append(keyString(append(elem(b), `{"type":"text"`...), "text", p.Text), '}')
			}
		case PartReasoning:
			if p.Seal.Origin == llm.Messages && p.Seal.Kind == sealRedacted {
				b = append(keyString(append(elem(b), `{"type":"redacted_thinking"`...), "data", p.Seal.Data), '}')
				continue
			}
			if p.Text == "" && p.Seal.Data == "" {
				continue
			}
			b = keyString(append(elem(b), `{"type":"thinking"`...), "thinking", p.Text)
			b = append(keyString(b, "signature", clientSignature(p.Seal)), '}')
		case PartToolCall:
			if p.Seal.Origin != llm.DialectNone {
				b = appendCallSeal(elem(b), p.Seal, c.callID(p.ID, i))
			}
			args := inputOf(p.Args)
			b = keyString(append(elem(b), `{"type":"tool_use"`...), "id", toolID(c.callID(p.ID, i)))
			b = append(keyRaw(keyString(b, "name", c.toolName(p.Name)), "input", args), '}')
		}
	}
	reason := c.messagesReason(ch.Finish, ch.Sequence)
	b = keyString(append(b, ']'), "stop_reason", reason)
	if reason == "stop_sequence" && ch.Sequence != "" {
		b = keyString(b, "stop_sequence", ch.Sequence)
	} else {
		b = keyRaw(b, "stop_sequence", "null")
	}
	return append(appendMessagesUsage(key(b, "usage"), u), '}'), nil
}

// inputOf makes the object that a call's input must be. What a model wrote
// wrongly is kept in a member, so that it can be told so.
func inputOf(args string) string {
	switch strings.TrimSpace(args) {
	case "", "null":
		return "{}"
	}
	if !isObject(args) {
		return string(append(keyString([]byte{'{'}, "invalid_arguments", args), '}'))
	}
	return args
}

// appendCallSeal appends the seal of a tool call as a thinking block without
// text: the only place that clients give back untouched.
func appendCallSeal(b []byte, s Seal, id string) []byte {
	s.Kind, s.ID = sealCall, toolID(id)
	return append(keyString(append(b, `{"type":"thinking","thinking":""`...), "signature", packSeal(s)), '}')
}

// appendMessagesUsage appends a usage object: cached tokens count beside the
// input.
func appendMessagesUsage(b []byte, u llm.Usage) []byte {
	b = keyInt(append(b, '{'), "input_tokens", u.Input)
	b = keyInt(b, "cache_creation_input_tokens", u.CacheWrite+u.CacheWrite1h)
	b = keyInt(keyInt(b, "cache_read_input_tokens", u.CacheRead), "output_tokens", u.Output)
	return append(b, '}')
}
