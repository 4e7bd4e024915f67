package rewrite

import (
	"cmp"
	"strconv"
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
		return r.readGemini(data, root)
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
			r.pieces = append(r.pieces, piece{node: n, key: group + " " + key, group: group, kind: kind})
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
		if c.get("delta") != nil && c.str("finish_reason") == "" { // some say beside it what there is so far
			r.soFar(c.get("message"))
		}
		if c.str("finish_reason") != "" { // some servers send an empty one with every piece
			r.ends = append(r.ends, group)
		}
	}
	return r
}

// soFar notes all texts in a message that is not complete.
func (r *reading) soFar(n *node) {
	if n == nil {
		return
	}
	for i := range n.kids {
		switch k := &n.kids[i]; {
		case k.kind == '"' && k.text != "" && !opaque[k.name]:
			r.partial = append(r.partial, k)
		case k.kind == '{' || k.kind == '[':
			r.soFar(k)
		}
	}
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
				r.pieces = append(r.pieces, piece{node: a, key: part + " " + member, group: group, kind: kindOf(member), part: part})
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
	index := root.raw(data, "index")
	group := "block " + index
	add := func(n *node, begin *frame) {
		r.pieces = append(r.pieces, piece{node: n, key: group + " " + n.name, group: group, kind: kindOf(n.name), begin: begin})
	}
	switch root.str("type") {
	case "content_block_start":
		// Clients put what comes later behind what a block begins with.
		for _, name := range []string{"text", "thinking"} {
			if t := root.get("content_block").get(name); t != nil && t.kind == '"' && t.text != "" {
				add(t, likeness("content_block_delta", `{"type":"content_block_delta","index":`+cmp.Or(index, "0")+`,"delta":{"type":"`+name+`_delta","`+name+`":`))
			}
		}
	case "content_block_stop":
		r.ends = append(r.ends, group)
	case "message_delta", "message_stop", "error":
		r.endAll = true
	case "message_start", "ping":
	default: // content_block_delta
		if d := root.get("delta"); d != nil {
			for i := range d.kids {
				if k := &d.kids[i]; k.kind == '"' && !opaque[k.name] {
					add(k, nil)
				}
			}
		}
	}
	return r
}

// likeness is an event for what is held of a text that an event has only begun: its data
// but for the text and the braces behind it.
func likeness(kind, data string) *frame {
	open := strings.Count(data, "{") - strings.Count(data, "}")
	return &frame{lines: []byte("event: " + kind + "\n"), data: []byte(data + `""` + strings.Repeat("}", open)), text: len(data)}
}

func readResponses(data []byte, root *node) (r reading) {
	kind := root.str("type")
	// A text is named by what it belongs to: any of these may be missing.
	place := ""
	for _, name := range places {
		place += " " + root.raw(data, name)
	}
	name, delta := strings.CutSuffix(kind, ".delta")
	base, done := strings.CutSuffix(kind, ".done")
	part := "item " + root.raw(data, "output_index")
	switch {
	case delta && strings.HasSuffix(name, ".audio"):
		// Encoded sound: no text.
	case delta:
		t := root.get("delta")
		if t == nil || t.kind != '"' {
			return r
		}
		r.pieces = append(r.pieces, piece{node: t, key: name + place, group: name + place, kind: kindOfDelta(name), part: part})
	case kind == "response.content_part.added", kind == "response.reasoning_summary_part.added":
		p := root.get("part")
		for _, member := range []string{"text", "refusal"} {
			r.begin(data, root, p.get(member), beginnings[p.str("type")], root.raw(data, "item_id"), root.raw(data, "content_index"), root.raw(data, "summary_index"))
		}
	case kind == "response.output_item.added":
		it := root.get("item")
		for _, member := range []string{"arguments", "input", "code"} {
			r.begin(data, root, it.get(member), beginnings[it.str("type")], it.raw(data, "id"), "", "")
		}
		for _, list := range []string{"content", "summary"} {
			parts := it.elements(list)
			for i := range parts {
				content, summary := strconv.Itoa(i), ""
				if list == "summary" {
					content, summary = "", content
				}
				for _, member := range []string{"text", "refusal"} {
					r.begin(data, root, parts[i].get(member), beginnings[parts[i].str("type")], it.raw(data, "id"), content, summary)
				}
			}
		}
	case kind == "response.output_item.done" && root.get("output_index") != nil:
		// Others may go on.
		r.ends = append(r.ends, part, "item ")
	case kind == "response.output_item.done", kind == "response.completed", kind == "response.incomplete", kind == "response.failed", kind == "error":
		r.endAll = true
	case done:
		r.ends = append(r.ends, base+place)
	}
	return r
}

