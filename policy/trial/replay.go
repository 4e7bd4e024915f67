package trial

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/terminal"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Recorded is a request as an audit log tells it.
type Recorded struct {
	ID     string
	At     time.Time
	Caller *llm.Principal
	// UserKnown and IPKnown say whether the caller's user and address are known; in
	// records they are encrypted.
	UserKnown, IPKnown bool
	IP                 string
	Server             string
	Method, Path       string
	Dialect, Model     string
	Stream             bool
	// Body and Answer are the texts, nil where they were not kept; WhyNoBody says why.
	Body, Answer []byte
	WhyNoBody    string
	// Denied is true if a rule had refused it; DeniedBy is its name.
	Denied   bool
	DeniedBy string
}

// Known lists what is known of a recorded request, as rules name it (see
// policy.Set.Reads).
func (r *Recorded) Known() map[string]bool {
	known := map[string]bool{
		"now": true, "llm.model": true, "llm.stream": true, "llm.dialect": true, "caller.key": true, "caller.team": true, "caller.org": true,
		"request.path": true, "request.method": true, "request.server": true,
		"caller.user": r.UserKnown, "request.ip": r.IPKnown,
	}
	if r.Body != nil {
		for _, f := range []string{"llm.max_tokens", "llm.choices", "llm.tools", "llm.user", "llm.metadata", "llm.stop", "llm", "prompt.aside", "prompt", "prompt.all", "prompt.user", "prompt.system", "prompt.tool_results", "prompt.untrusted"} {
			known[f] = true
		}
	}
	known["response"] = r.Body != nil && r.Answer != nil // any part of it
	return known
}

// Skipped is a rule that cannot be judged on a record.
type Skipped struct {
	Rule, Action string
	// Missing is what it reads that is not known.
	Missing string
	// Refuses is true if it might have refused.
	Refuses bool
}

// Candidate is the policy that recorded traffic is held against.
type Candidate interface {
	// For returns what runs the rules that can be judged by what is known, and the
	// rules that cannot.
	For(known map[string]bool) (Runner, []Skipped, error)
}

// Replay is what a policy would have changed.
type Replay struct {
	Records int `json:"records"` // requests in the log that had come to the policy
	// Others are requests that something else had refused: they say nothing.
	Others int `json:"others"`
	// Judged is how many could be judged for certain, Unjudged how many not.
	Judged   int `json:"judged"`
	Unjudged int `json:"unjudged"`
	// What has changed, of those judged.
	StillAllowed int `json:"still_allowed"`
	StillDenied  int `json:"still_denied"`
	NewlyDenied  int `json:"newly_denied"`
	NewlyAllowed int `json:"newly_allowed"`
	// Rules is by rule and action how often it would have had something to say.
	Rules []ReplayedRule `json:"rules"`
	// Reasons is why requests could not be judged, and for how many.
	Reasons map[string]int `json:"reasons,omitempty"`
	// Changed are requests whose outcome would have been another, the first ones.
	Changed []ChangedRequest `json:"changed"`
	// Masked is how many were judged on texts in which the log had masked what
	// detectors find.
	Masked int `json:"masked,omitempty"`

	said map[[2]string]int
}

// ReplayedRule is what one rule would have said.
type ReplayedRule struct {
	Rule   string `json:"rule"`
	Action string `json:"action"`
	Times  int    `json:"times"`
}

// ChangedRequest is one whose outcome changes.
type ChangedRequest struct {
	ID    string    `json:"request"`
	At    time.Time `json:"at"`
	Key   string    `json:"key"`
	Model string    `json:"model"`
	Was   string    `json:"was"`
	Now   string    `json:"now"`
}

// maxChanged bounds the requests that are told one by one.
const maxChanged = 50

// Add judges one recorded request again.
func (p *Replay) Add(ctx context.Context, c Candidate, r *Recorded) error {
	p.Records++
	if p.said == nil {
		p.said, p.Reasons = map[[2]string]int{}, map[string]int{}
	}
	known := r.Known()
	run, skipped, err := c.For(known)
	if err != nil {
		return err
	}
	q, err := r.request()
	if err != nil {
		p.Unjudged++
		p.Reasons[err.Error()]++
		return nil
	}
	o, err := run.Run(ctx, q)
	if err != nil {
		return fmt.Errorf("request %s: %w", r.ID, err)
	}
	for _, d := range o.Decisions {
		if d.Module == "policy" {
			p.said[[2]string{d.Rule, d.Action}]++
		}
	}
	denied := o.Denied != nil && o.Denied.Stage == llm.StagePolicy
	if o.Denied != nil && !denied {
		p.Unjudged++
		p.Reasons["the request as it was kept is no valid request: "+o.Denied.Code]++
		return nil
	}
	if !denied {
		reasons := map[string]bool{}
		for _, s := range skipped {
			if s.Refuses {
				why := fmt.Sprintf("rule %s reads %s, which the record does not hold", s.Rule, s.Missing)
				if r.Body == nil && r.WhyNoBody != "" && textual(s.Missing) {
					why += " (" + r.WhyNoBody + ")"
				}
				reasons[why] = true
			}
		}
		if len(reasons) > 0 {
			p.Unjudged++
			for why := range reasons {
				p.Reasons[why]++
			}
			return nil
		}
	}
	p.Judged++
	switch {
	case denied && r.Denied:
		p.StillDenied++
	case denied:
		p.NewlyDenied++
		p.changed(r, "allowed", "denied by "+o.Denied.Rule)
	case r.Denied:
		p.NewlyAllowed++
		p.changed(r, "denied by "+r.DeniedBy, "allowed")
	default:
		p.StillAllowed++
	}
	return nil
}

