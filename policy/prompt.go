package policy

import (
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// selectionKind is one of the lists of `prompt`.
type selectionKind uint8

const (
	selectAll selectionKind = iota
	selectUser
	selectSystem
	selectToolResults
	selectUntrusted
	selectAside  // what no model is shown
	selectAnswer // the texts of the answer
	numSelections
)

// includes says which segments the list holds. Tool definitions are the
// operator's scaffolding: they are in `all` only.
func (k selectionKind) includes(s *llm.Segment) bool {
	result := s.Kind == llm.KindToolResult || s.Role == llm.RoleTool
	plain := !result && s.Kind != llm.KindToolDef
	switch k {
	case selectUser:
		return plain && s.Role == llm.RoleUser
	case selectSystem:
		return plain && s.Role == llm.RoleSystem
	case selectToolResults:
		return result && s.Kind != llm.KindToolDef
	case selectUntrusted:
		return (plain && s.Role == llm.RoleUser) || (result && s.Kind != llm.KindToolDef)
	}
	return true
}

// selection is the sequence behind one list of `prompt`. Detector functions will
// be given such lists: through e they find the memo of the request.
type selection struct {
	e    *evaluation
	kind selectionKind
	done bool
	all  bool // every segment, idx unused
	idx  []int32
}

func (s *selection) reset() { s.done, s.all, s.idx = false, false, s.idx[:0] }

func (s *selection) size() int {
	if s.kind == selectAnswer {
		if s.e.answer == nil {
			return 0
		}
		return len(s.e.answer.list())
	}
	if s.kind == selectAside {
		return len(s.e.aside().segments)
	}
	if s.all {
		return len(s.e.x.View.Segments)
	}
	return len(s.idx)
}

func (s *selection) at(i int) ref.Val {
	if s.kind == selectAnswer {
		return (*segment)(&s.e.answer.list()[i])
	}
	if s.kind == selectAside {
		return (*segment)(&s.e.aside().segments[i])
	}
	if !s.all {
		i = int(s.idx[i])
	}
	return (*segment)(&s.e.x.View.Segments[i])
}

// segments returns one list of `prompt`, made when first asked for; empty when
// the request has no body.
func (e *evaluation) segments(k selectionKind) ref.Val {
	s := &e.selections[k]
	if s.done || k == selectAnswer {
		return &e.lists[k]
	}
	if k == selectAside && len(e.aside().segments) > maxElements {
		return tooLarge()
	}
	if v := e.x.View; v != nil && k != selectAside {
		if len(v.Segments) > maxElements {
			return tooLarge()
		}
		if s.all = k == selectAll; !s.all {
			for i := range v.Segments {
				if k.includes(&v.Segments[i]) {
					s.idx = append(s.idx, int32(i))
				}
			}
		}
	}
	s.done = true
	return &e.lists[k]
}

// segment is an llm.Segment as a CEL value.
type segment llm.Segment

func (s *segment) role() ref.Val {
	if v, ok := roleValues[s.Role]; ok {
		return v
	}
	return name(s.Role)
}

func (s *segment) text() ref.Val {
	if len(s.Text) > maxText {
		return tooLarge()
	}
	return types.String(s.Text)
}

// ConvertToNative implements ref.Val.
func (s *segment) ConvertToNative(t reflect.Type) (any, error) { return opaque{}.ConvertToNative(t) }

// ConvertToType implements ref.Val.
func (s *segment) ConvertToType(t ref.Type) ref.Val { return convert(s, t) }

// Equal implements ref.Val.
func (s *segment) Equal(other ref.Val) ref.Val {
	o, ok := other.(*segment)
	return types.Bool(ok && (s == o || (s.Role == o.Role && s.Kind == o.Kind && s.Path == o.Path && s.Text == o.Text)))
}

// Type implements ref.Val.
func (s *segment) Type() ref.Type { return segmentType.typ }

// Value implements ref.Val.
func (s *segment) Value() any { return s }

// Get implements traits.Indexer, for dynamic access.
func (s *segment) Get(name ref.Val) ref.Val { return segmentType.selectField(s, name) }

// IsSet implements traits.FieldTester, for dynamic access.
func (s *segment) IsSet(name ref.Val) ref.Val { return segmentType.hasField(s, name) }

// tools is the sequence behind llm.tools.
type tools struct{ e *evaluation }

func (t *tools) size() int {
	if t.e.x.View == nil {
		return 0
	}
	return len(t.e.x.View.Tools)
}

func (t *tools) at(i int) ref.Val { return tool{&t.e.x.View.Tools[i]} }

func (e *evaluation) toolsValue() ref.Val {
	if e.tools.size() > maxElements {
		return tooLarge()
	}
	return &e.toolList
}

// tool is an llm.Tool as a CEL value. (One pointer: no allocation in an
// interface.)
type tool struct{ t *llm.Tool }

// ConvertToNative implements ref.Val.
func (t tool) ConvertToNative(n reflect.Type) (any, error) { return opaque{}.ConvertToNative(n) }

// ConvertToType implements ref.Val.
func (t tool) ConvertToType(to ref.Type) ref.Val { return convert(t, to) }

// Equal implements ref.Val.
func (t tool) Equal(other ref.Val) ref.Val {
	o, ok := other.(tool)
	return types.Bool(ok && t.t.Name == o.t.Name && t.t.Type == o.t.Type)
}

// Type implements ref.Val.
func (t tool) Type() ref.Type { return toolType.typ }

// Value implements ref.Val.
func (t tool) Value() any { return t }

// Get implements traits.Indexer, for dynamic access.
func (t tool) Get(name ref.Val) ref.Val { return toolType.selectField(t, name) }

// IsSet implements traits.FieldTester, for dynamic access.
func (t tool) IsSet(name ref.Val) ref.Val { return toolType.hasField(t, name) }
