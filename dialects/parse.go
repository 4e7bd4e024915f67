package dialects

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"unsafe"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Parse reads a request body in one strict pass and returns what it says. The
// view, its texts included, shares memory with body, which must not be modified
// afterwards.
//
// A denial (400 malformed, with the member in Param) means that the body is not
// strict JSON, or that a member which the gateway judges by (model, stream, the
// limits on tokens, the structure around texts) has a type or value that could
// be read in two ways. Members that we do not know are not judged. For a dialect
// without a body the denial is unsupported_dialect.
//
// Beyond what llm.View says: MaxTokensSpan and StreamOptions are also set for
// members that are null (MaxTokens stays -1); inputs given as arrays of token
// numbers are segments of KindFile without text. In the dialects of Gemini the
// model and the wish for a stream stand in the path: ModelSpan is zero, Model is
// what the body names besides, if it does; see SetPath.
func Parse(d llm.Dialect, body []byte) (*llm.View, *llm.Denial) {
	if !d.HasBody() {
		return nil, llm.Deny(http.StatusBadRequest, llm.CodeUnsupportedDialect, llm.StageRequest, "this endpoint takes no JSON body")
	}
	p := parsers.Get().(*parser)
	v, den := p.parse(d, body)
	p.v, p.den, p.arena = nil, nil, nil
	p.Scanner.Reset(nil)
	parsers.Put(p)
	return v, den
}

var parsers = sync.Pool{New: func() any { return new(parser) }}

// parser is one pass over one body.
type parser struct {
	strictjson.Scanner
	v   *llm.View
	den *llm.Denial
	// path is where we are, e.g. "messages[2]"; arena is memory for the paths of
	// segments, so that they cost one allocation together.
	path  []byte
	arena []byte
	// image is the bound of an inline image in this dialect; required says that
	// the dialect's main member was there.
	image    int64
	required bool
	answers  int64 // prompts in a batch
	n, best  int64
}

// room is a view with space for the segments and tools of a common request.
type room struct {
	view llm.View
	seg  [6]llm.Segment
}

func (p *parser) parse(d llm.Dialect, body []byte) (*llm.View, *llm.Denial) {
	r := new(room)
	p.v = &r.view
	*p.v = llm.View{Dialect: d, Raw: body, MaxTokens: -1, Choices: 1, Segments: r.seg[:0], InputBound: requestOverhead}
	p.path, p.required, p.answers, p.n, p.best = p.path[:0], false, 1, 1, 1
	p.image = imageBoundOpenAI
	if d.Family() == llm.FamilyAnthropic {
		p.image = imageBoundAnthropic
	}
	p.Reset(body)
	p.top(d)
	err := p.End()
	if p.den != nil {
		return nil, p.den
	}
	if err != nil {
		return nil, denyJSON(err)
	}
	p.order()
	p.fill(mark{}, llm.RoleUser)
	p.v.Choices = max(p.n, p.best) * p.answers
	if len(p.v.Tools) > 0 {
		p.v.InputBound += toolsOverhead
	}
	return p.v, nil
}

// denyJSON tells the caller what the scanner found. Its words about names come
// from the caller's own body.
func denyJSON(err error) *llm.Denial {
	hint := "send one well-formed JSON document in UTF-8"
	var e *strictjson.Error
	if errors.As(err, &e) {
		switch e.Reason {
		case strictjson.Duplicate:
			hint = "send each member once"
		case strictjson.CaseVariant:
			hint = "spell member names exactly as documented"
		case strictjson.Depth:
			hint = "nest at most " + strconv.Itoa(strictjson.MaxDepth) + " levels deep"
		case strictjson.BOM:
			hint = "send the document without it"
		}
	}
	return llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest, "the request body is not acceptable JSON: %v: %s", err, hint)
}

// Governed names of the top level: those whose reading decides something.
var topNames = map[llm.Dialect]*strictjson.Names{
	llm.Chat: strictjson.NewNames("model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "messages", "tools", "functions",
		"prediction", "response_format", "web_search_options", "n_predict", "best_of", "service_tier", "models", "plugins"),
	llm.Responses: strictjson.NewNames("model", "stream", "max_output_tokens", "instructions", "input", "tools", "previous_response_id",
		"conversation", "prompt", "text", "background", "context_management", "service_tier", "models", "plugins"),
	llm.Embeddings: strictjson.NewNames("model", "input", "stream"),
	llm.Completions: strictjson.NewNames("model", "stream", "stream_options", "max_tokens", "n", "best_of", "prompt", "suffix",
		"n_predict"),
	llm.Messages: strictjson.NewNames("model", "stream", "max_tokens", "system", "messages", "tools", "mcp_servers", "container",
		"context_management", "output_format", "output_config", "service_tier", "speed", "inference_geo", "models", "plugins", "fallbacks"),
}

