package content

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// block is a content block of Anthropic's messages.
type block struct {
	Type     string         `json:"type"`
	Text     jsontext.Value `json:"text"`
	Thinking jsontext.Value `json:"thinking"`
	Name     jsontext.Value `json:"name"`
	Input    jsontext.Value `json:"input"`
	JSON     jsontext.Value `json:"partial_json"`
}

// message reads a whole message.
func (c *Content) message(b []byte) error {
	var m struct {
		Content []jsontext.Value `json:"content"`
	}
	if err := decode(b, &m); err != nil {
		return err
	}
	for i, raw := range m.Content {
		if err := c.block(place("content", int64(i)), raw, true); err != nil {
			return err
		}
	}
	return nil
}

func (c *Content) block(group string, raw jsontext.Value, whole bool) error {
	if raw.Kind() != '{' {
		return nil
	}
	var b block
	if err := decode(raw, &b); err != nil {
		return err
	}
	c.say(group+".text", group, llm.KindText, texts(b.Text))
	c.say(group+".thinking", group, llm.KindReasoning, texts(b.Thinking))
	if strings.HasSuffix(b.Type, "tool_use") {
		typ := "function"
		if b.Type != "tool_use" {
			typ = b.Type
		}
		input := arguments(b.Input)
		if !whole && strings.TrimSpace(strings.Trim(strings.TrimSpace(input), "{}")) == "" {
			input = "" // it comes in pieces
		}
		c.call(group, group, texts(b.Name), typ, input)
	}
	if whole {
		c.finish(group)
	}
	return nil
}

// messagesEvent reads an event of Anthropic's messages.
func (c *Content) messagesEvent(data []byte) error {
	if strings.TrimSpace(string(data)) == "[DONE]" {
		return nil
	}
	var e struct {
		Type    string         `json:"type"`
		Index   jsontext.Value `json:"index"`
		Block   jsontext.Value `json:"content_block"`
		Delta   jsontext.Value `json:"delta"`
		Message jsontext.Value `json:"message"`
	}
	if err := decode(data, &e); err != nil {
		return err
	}
	group := place("content", number(e.Index))
	switch e.Type {
	case "message_start":
		if e.Message.Kind() == '{' {
			return c.message(e.Message)
		}
	case "content_block_start":
		c.retire(group)
		return c.block(group, e.Block, false)
	case "content_block_delta":
		if e.Delta.Kind() != '{' {
			return nil
		}
		var b block
		if err := decode(e.Delta, &b); err != nil {
			return err
		}
		c.say(group+".text", group, llm.KindText, texts(b.Text))
		c.say(group+".thinking", group, llm.KindReasoning, texts(b.Thinking))
		if b.JSON.Kind() == '"' {
			c.call(group, group, "", "", texts(b.JSON))
		}
	case "content_block_stop":
		c.finish(group)
	case "message_stop":
		c.End()
	}
	return nil
}

// gemini reads a chunk of Gemini, or a whole answer.
func (c *Content) gemini(data []byte) error {
	var g struct {
		Candidates []struct {
			Index   jsontext.Value `json:"index"`
			Content struct {
				Parts []struct {
					Text    jsontext.Value `json:"text"`
					Thought jsontext.Value `json:"thought"`
					Call    *struct {
						Name jsontext.Value `json:"name"`
						Args jsontext.Value `json:"args"`
						// What is asked for by streamFunctionCallArguments.
						Partial  jsontext.Value `json:"partialArgs"`
						Continue jsontext.Value `json:"willContinue"`
					} `json:"functionCall"`
					Code *struct {
						Code jsontext.Value `json:"code"`
					} `json:"executableCode"`
				} `json:"parts"`
			} `json:"content"`
		} `json:"candidates"`
	}
	if err := decode(data, &g); err != nil {
		return err
	}
	for i := range g.Candidates {
		cand := &g.Candidates[i]
		n := number(cand.Index)
		if len(cand.Index) == 0 {
			n = int64(i)
		}
		group := place("candidates", n)
		for j := range cand.Content.Parts {
			p := &cand.Content.Parts[j]
			kind, key := llm.KindText, group+".text"
			if p.Thought.Kind() == 't' {
				kind, key = llm.KindReasoning, group+".thought"
			}
			c.say(key, group, kind, texts(p.Text))
			switch {
			case p.Call == nil:
			case p.Call.Partial.Kind() == '[' || p.Call.Continue.Kind() == 't':
				return ErrUnreadable // arguments by JSON paths, in pieces: nothing here puts them together
			default:
				c.whole(group, texts(p.Call.Name), "function", arguments(p.Call.Args))
			}
			if p.Code != nil {
				c.whole(group, "code_execution", "code_execution", texts(p.Code.Code))
			}
		}
	}
	return nil
}

// whole notes a call that comes in one piece.
func (c *Content) whole(group, name, typ, arguments string) {
	key := group + "." + place("calls", int64(len(c.parts)))
	c.call(key, group, name, typ, arguments)
	if p := c.index[key]; p != nil {
		p.done = true
	}
}

// ollama reads a line of Ollama's stream, or a whole answer.
func (c *Content) ollama(data []byte) error {
	if strings.TrimSpace(string(data)) == "" {
		return nil
	}
	var o struct {
		Response jsontext.Value `json:"response"`
		Thinking jsontext.Value `json:"thinking"`
		Message  struct {
			Content   jsontext.Value `json:"content"`
			Thinking  jsontext.Value `json:"thinking"`
			ToolCalls []chatCall     `json:"tool_calls"`
		} `json:"message"`
	}
	if err := decode(data, &o); err != nil {
		return err
	}
	c.say("response", "", llm.KindText, texts(o.Response))
	c.say("thinking", "", llm.KindReasoning, texts(o.Thinking))
	c.say("message.content", "", llm.KindText, texts(o.Message.Content))
	c.say("message.thinking", "", llm.KindReasoning, texts(o.Message.Thinking))
	for i := range o.Message.ToolCalls {
		if f := o.Message.ToolCalls[i].Function; f != nil {
			c.whole("message", texts(f.Name), "function", arguments(f.Arguments))
		}
	}
	return nil
}
