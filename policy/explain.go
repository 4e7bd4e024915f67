package policy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Explanation is what one rule made of a request, and why. It quotes the request: it
// is for the eyes of whoever wrote both, never for a log.
type Explanation struct {
	Rule        string `json:"rule"`
	Action      string `json:"action"`
	Enforcement string `json:"enforcement"`
	// Value is "true", "false", or why there is none.
	Value string `json:"value"`
	Expr  string `json:"expr"`
	// Parts are the values of what the expression is made of, outermost first.
	Parts []ExplainedPart `json:"parts,omitempty"`
}

// ExplainedPart is a part of an expression.
type ExplainedPart struct {
	// Depth is how deep it stands, from 0 for the whole expression.
	Depth int    `json:"depth"`
	Expr  string `json:"expr"`
	// Value is its value, or "not evaluated" where the rest had decided.
	Value string `json:"value"`
}

// Explain evaluates all rules on a request, each by itself: also those that Evaluate
// would not come to after a refusal. It is slow, and adds nothing to x.
func (s *Set) Explain(ctx context.Context, x *llm.Exchange, env RequestEnv) []Explanation {
	shadow := &llm.Exchange{
		ID: x.ID, Start: x.Start, Server: x.Server, ClientIP: x.ClientIP, Method: x.Method, Path: x.Path,
		Family: x.Family, Dialect: x.Dialect, Principal: x.Principal, View: x.View, Changes: x.Changes,
	}
	e := newEvaluation(shadow, env)
	defer e.release()
	e.clock = s.clock
	out := make([]Explanation, len(s.rules))
	for i := range s.rules {
		r := &s.rules[i]
		out[i] = Explanation{Rule: r.Name, Action: r.Action, Enforcement: r.Enforcement, Expr: r.Expr}
		matched, err := r.decided(ctx, e, s)
		if err != nil {
			out[i].Value = err.Error()
		} else {
			out[i].Value = strconv.FormatBool(matched)
		}
		if errors.Is(err, errNoView) {
			continue
		}
		full := e.memo[slotModel]
		if bare, _ := e.bareModel(); matched && e.bare {
			e.memo[slotModel] = name(bare) // the name with which it matched
		}
		out[i].Parts = r.parts(e, s)
		e.memo[slotModel] = full
	}
	return out
}

// parts evaluates a rule once more, watching its parts.
func (r *rule) parts(e *evaluation, s *Set) []ExplainedPart {
	// Its own language remembers how macros were written, which rules that only run
	// need not.
	lang, err := newLanguage([]cel.EnvOption{cel.EnableMacroCallTracking()})
	if err != nil {
		return nil
	}
	checked, issues := lang.env.Compile(r.Expr)
	if issues.Err() != nil {
		return nil
	}
	prog, err := lang.env.Program(checked,
		cel.CustomDecoratorV2(decorator{loops: inspect(checked.NativeRep()).loops, impls: lang.impls}.decorate),
		cel.EvalOptions(cel.OptTrackState))
	if err != nil {
		return nil
	}
	e.fuel, e.sinceLook, e.wanted = s.costLimit, 0, e.wanted[:0]
	e.deadline, e.patience = e.clock().Add(s.deadline*100), s.costLimit // it is watched, which takes time
	_, details, _ := prog.Eval(e)
	if details == nil || details.State() == nil {
		return nil
	}
	w := partsWalker{info: checked.NativeRep().SourceInfo(), state: details.State()}
	w.visit(checked.NativeRep().Expr(), 0)
	return w.out
}

const notEvaluated = "not evaluated"

// maxParts bounds the parts that are told of a rule.
const maxParts = 64

type partsWalker struct {
	info  *ast.SourceInfo
	state interpreter.EvalState
	out   []ExplainedPart
}

