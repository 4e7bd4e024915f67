package translate

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// writeMessagesRequest writes a request for Anthropic, in what both versions of
// the API take.
func writeMessagesRequest(r *Request, c *Call, n *notes) ([]byte, error) {
	w := messagesRequestWriter{r: r, c: c, n: n, b: make([]byte, 0, 1024+c.size+c.size/8)}
	limit := r.MaxTokens
	if limit == 0 { // required
		limit = outputOf(r.Model)
	}
	w.think(limit)
	w.b = keyInt(keyString(append(w.b, '{'), "model", r.Model), "max_tokens", limit)
	if err := w.conversation(); err != nil {
		return nil, err
	}
	w.tools()
	w.options()
	if r.Stream {
		w.b = keyRaw(w.b, "stream", "true")
	}
	return append(w.b, '}'), nil
}

// messagesRequestWriter writes one request.
type messagesRequestWriter struct {
	r *Request
	c *Call
	n *notes
	b []byte
	// budget is how many tokens may be thought, adaptive leaves that to the
	// model; neither means no thinking.
	budget   int64
	adaptive bool
}

// thinks reports whether the request asks for thinking.
func (w *messagesRequestWriter) thinks() bool { return w.budget > 0 || w.adaptive }

// claude reads the version out of a model's name: claude-opus-4-6,
// claude-sonnet-4-5-20250929, claude-3-7-sonnet-latest, and the same behind the
// prefixes of other clouds.
var claude = regexp.MustCompile(`claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?:$|[^0-9])`)

// version is the version of a Claude in tenths, 0 if it is not known.
func version(model string) int {
	m := claude.FindStringSubmatch(model)
	if m == nil {
		return 0
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	return major*10 + min(minor, 9)
}

// outputOf is the limit on output tokens for a caller that gave none: what the
// models of that version can write, at most 32,000.
func outputOf(model string) int64 {
	switch v := version(model); {
	case v >= 37:
		return 32_000
	case v >= 35:
		return 8192
	}
	return DefaultMaxTokens
}

// think decides about thinking. A level becomes a budget for the models that
// take one (3.7 to 4.5), and stays a level for the newer ones. Thinking is left
// out where the API would refuse the whole call: when the model must call a tool,
// or when the last calls of tools in the history lack the thinking before them,
// which other dialects do not keep. The limit on output counts thoughts, too: a
// level leaves a fifth of it for the answer.
func (w *messagesRequestWriter) think(limit int64) {
	q := &w.r.Reasoning
	on := q.Mode == ReasoningOn || q.Mode == ReasoningAdaptive
	v := version(w.r.Model)
	switch {
	case !on, v > 0 && v < 37, w.r.ToolChoice.Mode == ToolAny, w.r.ToolChoice.Mode == ToolNamed, w.unthought():
		return
	case v >= 46:
		w.adaptive = true
		return
	}
	budget, most := q.Budget, limit-1
	if budget == 0 {
		if budget = budgets[q.Effort]; budget == 0 {
			budget = budgets["medium"]
		}
		most = limit / 5 * 4
	}
	if budget = min(budget, most); budget >= minBudget {
		w.budget = budget
	}
}

// minBudget is the least that the API takes.
const minBudget = 1024

// budgets are the tokens that stand for a level; effortOf is the way back.
var budgets = map[string]int64{"minimal": 1024, "low": 2048, "medium": 8192, "high": 20480, "xhigh": 32768, "max": 32768}

// unthought reports whether the latest turn of the model called tools without a
// signed thought before them, or is to be continued by it.
func (w *messagesRequestWriter) unthought() bool {
	for i := len(w.r.Messages) - 1; i >= 0; i-- {
		m := &w.r.Messages[i]
		if m.Role != RoleAssistant {
			continue
		}
		if i == len(w.r.Messages)-1 {
			return true
		}
		signed := false
		for j := range m.Parts {
			switch p := &m.Parts[j]; {
			case p.Kind == PartReasoning && p.Seal.Origin == llm.Messages && p.Seal.Data != "":
				signed = true
			case p.Kind == PartToolCall && !signed:
				return true
			}
		}
		return false
	}
	return false
}

// tools writes the tools and the choice among them.
func (w *messagesRequestWriter) tools() {
	r, c := w.r, w.r.ToolChoice
	tools := w.offered()
	if len(tools) == 0 {
		// The history of calls is refused without the tools that were called.
		if tools, c = w.called(), (ToolChoice{Mode: ToolNone}); len(tools) == 0 {
			return
		}
	}
	b := append(key(w.b, "tools"), '[')
	for _, t := range tools {
		b = keyString(append(elem(b), '{'), "name", t.Name)
		if t.Description != "" {
			b = keyString(b, "description", t.Description)
		}
		b = key(b, "input_schema")
		if t.Custom {
			b = append(b, customSchema(t)...)
		} else {
			b = append(b, objectSchema(t.Parameters)...)
		}
		if t.Strict != nil && *t.Strict {
			b = keyRaw(b, "strict", "true")
		}
		b = append(w.cached(b, t.Cache), '}')
	}
	b = append(b, ']')
	typ := ""
	switch c.Mode {
	case ToolAuto:
		typ = "auto"
	case ToolNone:
		typ = "none"
	case ToolAny:
		typ = "any"
	case ToolNamed:
		typ = "tool"
	}
	serial := r.Parallel != nil && !*r.Parallel && c.Mode != ToolNone
	if typ == "" && serial {
		typ = "auto"
	}
	if typ != "" {
		b = keyString(append(key(b, "tool_choice"), '{'), "type", typ)
		if c.Mode == ToolNamed {
			b = keyString(b, "name", c.Name)
		}
		if serial {
			b = keyRaw(b, "disable_parallel_tool_use", "true")
		}
		b = append(b, '}')
	}
	w.b = b
}

// offered are the tools that may be called: the API has no form for some of them
// other than to offer no more.
func (w *messagesRequestWriter) offered() []*Tool {
	c := &w.r.ToolChoice
	some := make(map[string]bool, len(c.Allowed))
	for _, name := range c.Allowed {
		some[name] = true
	}
	list := make([]*Tool, 0, len(w.r.Tools))
	for i := range w.r.Tools {
		if t := &w.r.Tools[i]; c.Allowed == nil || some[t.Name] {
			list = append(list, t)
		}
	}
	return list
}

// called are the tools that were called in the conversation, by their names alone.
func (w *messagesRequestWriter) called() (list []*Tool) {
	have := make(map[string]bool)
	for i := range w.r.Messages {
		for j := range w.r.Messages[i].Parts {
			if p := &w.r.Messages[i].Parts[j]; p.Kind == PartToolCall && !have[p.Name] {
				have[p.Name] = true
				list = append(list, &Tool{Name: p.Name})
			}
		}
	}
	return list
}

// objectSchema is a schema that says that arguments are an object, which the API
// insists on.
func objectSchema(v jsontext.Value) jsontext.Value {
	if absent(v) || v.Kind() != '{' {
		return jsontext.Value(`{"type":"object","properties":{}}`)
	}
	var q struct {
		Type jsontext.Value `json:"type"`
	}
	if decodeAnswer(v, &q) == nil && len(q.Type) == 0 { // null is the caller's mistake
		rest := v[1:]
		out := append(jsontext.Value(nil), `{"type":"object"`...)
		if !emptyObject(v) {
			out = append(out, ',')
		}
		return append(out, rest...)
	}
	return v
}

func emptyObject(v jsontext.Value) bool {
	for _, c := range v[1:] {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c == '}'
		}
	}
	return true
}