// textual reports whether a field is only known with the texts of a request.
func textual(field string) bool {
	return strings.HasPrefix(field, "prompt") || strings.HasPrefix(field, "response") || field == "content" || strings.HasPrefix(field, "llm")
}

func (p *Replay) changed(r *Recorded, was, now string) {
	if len(p.Changed) < maxChanged {
		p.Changed = append(p.Changed, ChangedRequest{r.ID, r.At, r.Caller.Key, r.Model, was, now})
	}
}

// Done puts the counts in order.
func (p *Replay) Done() {
	p.Rules = []ReplayedRule{}
	for k, n := range p.said {
		p.Rules = append(p.Rules, ReplayedRule{k[0], k[1], n})
	}
	slices.SortFunc(p.Rules, func(a, b ReplayedRule) int {
		if a.Times != b.Times {
			return b.Times - a.Times
		}
		return strings.Compare(a.Rule+" "+a.Action, b.Rule+" "+b.Action)
	})
	if p.Changed == nil {
		p.Changed = []ChangedRequest{}
	}
}

// request makes the recorded request anew: with its own body if that was kept, else
// with one that says what the record tells.
func (r *Recorded) request() (*Request, error) {
	q := &Request{Method: r.Method, Path: r.Path, Header: http.Header{"Content-Type": {"application/json"}}, Body: r.Body, IP: r.IP, Server: r.Server,
		Caller: r.Caller, Now: r.At, Answer: []byte(`{}`), Type: "application/json"}
	if q.Body == nil {
		b, err := r.standIn()
		if err != nil {
			return nil, err
		}
		q.Body = b
	}
	if r.Answer != nil {
		q.Answer = r.Answer
		if !json.Valid(r.Answer) {
			q.Type = "text/event-stream"
			if strings.HasPrefix(r.Dialect, "ollama") {
				q.Type = "application/x-ndjson"
			}
		}
	}
	return q, nil
}

// standIn is a body that says what a record tells, and no more.
func (r *Recorded) standIn() ([]byte, error) {
	v := object{"model": r.Model}
	if r.Stream {
		v["stream"] = true
	}
	part := object{"parts": []any{object{"text": ""}}}
	switch r.Dialect {
	case "chat", "ollama_chat":
		v["messages"] = []any{object{"role": "user", "content": ""}}
	case "messages", "count_tokens":
		v["messages"], v["max_tokens"] = []any{object{"role": "user", "content": ""}}, 1
	case "responses", "input_tokens", "embeddings", "ollama_embed":
		v["input"] = ""
	case "completions", "ollama_generate":
		v["prompt"] = ""
	case "generate_content", "gemini_count_tokens":
		v = object{"contents": []any{part}}
	case "embed_content":
		v = object{"content": part}
	case "batch_embed_contents":
		v = object{"requests": []any{object{"model": "models/" + r.Model, "content": part}}}
	case "models", "objects":
		return nil, nil
	default:
		return nil, fmt.Errorf("the dialect %q of the record is not known", r.Dialect)
	}
	if !r.Stream && strings.HasPrefix(r.Dialect, "ollama") {
		v["stream"] = false
	}
	return json.Marshal(v)
}

// Print writes the comparison for people.
func (p *Replay) Print(w io.Writer) {
	fmt.Fprintf(w, "%d requests had come to the policy, %d were judged, %d could not be\n", p.Records, p.Judged, p.Unjudged)
	if p.Others > 0 {
		fmt.Fprintf(w, "%d more had been refused for other reasons (key, limit, budget…) and say nothing\n", p.Others)
	}
	fmt.Fprintf(w, "\nstill allowed  %d\nstill denied   %d\nnewly denied   %d\nnewly allowed  %d\n", p.StillAllowed, p.StillDenied, p.NewlyDenied, p.NewlyAllowed)
	if len(p.Rules) > 0 {
		fmt.Fprintln(w)
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		fmt.Fprintln(t, "RULE\tWOULD HAVE\tTIMES")
		for _, r := range p.Rules {
			fmt.Fprintf(t, "%s\t%s\t%d\n", terminal.Name(r.Rule), r.Action, r.Times)
		}
		t.Flush()
	}
	if len(p.Changed) > 0 {
		fmt.Fprintln(w)
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		fmt.Fprintln(t, "REQUEST\tAT\tKEY\tMODEL\tWAS\tNOW")
		for _, c := range p.Changed {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", terminal.Name(c.ID), c.At.UTC().Format(time.RFC3339), terminal.Name(c.Key), terminal.Name(c.Model), terminal.Text(c.Was), terminal.Text(c.Now))
		}
		t.Flush()
		if n := p.NewlyDenied + p.NewlyAllowed - len(p.Changed); n > 0 {
			fmt.Fprintf(w, "and %d more\n", n)
		}
	}
	if len(p.Reasons) > 0 {
		fmt.Fprintln(w, "\nnot judged:")
		reasons := slices.Sorted(maps.Keys(p.Reasons))
		slices.SortStableFunc(reasons, func(a, b string) int { return p.Reasons[b] - p.Reasons[a] })
		for _, why := range reasons {
			fmt.Fprintf(w, "  %d: %s\n", p.Reasons[why], terminal.Text(why))
		}
	}
	if p.Masked > 0 {
		fmt.Fprintf(w, "\n%d were judged on texts in which the log has masked what detectors find: rules about that find nothing there any more\n", p.Masked)
	}
}
