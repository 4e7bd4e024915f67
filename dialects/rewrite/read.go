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
	return readChat(data, root)
}

// readChat reads a chunk of chat completions, or of completions (whose choices
// hold `text` themselves).
func readChat(data []byte, root *node) (r reading) {
	choices := root.elements("choices")
	for i := range choices {
		c := &choices[i]
		group := "choice " + c.raw(data, "index")
		add := func(n *node, key string, kind Kind) {
			r.pieces = append(r.pieces, piece{n, group + " " + key, group, kind})
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
				case k.name == "tool_calls" && k.kind == '[':
					for n := range k.kids {
						call := &k.kids[n]
						for _, body := range []string{"function", "custom"} {
							f := call.get(body)
							for _, member := range []string{"arguments", "input"} {
								if a := f.get(member); a != nil && a.kind == '"' {
									add(a, "tool "+call.raw(data, "index")+" "+member, kindOf(member))
								}
							}
						}
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

func readMessages(data []byte, root *node) (r reading) {
	group := "block " + root.raw(data, "index")
	switch root.str("type") {
	case "content_block_delta":
		d := root.get("delta")
		for name, kind := range map[string]Kind{"text": Text, "partial_json": Arguments, "thinking": Reasoning} {
			if t := d.get(name); t != nil && t.kind == '"' {
				r.pieces = append(r.pieces, piece{t, group + " " + name, group, kind})
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
		r.pieces = append(r.pieces, piece{t, name + place, name + place, of})
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
		group := "candidate " + c.raw(data, "index")
		parts := c.get("content").elements("parts")
		for j := range parts {
			t := parts[j].get("text")
			if t == nil || t.kind != '"' {
				continue
			}
			kind, key := Text, " text"
			if th := parts[j].get("thought"); th != nil && th.kind == 't' {
				kind, key = Reasoning, " thought"
			}
			r.pieces = append(r.pieces, piece{t, group + key, group, kind})
		}
		if f := c.get("finishReason"); f != nil && f.kind == '"' {
			r.ends = append(r.ends, group)
		}
	}
	return r
}

func readOllama(root *node) (r reading) {
	add := func(n *node, key string, kind Kind) {
		if n != nil && n.kind == '"' {
			r.pieces = append(r.pieces, piece{n, key, "", kind})
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
