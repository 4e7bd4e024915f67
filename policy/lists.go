package policy

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// listFunctions are the functions that look through a list of texts, and the index of the
// argument that is the list.
var listFunctions = map[string]int{
	"secrets": 0, "pii": 0, "injection_score": 0, "hidden_chars": 0, "has_phrase": 0, "tokens": 0, "risk": 0, "classify_prompt": 0,
	detectName: 1, classifyName: 1,
}

// checkLists refuses calls of these functions on lists that are made in the expression:
// each runs once on a list that there is, and could not be evaluated on another.
func checkLists(a *ast.AST) (id int64, msg string) {
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || msg != "" {
			return
		}
		f := e.AsCall().FunctionName()
		i, is := listFunctions[f]
		if !is || i >= len(e.AsCall().Args()) {
			return
		}
		if made := madeList(e.AsCall().Args()[i]); made != 0 {
			id, msg = made, f+"() takes a list as it is: prompt.user, .system, .tool_results, .untrusted, .all or .aside, response.all or content; not one that filter(), + or [ ] make"
		}
	}))
	return id, msg
}

// madeList returns the node that makes a list, 0 if the expression may be a list that
// there is.
func madeList(e ast.Expr) int64 {
	switch e.Kind() {
	case ast.ListKind, ast.ComprehensionKind:
		return e.ID()
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() == operators.Conditional {
			for _, branch := range call.Args()[1:] {
				if made := madeList(branch); made != 0 {
					return made
				}
			}
			return 0
		}
		if !slices.Contains([]string{operators.Index, "dyn"}, call.FunctionName()) {
			return e.ID()
		}
	}
	return 0
}
