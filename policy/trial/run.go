package trial

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Result is one case in one dialect, whole or streamed.
type Result struct {
	Case    string `json:"case"`
	Dialect string `json:"dialect"`
	Stream  bool   `json:"stream"`
	OK      bool   `json:"ok"`
	// Got is what came of it, in short; Problems what differs from what was expected.
	Got      string   `json:"got"`
	Problems []string `json:"problems,omitempty"`
}

// defaultDialects are those that a request in words is tried in.
var defaultDialects = []string{"chat", "messages", "responses"}

// Run tries all cases of a file.
func Run(ctx context.Context, f *File, r Runner) []Result {
	var out []Result
	for i := range f.Cases {
		out = append(out, f.Cases[i].run(ctx, r)...)
	}
	return out
}

func (c *Case) run(ctx context.Context, r Runner) (out []Result) {
	if c.Path != "" {
		return []Result{c.try(ctx, r, llm.DialectNone, false)}
	}
	names := c.Dialects
	if len(names) == 0 {
		names = defaultDialects
	}
	for _, name := range names {
		for _, stream := range []bool{false, true} {
			if c.Stream == nil || *c.Stream == stream {
				out = append(out, c.try(ctx, r, dialectNames[name], stream))
			}
		}
	}
	return out
}

// try runs a case once.
func (c *Case) try(ctx context.Context, r Runner, d llm.Dialect, stream bool) Result {
	res := Result{Case: c.Name, Dialect: d.String(), Stream: stream}
	fail := func(err error) Result {
		res.Got, res.Problems = "error", []string{err.Error()}
		return res
	}
	req, err := c.request(d, stream)
	if err != nil {
		return fail(err)
	}
	got, err := r.Run(ctx, req)
	if err != nil {
		return fail(err)
	}
	res.Dialect, res.Got = got.Dialect.String(), summary(got)
	res.Stream = strings.HasPrefix(req.Type, "text/event-stream")
	res.Problems = c.Expect.compare(got)
	res.OK = len(res.Problems) == 0
	return res
}

// summary tells an outcome in a few words.
func summary(o *Outcome) string {
	var said []string
	for _, d := range o.Decisions {
		if d.Module == "policy" && (o.Denied == nil || d.Rule != o.Denied.Rule) {
			said = append(said, d.Rule+" "+d.Action)
		}
	}
	s := "allow"
	if o.Denied != nil {
		s = fmt.Sprintf("deny %d %s", o.Denied.Status, o.Denied.Code)
		if o.Denied.Rule != "" {
			s += " by " + o.Denied.Rule
		}
	}
	if len(said) > 0 {
		s += " (" + strings.Join(said, ", ") + ")"
	}
	return s
}

// compare says what differs from what was expected.
func (e *Expect) compare(o *Outcome) (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	decision := "allow"
	if o.Denied != nil {
		decision = "deny"
	}
	if decision != e.Decision {
		bad("decision: got %s, want %s", summary(o), e.Decision)
		return problems // the rest follows from it
	}
	said := map[string][]string{}
	for _, d := range o.Decisions {
		if d.Module == "policy" {
			said[d.Rule] = append(said[d.Rule], d.Action)
		}
	}
	if e.Rule != "" {
		switch {
		case o.Denied != nil && o.Denied.Rule != e.Rule:
			bad("rule: refused by %q, want %s", o.Denied.Rule, e.Rule)
		case o.Denied == nil && said[e.Rule] == nil:
			bad("rule: %s had nothing to say", e.Rule)
		}
	}
	if e.Action != "" && !slices.Contains(said[e.Rule], e.Action) {
		bad("action: %s said %q, want %s", e.Rule, strings.Join(said[e.Rule], ", "), e.Action)
	}
	if e.Code != "" && (o.Denied == nil || o.Denied.Code != e.Code) {
		bad("code: got %s, want %s", codeOf(o), e.Code)
	}
	if e.Message != "" && (o.Denied == nil || !strings.Contains(o.Denied.Message, e.Message)) {
		bad("message: %q is not in it", e.Message)
	}
	for _, rule := range e.Matched {
		if said[rule] == nil {
			bad("matched: %s had nothing to say", rule)
		}
	}
	for _, rule := range e.Silent {
		if said[rule] != nil {
			bad("silent: %s said %s", rule, strings.Join(said[rule], ", "))
		}
	}
	if e.Tags != nil && !slices.Equal(*e.Tags, o.Tags) && len(*e.Tags)+len(o.Tags) > 0 {
		bad("tags: got %q, want %q", o.Tags, *e.Tags)
	}
	problems = append(problems, e.compareSent(o)...)
	return append(problems, e.compareAnswer(o)...)
}

func codeOf(o *Outcome) string {
	if o.Denied == nil {
		return "none"
	}
	return o.Denied.Code
}

func (e *Expect) compareSent(o *Outcome) (problems []string) {
	if e.Sent == nil && e.SentHas == nil && e.SentLacks == nil && e.Model == "" && e.MaxTokens == 0 && e.Tools == nil {
		return nil
	}
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if o.Sent == nil {
		return []string{"sent: nothing would be sent"}
	}
	s, err := readSent(o.Dialect, o.Sent)
	if err != nil {
		return []string{err.Error()}
	}
	if e.Sent != nil && s.last != *e.Sent {
		bad("sent: got %q, want %q", s.last, *e.Sent)
	}
	all := strings.Join(s.texts, "\n")
	for _, part := range e.SentHas {
		if !strings.Contains(all, part) {
			bad("sent_has: %q is not in what would be sent", part)
		}
	}
	for _, part := range e.SentLacks {
		if strings.Contains(all, part) || strings.Contains(string(o.Sent), part) {
			bad("sent_lacks: %q is in what would be sent", part)
		}
	}
	if e.Model != "" && o.Model != e.Model {
		bad("model: got %s, want %s", o.Model, e.Model)
	}
	if e.MaxTokens != 0 && s.view.MaxTokens != e.MaxTokens {
		bad("max_tokens: got %d, want %d", s.view.MaxTokens, e.MaxTokens)
	}
	if e.Tools != nil && !slices.Equal(*e.Tools, s.tools()) {
		bad("tools: got %q, want %q", s.tools(), *e.Tools)
	}
	return problems
}

func (e *Expect) compareAnswer(o *Outcome) (problems []string) {
	if e.Answer == nil && e.AnswerHas == nil && e.AnswerLacks == nil {
		return nil
	}
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	text, arguments, err := readAnswer(o.Dialect, o.AnswerType, o.Answer)
	if err != nil && e.Decision == "allow" {
		return []string{"answer: " + err.Error()}
	}
	if e.Answer != nil && text != *e.Answer {
		bad("answer: got %q, want %q", text, *e.Answer)
	}
	for _, part := range e.AnswerHas {
		if !strings.Contains(text, part) && !strings.Contains(arguments, part) {
			bad("answer_has: %q is not in the answer", part)
		}
	}
	for _, part := range e.AnswerLacks {
		if strings.Contains(text, part) || strings.Contains(arguments, part) || strings.Contains(string(o.Answer), part) {
			bad("answer_lacks: %q is in the answer", part)
		}
	}
	return problems
}