// options writes what steers the generation.
func (w *messagesRequestWriter) options() {
	r, b := w.r, w.b
	b = w.sampling(b)
	for _, f := range [...]struct {
		name string
		v    jsontext.Value
	}{{"frequency_penalty", r.FrequencyPenalty}, {"presence_penalty", r.PresencePenalty}} {
		if !absent(f.v) && strings.Trim(string(f.v), "-0.eE+") != "" { // 0 is the default
			w.n.lose(f.name)
		}
	}
	if !absent(r.Seed) {
		w.n.lose("seed")
	}
	if len(r.Stop) > 0 {
		b = append(key(b, "stop_sequences"), '[')
		for _, s := range r.Stop {
			b = quoted(elem(b), s)
		}
		b = append(b, ']')
	}
	if r.Choices > 1 {
		w.n.lose("n")
	}
	if r.Logprobs {
		w.n.lose("logprobs")
	}
	switch r.ServiceTier {
	case "", "auto":
	case "default", "standard", "standard_only":
		b = keyString(b, "service_tier", "standard_only")
	case "priority":
		b = keyString(b, "service_tier", "auto")
	default:
		w.n.lose("service_tier")
	}
	if r.User != "" && len(r.User) <= maxUserID {
		b = append(keyString(append(key(b, "metadata"), '{'), "user_id", r.User), '}')
	}
	switch {
	case w.adaptive:
		b = keyRaw(b, "thinking", `{"type":"adaptive"}`)
	case w.budget > 0:
		b = append(keyInt(append(key(b, "thinking"), `{"type":"enabled"`...), "budget_tokens", w.budget), '}')
	}
	effort := ""
	if w.adaptive {
		switch effort = r.Reasoning.Effort; effort {
		case "minimal":
			effort = "low"
		case "xhigh":
			effort = "max"
		}
	}
	if r.Format.Kind == FormatJSON {
		w.n.lose(memberOfFormat(w.c.Client))
	}
	if effort == "" && r.Format.Kind != FormatSchema {
		w.b = b
		return
	}
	b = append(key(b, "output_config"), '{')
	if effort != "" {
		b = keyString(b, "effort", effort)
	}
	if r.Format.Kind == FormatSchema {
		b = append(keyValue(append(key(b, "format"), `{"type":"json_schema"`...), "schema", r.Format.Schema), '}')
	}
	w.b = append(b, '}')
}

// maxUserID is the longest id of a user that the API takes.
const maxUserID = 256

// sampling writes how tokens are chosen. The defaults are left out: newer models
// take one of temperature and top_p, or neither, and thinking goes with neither.
func (w *messagesRequestWriter) sampling(b []byte) []byte {
	r := w.r
	t, isT := numberOf(r.Temperature)
	p, isP := numberOf(r.TopP)
	both := isT && t != 1 && isP && p != 1 && version(r.Model) >= 41
	switch {
	case !isT || t == 1:
	case t < 0 || t > 1, w.thinks():
		w.n.lose("temperature")
	default:
		b = keyValue(b, "temperature", r.Temperature)
	}
	switch {
	case !isP || p == 1:
	case both, w.thinks() && p < 0.95:
		w.n.lose("top_p")
	default:
		b = keyValue(b, "top_p", r.TopP)
	}
	if w.thinks() && !absent(r.TopK) {
		w.n.lose("top_k")
		return b
	}
	return keyValue(b, "top_k", r.TopK)
}

// numberOf is the value of a literal, ok is false when there is none.
func numberOf(v jsontext.Value) (f float64, ok bool) {
	if absent(v) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(bytes.TrimSpace(v)), 64)
	if err != nil { // beyond all bounds
		return math.Inf(1), true
	}
	return f, true
}

// memberOfFormat is where a client asks for JSON.
func memberOfFormat(client llm.Dialect) string {
	if client == llm.Responses {
		return "text.format"
	}
	return "response_format"
}
