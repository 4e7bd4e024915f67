package trial

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/terminal"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Coverage is which rules reach which dialects on which routes.
type Coverage struct {
	Routes []CoveredRoute `json:"routes"`
	// Holes are what escapes a rule; Notes what is so on purpose but worth knowing.
	Holes []string `json:"holes"`
	Notes []string `json:"notes,omitempty"`
}

// CoveredRoute is one way to a model.
type CoveredRoute struct {
	Name  string        `json:"route"`
	End   string        `json:"ends_at"`
	Rules []CoveredRule `json:"rules"`
	// Objects is true if files, batches and stored objects of the provider are open.
	Objects bool `json:"objects,omitempty"`
}

// CoveredRule is one rule on one route.
type CoveredRule struct {
	Name        string   `json:"rule"`
	Action      string   `json:"action,omitempty"`
	In          []string `json:"in,omitempty"` // request, response
	Enforcement string   `json:"enforcement,omitempty"`
	OnError     string   `json:"on_error,omitempty"`
	Missing     bool     `json:"missing,omitempty"` // the route does not pass it
	// Cells is, by dialect, "on", "shadow", "sample", "-" (missing) or "blind".
	Cells map[string]string `json:"cells,omitempty"`
}

// Reach is how far rules see in one dialect, as found out by a planted text.
type Reach struct {
	Dialect string
	// Request is true if a rule has seen what was planted in the request.
	Request bool
	// Answers is true if the dialect has answers with text; Whole and Stream if what
	// was planted in one was found.
	Answers, Whole, Stream bool
}

// The texts that Probe plants. ProbeRules are the rules that look for them.
const (
	planted       = "canary-of-coverage"
	plantedAnswer = "canary@coverage.example"
)

// ProbeRules are the rules, as JSON of an llm_policy, by which Probe finds out what
// rules can see.
const ProbeRules = `{"handler":"llm_policy","rules":[
	{"name":"request","action":"flag","expr":"prompt.all.exists(s, s.text.contains(\"` + planted + `\"))"},
	{"name":"answer","action":"redact","kinds":["email"],"in":["response"]}]}`

// probe is a request of one dialect with a text planted in it, and an answer.
type probe struct {
	dialect           string
	words             llm.Dialect // made from words, if not DialectNone
	path, stream      string      // of a whole and a streamed request; stream may be empty
	body, streamBody  string
	whole, events     string // the answers, empty for none
	newlineDelimited  bool
	requestOnlyAnswer string
}