// visit tells the parts that say something: not constants, variables as such and the
// objects that fields are read from.
func (w *partsWalker) visit(x ast.Expr, depth int) {
	if len(w.out) >= maxParts {
		return
	}
	switch x.Kind() {
	case ast.LiteralKind, ast.IdentKind, ast.UnspecifiedExprKind:
		return
	}
	text, err := cel.ExprToString(x, w.info)
	if err != nil {
		return
	}
	value := w.value(x)
	w.out = append(w.out, ExplainedPart{Depth: depth, Expr: text, Value: value})
	if value == notEvaluated {
		return
	}
	switch x.Kind() {
	case ast.CallKind:
		c := x.AsCall()
		// A chain of the same operator is one list of parts.
		for _, a := range flat(c, x) {
			w.visit(a, depth+1)
		}
	case ast.ListKind:
		for _, a := range x.AsList().Elements() {
			w.visit(a, depth+1)
		}
	case ast.SelectKind:
		if o := x.AsSelect().Operand(); o.Kind() == ast.CallKind || o.Kind() == ast.ComprehensionKind {
			w.visit(o, depth+1)
		}
	case ast.ComprehensionKind:
		w.visit(x.AsComprehension().IterRange(), depth+1)
	}
}

// flat are the operands of a call; those of && and || without the nesting that the
// parser gives to chains.
func flat(c ast.CallExpr, x ast.Expr) (out []ast.Expr) {
	if c.IsMemberFunction() {
		out = append(out, c.Target())
	}
	f := c.FunctionName()
	for _, a := range c.Args() {
		if (f == operators.LogicalAnd || f == operators.LogicalOr) && a.Kind() == ast.CallKind && a.AsCall().FunctionName() == f {
			out = append(out, flat(a.AsCall(), a)...)
			continue
		}
		out = append(out, a)
	}
	return out
}

func (w *partsWalker) value(x ast.Expr) string {
	v, ok := w.state.Value(x.ID())
	if !ok || v == nil {
		return notEvaluated
	}
	s := render(v)
	if x.Kind() == ast.ComprehensionKind {
		if at := w.last(x.AsComprehension()); at != "" {
			s += ", last looked at " + at
		}
	}
	return s
}

// last names the segment or tool that a loop looked at last: the one that decided it.
func (w *partsWalker) last(c ast.ComprehensionExpr) (at string) {
	ast.PreOrderVisit(c.LoopStep(), ast.NewExprVisitor(func(x ast.Expr) {
		name := c.IterVar()
		if c.HasIterVar2() {
			name = c.IterVar2()
		}
		if x.Kind() != ast.IdentKind || x.AsIdent() != name {
			if x.Kind() != ast.SelectKind {
				return
			}
			if o := x.AsSelect().Operand(); o.Kind() != ast.IdentKind || o.AsIdent() != name {
				return
			}
			// The variable itself is not watched where a field of it is read.
			if v, ok := w.state.Value(x.ID()); ok && at == "" {
				at = "one whose " + x.AsSelect().FieldName() + " is " + render(v)
			}
			return
		}
		if v, ok := w.state.Value(x.ID()); ok {
			at = render(v)
		}
	}))
	return at
}

// maxRendered bounds a value that is told, in characters.
const maxRendered = 80

// render writes a value for people.
func render(v ref.Val) string {
	switch v := v.(type) {
	case *types.Err:
		return "error: " + reduce(v).Error()
	case *types.Unknown:
		return "not known"
	case types.String:
		return short(strconv.Quote(string(v)))
	case types.Double:
		return strconv.FormatFloat(float64(v), 'g', 6, 64)
	case types.Timestamp:
		return v.Format("2006-01-02T15:04:05Z07:00")
	case *segment:
		return short(fmt.Sprintf("%s (%s %s)", v.Path, v.Role, llm.SegmentKind(v.Kind)))
	case tool:
		return short("tool " + v.t.Name)
	case *verdict:
		return short(fmt.Sprintf("flagged %t, score %.3g, categories %s", v.Flagged, v.Score, strings.Join(v.Categories, " ")))
	case *list:
		if _, ok := v.sequence.(*selection); ok {
			return fmt.Sprintf("%d segments", v.size())
		}
		return fmt.Sprintf("%d elements", v.size())
	case *object:
		return v.Type().TypeName()
	case traits.Lister:
		var parts []string
		for it := v.Iterator(); it.HasNext() == types.True && len(parts) < 16; {
			parts = append(parts, render(it.Next()))
		}
		return short("[" + strings.Join(parts, ", ") + "]")
	case traits.Mapper:
		return fmt.Sprintf("%v entries", v.Size().Value())
	}
	return short(fmt.Sprint(v.Value()))
}

func short(s string) string {
	if r := []rune(s); len(r) > maxRendered {
		return string(r[:maxRendered-1]) + "…"
	}
	return s
}