func init() {
	topNames[llm.CountTokens] = topNames[llm.Messages]
	topNames[llm.InputTokens] = topNames[llm.Responses]
	topNames[llm.OllamaChat] = strictjson.NewNames("model", "stream", "messages", "tools", "options", "format", "think", "keep_alive")
	topNames[llm.OllamaGenerate] = strictjson.NewNames("model", "stream", "prompt", "suffix", "system", "template", "context", "images",
		"options", "format", "raw", "think", "keep_alive")
	topNames[llm.OllamaEmbed] = strictjson.NewNames("model", "stream", "input", "options", "keep_alive", "truncate", "dimensions")
}

// top reads the whole document.
func (p *parser) top(d llm.Dialect) {
	if k := p.Kind(); k != strictjson.Object {
		p.wrong("", "an object")
		return
	}
	if d.Family() == llm.FamilyGemini {
		p.geminiBody(d)
		return
	}
	member := (*parser).messagesMember
	needs := "messages"
	switch d {
	case llm.Chat:
		member = (*parser).chatMember
	case llm.Responses, llm.InputTokens:
		member, needs = (*parser).responsesMember, ""
	case llm.OllamaChat, llm.OllamaGenerate:
		// The native API streams unless told not to.
		p.v.Stream, member, needs = true, (*parser).ollamaMember, ""
	case llm.OllamaEmbed:
		member, needs = (*parser).ollamaMember, "input"
	case llm.Embeddings:
		member, needs = (*parser).embeddingsMember, "input"
	case llm.Completions:
		member, needs = (*parser).completionsMember, ""
	}
	for m := p.Enter(topNames[d]); p.Member(&m); {
		p.v.Members++
		switch m.Name {
		case "model":
			p.model()
		case "stream":
			if !p.null() {
				if k := p.Kind(); k != strictjson.True && k != strictjson.False {
					p.wrong("stream", "true or false")
					return
				}
				p.v.Stream = p.Bool()
			}
		case "metadata", "user", "safety_identifier", "prompt_cache_key":
			p.Skip() // never shown to a model: asides
		case "temperature", "top_p", "store":
			p.setting(m.Name)
		case "service_tier":
			p.ordinary(m.Name, "auto", "default", "standard", "standard_only", "flex")
		case "models", "plugins", "fallbacks": // of routers: other models, or web searches
			p.unboundedIfSet(m.Name)
		default:
			p.memberName(&m, llm.RoleUser, llm.KindText)
			member(p, cmp.Or(m.Name, "?")) // a place in paths
		}
	}
	if p.Err() != nil {
		return
	}
	if p.v.ModelSpan.IsZero() {
		p.deny("model", "model: required: name a model")
	} else if needs != "" && !p.required {
		p.deny(needs, "%s: required", needs)
	}
}

func (p *parser) model() {
	if p.Kind() != strictjson.String {
		p.wrong("model", "a string")
		return
	}
	t := p.Str()
	if p.Err() != nil {
		return
	}
	name := p.Text(t)
	if den := checkModel(name); den != nil {
		p.deny("model", "%s", den.Message)
		return
	}
	p.v.Model, p.v.ModelSpan = name, llm.Span{Start: t.Start, End: t.End}
}

// checkModel denies what cannot be the name of a model.
func checkModel(name string) *llm.Denial {
	den := func(format string, args ...any) *llm.Denial {
		d := llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest, format, args...)
		d.Param = "model"
		return d
	}
	if name == "" || len(name) > maxModelLen {
		return den("model: want a name of 1 to %d bytes", maxModelLen)
	}
	for _, r := range name {
		if r < ' ' || r >= 0x7F && r < 0xA0 || r == '\uFFFD' || r == '\u2028' || r == '\u2029' {
			return den("model: want a name without control characters")
		}
	}
	return nil
}

// streamOptions reads the object of that name in chat and completions.
func (p *parser) streamOptions() {
	start := p.at()
	if p.null() {
		p.v.StreamOptions = llm.Span{Start: start, End: p.Pos()}
		return
	}
	if !p.is(strictjson.Object, "stream_options") {
		return
	}
	p.v.StreamOptionsEmpty = true
	for m := p.Enter(streamOptionNames); p.Member(&m); {
		p.v.StreamOptionsEmpty = false
		if m.Name != "include_usage" {
			n := p.push("stream_options")
			p.memberName(&m, "", llm.KindText)
			p.setting(cmp.Or(m.Name, "?"))
			p.pop(n)
			continue
		}
		start := p.Pos()
		if !p.null() {
			if k := p.Kind(); k != strictjson.True && k != strictjson.False {
				p.push("stream_options")
				p.wrong(m.Name, "true or false")
				return
			}
			p.v.IncludeUsage = p.Bool()
		}
		p.v.IncludeUsageSpan = llm.Span{Start: start, End: p.Pos()}
	}
	p.v.StreamOptions = llm.Span{Start: start, End: p.Pos()}
}