// probes are all dialects that carry text.
var probes = []probe{
	{dialect: "chat", words: llm.Chat}, {dialect: "messages", words: llm.Messages}, {dialect: "responses", words: llm.Responses},
	{dialect: "generate_content", words: llm.GenerateContent},
	{dialect: "completions", path: "/v1/completions", stream: "/v1/completions",
		body: `{"model":"m","prompt":"` + planted + `"}`, streamBody: `{"model":"m","prompt":"x","stream":true}`,
		whole:  `{"choices":[{"index":0,"text":"to ` + plantedAnswer + `","finish_reason":"stop"}]}`,
		events: `data: {"choices":[{"index":0,"text":"to canary@cover"}]}` + "\n\n" + `data: {"choices":[{"index":0,"text":"age.example","finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n"},
	{dialect: "ollama_chat", path: "/api/chat", stream: "/api/chat",
		body: `{"model":"m","stream":false,"messages":[{"role":"user","content":"` + planted + `"}]}`, streamBody: `{"model":"m","messages":[{"role":"user","content":"x"}]}`,
		whole:            `{"model":"m","message":{"role":"assistant","content":"to ` + plantedAnswer + `"},"done":true}`,
		events:           `{"model":"m","message":{"role":"assistant","content":"to canary@cover"},"done":false}` + "\n" + `{"model":"m","message":{"role":"assistant","content":"age.example"},"done":false}` + "\n" + `{"model":"m","message":{"role":"assistant","content":""},"done":true}` + "\n",
		newlineDelimited: true},
	{dialect: "ollama_generate", path: "/api/generate", stream: "/api/generate",
		body: `{"model":"m","stream":false,"prompt":"` + planted + `"}`, streamBody: `{"model":"m","prompt":"x"}`,
		whole:            `{"model":"m","response":"to ` + plantedAnswer + `","done":true}`,
		events:           `{"model":"m","response":"to canary@cover","done":false}` + "\n" + `{"model":"m","response":"age.example","done":false}` + "\n" + `{"model":"m","response":"","done":true}` + "\n",
		newlineDelimited: true},
	{dialect: "embeddings", path: "/v1/embeddings", body: `{"model":"m","input":"` + planted + `"}`, requestOnlyAnswer: `{"data":[]}`},
	{dialect: "count_tokens", path: "/v1/messages/count_tokens", body: `{"model":"m","messages":[{"role":"user","content":"` + planted + `"}]}`, requestOnlyAnswer: `{"input_tokens":1}`},
	{dialect: "input_tokens", path: "/v1/responses/input_tokens", body: `{"model":"m","input":"` + planted + `"}`, requestOnlyAnswer: `{"input_tokens":1}`},
	{dialect: "gemini_count_tokens", path: "/v1beta/models/m:countTokens", body: `{"contents":[{"parts":[{"text":"` + planted + `"}]}]}`, requestOnlyAnswer: `{"totalTokens":1}`},
	{dialect: "embed_content", path: "/v1beta/models/m:embedContent", body: `{"content":{"parts":[{"text":"` + planted + `"}]}}`, requestOnlyAnswer: `{"embedding":{"values":[]}}`},
	{dialect: "batch_embed_contents", path: "/v1beta/models/m:batchEmbedContents", body: `{"requests":[{"model":"models/m","content":{"parts":[{"text":"` + planted + `"}]}}]}`, requestOnlyAnswer: `{"embeddings":[]}`},
	{dialect: "ollama_embed", path: "/api/embed", body: `{"model":"m","input":"` + planted + `"}`, requestOnlyAnswer: `{"embeddings":[]}`},
}

// Probe finds out how far rules see in every dialect, by trying. r runs ProbeRules.
func Probe(ctx context.Context, r Runner) ([]Reach, error) {
	var out []Reach
	for i := range probes {
		p := &probes[i]
		reach := Reach{Dialect: p.dialect}
		for _, stream := range []bool{false, true} {
			q, err := p.request(stream)
			if err != nil {
				return nil, err
			}
			if q == nil {
				continue
			}
			o, err := r.Run(ctx, q)
			if err != nil {
				return nil, fmt.Errorf("probing %s: %w", p.dialect, err)
			}
			saw := func(rule string) bool {
				return slices.ContainsFunc(o.Decisions, func(d llm.Decision) bool { return d.Rule == rule })
			}
			found := o.Denied == nil && saw("answer") && !strings.Contains(string(o.Answer), plantedAnswer) && len(o.Answer) > 0
			switch {
			case stream:
				reach.Stream = found
			default:
				reach.Request = saw("request")
				reach.Answers = p.requestOnlyAnswer == ""
				reach.Whole = found
			}
		}
		out = append(out, reach)
	}
	return out, nil
}

func (p *probe) request(stream bool) (*Request, error) {
	if p.words != llm.DialectNone {
		c := Case{User: planted, Answer: "to " + plantedAnswer}
		return c.request(p.words, stream)
	}
	q := &Request{Path: p.path, Body: []byte(p.body), Answer: []byte(p.whole), Type: "application/json", Caller: &llm.Principal{Key: "probe"},
		Now: time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC), Header: http.Header{"Content-Type": {"application/json"}}}
	switch {
	case stream && p.stream == "":
		return nil, nil
	case stream:
		q.Path, q.Body, q.Answer, q.Type = p.stream, []byte(p.streamBody), []byte(p.events), "text/event-stream"
		if p.newlineDelimited {
			q.Type = "application/x-ndjson"
		}
	case p.requestOnlyAnswer != "":
		q.Answer = []byte(p.requestOnlyAnswer)
	}
	return q, nil
}

// Cover holds routes against what rules can see. must are the rules that every route
// has to pass; empty means every rule that any route has.
func Cover(routes []CoveredRoute, reach []Reach, must []string) *Coverage {
	c := &Coverage{Holes: []string{}}
	named := len(must) > 0
	if !named {
		for _, r := range routes {
			for _, rule := range r.Rules {
				if !slices.Contains(must, rule.Name) {
					must = append(must, rule.Name)
				}
			}
		}
	}
	hole := func(format string, args ...any) { c.Holes = append(c.Holes, fmt.Sprintf(format, args...)) }
	note := func(format string, args ...any) { c.Notes = append(c.Notes, fmt.Sprintf(format, args...)) }
	for _, r := range routes {
		if len(r.Rules) == 0 {
			hole("%s reaches %s and passes no rule", r.Name, r.End)
		}
		if r.Objects && len(r.Rules) > 0 {
			hole("%s: objects are open: files, batches and stored objects pass no rule", r.Name)
		}
		for i := range r.Rules {
			rule := &r.Rules[i]
			rule.Cells = map[string]string{}
			var blind []string
			for _, d := range reach {
				cell := rule.cell(d)
				rule.Cells[d.Dialect] = cell
				if cell == "blind" {
					blind = append(blind, d.Dialect)
				}
			}
			if len(blind) > 0 {
				hole("%s: rule %s cannot see %s", r.Name, rule.Name, strings.Join(blind, ", "))
			}
			switch {
			case named && slices.Contains(must, rule.Name) && rule.state() != "on":
				hole("%s: rule %s is in %s: it refuses nothing for certain", r.Name, rule.Name, rule.state())
			case rule.state() != "on":
				note("%s: rule %s is in %s", r.Name, rule.Name, rule.state())
			}
			if rule.OnError == "allow" {
				note("%s: rule %s lets pass what it cannot judge (on_error allow)", r.Name, rule.Name)
			}
		}
		for _, name := range must {
			if slices.ContainsFunc(r.Rules, func(rule CoveredRule) bool { return rule.Name == name }) {
				continue
			}
			if len(r.Rules) > 0 || named {
				hole("%s reaches %s without rule %s", r.Name, r.End, name)
			}
			cells := map[string]string{}
			for _, d := range reach {
				cells[d.Dialect] = "-"
			}
			r.Rules = append(r.Rules, CoveredRule{Name: name, Missing: true, Cells: cells})
		}
		c.Routes = append(c.Routes, r)
	}
	return c
}

func (r *CoveredRule) state() string {
	if r.Enforcement == "" {
		return "on"
	}
	return r.Enforcement
}

func (r *CoveredRule) cell(d Reach) string {
	request, answer := len(r.In) == 0, false
	for _, in := range r.In {
		request = request || in == "request" || in == "both"
		answer = answer || in == "response" || in == "both"
	}
	if request && !d.Request || answer && d.Answers && !(d.Whole && d.Stream) {
		return "blind"
	}
	return r.state()
}

// PrintCoverage writes the matrix.
func PrintCoverage(w io.Writer, c *Coverage) {
	if len(c.Routes) == 0 {
		fmt.Fprintln(w, "No route of this config leads to a model.")
		return
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ROUTE\tRULE\tACTION\tLOOKS AT\tDIALECTS")
	for _, r := range c.Routes {
		if len(r.Rules) == 0 {
			fmt.Fprintf(t, "%s\t-\t-\t-\tno rule\n", terminal.Text(r.Name))
		}
		for _, rule := range r.Rules {
			action, looks := rule.Action, strings.Join(rule.In, ", ")
			if looks == "" {
				looks = "request"
			}
			if rule.Missing {
				action, looks = "-", "-"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", terminal.Text(r.Name), terminal.Name(rule.Name), action, looks, cells(rule.Cells))
		}
	}
	t.Flush()
	for _, n := range c.Notes {
		fmt.Fprintln(w, "note:", terminal.Text(n))
	}
	for _, h := range c.Holes {
		fmt.Fprintln(w, "HOLE:", terminal.Text(h))
	}
	if len(c.Holes) == 0 {
		fmt.Fprintln(w, "no holes")
	}
}

// cells tells a row shortly: "on in all 14", or by what is the same.
func cells(of map[string]string) string {
	by := map[string][]string{}
	for i := range probes {
		d := probes[i].dialect
		by[of[d]] = append(by[of[d]], d)
	}
	var parts []string
	for _, state := range []string{"on", "sample", "shadow", "blind", "-"} {
		switch ds := by[state]; {
		case len(ds) == len(probes):
			return fmt.Sprintf("%s in all %d", state, len(probes))
		case len(ds) > 0:
			parts = append(parts, state+" in "+strings.Join(ds, ", "))
		}
	}
	return strings.Join(parts, "; ")
}
