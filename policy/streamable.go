package policy

import (
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// A rule about an answer can be decided before the answer is there in full if what it
// reads of it only ever grows (what detectors have found, the tool calls), and if
// growing can only make it true: `secrets(response.all).size() > 0` can be, and
// `response.text.size() < 10` cannot. The first is asked again whenever there is
// more; the second needs the whole answer.

// answerUse is what an expression reads of an answer.
type answerUse struct {
	any bool
	// secrets, pii and phrases are what must be looked for in its texts.
	secrets, pii bool
	phrases      []string
	// calls is true if it reads tool calls, whole if it reads anything that is
	// not looked for in its texts.
	calls, whole bool
	// texts is true if it reads what is said, in any form.
	texts bool
	// early is true if it can be decided before the answer is there in full; late
	// is the node that keeps it from that, and what is the matter with it.
	early bool
	late  int64
	why   string
}

// reader walks an expression.
type reader struct {
	refs map[int64]*ast.ReferenceInfo
	use  answerUse
}

// answerUseOf inspects a checked expression.
func answerUseOf(a *ast.AST) answerUse {
	r := &reader{refs: a.ReferenceMap()}
	r.collect(a.Expr())
	if r.use.any {
		r.use.early = r.grows(a.Expr(), true)
	}
	return r.use
}

// root reports whether an expression is one of the variables that hold the answer.
func (r *reader) root(e ast.Expr) bool {
	if e.Kind() != ast.IdentKind {
		return false
	}
	ref := r.refs[e.ID()]
	return ref != nil && ref.Name == e.AsIdent() && (ref.Name == "response" || ref.Name == "content")
}

// texts reports whether an expression is the list of the answer's texts.
func (r *reader) texts(e ast.Expr) bool {
	if e.Kind() == ast.SelectKind {
		s := e.AsSelect()
		return r.root(s.Operand()) && s.Operand().AsIdent() == "response" && s.FieldName() == "all" && !s.IsTestOnly()
	}
	return r.root(e) && e.AsIdent() == "content"
}

func (r *reader) calls(e ast.Expr) bool {
	return e.Kind() == ast.SelectKind && r.root(e.AsSelect().Operand()) && e.AsSelect().FieldName() == "tool_calls" && !e.AsSelect().IsTestOnly()
}

// touches reports whether any part of an expression reads the answer.
func (r *reader) touches(e ast.Expr) bool {
	found := false
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) { found = found || r.root(e) }))
	return found
}

// collect notes what must be looked for and kept.
func (r *reader) collect(e ast.Expr) {
	detected := map[int64]bool{}
	roots := 0
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		switch {
		case e.Kind() == ast.CallKind && len(e.AsCall().Args()) > 0 && r.texts(e.AsCall().Args()[0]):
			args := e.AsCall().Args()
			known := true
			switch e.AsCall().FunctionName() {
			case "secrets":
				r.use.secrets = true
			case "pii":
				r.use.pii = true
			case "has_phrase":
				phrase, ok := constant(args[1])
				if known = ok; ok {
					r.use.phrases = append(r.use.phrases, words(phrase))
				}
			default:
				known = false
			}
			if known {
				detected[args[0].ID()] = true
			}
		case r.calls(e):
			r.use.calls, r.use.whole = true, true
		}
		if r.texts(e) && !detected[e.ID()] {
			r.use.whole = true
		}
		if e.Kind() == ast.SelectKind && r.root(e.AsSelect().Operand()) && !r.texts(e) {
			r.use.whole = true
		}
		if r.root(e) {
			r.use.any = true
			roots++
		}
		if e.Kind() == ast.SelectKind && r.root(e.AsSelect().Operand()) && aside[e.AsSelect().FieldName()] {
			roots--
		}
	}))
	// A variable that is used as a whole may be read in any way.
	r.use.texts = roots > 0
}

// aside are the fields of an answer that are not what it says.
var aside = map[string]bool{"finish_reason": true, "model": true, "status": true, "usage": true, "tool_calls": true}

