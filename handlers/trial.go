package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/translate"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/classify"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/trial"
)

// Trial runs the llm_policy handlers of a route on requests that somebody has written
// down: the code that serves, with a model server that answers as it is told and
// nothing else around it. Nothing is listened to, dialled, stored or recorded.
type Trial struct {
	policies []*Policy
}

// Known is what rules may name of the global option: classifiers, detectors of the
// operator's own, and providers, which callers name before models.
type Known struct {
	Classifiers []string
	// Providers are the names of those that are declared.
	Providers []string
	Detectors policy.Detectors
}

// NewTrial sets up handlers from their JSON configuration.
func NewTrial(raw []json.RawMessage, known Known) (*Trial, error) {
	t := new(Trial)
	for _, b := range raw {
		var p struct {
			Handler string `json:"handler"`
			Policy
		}
		if err := caddy.StrictUnmarshalJSON(b, &p); err != nil {
			return nil, fmt.Errorf("llm_policy: %w", err)
		}
		h := &p.Policy
		h.classifiers, h.detectors = known.Classifiers, known.Detectors
		h.provider = func(name string) bool { return slices.Contains(known.Providers, name) }
		h.log = zap.NewNop()
		if err := h.setUp(); err != nil {
			return nil, err
		}
		t.policies = append(t.policies, h)
	}
	return t, nil
}

// Reads lists what each rule reads (see policy.Set.Reads): those that redact, the
// texts where they look.
func (t *Trial) Reads() map[string][]string {
	out := map[string][]string{}
	for _, h := range t.policies {
		for name, fields := range h.set.Reads() {
			out[name] = append(out[name], fields...) // two handlers may have rules of one name
		}
		for i := range h.redacts {
			r := h.redacts[i].rule
			out[r.Name] = append(out[r.Name], h.redacts[i].when.Reads()...)
			if r.Request {
				out[r.Name] = append(out[r.Name], "prompt.all")
			}
			if r.Response {
				out[r.Name] = append(out[r.Name], "response.text")
			}
		}
	}
	return out
}

// Run implements trial.Runner.
func (t *Trial) Run(ctx context.Context, q *trial.Request) (*trial.Outcome, error) {
	u, err := url.ParseRequestURI(q.Path)
	if err != nil {
		return nil, fmt.Errorf("path %q is not a path", q.Path)
	}
	method := q.Method
	if method == "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://gateway.invalid"+u.RequestURI(), bytes.NewReader(q.Body))
	if err != nil {
		return nil, err
	}
	r.Header = q.Header.Clone()
	r.RequestURI, r.RemoteAddr = u.RequestURI(), "127.0.0.1:1"
	w := &heldAnswer{header: http.Header{}}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, new(caddyhttp.Server))

	house := &trialHouse{verdicts: q.Verdicts}
	out := new(trial.Outcome)
	var c *call
	owner := common{gw: house, log: zap.NewNop()}
	next := modelServer(q, out)
	for _, p := range slices.Backward(t.policies) {
		// Each run has its own copy: the gateway behind it holds the verdicts.
		own := *p
		own.gw = house
		inner := next
		next = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			if q.Explain {
				out.Explained = append(out.Explained, own.explain(r))
			}
			return own.ServeHTTP(w, r, inner)
		})
	}
	err = aborting(func() error {
		return owner.serve(w, r, next, func(opened *call, _ *http.Request) error {
			c = opened
			x := &c.x
			x.Principal, x.Start, x.ClientIP, x.Server = q.Caller, q.Now, q.IP, q.Server
			x.Pass("auth")
			return nil
		})
	})
	switch {
	case c == nil:
		return nil, errors.New("the request is none that is governed")
	case err != nil:
		return nil, err
	}
	x := &c.x
	out.Denied, out.Status, out.Decisions, out.Tags = x.Denied, x.Status, x.Decisions, x.Tags
	out.Dialect, out.Model = x.Dialect, x.Model()
	out.Answer, out.AnswerType = w.body.Bytes(), w.header.Get("Content-Type")
	return out, nil
}

