package content

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

type chatChunk struct {
	Choices []struct {
		Index   jsontext.Value `json:"index"`
		Delta   chatMessage    `json:"delta"`
		Message chatMessage    `json:"message"`
		Text    jsontext.Value `json:"text"`
		Finish  jsontext.Value `json:"finish_reason"`
	} `json:"choices"`
}

type chatMessage struct {
	Content      jsontext.Value `json:"content"`
	Refusal      jsontext.Value `json:"refusal"`
	Reasoning    jsontext.Value `json:"reasoning"`
	Thought      jsontext.Value `json:"reasoning_content"`
	Details      jsontext.Value `json:"reasoning_details"`
	Audio        jsontext.Value `json:"audio"`
	ToolCalls    []chatCall     `json:"tool_calls"`
	FunctionCall *function      `json:"function_call"`
}

type chatCall struct {
	ID       jsontext.Value `json:"id"`
	Index    jsontext.Value `json:"index"`
	Type     jsontext.Value `json:"type"`
	Function *function      `json:"function"`
	Custom   *function      `json:"custom"`
}

type function struct {
	Name      jsontext.Value `json:"name"`
	Arguments jsontext.Value `json:"arguments"`
	Input     jsontext.Value `json:"input"`
}

// chat reads a chunk of chat completions or completions, or a whole answer.
func (c *Content) chat(data []byte) error {
	var chunk chatChunk
	if err := decode(data, &chunk); err != nil {
		return err
	}
	for i := range chunk.Choices {
		ch := &chunk.Choices[i]
		n := number(ch.Index)
		if len(ch.Index) == 0 {
			n = int64(i)
		}
		group := place("choices", n)
		c.say(group+".text", group, llm.KindText, texts(ch.Text))
		for _, m := range []*chatMessage{&ch.Delta, &ch.Message} {
			c.chatMessage(group, m)
		}
		if texts(ch.Finish) != "" { // some servers send an empty one with every piece
			c.finish(group)
		}
	}
	return nil
}

func (c *Content) chatMessage(group string, m *chatMessage) {
	c.say(group+".content", group, llm.KindText, texts(m.Content))
	c.say(group+".refusal", group, llm.KindText, texts(m.Refusal))
	c.say(group+".reasoning", group, llm.KindReasoning, texts(m.Reasoning))
	c.say(group+".reasoning_content", group, llm.KindReasoning, texts(m.Thought))
	if texts(m.Reasoning) == "" && texts(m.Thought) == "" { // which say the same
		c.say(group+".reasoning_details", group, llm.KindReasoning, texts(m.Details))
	}
	c.say(group+".content.thinking", group, llm.KindReasoning, thoughts(m.Content))
	c.say(group+".audio", group, llm.KindText, transcript(m.Audio))
	if f := m.FunctionCall; f != nil {
		c.call(group+".function_call", group, texts(f.Name), "", arguments(f.Arguments))
	}
	for i := range m.ToolCalls {
		t := &m.ToolCalls[i]
		n := number(t.Index)
		if len(t.Index) == 0 {
			n = int64(i)
		}
		key := group + "." + place("tool_calls", n)
		// Some servers give every call the index 0 and tell them apart by id.
		if id := texts(t.ID); id != "" && id != c.ids[key] {
			if c.ids[key] != "" {
				c.close(key)
			}
			if c.ids == nil {
				c.ids = map[string]string{}
			}
			if len(c.ids) >= maxParts {
				c.short = true
				return
			}
			c.ids[key] = id
		}
		if _, known := c.index[key]; !known {
			// A call that begins ends the one before it.
			for _, p := range c.parts {
				p.done = p.done || p.group == group && p.kind == llm.KindToolArgs
			}
		}
		for _, f := range []*function{t.Function, t.Custom} {
			if f != nil {
				c.call(key, group, texts(f.Name), "", arguments(f.Arguments)+arguments(f.Input))
			}
		}
	}
}

// close ends the call of a key: what comes under it next is another.
func (c *Content) close(key string) {
	if p := c.index[key]; p != nil {
		p.done = true
		delete(c.index, key)
	}
}

// transcript is what is said in an answer as sound.
func transcript(audio jsontext.Value) string {
	var a struct {
		Transcript jsontext.Value `json:"transcript"`
	}
	if audio.Kind() != '{' || decode(audio, &a) != nil {
		return ""
	}
	return texts(a.Transcript)
}

