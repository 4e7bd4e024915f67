package translate

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// responsesBody is a response object, whole or in an event.
type responsesBody struct {
	ID         string         `json:"id"`
	Model      string         `json:"model"`
	Created    jsontext.Value `json:"created_at"`
	Status     string         `json:"status"`
	Tier       string         `json:"service_tier"`
	Output     jsontext.Value `json:"output"`
	Incomplete struct {
		Reason string `json:"reason"`
	} `json:"incomplete_details"`
}

// created is when the answer was made, in seconds; some servers write a fraction.
func (r *responsesBody) created() int64 {
	if absent(r.Created) || r.Created.Kind() != '0' {
		return 0
	}
	f, err := strconv.ParseFloat(string(r.Created), 64)
	if err != nil || f < 0 || f > 1e11 {
		return 0
	}
	return int64(f)
}

// items reads the output.
func (r *responsesBody) items() ([]responsesItem, error) {
	if absent(r.Output) {
		return nil, nil
	}
	var items []responsesItem
	if err := decodeAnswer(r.Output, &items); err != nil {
		return nil, err
	}
	return items, nil
}

// finish is why the answer ended.
func (r *responsesBody) finish(tools, refused bool) Finish {
	if r.Status == "incomplete" {
		switch r.Incomplete.Reason {
		case "content_filter":
			return FinishFilter
		case "max_output_tokens", "max_tokens":
			return FinishLength
		}
		return FinishUnknown
	}
	switch {
	case tools:
		return FinishTools
	case refused:
		return FinishRefusal
	}
	return FinishStop
}

// readResponsesAnswer reads a provider's whole answer.
func readResponsesAnswer(body []byte) (*Answer, error) {
	var q responsesBody
	if err := decodeAnswer(body, &q); err != nil {
		return nil, err
	}
	switch q.Status {
	case "", "completed", "incomplete":
	default: // failed, cancelled, queued, in_progress
		return nil, fmt.Errorf("%w: its status is not completed", errAnswer)
	}
	items, err := q.items()
	if err != nil {
		return nil, err
	}
	a := &Answer{ID: q.ID, Model: q.Model, Created: q.created(), Tier: q.Tier}
	ch := Choice{}
	tools, refused := false, false
	for i := range items {
		parts, logprobs, err := items[i].answer()
		if err != nil {
			return nil, err
		}
		if logprobs != nil && ch.Logprobs == nil {
			ch.Logprobs = logprobs
		}
		for _, p := range parts {
			tools = tools || p.Kind == PartToolCall
			refused = refused || p.Kind == PartRefusal
		}
		ch.Parts = append(ch.Parts, parts...)
	}
	ch.Finish = q.finish(tools, refused)
	a.Choices = []Choice{ch}
	return a, nil
}

// answer returns the parts of an output item; none for items of a type that is
// not translated.
func (it *responsesItem) answer() (parts []Part, logprobs jsontext.Value, err error) {
	switch it.Type {
	case "message":
		if absent(it.Content) {
			return nil, nil, nil
		}
		var list []responsesPart
		if err := decodeAnswer(it.Content, &list); err != nil {
			return nil, nil, err
		}
		for i := range list {
			switch q := &list[i]; q.Type {
			case "output_text", "text":
				parts = append(parts, Part{Text: q.Text})
				if lp := chatLogprobs(q.Logprobs); lp != nil {
					logprobs = lp
				}
			case "refusal":
				parts = append(parts, Part{Kind: PartRefusal, Text: q.Refusal})
			}
		}
	case "reasoning":
		s, err := reasoningText(it, "output")
		if err != nil {
			return nil, nil, fmt.Errorf("%w: reasoning", errAnswer)
		}
		parts = []Part{{Kind: PartReasoning, Text: s, Seal: ownSeal(it)}}
	case "function_call", "custom_tool_call":
		p := Part{Kind: PartToolCall, ID: it.CallID, Name: it.Name, Custom: it.Type == "custom_tool_call"}
		v := it.Arguments
		if p.Custom {
			v = it.Input
		}
		if !absent(v) && v.Kind() == '"' {
			p.Args = unquote(v)
		}
		if p.ID == "" {
			p.ID = it.ID
		}
		parts = []Part{p}
	}
	return parts, logprobs, nil
}

