package policy

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/redact"
)

// harmless is a request as honest clients send them, in which nothing is personal or secret.
type harmless struct {
	Dialect, Name string
	Body          json.RawMessage
	d             llm.Dialect
}

func harmlessRequests(t testing.TB) (all []harmless) {
	t.Helper()
	f, err := os.Open("testdata/harmless.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var h harmless
		if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
			t.Fatal(err)
		}
		for d := llm.DialectNone + 1; h.d == llm.DialectNone; d++ {
			if d.String() == h.Dialect {
				h.d = d
			}
		}
		all = append(all, h)
	}
	if lines.Err() != nil || len(all) < 50 {
		t.Fatal(len(all), "requests", lines.Err())
	}
	return all
}

// TestHonestRequestsPass: what the clients of all dialects send besides texts (ids, hashes,
// seeds, times, sealed data, schemas) is neither refused, flagged nor edited.
func TestHonestRequestsPass(t *testing.T) {
	d, err := Detect([]string{"pii", "secrets"})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range harmlessRequests(t) {
		t.Run(h.Dialect+"/"+h.Name, func(t *testing.T) {
			v, den := dialects.Parse(h.d, h.Body)
			if den != nil {
				t.Fatal(den)
			}
			for _, expr := range []string{`secrets(prompt.all).size() > 0`, `pii(prompt.all).size() > 0`, `has_phrase(prompt.all, "project falcon")`,
				`injection_score(prompt.untrusted) > 0.9`, `hidden_chars(prompt.all) > 0`} {
				x := chat()
				x.Dialect, x.View = h.d, v
				if d := mustCompile(t, nil, deny(expr)).Evaluate(context.Background(), x, testEnv()); d != nil || len(x.Decisions) > 0 {
					t.Errorf("%s: %v %v", expr, d, x.Decisions)
				}
			}
			s := redact.NewSession()
			s.Add(&redact.Rule{Name: "r", Style: redact.Mask, Scanners: d.Scanners, Rules: d.Rules, Kinds: d.Kinds, Request: true})
			edits, err := s.Request(v)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range edits {
				t.Errorf("%s becomes %s", v.Raw[e.Span.Start:e.Span.End], e.New)
			}
			s.Decisions(func(d llm.Decision) { t.Errorf("decision: %+v", d) })
		})
	}
}
