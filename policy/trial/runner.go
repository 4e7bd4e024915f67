package trial

import (
	"context"
	"net/http"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/classify"
)

// Request is one request to try.
type Request struct {
	Method string // POST if empty
	Path   string
	Header http.Header
	Body   []byte
	IP     string
	Server string         // name of the HTTP server
	Caller *llm.Principal // nil for nobody
	Now    time.Time      // of the request's arrival
	// Answer is what the model answers, in the form of chat completions if Translate
	// is true and else in the request's own dialect. Type is its Content-Type.
	Answer    []byte
	Type      string
	Translate bool
	// Verdicts are what classifiers say; those that are not in it do not answer.
	Verdicts map[string]classify.Verdict
	// Explain asks for Outcome.Explained.
	Explain bool
}

// Outcome is what came of it.
type Outcome struct {
	// Denied is the refusal, nil for none; Status what the client would see.
	Denied *llm.Denial
	Status int
	// Decisions are what the rules had to say, in order; Tags what they added.
	Decisions []llm.Decision
	Tags      []string
	// Dialect is what the request was taken for.
	Dialect llm.Dialect
	// Sent is the body as it would leave for a provider, nil if nothing would.
	Sent []byte
	// Model is the model as it stands at the end.
	Model string
	// Answer is what the client gets.
	Answer     []byte
	AnswerType string
	// Explained is what the rules of each llm_policy made of the request, if that was
	// asked for.
	Explained [][]policy.Explanation
}

// Runner runs the rules of one route.
type Runner interface {
	Run(ctx context.Context, r *Request) (*Outcome, error)
}
