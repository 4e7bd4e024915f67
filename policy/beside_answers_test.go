package policy

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/classify"
)

// A flag that can be decided early and asks a classifier is asked beside the call once the
// answer has ended: another goroutine must not read an answer that goes on.
func TestBesideWaitsForTheAnswer(t *testing.T) {
	rules := []Rule{
		{Name: "f", Action: ActionFlag, In: InResponse, Expr: `(has_phrase(response.all, "word 1") || response.tool_calls.exists(c, c.name == "f")) && classify("mod", prompt.all).flagged`},
		{Name: "g", Action: ActionFlag, In: InResponse, Expr: `has_phrase(response.all, "word 2") && has_phrase(response.all, "word 3")`},
	}
	set := mustCompile(t, []Option{WithClassifiers("mod")}, rules...)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var found []Findings
	begun := make(chan struct{}, 1)
	a := &asker{answers: map[string]classify.Verdict{"mod": {Flagged: true}}, wait: make(chan struct{})}
	env := RequestEnv{Now: noon, Classifiers: a, Beside: func(f func(context.Context) Findings) {
		begun <- struct{}{}
		wg.Go(func() {
			got := f(context.Background())
			mu.Lock()
			found = append(found, got)
			mu.Unlock()
		})
	}}
	r := review(set, llm.Chat, env)
	close(a.wait)
	s := r.Stream(rewrite.Text)
	for i := range 2000 {
		if i == 1000 {
			if len(begun) > 0 {
				t.Fatal("asked while the answer goes on")
			}
		}
		if err := r.Event([]byte(`data: {"choices":[{"index":0,"delta":{"content":"x"}}]}` + "\n\n")); err != nil {
			t.Fatal(err)
		}
		s.Feed(fmt.Sprintf("word %d. ", i%5))
	}
	s.Flush()
	if d := r.End(200, "stop", llm.Usage{}); d != nil {
		t.Fatal(d)
	}
	wg.Wait()
	if len(found) != 1 || len(found[0].Decisions) != 1 || found[0].Decisions[0].Rule != "f" {
		t.Errorf("%+v", found)
	}
}
