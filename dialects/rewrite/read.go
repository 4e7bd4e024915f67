package rewrite

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// read says which texts an event of the dialect continues, and which it ends.
func (r *Rewriter) read(data []byte, root *node) reading {
	switch r.d {
	case llm.Messages:
		return readMessages(data, root)
	case llm.Responses:
		return readResponses(data, root)
	case llm.GenerateContent:
		return readGemini(data, root)
	case llm.OllamaChat, llm.OllamaGenerate:
		return readOllama(root)
	}
	return r.readChat(data, root)
}

// readChat reads a chunk of chat completions, or of completions (whose choices
// hold `text` themselves).
func (w *Rewriter) readChat(data []byte, root *node) (r reading) {
	choices := root.elements("choices")
	for i := range choices {
		c := &choices[i]
		group := "choice " + c.place(data, i)
		add := func(n *node, key string, kind Kind) {
			r.pieces = append(r.pieces, piece{n, group + " " + key, group, kind, ""})
		}
		if t := c.get("text"); t != nil && t.kind == '"' {
			add(t, "text", Text)
		}
		if d := c.get("delta"); d != nil {
			for j := range d.kids {
				k := &d.kids[j]
				switch {
				case k.kind == '"' && !opaque[k.name]:
					add(k, k.name, kindOf(k.name))
				case k.name == "function_call":
					if a := k.get("arguments"); a != nil && a.kind == '"' {
						add(a, "function_call", Arguments)
					}
				case k.name == "audio":
					if t := k.get("transcript"); t != nil && t.kind == '"' {
						add(t, "transcript", Text)
					}
				case k.kind == '[' && partsOf[k.name]:
					chatParts(data, k, k.name, kindOf(k.name), add)
				case k.name == "tool_calls" && k.kind == '[':
					for n := range k.kids {
						w.chatCall(&r, data, group, &k.kids[n])
					}
				}
			}
		}
		if f := c.get("finish_reason"); f != nil && f.kind == '"' {
			r.ends = append(r.ends, group)
		}
	}
	return r
}

// chatCall reads a piece of a tool call. Some servers give every call the index 0 and
// tell them apart by id: with another id the call before ends.
func (w *Rewriter) chatCall(r *reading, data []byte, group string, call *node) {
	place := group + " tool " + call.raw(data, "index")
	if id := call.str("id"); id != "" && id != w.calls[place] {
		if last := w.calls[place]; last != "" {
			r.ends = append(r.ends, place+" "+last)
		}
		if w.calls == nil {
			w.calls = map[string]string{}
		}
		if len(w.calls) < maxChannels {
			w.calls[place] = id
		}
	}
	part := place + " " + w.calls[place]
	for _, body := range []string{"function", "custom"} {
		f := call.get(body)
		for _, member := range []string{"arguments", "input"} {
			if a := f.get(member); a != nil && a.kind == '"' {
				r.pieces = append(r.pieces, piece{a, part + " " + member, group, kindOf(member), part})
			}
		}
	}
}

// partsOf are the members of a chat's delta that may hold a list of parts: contents of
// several kinds, and thoughts with their origins.
var partsOf = set("content", "reasoning", "reasoning_content", "reasoning_details", "thinking", "summary")

// chatParts reads such a list. A part is continued by the one at the same place, or of
// the same index, and of the same type.
func chatParts(data []byte, list *node, key string, kind Kind, add func(n *node, key string, kind Kind)) {
	if list.name == "reasoning_details" {
		kind = Reasoning
	}
	for i := range list.kids {
		part := &list.kids[i]
		at := key + " " + part.place(data, i) + " " + part.str("type")
		for j := range part.kids {
			k := &part.kids[j]
			switch {
			case part.kind != '{':
			case k.kind == '"' && (k.name == "text" || k.name == "refusal" || partsOf[k.name]):
				add(k, at+" "+k.name, max(kind, kindOf(k.name)))
			case k.kind == '[' && partsOf[k.name]:
				chatParts(data, k, at+" "+k.name, max(kind, kindOf(k.name)), add)
			}
		}
	}
}

