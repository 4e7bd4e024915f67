package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// Set is a compiled list of rules. It is immutable and safe for concurrent use.
type Set struct {
	rules []rule // that judge requests
	// answers are those that judge answers; watched is what they look for.
	answers     []rule
	watched     watched
	readsAnswer bool // a rule reads more of an answer than is looked for
	buffers     bool // a rule needs the whole answer before any of it may leave
	holdsCalls  bool // a rule may refuse a tool call
	names       []string
	hash        string
	needsBody   bool
	// readsTexts is true if a rule that can refuse reads the texts of requests.
	readsTexts bool
	// answersRead is the same for what answers say.
	answersRead bool
	costLimit   uint64
	deadline    time.Duration
	clock       func() time.Time
}

// rule is one compiled rule.
type rule struct {
	Rule
	program   cel.Program
	needsBody bool
	texts     bool // reads the texts of the request
	model     bool // reads the name of the model
	clocked   bool // anything in it reads the clock
	beside    bool // may wait for a classifier while the request goes on
	use       answerUse
	phrases   map[string]bool // all strings in it, as has_phrase() looks for them
}

// Compile compiles the rules. All errors are *CompileError; the first one ends
// the compilation. The set of no rules is valid and allows everything.
func Compile(rules []Rule, opts ...Option) (*Set, error) {
	o := options{costLimit: DefaultCostLimit, deadline: DefaultDeadline, clock: time.Now}
	for _, opt := range opts {
		opt(&o)
	}
	s := &Set{costLimit: o.costLimit, deadline: o.deadline, clock: o.clock}
	if len(rules) == 0 {
		s.hash = hashRules(nil, &o)
		return s, nil
	}
	lang, err := o.language()
	if err != nil {
		return nil, &CompileError{Rule: rules[0].Name, Msg: "the language of rules cannot be built", Err: err}
	}
	seen := make(map[string]bool, len(rules))
	var all []rule
	for _, r := range rules {
		if r.In == "" {
			r.In = InRequest
		}
		if r.Enforcement == "" {
			r.Enforcement = EnforceOn
		}
		patient := r.OnError != OnErrorDeny || r.Enforcement == EnforceShadow
		if r.OnError == "" {
			r.OnError = OnErrorDeny
		}
		if err := check(&r); err != nil {
			return nil, err
		}
		if seen[r.Name] {
			return nil, &CompileError{Rule: r.Name, Msg: "another rule has the same name"}
		}
		seen[r.Name] = true
		c, err := compile(r, lang, &o)
		if err != nil {
			return nil, err
		}
		c.beside = c.beside && patient
		all = append(all, *c)
		s.names = append(s.names, r.Name)
		if r.In != InResponse {
			s.rules = append(s.rules, *c)
			s.needsBody = s.needsBody || c.needsBody
			s.readsTexts = s.readsTexts || c.texts && r.Enforcement != EnforceShadow && r.OnError == OnErrorDeny
		}
		if r.In != InRequest {
			s.answers = append(s.answers, *c)
			s.watched.add(&c.use)
			s.readsAnswer = s.readsAnswer || c.use.whole || !c.use.early
			if r.Action == ActionDeny && r.Enforcement != EnforceShadow {
				s.answersRead = s.answersRead || c.use.texts && r.OnError == OnErrorDeny
				s.buffers = s.buffers || r.Buffer
				s.holdsCalls = s.holdsCalls || c.use.calls
			}
		}
	}
	s.watched.ready()
	s.hash = hashRules(all, &o)
	return s, nil
}

// NeedsBody reports whether any rule looks at what is in the body: if so, the
// Exchange should have its View when Evaluate is called.
func (s *Set) NeedsBody() bool { return s.needsBody }

// Len returns the number of rules.
func (s *Set) Len() int { return len(s.names) }

// Names returns the names of the rules, in order.
func (s *Set) Names() []string { return slices.Clone(s.names) }

// Hash returns the SHA-256 of the rules and their limits in lower-case hex: two
// sets with the same hash judge alike.
func (s *Set) Hash() string { return s.hash }