// places are the members that say what a text of Responses belongs to.
var places = []string{"item_id", "output_index", "content_index", "summary_index"}

// beginnings are the events that go on with what an item or a part has begun, by its type.
var beginnings = map[string]string{
	"output_text": "response.output_text", "refusal": "response.refusal", "summary_text": "response.reasoning_summary_text",
	"reasoning_text": "response.reasoning_text", "function_call": "response.function_call_arguments", "mcp_call": "response.mcp_call_arguments",
	"custom_tool_call": "response.custom_tool_call_input", "code_interpreter_call": "response.code_interpreter_call_code",
}

// begin notes a text that an item or part already holds when it is announced: clients put
// what comes later behind it.
func (r *reading) begin(data []byte, root, t *node, name, id, content, summary string) {
	if t == nil || t.kind != '"' || t.text == "" || name == "" {
		return
	}
	place, like := "", `{"type":"`+name+`.delta"`
	if root.get("sequence_number") != nil {
		like += `,"sequence_number":0`
	}
	index := root.raw(data, "output_index")
	for i, at := range []string{id, index, content, summary} {
		place += " " + at
		if at != "" {
			like += `,"` + places[i] + `":` + at
		}
	}
	r.pieces = append(r.pieces, piece{node: t, key: name + place, group: name + place, kind: kindOfDelta(name), part: "item " + index, begin: likeness(name+".delta", like+`,"delta":`)})
}

// kindOfDelta is the kind of a text of Responses by the event that brings it.
func kindOfDelta(name string) Kind {
	switch {
	case strings.HasSuffix(name, "arguments"):
		return Arguments
	case strings.Contains(name, "reasoning"):
		return Reasoning
	}
	return Text
}

func (w *Rewriter) readGemini(data []byte, root *node) (r reading) {
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
			r.pieces = append(r.pieces, piece{node: t, key: group + key, group: group, kind: kind})
		}
		if finishes(c) && !w.more {
			r.ends = append(r.ends, group)
		}
	}
	return r
}

// finishes reports whether a candidate of Gemini says why it has ended. Old models say so
// in every chunk: it is only true of the last one.
func finishes(candidate *node) bool { return candidate.str("finishReason") != "" }

// geminiCall reads a call whose arguments may come in pieces (streamFunctionCallArguments
// of Vertex AI), each of the string at a JSON path.
func (r *reading) geminiCall(data []byte, call *node, group string) {
	part := group + " call"
	pieces := call.elements("partialArgs")
	for i := range pieces {
		if t := pieces[i].get("stringValue"); t != nil && t.kind == '"' {
			r.pieces = append(r.pieces, piece{node: t, key: part + " " + pieces[i].raw(data, "jsonPath"), group: group, kind: Text, part: part})
		}
	}
	if more := call.get("willContinue"); more == nil || more.kind != 't' {
		r.ends = append(r.ends, part)
	}
}

func readOllama(root *node) (r reading) {
	add := func(n *node, key string, kind Kind) {
		if n != nil && n.kind == '"' {
			r.pieces = append(r.pieces, piece{node: n, key: key, kind: kind})
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
