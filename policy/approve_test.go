package policy

import (
	"context"
	"crypto/sha256"
	"net/http"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// agreeing is an Approver that agrees to everything and remembers what it was asked.
type agreeing struct{ asked []Question }

func (a *agreeing) Approve(q Question, _ string, _ time.Time) (Approval, error) {
	a.asked = append(a.asked, q)
	return Approval{ID: "apr_x", State: ApprovalGranted}, nil
}

// A call whose body nobody has read has no digest: it cannot be approved.
func TestApproveWithoutView(t *testing.T) {
	s, err := Compile([]Rule{{Name: "r", Action: ActionApprove, Expr: "true"}})
	if err != nil {
		t.Fatal(err)
	}
	for method, ok := range map[string]bool{http.MethodPost: false, http.MethodPut: false, http.MethodPatch: false, "": false, http.MethodGet: true, http.MethodDelete: true} {
		a := new(agreeing)
		x := &llm.Exchange{Method: method, Path: "/v1/files", Dialect: llm.Objects}
		d := s.Evaluate(context.Background(), x, RequestEnv{Approvals: a, Headers: http.Header{}})
		if ok != (d == nil) || ok != (len(a.asked) == 1) || d != nil && (d.Code != llm.CodeUnscannable || d.Status != 422) {
			t.Errorf("%s: %v, asked %d times", method, d, len(a.asked))
		}
	}
}

// What a person agreed to cannot be sent as another call: the digest holds all that
// decides what a call does, and nothing that changes from one try to the next.
func TestDigestHoldsTheCall(t *testing.T) {
	s, err := Compile([]Rule{{Name: "r", Action: ActionApprove, Expr: "true"}})
	if err != nil {
		t.Fatal(err)
	}
	digest := func(change func(x *llm.Exchange, env *RequestEnv)) [sha256.Size]byte {
		t.Helper()
		a := new(agreeing)
		x := &llm.Exchange{Method: http.MethodPost, Path: "/v1/messages", Dialect: llm.Messages, View: &llm.View{Model: "m", Raw: []byte(`{"model":"m"}`)}}
		env := RequestEnv{Approvals: a, Target: "/v1/messages?beta=true", Headers: http.Header{"Anthropic-Version": {"2023-06-01"}, "Anthropic-Beta": {"a", "b"}}}
		change(x, &env)
		if d := s.Evaluate(context.Background(), x, env); d != nil || len(a.asked) != 1 {
			t.Fatalf("%v, asked %d times", d, len(a.asked))
		}
		return a.asked[0].Digest
	}
	same := digest(func(*llm.Exchange, *RequestEnv) {})
	header := func(name string, values ...string) func(*llm.Exchange, *RequestEnv) {
		return func(_ *llm.Exchange, env *RequestEnv) { env.Headers[name] = values }
	}
	for name, change := range map[string]func(*llm.Exchange, *RequestEnv){
		"site": func(_ *llm.Exchange, env *RequestEnv) { env.Host = "other.example" }, "server": func(x *llm.Exchange, _ *RequestEnv) { x.Server = "srv1" },
		"method": func(x *llm.Exchange, _ *RequestEnv) { x.Method = http.MethodDelete }, "path": func(x *llm.Exchange, _ *RequestEnv) { x.Path = "/v1/messages/x" },
		"query": func(_ *llm.Exchange, env *RequestEnv) { env.Target = "/v1/messages?beta=false" }, "escaped path": func(_ *llm.Exchange, env *RequestEnv) { env.Target = "/v1%2Fmessages?beta=true" },
		"dialect": func(x *llm.Exchange, _ *RequestEnv) { x.Dialect = llm.Chat }, "body": func(x *llm.Exchange, _ *RequestEnv) { x.View.Raw = []byte(`{"model":"m" }`) },
		"model": func(x *llm.Exchange, _ *RequestEnv) { x.View.Model = "n" }, "another beta": header("Anthropic-Beta", "a", "c"), "a beta more": header("Anthropic-Beta", "a", "b", "c"),
		"betas joined": header("Anthropic-Beta", "a,b"), "no beta": header("Anthropic-Beta"), "project": header("Openai-Project", "p"), "billed": header("X-Goog-User-Project", "p"),
		"underscores": header("Anthropic_beta", "c"), "allocated": header("Llm-Project", "p"), "method override": header("X-Http-Method-Override", "DELETE"),
	} {
		if digest(change) == same {
			t.Errorf("%s: an approval of the one is good for the other", name)
		}
	}
	for name, change := range map[string]func(*llm.Exchange, *RequestEnv){
		"retry": header("X-Stainless-Retry-Count", "1"), "trace": header("Traceparent", "00-1-2-00"), "idempotency": header("Idempotency-Key", "k"), "token": header(ApprovalHeader, "apr_x.y"),
		"id": func(x *llm.Exchange, _ *RequestEnv) { x.ID = "other" },
	} {
		if digest(change) != same {
			t.Errorf("%s: the same call is taken for another", name)
		}
	}
}