func readMessages(data []byte, root *node) (r reading) {
	group := "block " + root.raw(data, "index")
	switch root.str("type") {
	case "content_block_delta":
		d := root.get("delta")
		for name, kind := range map[string]Kind{"text": Text, "partial_json": Arguments, "thinking": Reasoning} {
			if t := d.get(name); t != nil && t.kind == '"' {
				r.pieces = append(r.pieces, piece{t, group + " " + name, group, kind, ""})
			}
		}
	case "content_block_stop":
		r.ends = append(r.ends, group)
	case "message_delta", "message_stop", "error":
		r.endAll = true
	}
	return r
}

func readResponses(data []byte, root *node) (r reading) {
	kind := root.str("type")
	// A text is named by what it belongs to: any of these may be missing.
	place := ""
	for _, name := range []string{"item_id", "output_index", "content_index", "summary_index"} {
		place += " " + root.raw(data, name)
	}
	name, delta := strings.CutSuffix(kind, ".delta")
	base, done := strings.CutSuffix(kind, ".done")
	switch {
	case delta && strings.HasSuffix(name, ".audio"):
		// Encoded sound: no text.
	case delta:
		t := root.get("delta")
		if t == nil || t.kind != '"' {
			return r
		}
		of := Text
		switch {
		case strings.HasSuffix(name, "arguments"):
			of = Arguments
		case strings.Contains(name, "reasoning"):
			of = Reasoning
		}
		r.pieces = append(r.pieces, piece{t, name + place, name + place, of, "item " + root.raw(data, "output_index")})
	case kind == "response.output_item.done" && root.get("output_index") != nil:
		// Others may go on.
		r.ends = append(r.ends, "item "+root.raw(data, "output_index"), "item ")
	case kind == "response.output_item.done", kind == "response.completed", kind == "response.incomplete", kind == "response.failed", kind == "error":
		r.endAll = true
	case done:
		r.ends = append(r.ends, base+place)
	}
	return r
}

func readGemini(data []byte, root *node) (r reading) {
	candidates := root.elements("candidates")
	for i := range candidates {
		c := &candidates[i]
		group := "candidate " + c.place(data, i)
		parts := c.get("content").elements("parts")
		for j := range parts {
			if call := parts[j].get("functionCall"); call != nil {
				r.geminiCall(data, call, group)
			}
			t := parts[j].get("text")
			if t == nil || t.kind != '"' {
				continue
			}
			kind, key := Text, " text"
			if th := parts[j].get("thought"); th != nil && th.kind == 't' {
				kind, key = Reasoning, " thought"
			}
			r.pieces = append(r.pieces, piece{t, group + key, group, kind, ""})
		}
		if f := c.get("finishReason"); f != nil && f.kind == '"' {
			r.ends = append(r.ends, group)
		}
	}
	return r
}

// geminiCall reads a call whose arguments may come in pieces (streamFunctionCallArguments
// of Vertex AI), each of the string at a JSON path.
func (r *reading) geminiCall(data []byte, call *node, group string) {
	part := group + " call"
	pieces := call.elements("partialArgs")
	for i := range pieces {
		if t := pieces[i].get("stringValue"); t != nil && t.kind == '"' {
			r.pieces = append(r.pieces, piece{t, part + " " + pieces[i].raw(data, "jsonPath"), group, Text, part})
		}
	}
	if more := call.get("willContinue"); more == nil || more.kind != 't' {
		r.ends = append(r.ends, part)
	}
}

func readOllama(root *node) (r reading) {
	add := func(n *node, key string, kind Kind) {
		if n != nil && n.kind == '"' {
			r.pieces = append(r.pieces, piece{n, key, "", kind, ""})
		}
	}
	add(root.get("response"), "response", Text)
	add(root.get("thinking"), "thinking", Reasoning)
	m := root.get("message")
	add(m.get("content"), "content", Text)
	add(m.get("thinking"), "message thinking", Reasoning)
	if d := root.get("done"); d != nil && d.kind == 't' {
		r.endAll = true
	}
	return r
}
