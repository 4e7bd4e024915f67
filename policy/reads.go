package policy

import (
	"slices"

	"cel.dev/cel-go/common/ast"
)

// Reads lists, by rule, the fields that its expression reads: "llm.model",
// "prompt.user", "now"…, or the bare name of a variable that is used as a whole.
// Sorted, without repetition. A rule about answers reads fields of `response` and
// `content`. "request.headers", "classifiers" and "approvals" also stand for what a rule asks
// without reading a field: require_header, classify() and approve.
func (s *Set) Reads() map[string][]string {
	out := map[string][]string{}
	for _, rules := range [][]rule{s.rules, s.answers} {
		for i := range rules {
			out[rules[i].Name] = rules[i].reads()
		}
	}
	return out
}

func (r *rule) reads() []string {
	lang, err := standard()
	if err != nil {
		return nil
	}
	checked, issues := lang.env.Compile(r.Expr)
	if issues.Err() != nil {
		return nil
	}
	a := checked.NativeRep()
	refs := a.ReferenceMap()
	variable := func(e ast.Expr) string {
		if e.Kind() != ast.IdentKind {
			return ""
		}
		// Variables of loops have no reference.
		if ref := refs[e.ID()]; ref != nil && ref.Name == e.AsIdent() && slices.Contains(variables, ref.Name) {
			return ref.Name
		}
		return ""
	}
	var fields []string
	switch r.Action {
	case ActionApprove:
		fields = append(fields, "approvals")
	case ActionRequireHeader:
		fields = append(fields, "request.headers")
	}
	taken := map[int64]bool{}
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.CallKind:
			if e.AsCall().FunctionName() == classifyName {
				fields = append(fields, "classifiers")
			}
		case ast.SelectKind:
			if v := variable(e.AsSelect().Operand()); v != "" {
				taken[e.AsSelect().Operand().ID()] = true
				fields = append(fields, v+"."+e.AsSelect().FieldName())
			}
		case ast.IdentKind:
			if v := variable(e); v != "" && !taken[e.ID()] {
				fields = append(fields, v)
			}
		}
	}))
	slices.Sort(fields)
	return slices.Compact(fields)
}

// variables are the names that expressions begin with.
var variables = []string{"llm", "prompt", "caller", "request", "response", "content", "budget", "now"}