// ownSeal is the seal of a reasoning item that a provider made, whatever it
// looks like.
func ownSeal(it *responsesItem) Seal {
	if it.Encrypted == "" {
		return Seal{}
	}
	return Seal{Origin: llm.Responses, ID: it.ID, Data: it.Encrypted}
}

// chatLogprobs turns the log probabilities of a text part into those of a chat.
func chatLogprobs(v jsontext.Value) jsontext.Value {
	if absent(v) || v.Kind() != '[' || emptyArray(v) {
		return nil
	}
	b := append([]byte(nil), `{"content":`...)
	return append(append(b, v...), `,"refusal":null}`...)
}

func emptyArray(v jsontext.Value) bool {
	for _, c := range v[1:] {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c == ']'
		}
	}
	return true
}

// partLogprobs turns the log probabilities of a chat into those of a text part.
func partLogprobs(v jsontext.Value) jsontext.Value {
	if absent(v) || v.Kind() != '{' {
		return nil
	}
	var q struct {
		Content jsontext.Value `json:"content"`
	}
	if decodeAnswer(v, &q) != nil || absent(q.Content) || q.Content.Kind() != '[' || emptyArray(q.Content) {
		return nil
	}
	return q.Content
}

// outItem is one item of an answer to a Responses client.
type outItem struct {
	kind outKind
	id   string
	// text is the summary, the arguments or the input; parts are those of a
	// message.
	text  []byte
	parts []outPart
	// callID, name and namespace are of calls.
	callID, name, namespace string
	seal                    Seal
}

type outKind uint8

const (
	outMessage outKind = iota
	outReasoning
	outCall
	outCustom
	outSearch
)

type outPart struct {
	refusal  bool
	text     []byte
	logprobs []byte // elements, without brackets
}

// prefixes of ids by kind.
var outPrefix = [...]string{"msg_", "rs_", "fc_", "ctc_", "tsc_"}

// append appends the item as JSON. In progress it has no content yet.
func (it *outItem) append(b []byte, status string, progress bool) []byte {
	switch it.kind {
	case outMessage:
		b = keyString(append(b, `{"type":"message"`...), "id", it.id)
		b = append(keyString(b, "status", status), `,"role":"assistant","content":[`...)
		if !progress {
			for i := range it.parts {
				b = it.parts[i].append(elem(b), false)
			}
		}
		return append(b, "]}"...)
	case outReasoning:
		b = keyString(append(b, `{"type":"reasoning"`...), "id", it.id)
		if progress {
			return append(b, `,"summary":[]}`...)
		}
		b = appendSummary(b, string(it.text))
		if enc := it.encrypted(); enc != "" {
			b = keyString(b, "encrypted_content", enc)
		}
		return append(b, '}')
	case outCustom:
		b = keyString(append(b, `{"type":"custom_tool_call"`...), "id", it.id)
	case outSearch:
		b = keyString(append(b, `{"type":"tool_search_call","execution":"client"`...), "id", it.id)
	default:
		b = keyString(append(b, `{"type":"function_call"`...), "id", it.id)
	}
	b = keyString(keyString(b, "status", status), "call_id", it.callID)
	if it.kind == outSearch {
		args := it.text
		if progress || !isObject(string(args)) {
			args = []byte("{}")
		}
		return append(append(key(b, "arguments"), args...), '}')
	}
	b = keyString(b, "name", it.name)
	if it.namespace != "" {
		b = keyString(b, "namespace", it.namespace)
	}
	name := "arguments"
	if it.kind == outCustom {
		name = "input"
	}
	b = key(b, name)
	if progress {
		return append(b, `""}`...)
	}
	b, _ = jsontext.AppendQuote(b, it.text)
	return append(b, '}')
}

// encrypted is the seal as the client keeps it.
func (it *outItem) encrypted() string {
	switch {
	case it.seal.Origin == llm.DialectNone || it.seal.Data == "":
		return ""
	case it.seal.Origin == llm.Responses:
		return it.seal.Data
	}
	return packSeal(it.seal)
}