func constant(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// late notes why an expression needs the whole answer.
func (r *reader) late(e ast.Expr, why string) bool {
	if r.use.late == 0 {
		r.use.late, r.use.why = e.ID(), why
	}
	return false
}

// grows reports whether a condition can only go from false to true while the
// answer grows; with up false, only from true to false.
func (r *reader) grows(e ast.Expr, up bool) bool {
	if !r.touches(e) {
		return true
	}
	switch e.Kind() {
	case ast.CallKind:
		call := e.AsCall()
		args := call.Args()
		switch f := call.FunctionName(); f {
		case operators.LogicalAnd, operators.LogicalOr:
			for _, a := range args {
				if !r.grows(a, up) {
					return false
				}
			}
			return true
		case operators.LogicalNot:
			return r.grows(args[0], !up)
		case operators.NotStrictlyFalse:
			return r.grows(args[0], up)
		case operators.Conditional:
			if !r.touches(args[0]) {
				return r.grows(args[1], up) && r.grows(args[2], up)
			}
		case operators.Greater, operators.GreaterEquals:
			return r.compared(e, args[0], args[1], up)
		case operators.Less, operators.LessEquals:
			return r.compared(e, args[1], args[0], up)
		case operators.NotEquals, operators.Equals:
			if isZero(args[1]) { // a number that grows leaves 0 once
				return r.compared(e, args[0], args[1], up == (f == operators.NotEquals))
			}
		case operators.In:
			if !r.touches(args[0]) && r.list(args[1]) {
				return r.wants(e, up)
			}
		case "has_phrase":
			if _, ok := constant(args[1]); ok && r.texts(args[0]) {
				return r.wants(e, up)
			}
		}
	case ast.ComprehensionKind:
		return r.loop(e, up)
	}
	return r.late(e, "")
}

// wants is true for a condition that grows where one is wanted.
func (r *reader) wants(e ast.Expr, up bool) bool {
	if !up {
		return r.late(e, "negated, it is only known when the answer has ended")
	}
	return true
}

// compared judges `more > less`.
func (r *reader) compared(e, more, less ast.Expr, up bool) bool {
	switch {
	case !r.touches(less) && r.number(more):
		return r.wants(e, up)
	case !r.touches(more) && r.number(less):
		return r.wants(e, !up)
	}
	return r.late(e, "")
}

// number reports whether an expression is a number that only grows.
func (r *reader) number(e ast.Expr) bool {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != "size" {
		return false
	}
	call := e.AsCall()
	if call.IsMemberFunction() {
		return r.list(call.Target())
	}
	return r.list(call.Args()[0])
}

// list reports whether an expression is a list that only grows, at its end.
func (r *reader) list(e ast.Expr) bool {
	if r.calls(e) {
		return true
	}
	if e.Kind() != ast.CallKind || len(e.AsCall().Args()) == 0 || !r.texts(e.AsCall().Args()[0]) {
		return false
	}
	switch args := e.AsCall().Args(); e.AsCall().FunctionName() {
	case "secrets":
		return true
	case "pii":
		return len(args) == 1 || !r.touches(args[1])
	}
	return false
}

// loop judges what exists(), all() and their like have become.
func (r *reader) loop(e ast.Expr, up bool) bool {
	c := e.AsComprehension()
	if !r.list(c.IterRange()) || r.touches(c.LoopStep()) || c.AccuInit().Kind() != ast.LiteralKind || c.LoopStep().Kind() != ast.CallKind {
		return r.late(e, "")
	}
	if c.Result().Kind() != ast.IdentKind || c.Result().AsIdent() != c.AccuVar() {
		return r.late(e, "")
	}
	switch c.LoopStep().AsCall().FunctionName() {
	case operators.LogicalOr: // exists
		return r.wants(e, up)
	case operators.LogicalAnd: // all
		return r.wants(e, !up)
	}
	return r.late(e, "")
}

func isZero(e ast.Expr) bool {
	return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.IntZero
}

// words is a phrase as it is compared: in lower case, with single spaces.
func words(phrase string) string {
	return strings.Join(strings.Fields(strings.ToLower(phrase)), " ")
}