// aborting runs f; a connection that is broken off is an outcome like any other here.
func aborting(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			panic(p)
		}
	}()
	return f()
}

// explain tells what each rule makes of the request as it stands.
func (h *Policy) explain(r *http.Request) []policy.Explanation {
	c := caddyhttp.GetVar(r.Context(), callVar).(*call)
	if c.view() != nil {
		return nil
	}
	return h.set.Explain(r.Context(), &c.x, policy.RequestEnv{Headers: r.Header, Now: c.x.Start, Classifiers: h.gw.Asker(), Detectors: h.detectors, Provider: h.provider, Budgets: func() []policy.Budget { return nil }})
}

// modelServer stands at the end of the chain.
func modelServer(q *trial.Request, out *trial.Outcome) caddyhttp.Handler {
	return caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		c := caddyhttp.GetVar(r.Context(), callVar).(*call)
		c.upstream = true
		x := &c.x
		if x.View != nil {
			out.Sent = c.body.bytes("max_tokens")
		}
		if q.Translate && x.View != nil && translate.Can(x.Dialect, llm.Chat) {
			tr := translate.New(x.Dialect, llm.Chat, translate.Options{RequestID: x.ID, Now: x.Start, Model: x.Model(), MaxTokensField: "max_tokens"})
			if _, _, err := tr.Request(dialects.Outbound(x.View, &llm.Changes{Edits: x.Changes.Edits}, llm.Deployment{})); err != nil {
				return err
			}
			c.w.upstream, c.w.tr = llm.Chat, tr
		}
		w.Header().Set("Content-Type", q.Type)
		w.WriteHeader(http.StatusOK)
		_, err := w.Write(q.Answer)
		return err
	})
}

// heldAnswer holds what the client would get.
type heldAnswer struct {
	header http.Header
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *heldAnswer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (*heldAnswer) WriteHeader(int) {}

// Write implements http.ResponseWriter.
func (w *heldAnswer) Write(p []byte) (int, error) { return w.body.Write(p) }

// Flush implements http.Flusher.
func (*heldAnswer) Flush() {}

// trialHouse is the gateway around a trial: what classifiers are said to say, and
// nothing else. What a rule would need of a running server fails.
type trialHouse struct {
	Gateway
	verdicts map[string]classify.Verdict
}

// Enter implements Gateway.
func (*trialHouse) Enter(context.Context) (*Stores, error) {
	return &Stores{Leave: func() {}, Approver: trialApprover{}}, nil
}

// Budgets implements Gateway.
func (*trialHouse) Budgets() []limits.Budget { return nil }

// ConfigHash implements Gateway.
func (*trialHouse) ConfigHash() string { return "" }

// Asker implements Gateway.
func (h *trialHouse) Asker() classify.Source { return trialAsker(h.verdicts) }

// trialApprover lets pass what comes with the token "granted".
type trialApprover struct{}

// Approve implements policy.Approver.
func (trialApprover) Approve(_ policy.Question, token string, now time.Time) (policy.Approval, error) {
	a := policy.Approval{ID: "apr_trial", Token: "granted", State: policy.ApprovalPending, Expires: now.Add(time.Hour)}
	if token == a.Token {
		a.State, a.By, a.GiveBack = policy.ApprovalGranted, "trial", func() {}
	}
	return a, nil
}

// trialAsker answers for classifiers.
type trialAsker map[string]classify.Verdict

var errNoVerdict = errors.New("the case does not say what this classifier says")

// Ask implements classify.Asker.
func (a trialAsker) Ask(_ context.Context, q classify.Question) (classify.Verdict, error) {
	v, ok := a[q.Name]
	if !ok {
		return v, errNoVerdict
	}
	return v, nil
}

// Names implements classify.Source.
func (trialAsker) Names() []string { return nil }

var _ trial.Runner = (*Trial)(nil)
