package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/classify"
)

// Classifiers outside the gateway take as long as they take, and CEL cannot wait.
// classify() therefore never asks: the first time that a rule needs an answer, the
// call has no value yet, CEL works out what does not depend on it, and if that does
// not decide the rule, all that it has asked for is asked at once and the rule is
// evaluated again. A rule that is false without the classifier never asks it.

// verdictType is what classify() gives.
var verdictType = newStruct("gateway.Verdict",
	field("flagged", types.BoolType, func(v *verdict) ref.Val { return types.Bool(v.Flagged) }),
	field("score", types.DoubleType, func(v *verdict) ref.Val { return types.Double(v.Score) }),
	field("categories", cel.ListType(cel.StringType), func(v *verdict) ref.Val {
		return types.NewStringList(types.DefaultTypeAdapter, v.Categories)
	}),
	field("scores", cel.MapType(cel.StringType, cel.DoubleType), func(v *verdict) ref.Val {
		return types.DefaultTypeAdapter.NativeToValue(v.Scores)
	}),
)

// verdict is a classifier's verdict as a CEL value.
type verdict struct {
	opaque
	classify.Verdict
}

// ConvertToType implements ref.Val.
func (v *verdict) ConvertToType(t ref.Type) ref.Val { return convert(v, t) }

// Equal implements ref.Val.
func (v *verdict) Equal(other ref.Val) ref.Val { return types.Bool(ref.Val(v) == other) }

// Type implements ref.Val.
func (v *verdict) Type() ref.Type { return verdictType.typ }

// Value implements ref.Val.
func (v *verdict) Value() any { return v }

// Get implements traits.Indexer, for dynamic access.
func (v *verdict) Get(name ref.Val) ref.Val { return verdictType.selectField(v, name) }

// IsSet implements traits.FieldTester, for dynamic access.
func (v *verdict) IsSet(name ref.Val) ref.Val { return verdictType.hasField(v, name) }

// classifyName is the name of the function.
const classifyName = "classify"

// classifyFunction declares classify(name, list).
func classifyFunction() cel.EnvOption {
	return cel.Function(classifyName, cel.Overload("classify_string_segments",
		[]*cel.Type{cel.StringType, cel.ListType(segmentType.typ)}, verdictType.typ,
		cel.BinaryBinding(func(name, v ref.Val) ref.Val {
			n, ok := name.(types.String)
			l, ok2 := v.(*list)
			if !ok || !ok2 {
				return types.MaybeNoSuchOverloadErr(v)
			}
			s, ok := l.sequence.(*selection)
			if !ok {
				return types.MaybeNoSuchOverloadErr(v)
			}
			if a := s.e.answer; s.kind == selectAnswer && (a == nil || a.said == nil || a.said.Short()) {
				return tooLarge() // it would be judged in part
			}
			return s.e.verdict(question{string(n), s.kind})
		})))
}

// question is what a rule asks a classifier.
type question struct {
	name     string
	segments selectionKind
}

// answer is what came of it.
type answer struct {
	verdict *verdict
	err     error
}

var (
	errPending    = errors.New("a classifier has not been asked yet")
	errClassifier = errors.New("a classifier did not answer")
)

// verdict returns the answer to a question, or an unknown value if nobody has asked
// it yet.
func (e *evaluation) verdict(q question) ref.Val {
	if a, ok := e.answers[q]; ok {
		if a.err != nil {
			return types.WrapErr(errClassifier)
		}
		return a.verdict
	}
	if !slices.Contains(e.wanted, q) {
		e.wanted = append(e.wanted, q)
	}
	return types.NewUnknown(1, nil)
}

// ask asks all that the rule at work has wanted, at once.
func (e *evaluation) ask(ctx context.Context) {
	answers := make([]answer, len(e.wanted))
	texts := make([][]classify.Text, len(e.wanted))
	tenant := tenantOf(e.x.Principal)
	var wg sync.WaitGroup
	for i, q := range e.wanted {
		texts[i] = e.selections[q.segments].texts()
		if e.env.Classifiers == nil {
			answers[i].err = errClassifier
			continue
		}
		wg.Go(func() {
			answers[i].err = errClassifier
			defer func() { _ = recover() }() // one broken answer is no reason to end the process
			v, err := e.env.Classifiers.Ask(ctx, classify.Question{Name: q.name, Tenant: tenant, Answer: q.segments == selectAnswer, Texts: texts[i]})
			answers[i] = answer{&verdict{Verdict: v}, err}
		})
	}
	wg.Wait()
	if e.answers == nil {
		e.answers = map[question]answer{}
	}
	for i, q := range e.wanted {
		e.answers[q] = answers[i]
		e.x.Scanned(evidenceOf(q, texts[i], answers[i]))
	}
	e.wanted = e.wanted[:0]
}

