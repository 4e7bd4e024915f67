package policy

import (
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/content"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// answerView is what rules see of an answer while they are evaluated once.
type answerView struct {
	status    int
	finish    string
	model     string
	usage     llm.Usage
	said      *content.Content
	found     *findings
	segments  []llm.Segment
	segmented bool
	calls     []content.Call
	called    bool
}

// list returns the segments, made when first asked for.
func (v *answerView) list() []llm.Segment {
	if !v.segmented && v.said != nil {
		v.segments, v.segmented = v.said.Segments(), true
	}
	return v.segments
}

// snapshot is a copy for another goroutine, of an answer that has ended; nil of nil.
func (v *answerView) snapshot() *answerView {
	if v == nil {
		return nil
	}
	c := *v
	found := *v.found
	c.found, c.segmented, c.called = &found, false, false
	return &c
}

// whole refuses what can only be told of an answer that was kept in full.
func (v *answerView) whole(f func() ref.Val) ref.Val {
	if v.said == nil || v.said.Short() {
		return tooLarge()
	}
	return f()
}

// responseField defines a field of `response`.
func responseField(field_ string, typ *types.Type, f func(*answerView) ref.Val) fieldDef {
	return field(field_, typ, func(o *object) ref.Val {
		if o.e.answer == nil {
			return nil
		}
		return f(o.e.answer)
	})
}

// The types of answers.
var (
	callType = newStruct("gateway.ToolCall",
		field("name", types.StringType, func(c *toolCall) ref.Val { return name(c.c.Name) }),
		field("arguments", types.StringType, func(c *toolCall) ref.Val { return types.String(c.c.Arguments) }),
		field("type", types.StringType, func(c *toolCall) ref.Val { return name(c.c.Type) }),
	)
	usageType = newStruct("gateway.Usage",
		field("input", types.IntType, func(u *usageValue) ref.Val { return types.Int(u.Prompt()) }),
		field("output", types.IntType, func(u *usageValue) ref.Val { return types.Int(u.Output) }),
		field("reasoning", types.IntType, func(u *usageValue) ref.Val { return types.Int(u.Reasoning) }),
		field("cache_read", types.IntType, func(u *usageValue) ref.Val { return types.Int(u.CacheRead) }),
		field("total", types.IntType, func(u *usageValue) ref.Val { return types.Int(u.Total()) }),
	)
	responseType = newStruct("gateway.Response",
		field("all", cel.ListType(segmentType.typ), func(o *object) ref.Val { return o.e.segments(selectAnswer) }),
		responseField("text", types.StringType, func(v *answerView) ref.Val {
			return v.whole(func() ref.Val { return types.String(v.said.Text()) })
		}),
		responseField("reasoning", types.StringType, func(v *answerView) ref.Val {
			return v.whole(func() ref.Val { return types.String(v.said.Reasoning()) })
		}),
		responseField("tool_calls", cel.ListType(callType.typ), func(v *answerView) ref.Val {
			return v.whole(func() ref.Val {
				if !v.called {
					v.calls, v.called = v.said.Calls(), true
				}
				return &list{sequence: (*toolCalls)(&v.calls)}
			})
		}),
		responseField("finish_reason", types.StringType, func(v *answerView) ref.Val { return name(v.finish) }),
		responseField("model", types.StringType, func(v *answerView) ref.Val { return name(v.model) }),
		responseField("status", types.IntType, func(v *answerView) ref.Val { return types.Int(v.status) }),
		responseField("usage", usageType.typ, func(v *answerView) ref.Val { return (*usageValue)(&v.usage) }),
	)
)

// toolCalls is the sequence behind response.tool_calls.
type toolCalls []content.Call

func (c *toolCalls) size() int        { return len(*c) }
func (c *toolCalls) at(i int) ref.Val { return &toolCall{(*c)[i]} }

// toolCall is a content.Call as a CEL value.
type toolCall struct{ c content.Call }

// ConvertToNative implements ref.Val.
func (c *toolCall) ConvertToNative(t reflect.Type) (any, error) { return opaque{}.ConvertToNative(t) }

// ConvertToType implements ref.Val.
func (c *toolCall) ConvertToType(t ref.Type) ref.Val { return convert(c, t) }

// Equal implements ref.Val.
func (c *toolCall) Equal(other ref.Val) ref.Val {
	o, ok := other.(*toolCall)
	return types.Bool(ok && *c == *o)
}

// Type implements ref.Val.
func (c *toolCall) Type() ref.Type { return callType.typ }

// Value implements ref.Val.
func (c *toolCall) Value() any { return c }

// Get implements traits.Indexer, for dynamic access.
func (c *toolCall) Get(name ref.Val) ref.Val { return callType.selectField(c, name) }

// IsSet implements traits.FieldTester, for dynamic access.
func (c *toolCall) IsSet(name ref.Val) ref.Val { return callType.hasField(c, name) }

// usageValue is an llm.Usage as a CEL value.
type usageValue llm.Usage

// Prompt returns the tokens of the whole prompt.
func (u *usageValue) Prompt() int64 { return (*llm.Usage)(u).Prompt() }

// Total returns prompt and output tokens.
func (u *usageValue) Total() int64 { return (*llm.Usage)(u).Total() }

// ConvertToNative implements ref.Val.
func (u *usageValue) ConvertToNative(t reflect.Type) (any, error) {
	return opaque{}.ConvertToNative(t)
}

// ConvertToType implements ref.Val.
func (u *usageValue) ConvertToType(t ref.Type) ref.Val { return convert(u, t) }

// Equal implements ref.Val.
func (u *usageValue) Equal(other ref.Val) ref.Val { return types.Bool(ref.Val(u) == other) }

// Type implements ref.Val.
func (u *usageValue) Type() ref.Type { return usageType.typ }

// Value implements ref.Val.
func (u *usageValue) Value() any { return u }

// Get implements traits.Indexer, for dynamic access.
func (u *usageValue) Get(name ref.Val) ref.Val { return usageType.selectField(u, name) }

// IsSet implements traits.FieldTester, for dynamic access.
func (u *usageValue) IsSet(name ref.Val) ref.Val { return usageType.hasField(u, name) }
