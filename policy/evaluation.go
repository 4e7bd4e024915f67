package policy

import (
	"sync"
	"time"

	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// evaluation is the state of one Evaluate: what the variables of the rules read
// from, and what was already read. It is reused; values made from it live no
// longer than the Evaluate.
type evaluation struct {
	x   *llm.Exchange
	env RequestEnv

	objects    [numRoots]object
	memo       [numSlots]ref.Val
	selections [numSelections]selection
	lists      [numSelections]list
	tools      tools
	toolList   list
	headers    headers
	results    map[resultKey]ref.Val
	// answer is what there is of the answer, nil while a request is judged; watched
	// is what was looked for in its texts.
	answer  *answerView
	watched *watched
	asked   *llm.View // the caller's own request
	asides  asides
	// balances are the budgets, once counted.
	balances []Budget
	counted  bool
	routed   bool // a route rule has chosen the model
	bare     bool // the rule at work was last evaluated without the provider before the model

	// What classifiers were asked and said, and what the rule at work would ask.
	answers map[question]answer
	wanted  []question

	scratch [2]ref.Val // arguments of the call that is being judged by its guard

	// The meter of the running rule (see meter.go).
	phrases   map[string]bool // that stand in the rule: see payPhrase
	paid      bool            // what the next detector takes counts
	fuel      uint64
	patience  uint64 // the clock counts only once this much fuel or less is left
	sinceLook uint64
	deadline  time.Time
	clock     func() time.Time
}

// resultKey names a result that functions keep for the rest of the request: what
// was computed, and on which list of segments.
type resultKey struct {
	function string
	segments selectionKind
}

// result returns what f computes on a list, computing it when it is first asked
// for by any rule.
func (e *evaluation) result(k resultKey, f func() ref.Val) ref.Val {
	v, ok := e.results[k]
	if !ok {
		if v = f(); e.results == nil {
			e.results = make(map[resultKey]ref.Val)
		}
		e.results[k] = v
	}
	return v
}

var evaluations = sync.Pool{New: func() any {
	e := &evaluation{}
	for i := range e.objects {
		e.objects[i] = object{root: root(i), e: e}
	}
	for i := range e.selections {
		e.selections[i].e, e.selections[i].kind = e, selectionKind(i)
		e.lists[i].sequence = &e.selections[i]
	}
	e.tools.e = e
	e.toolList.sequence = &e.tools
	e.headers.e = e
	return e
}}

func newEvaluation(x *llm.Exchange, env RequestEnv) *evaluation {
	e := evaluations.Get().(*evaluation)
	e.x, e.env, e.asked = x, env, x.View
	return e
}

// release gives the evaluation back, holding nothing of the request.
func (e *evaluation) release() {
	e.balances, e.counted = nil, false
	e.x, e.env, e.answer, e.watched, e.asked, e.routed = nil, RequestEnv{}, nil, nil, nil, false
	clear(e.memo[:])
	clear(e.results)
	clear(e.answers)
	e.wanted = e.wanted[:0]
	clear(e.scratch[:])
	for i := range e.selections {
		e.selections[i].reset()
	}
	e.headers.all = nil
	e.asides.forget()
	evaluations.Put(e)
}

// ResolveName implements interpreter.Activation.
func (e *evaluation) ResolveName(name string) (any, bool) {
	switch name {
	case meterName:
		return e, true
	case "llm":
		return &e.objects[rootLLM], true
	case "prompt":
		return &e.objects[rootPrompt], true
	case "caller":
		return &e.objects[rootCaller], true
	case "request":
		return &e.objects[rootRequest], true
	case "budget":
		return &e.objects[rootBudget], true
	case "response":
		return &e.objects[rootResponse], true
	case "content":
		if e.answer != nil {
			return e.segments(selectAnswer), true
		}
		return e.segments(selectAll), true
	case "now":
		return e.now(), true
	}
	return nil, false
}

// Parent implements interpreter.Activation.
func (e *evaluation) Parent() interpreter.Activation { return nil }
