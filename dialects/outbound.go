package dialects

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Outbound returns the body to send to a deployment: v.Raw with the declared
// changes spliced in, every other byte as it came. Without a change it is v.Raw
// itself, so the result must not be modified. v must come from Parse.
//
//   - The model is d.Model, else c.Model, else the caller's. In the dialects of
//     Gemini it stands in the path, which is the provider's business; bodies that
//     name it too are changed.
//   - c.MaxTokens sets the limit on output tokens, or lowers the caller's; a
//     caller's lower limit stays. An absent limit is inserted in d.MaxTokensField,
//     or in the dialect's own member if that is empty (generationConfig's
//     maxOutputTokens, options.num_predict). Dialects without output ignore it.
//   - c.IncludeUsage asks a chat or completions stream for its usage chunk.
//   - c.Edits are applied as they are; they must not touch the members above.
//
// New members stand right after the opening brace of the document, which is
// never empty: there is a model, or contents.
func Outbound(v *llm.View, c *llm.Changes, d llm.Deployment) []byte {
	if c == nil {
		c = new(llm.Changes)
	}
	var room [8]llm.Edit
	edits := append(room[:0], c.Edits...)
	var insert []byte // members, each with a comma after it

	model := d.Model
	if model == "" {
		model = c.Model
	}
	if model != "" && model != v.Model {
		if v.Dialect.Family() == llm.FamilyGemini { // named in the path, and perhaps in the body, too
			edits = geminiModels(edits, v, model)
		} else {
			edits = append(edits, llm.Edit{Span: v.ModelSpan, New: strictjson.AppendQuoted(nil, model)})
		}
	}

	if field := maxTokensField(v.Dialect, d); c.MaxTokens > 0 && field != "" {
		value := strconv.AppendInt(nil, c.MaxTokens, 10)
		switch {
		case v.MaxTokens > c.MaxTokens:
			edits = append(edits, llm.Edit{Span: v.MaxTokensSpan, New: value})
			// A chat request may give its limit under both names.
			if other := otherMaxTokens(v); !other.IsZero() {
				edits = append(edits, llm.Edit{Span: other, New: value})
			}
		case v.MaxTokens >= 0: // low enough
		case nested(v.Dialect):
			edits, insert = nestedLimit(edits, insert, v, field, value)
		default:
			span := llm.Span{}
			if v.MaxTokensField != "" { // some limit is there as null: perhaps this one
				span = member(v.Raw, field)
			}
			if span.IsZero() {
				insert = appendMember(insert, field, value)
			} else {
				edits = append(edits, llm.Edit{Span: span, New: value})
			}
		}
	}

	if c.IncludeUsage && v.Stream && !v.IncludeUsage && (v.Dialect == llm.Chat || v.Dialect == llm.Completions) {
		const ask = `"include_usage":true`
		switch s := v.StreamOptions; {
		case s.IsZero():
			insert = appendMember(insert, "stream_options", []byte("{"+ask+"}"))
		case v.Raw[s.Start] != '{': // null
			edits = append(edits, llm.Edit{Span: s, New: []byte("{" + ask + "}")})
		case !v.IncludeUsageSpan.IsZero(): // false or null
			edits = append(edits, llm.Edit{Span: v.IncludeUsageSpan, New: []byte("true")})
		case v.StreamOptionsEmpty:
			edits = append(edits, llm.Edit{Span: llm.Span{Start: s.Start + 1, End: s.Start + 1}, New: []byte(ask)})
		default:
			edits = append(edits, llm.Edit{Span: llm.Span{Start: s.Start + 1, End: s.Start + 1}, New: []byte(ask + ",")})
		}
	}

	if len(insert) > 0 {
		at := brace(v.Raw)
		edits = append(edits, llm.Edit{Span: llm.Span{Start: at, End: at}, New: insert})
	}
	slices.SortStableFunc(edits, func(a, b llm.Edit) int { return cmp.Compare(a.Span.Start, b.Span.Start) })
	return llm.Splice(v.Raw, edits)
}

