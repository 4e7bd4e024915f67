package trial

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/terminal"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
)

// GuessPath tells by the shape of a body which endpoint it is for, "" if it cannot.
func GuessPath(body []byte) string {
	var v map[string]json.RawMessage
	if json.Unmarshal(body, &v) != nil {
		return ""
	}
	has := func(name string) bool { _, ok := v[name]; return ok }
	switch {
	case has("contents"):
		var m struct {
			Model string `json:"model"`
		}
		if json.Unmarshal(body, &m) != nil || m.Model == "" {
			m.Model = "gemini"
		}
		return "/v1beta/models/" + strings.TrimPrefix(m.Model, "models/") + ":generateContent"
	case has("messages") && (has("system") || has("max_tokens") && has("anthropic_version")):
		return "/v1/messages"
	case has("messages"):
		return "/v1/chat/completions"
	case has("input") && (has("encoding_format") || has("dimensions")):
		return "/v1/embeddings"
	case has("input"):
		return "/v1/responses"
	case has("prompt"):
		return "/v1/completions"
	}
	return ""
}

// Explained is what `caddy llm policy explain --json` prints.
type Explained struct {
	Path    string `json:"path"`
	Dialect string `json:"dialect"`
	Model   string `json:"model"`
	// Outcome is what would come of the request.
	Outcome string `json:"outcome"`
	Message string `json:"message,omitempty"`
	// Decisions are what rules without an expression found, too.
	Decisions []ExplainedDecision `json:"decisions"`
	// Rules are those with an expression, for each llm_policy on the way.
	Rules [][]policy.Explanation `json:"rules"`
	// Sent is the request as it would leave.
	Sent json.RawMessage `json:"sent,omitempty"`
}

// ExplainedDecision is what a rule had to say.
type ExplainedDecision struct {
	Rule   string `json:"rule"`
	Action string `json:"action"`
	Detail string `json:"detail,omitempty"`
}

// Explanation puts an outcome together.
func Explanation(q *Request, o *Outcome) *Explained {
	e := &Explained{Path: q.Path, Dialect: o.Dialect.String(), Model: o.Model, Outcome: summary(o), Rules: o.Explained, Sent: o.Sent}
	if o.Denied != nil {
		e.Message = o.Denied.Message
	}
	for _, d := range o.Decisions {
		if d.Module == "policy" {
			e.Decisions = append(e.Decisions, ExplainedDecision{d.Rule, d.Action, d.Detail})
		}
	}
	return e
}

// PrintExplanation writes an explanation for people.
func PrintExplanation(w io.Writer, q *Request, o *Outcome) {
	e := Explanation(q, o)
	fmt.Fprintf(w, "%s, model %s: %s\n", terminal.Text(e.Path), terminal.Name(e.Model), terminal.Text(e.Outcome))
	if e.Message != "" {
		fmt.Fprintf(w, "  %s\n", terminal.Text(e.Message))
	}
	for _, rules := range e.Rules {
		for _, r := range rules {
			fmt.Fprintf(w, "\n%s %s", r.Action, terminal.Name(r.Rule))
			if r.Enforcement != policy.EnforceOn {
				fmt.Fprintf(w, " (%s)", r.Enforcement)
			}
			fmt.Fprintf(w, ": %s\n", terminal.Text(r.Value))
			t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
			for _, p := range r.Parts {
				fmt.Fprintf(t, "  %s%s\t%s\n", strings.Repeat("  ", p.Depth), terminal.Text(oneLine(p.Expr)), terminal.Text(p.Value))
			}
			t.Flush()
		}
	}
	first := true
	for _, d := range e.Decisions {
		if d.Detail == "" {
			continue
		}
		if first {
			fmt.Fprintln(w)
			first = false
		}
		fmt.Fprintf(w, "%s %s: %s\n", d.Action, terminal.Name(d.Rule), terminal.Text(d.Detail))
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
