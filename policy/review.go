package policy

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/content"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Review holds one answer against the rules of a set that look at answers. It is a
// rewrite.Filter, through which every text of the answer must go: what its detectors
// find is held back until the rules have decided about it. It is not safe for
// concurrent use.
//
// The order of calls is Event (or Body) for what comes from the model, then the
// filter over the same, then Denied before anything of it goes to the client, and
// End before the last of it.
type Review struct {
	set    *Set
	ctx    context.Context // of the request, for classifiers
	x      *llm.Exchange
	env    RequestEnv
	said   *content.Content // nil if no rule reads more than what is found
	calls  int              // said.Changes at the latest check
	found  findings
	answer answerView
	fired  []bool // rules that have matched or failed, by index
	begun  bool
	ended  bool
	// texts and bytes are how much the detectors looked at, open how many texts
	// have begun and not ended.
	texts, open int
	bytes       int64
	denied      *llm.Denial
}

// Answers reports whether any rule looks at answers.
func (s *Set) Answers() bool { return len(s.answers) > 0 }

// Review begins the review of the answer to a request; nil if no rule looks at
// answers. env is kept: its headers must not change any more.
func (s *Set) Review(ctx context.Context, x *llm.Exchange, env RequestEnv) *Review {
	if len(s.answers) == 0 {
		return nil
	}
	r := &Review{set: s, ctx: ctx, x: x, env: env}
	r.Reset()
	return r
}

// Reset forgets the answer so far: another one comes instead.
func (r *Review) Reset() {
	*r = Review{set: r.set, ctx: r.ctx, x: r.x, env: r.env, fired: make([]bool, len(r.set.answers))}
	if r.set.readsAnswer {
		r.said = content.New(r.x.Dialect)
	}
}

// Watches reports whether the texts of the answer must go through the filter.
func (r *Review) Watches() bool { return len(r.set.watched.scanners) > 0 }

// Buffers reports whether the answer must be held until its end.
func (r *Review) Buffers() bool { return r.set.buffers }

// Holds reports whether the events so far must be held, because a tool call is not
// complete that a rule may refuse.
func (r *Review) Holds() bool { return r.set.holdsCalls && r.said != nil && r.said.Open() }

// Event reads one complete event of a stream, before the filter does.
func (r *Review) Event(ev []byte) error {
	r.begin()
	if r.said == nil {
		return nil
	}
	if err := r.said.Event(ev); err != nil {
		return err
	}
	if n := r.said.Changes(); n != r.calls && !r.said.Open() {
		r.calls = n
		r.check()
	}
	return nil
}

// Body reads a whole answer, before the filter does.
func (r *Review) Body(b []byte) error {
	r.begin()
	if r.said == nil {
		return nil
	}
	return r.said.Body(b)
}

// begin judges what does not depend on the answer.
func (r *Review) begin() {
	if !r.begun {
		r.begun = true
		r.check()
	}
}

// End judges the answer when it is there in full. It returns the refusal, as Denied
// does.
func (r *Review) End(status int, finish string, u llm.Usage) *llm.Denial {
	r.begun, r.ended = true, true
	if r.said != nil {
		r.said.End()
	}
	r.answer.status, r.answer.finish, r.answer.model, r.answer.usage = status, finish, u.Model, u
	r.judge(func(*rule) bool { return true })
	return r.denied
}

// Close ends the review, however the answer ended: the flags say what they have to
// say about one that broke off, and the record learns what was looked at.
func (r *Review) Close() {
	if r.begun && !r.ended && r.denied == nil {
		r.ended = true
		r.judge(func(r *rule) bool { return r.Action != ActionDeny })
		r.denied = nil
	}
	r.evidence()
	r.texts = 0
}

// Denied is the refusal of the answer, nil if there is none so far.
func (r *Review) Denied() *llm.Denial { return r.denied }

// check asks the rules that can be decided early.
func (r *Review) check() { r.judge(func(r *rule) bool { return r.use.early }) }

// judge asks rules in their order, each until it has matched once. What a flag finds
// is noted once.
func (r *Review) judge(which func(*rule) bool) {
	if r.denied != nil {
		return
	}
	e := newEvaluation(r.x, r.env)
	defer e.release()
	e.clock = r.set.clock
	defer func(from int) { r.set.sign(r.x, r.env, from) }(len(r.x.Decisions))
	r.answer.said, r.answer.found = r.said, &r.found
	r.answer.segmented, r.answer.called = false, false
	e.answer, e.watched = &r.answer, &r.set.watched
	for i := range r.set.answers {
		rule := &r.set.answers[i]
		if r.fired[i] || !which(rule) {
			continue
		}
		matched, err := rule.matches(e, r.set)
		if errors.Is(err, errPending) && rule.beside && r.env.Beside != nil {
			if !r.ended {
				continue // another goroutine must not read what goes on growing
			}
			r.fired[i] = true
			r.env.Beside(rule.later(e, r.set))
			continue
		}
		if errors.Is(err, errPending) {
			e.ask(r.ctx)
			matched, err = rule.decided(r.ctx, e, r.set)
		}
		if err == nil && !matched {
			continue
		}
		r.fired[i] = true
		if d := rule.apply(e, err); d != nil {
			r.denied = d
			return
		}
	}
}

// Blocked notes in the record that an answer was stopped, and after how many bytes
// of it.
func (r *Review) Blocked(sent int64) {
	if r.denied == nil {
		return
	}
	for i := len(r.x.Decisions) - 1; i >= 0; i-- {
		if d := &r.x.Decisions[i]; d.Module == "policy" && d.Rule == r.denied.Rule {
			after := fmt.Sprintf("response: after %d bytes", sent)
			if d.Detail != "" {
				after += "; " + d.Detail
			}
			d.Detail = after
			return
		}
	}
}