// maxTokensField is the member that limits output tokens, empty for dialects
// without output. Only chat has more than one name for it.
func maxTokensField(dialect llm.Dialect, d llm.Deployment) string {
	switch dialect {
	case llm.Chat:
		if d.MaxTokensField != "" {
			return d.MaxTokensField
		}
		return "max_completion_tokens"
	case llm.Responses:
		return "max_output_tokens"
	case llm.Completions, llm.Messages:
		return "max_tokens"
	case llm.GenerateContent:
		return "maxOutputTokens"
	case llm.OllamaChat, llm.OllamaGenerate:
		return "num_predict"
	}
	return ""
}

// nested reports whether the limit of the dialect stands in an object inside the
// request.
func nested(d llm.Dialect) bool {
	return d == llm.GenerateContent || d == llm.OllamaChat || d == llm.OllamaGenerate
}

// nestedLimit sets a limit that is not given: in place of one that says nothing,
// or as a new member of the object that holds it, or with that object.
func nestedLimit(edits []llm.Edit, insert []byte, v *llm.View, field string, value []byte) ([]llm.Edit, []byte) {
	if v.MaxTokensField != "" { // null, or Ollama's -1
		return append(edits, llm.Edit{Span: v.MaxTokensSpan, New: value}), insert
	}
	name := "options"
	span := llm.Span{}
	if v.Dialect == llm.GenerateContent {
		name = "generationConfig"
		span = member(v.Raw, "generation_config")
	}
	if span.IsZero() {
		span = member(v.Raw, name)
	}
	object := appendMember([]byte{'{'}, field, value)
	object[len(object)-1] = '}'
	switch {
	case span.IsZero():
		insert = appendMember(insert, name, object)
	case v.Raw[span.Start] != '{': // null
		edits = append(edits, llm.Edit{Span: span, New: object})
	default:
		at := llm.Span{Start: span.Start + 1, End: span.Start + 1}
		if len(bytes.TrimSpace(v.Raw[at.Start:span.End-1])) == 0 {
			edits = append(edits, llm.Edit{Span: at, New: object[1 : len(object)-1]})
		} else {
			edits = append(edits, llm.Edit{Span: at, New: appendMember(nil, field, value)})
		}
	}
	return edits, insert
}

// geminiModels replaces the model where the body of a Gemini request names it.
func geminiModels(edits []llm.Edit, v *llm.View, model string) []llm.Edit {
	if !strings.HasPrefix(model, "tunedModels/") {
		model = "models/" + model
	}
	name := strictjson.AppendQuoted(nil, model)
	var s strictjson.Scanner
	s.Reset(v.Raw)
	var object func(outer bool)
	object = func(outer bool) {
		if s.Kind() != strictjson.Object {
			return
		}
		for m := s.Enter(nil); s.Member(&m); {
			switch k := s.Kind(); {
			case m.Name == "model" && k == strictjson.String:
				start, end := s.Skip()
				edits = append(edits, llm.Edit{Span: llm.Span{Start: start, End: end}, New: name})
			case outer && snakeCase(m.Name) == "generate_content_request":
				object(false)
			case outer && m.Name == "requests" && k == strictjson.Array:
				for l := s.Open(); s.Element(&l); {
					object(false)
				}
			}
		}
	}
	object(true)
	return edits
}

// otherMaxTokens is the span of the limit under chat's other name, when it holds
// a number, too.
func otherMaxTokens(v *llm.View) llm.Span {
	if v.Dialect != llm.Chat {
		return llm.Span{}
	}
	other := "max_tokens"
	if v.MaxTokensField == other {
		other = "max_completion_tokens"
	}
	if s := member(v.Raw, other); !s.IsZero() && v.Raw[s.Start] != 'n' {
		return s
	}
	return llm.Span{}
}

// member finds a member of the top-level object again. It is needed only where
// a limit is given twice or as null, so the view does not carry it.
func member(raw []byte, name string) (span llm.Span) {
	var s strictjson.Scanner
	s.Reset(raw)
	if s.Kind() != strictjson.Object {
		return span
	}
	for m := s.Enter(nil); s.Member(&m); {
		if m.Name == name {
			start, end := s.Skip()
			return llm.Span{Start: start, End: end}
		}
	}
	return span
}

// brace is the offset after the opening brace of the document.
func brace(raw []byte) int {
	for i, c := range raw {
		if c == '{' {
			return i + 1
		}
	}
	return 0
}

func appendMember(dst []byte, name string, value []byte) []byte {
	dst = strictjson.AppendQuoted(dst, name)
	dst = append(dst, ':')
	dst = append(dst, value...)
	return append(dst, ',')
}