// hashRules hashes every part with its length before it, so that no two
// different sets give the same bytes.
func hashRules(rules []rule, o *options) string {
	h := sha256.New()
	fmt.Fprintf(h, "llm-policy-2 %d %d %d\n", len(rules), o.costLimit, o.deadline)
	for i := range rules {
		r := &rules[i]
		parts := []string{r.Name, r.Action, r.Expr, r.Message, r.Enforcement, r.OnError, r.In, r.Model, r.Header,
			fmt.Sprint(r.Buffer, r.Sample, r.MaxTokens, int64(r.Expires), len(r.Settings), len(r.Tags), len(r.Tools), len(r.Values))}
		for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
			parts = append(parts, name, r.Settings[name])
		}
		for _, part := range slices.Concat(parts, r.Tags, r.Tools, r.Values) {
			fmt.Fprintf(h, "%d:%s\n", len(part), part)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// check validates what is not the expression.
func check(r *Rule) error {
	bad := func(format string, args ...any) error {
		return &CompileError{Rule: r.Name, Msg: fmt.Sprintf(format, args...)}
	}
	switch {
	case r.Name == "":
		return bad("a rule needs a name")
	case len(r.Name) > 128 || !utf8.ValidString(r.Name) ||
		strings.ContainsFunc(r.Name, func(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) }):
		return bad("the name must be printable, without spaces and at most 128 bytes long")
	case !slices.Contains(actions, r.Action):
		return bad("unknown action %q (want %s)", r.Action, strings.Join(actions, ", "))
	case r.Enforcement != EnforceOn && r.Enforcement != EnforceShadow && r.Enforcement != EnforceSample:
		return bad("unknown enforcement %q (want on, shadow or sample)", r.Enforcement)
	case (r.Enforcement == EnforceSample) != (r.Sample != 0) || r.Sample < 0 || r.Sample > 99:
		return bad("enforcement sample takes a percentage from 1 to 99")
	case r.In != InRequest && r.In != InResponse && r.In != InBoth:
		return bad("unknown in %q (want request, response or both)", r.In)
	case r.In != InRequest && r.Action != ActionDeny && r.Action != ActionFlag && r.Action != ActionTag:
		return bad("%s changes requests: it cannot be in %s", r.Action, r.In)
	case r.Buffer && (r.In == InRequest || r.Action != ActionDeny):
		return bad("buffer holds an answer for a deny rule that judges answers")
	case r.OnError != OnErrorDeny && r.OnError != OnErrorAllow:
		return bad("unknown on_error %q (want deny or allow)", r.OnError)
	case strings.TrimSpace(r.Expr) == "":
		return bad("the expression is empty")
	case !utf8.ValidString(r.Expr) || !utf8.ValidString(r.Message):
		return bad("the expression or the message is not valid UTF-8")
	case strings.ContainsFunc(r.Message, unicode.IsControl):
		return bad("the message contains a control character")
	}
	return checkAction(r, bad)
}

// compile compiles one checked rule. A panic of the compiler becomes an error:
// no expression may take the server down.
func compile(r Rule, lang *language, o *options) (c *rule, err error) {
	defer func() {
		if p := recover(); p != nil {
			c, err = nil, &CompileError{Rule: r.Name, Msg: "the expression cannot be compiled", Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	checked, issues := lang.env.Compile(r.Expr)
	if issues.Err() != nil {
		return nil, issueError(r, issues)
	}
	fail := func(id int64, format string, args ...any) error {
		e := &CompileError{Rule: r.Name, Line: 1, Column: 1, Msg: fmt.Sprintf(format, args...)}
		if loc := checked.NativeRep().SourceInfo().GetStartLocation(id); loc.Line() > 0 {
			e.Line, e.Column = loc.Line(), max(loc.Column()+1, 1)
		}
		return e
	}
	if !checked.OutputType().IsExactType(cel.BoolType) {
		return nil, fail(0, "the expression gives %s; a rule must give a bool (true means that it matches)",
			cel.FormatCELType(checked.OutputType()))
	}
	u := inspect(checked.NativeRep())
	if u.makes != 0 {
		return nil, fail(u.makes, "a rule can't make objects")
	}
	answer, err := checkAnswer(&r, checked.NativeRep(), u, fail)
	if err != nil {
		return nil, err
	}
	if id, msg := checkLists(checked.NativeRep()); msg != "" {
		return nil, fail(id, "%s", msg)
	}
	if id, msg := checkSchemas(checked.NativeRep()); msg != "" {
		return nil, fail(id, "%s", msg)
	}
	if id, msg := checkLiterals(checked.NativeRep()); msg != "" {
		return nil, fail(id, "%s", msg)
	}
	if id, msg := checkDetectors(checked.NativeRep(), o.detectors); msg != "" {
		return nil, fail(id, "%s", msg)
	}
	asks, id, msg := checkClassifiers(checked.NativeRep(), o.classifiers)
	if msg != "" {
		return nil, fail(id, "%s", msg)
	}
	prog, err := plan(lang, checked, u, o)
	var refused *planError
	if errors.As(err, &refused) {
		return nil, fail(refused.id, "%s", refused.msg)
	}
	if err != nil {
		return nil, &CompileError{Rule: r.Name, Line: 1, Column: 1, Msg: "the expression cannot be planned: " + err.Error(), Err: err}
	}
	return &rule{Rule: r, program: prog, needsBody: u.body, texts: u.texts, model: u.model, clocked: len(u.loops) > 0 || u.calls, use: answer, phrases: u.phrases,
		beside: asks && (r.Action == ActionFlag || r.Enforcement == EnforceShadow)}, nil
}

// issueError makes an error of the first thing that the parser or the checker
// complained about.
func issueError(r Rule, issues *cel.Issues) error {
	e := &CompileError{Rule: r.Name, Line: 1, Column: 1, Msg: "the expression is not valid", Err: issues.Err()}
	if errs := issues.Errors(); len(errs) > 0 {
		first := errs[0]
		// Other complaints often follow from the earliest one.
		for _, x := range errs[1:] {
			if x.Location.Line() < first.Location.Line() ||
				(x.Location.Line() == first.Location.Line() && x.Location.Column() < first.Location.Column()) {
				first = x
			}
		}
		e.Msg = clearer(strings.TrimPrefix(strings.ReplaceAll(first.Message, " (in container '')", ""), "Syntax error: "))
		if first.Location.Line() > 0 {
			e.Line, e.Column = first.Location.Line(), max(first.Location.Column()+1, 1)
		}
	}
	return e
}

// usage is what an expression touches.
type usage struct {
	texts    bool             // the texts of the request
	body     bool             // anything that is read from the body
	model    bool             // the name of the model
	response int64            // id of a use of `response`, 0 if none
	makes    int64            // id of an object literal, 0 if none
	calls    bool             // calls a function that pays
	loops    map[int64]uint64 // nodes that pay for an iteration, and how much
	phrases  map[string]bool  // all strings, as has_phrase() looks for them
}

// inspect walks a checked expression.
func inspect(a *ast.AST) usage {
	u := usage{loops: map[int64]uint64{}, phrases: map[string]bool{}}
	refs := a.ReferenceMap()
	bodyless := map[int64]bool{} // operands of llm.dialect
	named := map[int64]bool{}    // operands of llm and a field
	global := func(e ast.Expr, want string) bool {
		if e.Kind() != ast.IdentKind || e.AsIdent() != want {
			return false
		}
		ref := refs[e.ID()]
		return ref != nil && ref.Name == want
	}
	visit := func(e ast.Expr) {
		switch e.Kind() {
		case ast.SelectKind:
			if s := e.AsSelect(); global(s.Operand(), "llm") {
				named[s.Operand().ID()] = true
				bodyless[s.Operand().ID()] = s.FieldName() == "dialect"
				u.model = u.model || s.FieldName() == "model"
			}
		case ast.IdentKind:
			switch {
			case global(e, "response"):
				if u.response == 0 {
					u.response = e.ID()
				}
			case global(e, "prompt"), global(e, "content"):
				u.body, u.texts = true, true
			case global(e, "llm"):
				u.body = u.body || !bodyless[e.ID()]
				u.model = u.model || !named[e.ID()]
			}
		case ast.StructKind:
			u.makes = e.ID()
		case ast.CallKind:
			switch f := e.AsCall().FunctionName(); f {
			case operators.Index, "has_phrase": // names of headers and phrases that the request brings
				u.calls = true
			default:
				u.calls = u.calls || guardOf(f, "") != nil
			}
		case ast.LiteralKind:
			if s, ok := e.AsLiteral().(types.String); ok {
				u.phrases[words(string(s))] = true
			}
		case ast.ComprehensionKind:
			id, units := loopNode(e.AsComprehension())
			u.loops[id] += units // macros may give two nodes one id
		}
	}
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(visit))
	return u
}

// clearer adds to a complaint of the checker what an author may not know.
func clearer(msg string) string {
	if field, ok := quoted(msg, "undefined field '"); ok {
		if near := nearest(field); near != "" {
			return msg + "; did you mean '" + near + "'?"
		}
	}
	switch {
	case strings.HasPrefix(msg, "undeclared reference to '"):
		return msg + "; there are llm, prompt, caller, request, budget, response, content and now, and the functions of CEL's standard library"
	}
	return msg
}

// quoted returns what stands between prefix and the next quote.
func quoted(msg, prefix string) (string, bool) {
	rest, ok := strings.CutPrefix(msg, prefix)
	if !ok {
		return "", false
	}
	s, _, ok := strings.Cut(rest, "'")
	return s, ok
}

// nearest returns the field, of any of our types, that differs least from a
// misspelt one, empty when none is near. Few people misspell the first letter.
func nearest(field string) string {
	best, least := "", 2*min(len(field)/2, 3)+1
	for _, st := range structs {
		for _, n := range st.names {
			score := 2 * distance(field, n)
			if field == "" || field[0] != n[0] {
				score++
			}
			if score > 0 && score < least {
				best, least = n, score
			}
		}
	}
	return best
}

// distance is the number of bytes to insert, delete or replace to make b of a,
// at most 32 when one of them is long.
func distance(a, b string) int {
	if len(a) > 32 || len(b) > 32 {
		return 32
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diag
			if a[i] != b[j] {
				d = 1 + min(diag, row[j], row[j+1])
			}
			diag, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
