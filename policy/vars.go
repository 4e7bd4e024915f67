package policy

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Bounds of what a rule is shown. What exceeds them cannot be judged: reading it
// is an evaluation error. The cost estimate relies on them.
const (
	maxNameBytes = 8 << 10 // names, paths, one header
	maxElements  = 1 << 16 // segments, tools
	maxText      = 4 << 20 // bytes of one segment
	maxLabels    = 1 << 10 // groups, scopes, headers
)

// root is one of the variables that are objects.
type root uint8

const (
	rootLLM root = iota
	rootPrompt
	rootCaller
	rootRequest
	rootResponse
	rootBudget
	numRoots
)

// object is the value of such a variable.
type object struct {
	opaque
	root root
	e    *evaluation
}

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(t ref.Type) ref.Val { return convert(o, t) }

// Equal implements ref.Val.
func (o *object) Equal(other ref.Val) ref.Val { return types.Bool(ref.Val(o) == other) }

// Type implements ref.Val.
func (o *object) Type() ref.Type { return roots[o.root].typ }

// Value implements ref.Val.
func (o *object) Value() any { return o }

// Get implements traits.Indexer, for dynamic access.
func (o *object) Get(name ref.Val) ref.Val { return roots[o.root].selectField(o, name) }

// IsSet implements traits.FieldTester, for dynamic access.
func (o *object) IsSet(name ref.Val) ref.Val { return roots[o.root].hasField(o, name) }

// slot numbers the values that are read once per request.
type slot uint8

const (
	slotModel slot = iota
	slotMaxTokens
	slotKey
	slotUser
	slotTeam
	slotOrg
	slotGroups
	slotScopes
	slotPath
	slotMethod
	slotIP
	slotServer
	slotNow
	slotMetadata
	slotStop
	numSlots
)

// once returns the value of a slot, made by f the first time.
func (e *evaluation) once(s slot, f func(*evaluation) ref.Val) ref.Val {
	if e.memo[s] == nil {
		e.memo[s] = f(e)
	}
	return e.memo[s]
}

// name makes a CEL string of a value that ought to be short.
func name(s string) ref.Val {
	if len(s) > maxNameBytes {
		return tooLarge()
	}
	return types.String(s)
}

// memoField defines a field whose value is read once per request.
func memoField(field_ string, typ *types.Type, s slot, f func(*evaluation) ref.Val) fieldDef {
	return field(field_, typ, func(o *object) ref.Val { return o.e.once(s, f) })
}

// callerField defines a string of the principal, empty when there is none.
func callerField(field_ string, s slot, f func(*llm.Principal) string) fieldDef {
	return memoField(field_, types.StringType, s, func(e *evaluation) ref.Val {
		if e.x.Principal == nil {
			return types.String("")
		}
		return name(f(e.x.Principal))
	})
}

// callerList defines a list of strings of the principal.
func callerList(field_ string, s slot, f func(*llm.Principal) []string) fieldDef {
	return memoField(field_, cel.ListType(cel.StringType), s, func(e *evaluation) ref.Val {
		var l []string
		if e.x.Principal != nil {
			l = f(e.x.Principal)
		}
		if len(l) > maxLabels {
			return tooLarge()
		}
		return types.NewStringList(types.DefaultTypeAdapter, l)
	})
}

// promptField defines one of the lists of segments.
func promptField(field_ string, s selectionKind) fieldDef {
	return field(field_, cel.ListType(segmentType.typ), func(o *object) ref.Val { return o.e.segments(s) })
}

func (e *evaluation) now() ref.Val {
	return e.once(slotNow, func(e *evaluation) ref.Val { return types.Timestamp{Time: e.env.Now} })
}