// thoughts are those in a content that is a list of parts.
func thoughts(content jsontext.Value) string {
	if content.Kind() != '[' {
		return ""
	}
	var list []struct {
		Thinking jsontext.Value `json:"thinking"`
	}
	if decode(content, &list) != nil {
		return ""
	}
	var b strings.Builder
	for _, p := range list {
		b.WriteString(texts(p.Thinking))
	}
	return b.String()
}

type responseBody struct {
	Output []jsontext.Value `json:"output"`
}

type responseItem struct {
	Type      string         `json:"type"`
	Name      jsontext.Value `json:"name"`
	Arguments jsontext.Value `json:"arguments"`
	Input     jsontext.Value `json:"input"`
	Action    jsontext.Value `json:"action"`
	Content   jsontext.Value `json:"content"`
	Summary   jsontext.Value `json:"summary"`
}

// responsesEvent reads an event of the Responses API. What a text was in the end is
// said once more when its item is done, and when the answer is complete: that
// replaces what came in pieces.
func (c *Content) responsesEvent(data []byte) error {
	if strings.TrimSpace(string(data)) == "[DONE]" {
		return nil
	}
	var e struct {
		Type     string         `json:"type"`
		Index    jsontext.Value `json:"output_index"`
		Part     jsontext.Value `json:"content_index"`
		Summary  jsontext.Value `json:"summary_index"`
		Delta    jsontext.Value `json:"delta"`
		Item     jsontext.Value `json:"item"`
		Response responseBody   `json:"response"`
	}
	if err := decode(data, &e); err != nil {
		return err
	}
	group := place("output", number(e.Index))
	switch e.Type {
	case "response.output_item.added":
		c.retire(group)
		return c.item(group, e.Item, false)
	case "response.output_item.done":
		c.drop(group)
		return c.item(group, e.Item, true)
	case "response.completed", "response.incomplete", "response.failed":
		if len(e.Response.Output) > 0 {
			c.parts, c.index, c.size = nil, map[string]*part{}, 0
			if err := c.output(e.Response.Output); err != nil {
				return err
			}
		}
		c.End()
		return nil
	}
	name, ok := strings.CutSuffix(e.Type, ".delta")
	if !ok || e.Delta.Kind() != '"' {
		return nil
	}
	text := texts(e.Delta)
	switch {
	case strings.HasSuffix(name, ".audio"):
	case strings.HasSuffix(name, "arguments"), strings.HasSuffix(name, "tool_call_input"):
		c.call(group, group, "", "", text)
	case strings.Contains(name, "reasoning_summary"):
		c.say(group+"."+place("summary", number(e.Summary)), group, llm.KindReasoning, text)
	case strings.Contains(name, "reasoning"):
		c.say(group+"."+place("content", number(e.Part)), group, llm.KindReasoning, text)
	default:
		c.say(group+"."+place("content", number(e.Part)), group, llm.KindText, text)
	}
	return nil
}

// output reads the items of a whole answer.
func (c *Content) output(items []jsontext.Value) error {
	for i, it := range items {
		if err := c.item(place("output", int64(i)), it, true); err != nil {
			return err
		}
	}
	return nil
}

func (c *Content) item(group string, raw jsontext.Value, done bool) error {
	if raw.Kind() != '{' {
		return nil
	}
	var it responseItem
	if err := decode(raw, &it); err != nil {
		return err
	}
	if strings.HasSuffix(it.Type, "_call") {
		name := texts(it.Name)
		typ := "function"
		switch it.Type {
		case "function_call", "custom_tool_call":
		default:
			if typ = it.Type; name == "" {
				name = strings.TrimSuffix(it.Type, "_call")
			}
		}
		c.call(group, group, name, typ, arguments(it.Arguments)+arguments(it.Input)+arguments(it.Action))
	}
	kind := llm.KindText
	if it.Type == "reasoning" {
		kind = llm.KindReasoning
	}
	for _, list := range []struct {
		name string
		v    jsontext.Value
		kind llm.SegmentKind
	}{{"content", it.Content, kind}, {"summary", it.Summary, llm.KindReasoning}} {
		if list.v.Kind() != '[' {
			continue
		}
		var parts []jsontext.Value
		if err := decode(list.v, &parts); err != nil {
			return err
		}
		for i, p := range parts {
			c.say(group+"."+place(list.name, int64(i)), group, list.kind, texts(jsontext.Value("["+string(p)+"]")))
		}
	}
	if done {
		c.finish(group)
	}
	return nil
}