var streamOptionNames = strictjson.NewNames("include_usage")

// limit reads a limit on output tokens: a positive integer. Zero is refused
// because some servers take it for "no limit".
func (p *parser) limit(name string) {
	start := p.at()
	n, ok := p.integer(name, 1, maxTokens)
	span := llm.Span{Start: start, End: p.Pos()}
	switch {
	case p.Err() != nil:
	case !ok: // null
		if p.v.MaxTokensField == "" {
			p.v.MaxTokensField, p.v.MaxTokensSpan = name, span
		}
	case p.v.MaxTokens >= 0 && p.v.MaxTokens != n:
		p.deny(p.join(name), "%s: contradicts %s: send one of them", p.join(name), p.v.MaxTokensField)
	default:
		p.v.MaxTokensField, p.v.MaxTokensSpan, p.v.MaxTokens = name, span, n
	}
}

// integer reads an integer in [least, most]; false for null or after an error.
func (p *parser) integer(name string, least, most int64) (int64, bool) {
	if p.null() || p.Err() != nil {
		return 0, false
	}
	if p.Kind() != strictjson.Number {
		p.wrong(name, "an integer")
		return 0, false
	}
	n, ok := p.Int()
	if p.Err() != nil {
		return 0, false
	}
	if !ok || n < least || n > most {
		p.deny(p.join(name), "%s: want an integer from %d to %d, written without fraction or exponent", p.join(name), least, most)
		return 0, false
	}
	return n, true
}

// at is the offset of the next value.
func (p *parser) at() int {
	p.Kind()
	return p.Pos()
}

// null reads a null, if one is next.
func (p *parser) null() bool {
	if p.Kind() != strictjson.Null {
		return false
	}
	p.Skip()
	return true
}

// is denies unless a value of kind k is next.
func (p *parser) is(k strictjson.Kind, name string) bool {
	if p.Kind() == k {
		return true
	}
	p.wrong(name, k.String())
	return false
}

// wrong denies a value of the wrong type. name is relative to the path.
func (p *parser) wrong(name, want string) {
	if k := p.Kind(); k != strictjson.Invalid { // else the scanner has an error already
		where := p.join(name)
		if where == "" {
			where = "the request body"
			p.deny("", "%s: want %s, found %s", where, want, k)
			return
		}
		p.deny(where, "%s: want %s, found %s", where, want, k)
	}
}

// deny ends the reading.
func (p *parser) deny(param, format string, args ...any) {
	if p.Err() == nil {
		p.den = llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest, format, args...)
		p.den.Param = param
		p.Stop()
	}
}

// push appends a name, not empty, to the path and returns what pop needs.
func (p *parser) push(name string) int {
	n := len(p.path)
	if n < maxPathLen {
		if n > 0 {
			p.path = append(p.path, '.')
		}
		if !identifier(name) {
			name = "?"
		}
		p.path = append(p.path, name...)
	}
	return n
}

// identifier reports whether a member name may stand in a path. Others are the
// caller's free text, which must not get into records by way of a path.
func identifier(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c|0x20)-'a' >= 26 && c-'0' >= 10 && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxTypeLen
}

func (p *parser) pushIndex(i int) int {
	n := len(p.path)
	if n < maxPathLen {
		p.path = append(p.path, '[')
		p.path = strconv.AppendInt(p.path, int64(i), 10)
		p.path = append(p.path, ']')
	}
	return n
}

func (p *parser) pop(n int) { p.path = p.path[:n] }

func (p *parser) join(name string) string {
	if name == "" {
		return string(p.path)
	}
	n := p.push(name)
	s := string(p.path)
	p.pop(n)
	return s
}

// here returns the path with name appended, kept in the arena.
func (p *parser) here(name string) string {
	n := len(p.path)
	if name != "" {
		p.push(name)
	}
	if cap(p.arena)-len(p.arena) < len(p.path) {
		// The next block is as large as all paths so far, roughly.
		p.arena = make([]byte, 0, max(len(p.path), min(128+32*len(p.v.Segments), 8192)))
	}
	from := len(p.arena)
	p.arena = append(p.arena, p.path...)
	p.pop(n)
	b := p.arena[from:]
	return unsafe.String(unsafe.SliceData(b), len(b))
}