// The types of the variables. The prefix "gateway." only shows in messages.
var (
	segmentType = newStruct("gateway.Segment",
		field("role", types.StringType, func(s *segment) ref.Val { return s.role() }),
		field("kind", types.StringType, func(s *segment) ref.Val { return kindValues[s.Kind] }),
		field("path", types.StringType, func(s *segment) ref.Val { return name(s.Path) }),
		field("text", types.StringType, func(s *segment) ref.Val { return s.text() }),
	)
	toolType = newStruct("gateway.Tool",
		field("name", types.StringType, func(t tool) ref.Val { return name(t.t.Name) }),
		field("type", types.StringType, func(t tool) ref.Val { return name(t.t.Type) }),
	)
	llmType = newStruct("gateway.Call",
		memoField("model", types.StringType, slotModel, func(e *evaluation) ref.Val { return name(e.x.Model()) }),
		field("dialect", types.StringType, func(o *object) ref.Val { return dialectValues[o.e.x.Dialect] }),
		field("stream", types.BoolType, func(o *object) ref.Val { return types.Bool(o.e.x.Stream()) }),
		fieldDef{
			name: "max_tokens", typ: types.IntType,
			get: func(v any) (any, error) {
				o, ok := v.(*object)
				if !ok {
					return nil, errForeign
				}
				return o.e.once(slotMaxTokens, func(e *evaluation) ref.Val { return types.Int(e.maxTokens()) }), nil
			},
			isSet: func(v any) bool {
				o, ok := v.(*object)
				return ok && o.e.maxTokens() >= 0
			},
		},
		field("choices", types.IntType, func(o *object) ref.Val {
			if v := o.e.x.View; v != nil {
				return types.Int(v.Choices)
			}
			return types.IntZero
		}),
		field("tools", cel.ListType(toolType.typ), func(o *object) ref.Val { return o.e.toolsValue() }),
		field("user", types.StringType, func(o *object) ref.Val { return name(o.e.aside().user) }),
		memoField("metadata", cel.MapType(cel.StringType, cel.StringType), slotMetadata, (*evaluation).metadataValue),
		memoField("stop", cel.ListType(cel.StringType), slotStop, (*evaluation).stopValue),
	)
	promptType = newStruct("gateway.Prompt",
		promptField("all", selectAll),
		promptField("user", selectUser),
		promptField("system", selectSystem),
		promptField("tool_results", selectToolResults),
		promptField("untrusted", selectUntrusted),
		promptField("aside", selectAside),
	)
	callerType = newStruct("gateway.Caller",
		callerField("key", slotKey, func(p *llm.Principal) string { return p.Key }),
		callerField("user", slotUser, func(p *llm.Principal) string { return p.User }),
		callerField("team", slotTeam, func(p *llm.Principal) string { return p.Team }),
		callerField("org", slotOrg, func(p *llm.Principal) string { return p.Org }),
		callerList("groups", slotGroups, func(p *llm.Principal) []string { return p.Groups }),
		callerList("scopes", slotScopes, func(p *llm.Principal) []string { return p.Scopes }),
	)
	requestType = newStruct("gateway.Request",
		memoField("path", types.StringType, slotPath, func(e *evaluation) ref.Val { return name(e.x.Path) }),
		memoField("method", types.StringType, slotMethod, func(e *evaluation) ref.Val { return name(e.x.Method) }),
		memoField("ip", types.StringType, slotIP, func(e *evaluation) ref.Val { return name(e.x.ClientIP) }),
		memoField("server", types.StringType, slotServer, func(e *evaluation) ref.Val { return name(e.x.Server) }),
		field("headers", cel.MapType(cel.StringType, cel.StringType), func(o *object) ref.Val { return &o.e.headers }),
	)
	roots   = [numRoots]*structType{llmType, promptType, callerType, requestType, responseType, budgetType}
	structs = []*structType{segmentType, toolType, llmType, promptType, callerType, requestType, responseType, callType, usageType, budgetType, balanceType, verdictType}
)

// maxTokens is the limit on output tokens as it stands, -1 when there is none.
func (e *evaluation) maxTokens() int64 {
	n := int64(-1)
	if v := e.x.View; v != nil {
		n = v.MaxTokens
	}
	if c := e.x.Changes.MaxTokens; c > 0 && (n < 0 || c < n) {
		n = c
	}
	return n
}

// Strings that recur are boxed once.
var (
	dialectValues [llm.Objects + 1]ref.Val
	kindValues    [llm.KindFile + 1]ref.Val
	roleValues    = map[string]ref.Val{}
)

func init() {
	for i := range dialectValues {
		dialectValues[i] = types.String(llm.Dialect(i).String())
	}
	for i := range kindValues {
		kindValues[i] = types.String(llm.SegmentKind(i).String())
	}
	for _, r := range []string{llm.RoleSystem, llm.RoleUser, llm.RoleAssistant, llm.RoleTool} {
		roleValues[r] = types.String(r)
	}
}