// append appends a content part; an empty one when it only begins.
func (p *outPart) append(b []byte, begin bool) []byte {
	text := p.text
	if begin {
		text = nil
	}
	if p.refusal {
		b = append(b, `{"type":"refusal","refusal":`...)
		b, _ = jsontext.AppendQuote(b, text)
		return append(b, '}')
	}
	b = append(b, `{"type":"output_text","text":`...)
	b, _ = jsontext.AppendQuote(b, text)
	b = append(b, `,"annotations":[],"logprobs":[`...)
	if !begin {
		b = append(b, p.logprobs...)
	}
	return append(b, "]}"...)
}

// named fills in what the caller calls the tool that providers know as name.
func (it *outItem) named(r *Request, name string, custom bool) {
	it.kind, it.name = outCall, name
	if custom {
		it.kind = outCustom
	}
	t := r.tool(name)
	if t == nil {
		return
	}
	switch {
	case t.Search:
		it.kind = outSearch
	case t.Custom:
		it.kind = outCustom
	}
	if t.Namespace != "" {
		it.name, it.namespace = t.Local, t.Namespace
	}
}

// writeResponsesAnswer writes a whole answer for a client.
func writeResponsesAnswer(a *Answer, c *Call, u llm.Usage) ([]byte, error) {
	w := newResponsesShell(c)
	w.model, w.created, w.tier = a.Model, a.Created, a.Tier
	var items []*outItem
	var ch Choice
	if len(a.Choices) > 0 {
		ch = a.Choices[0]
	}
	refused := false
	for i := range ch.Parts {
		p := &ch.Parts[i]
		refused = refused || p.Kind == PartRefusal
		items = w.part(items, p, ch.Logprobs)
	}
	for i, it := range items {
		it.id = w.itemID(it.kind, i)
	}
	w.end(ch.Finish, refused)
	return w.append(make([]byte, 0, 2048), items, &u), nil
}

// part adds a part of an answer to its items.
func (w *responsesShell) part(items []*outItem, p *Part, logprobs jsontext.Value) []*outItem {
	switch p.Kind {
	case PartText, PartRefusal:
		part := outPart{refusal: p.Kind == PartRefusal, text: []byte(p.Text)}
		if !part.refusal {
			part.addLogprobs(logprobs)
		}
		if n := len(items); n > 0 && items[n-1].kind == outMessage {
			items[n-1].parts = append(items[n-1].parts, part)
			return items
		}
		return append(items, &outItem{kind: outMessage, parts: []outPart{part}})
	case PartReasoning:
		return append(items, &outItem{kind: outReasoning, text: []byte(p.Text), seal: p.Seal})
	case PartToolCall:
		it := &outItem{callID: p.ID, text: []byte(p.Args)}
		it.named(w.c.request, p.Name, p.Custom)
		if it.callID == "" {
			it.callID = w.callID(len(items))
		}
		switch {
		case it.kind == outCustom && !p.Custom:
			it.text = []byte(unwrapCustom(p.Args))
		case it.kind != outCustom && len(it.text) == 0:
			it.text = []byte("{}")
		}
		if p.Seal.Origin != llm.DialectNone { // beside the call there is no place for it
			items = append(items, callSeal(p.Seal, it.callID))
		}
		return append(items, it)
	}
	return items
}

// callSeal is the item in which the seal of a tool call travels.
func callSeal(s Seal, callID string) *outItem {
	s.Kind, s.ID = sealCall, callID
	return &outItem{kind: outReasoning, seal: s}
}

func (p *outPart) addLogprobs(v jsontext.Value) {
	v = partLogprobs(v)
	if v == nil {
		return
	}
	if len(p.logprobs) > 0 {
		p.logprobs = append(p.logprobs, ',')
	}
	for len(v) > 0 && v[0] != '[' {
		v = v[1:]
	}
	p.logprobs = append(p.logprobs, trimBrackets(v)...)
}

// trimBrackets returns what stands between the brackets of an array.
func trimBrackets(v []byte) []byte {
	for len(v) > 0 && v[len(v)-1] != ']' {
		v = v[:len(v)-1]
	}
	return v[1 : len(v)-1]
}