// texts are the texts of the list that say anything.
func (s *selection) texts() (texts []classify.Text) {
	for i := range s.size() {
		if g := (*llm.Segment)(s.at(i).(*segment)); g.Text != "" {
			texts = append(texts, classify.Text{Text: g.Text, Document: selectToolResults.includes(g)})
		}
	}
	return texts
}

// tenantOf names whom the texts of a request belong to.
func tenantOf(p *llm.Principal) string {
	if p == nil {
		return ""
	}
	return strings.Join([]string{p.Org, p.Team, p.Key, p.User}, "\x00")
}

// evidenceOf says for the record what came of a question.
func evidenceOf(q question, texts []classify.Text, a answer) llm.Scan {
	e := llm.Scan{Detector: classifyName + ":" + q.name, Where: listNames[q.segments], Texts: len(texts), Verdict: llm.ScanClear}
	for i := range texts {
		e.Bytes += int64(len(texts[i].Text))
	}
	switch {
	case a.err != nil:
		e.Verdict = llm.ScanUnfinished
	case a.verdict.Flagged:
		e.Verdict, e.Found = llm.ScanFound, max(len(a.verdict.Categories), 1)
	}
	return e
}

// decided evaluates a rule as often as its classifiers need.
func (r *rule) decided(ctx context.Context, e *evaluation, s *Set) (matched bool, err error) {
	for matched, err = r.matches(e, s); errors.Is(err, errPending); matched, err = r.matches(e, s) {
		e.ask(ctx)
	}
	return matched, err
}

// Findings are what an evaluation adds to an Exchange.
type Findings struct {
	Decisions []llm.Decision
	Scans     []llm.Scan
}

// later returns the evaluation of a rule that waits for classifiers and refuses
// nothing, for another goroutine. The request goes on meanwhile, so it works on what
// the request is now. The answers that there are already are kept.
func (r *rule) later(e *evaluation, s *Set) func(ctx context.Context) Findings {
	x := &llm.Exchange{
		ID: e.x.ID, Start: e.x.Start, Server: e.x.Server, ClientIP: e.x.ClientIP, Method: e.x.Method, Path: e.x.Path,
		Family: e.x.Family, Dialect: e.x.Dialect, Principal: e.x.Principal, View: e.x.View, Changes: e.x.Changes,
	}
	env := e.env
	env.Headers = env.Headers.Clone()
	// Where the caller stands is read from the request, which goes on.
	balances := e.budgets()
	env.Budgets = func() []Budget { return balances }
	answer, watched := e.answer.snapshot(), e.watched
	return func(ctx context.Context) Findings {
		e := newEvaluation(x, env)
		defer e.release()
		e.clock, e.answer, e.watched = s.clock, answer, watched
		// Clients hang up when they have the answer, or what they wanted of it, and must not
		// escape a flag by that; the classifier's timeout bounds it.
		ctx = context.WithoutCancel(ctx)
		matched, err := r.decided(ctx, e, s)
		if err != nil || matched {
			patient := *r
			patient.OnError = OnErrorAllow
			patient.decide(x, err)
		}
		return Findings{x.Decisions, x.Scans}
	}
}

// checkClassifiers refuses calls of classify() whose classifier cannot be known while
// the configuration is read, or is not known.
func checkClassifiers(a *ast.AST, known []string) (asks bool, id int64, msg string) {
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != classifyName || msg != "" {
			return
		}
		asks = true
		name := e.AsCall().Args()[0]
		s, ok := "", false
		if name.Kind() == ast.LiteralKind {
			s, ok = name.AsLiteral().Value().(string)
		}
		switch {
		case !ok:
			id, msg = name.ID(), "the first argument of classify() must be the name of a classifier in quotes"
		case len(known) == 0:
			id, msg = name.ID(), fmt.Sprintf("no classifier %q: none is configured; add `classifier %s { … }` to the global option llm_gateway", s, s)
		case !slices.Contains(known, s):
			id, msg = name.ID(), fmt.Sprintf("no classifier %q; known are %s", s, strings.Join(known, ", "))
		}
	}))
	return asks, id, msg
}

// WithClassifiers names the classifiers that rules may ask.
func WithClassifiers(names ...string) Option {
	return func(o *options) { o.classifiers = slices.Sorted(slices.Values(names)) }
}
