package dialects

import (
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// The thinking budget is the least that a limit on output may be lowered to.
func TestThinkingBudget(t *testing.T) {
	for body, want := range map[string]int64{
		`{"model":"m","max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":4000},"messages":[{"role":"user","content":"x"}]}`:   4000,
		`{"model":"m","max_tokens":9000,"thinking":{"budget_tokens":4000,"type":"enabled","more":[{}]},"messages":[]}`:                    4000,
		`{"model":"m","max_tokens":9000,"thinking":{"type":"adaptive"},"messages":[{"role":"user","content":"x"}]}`:                       0,
		`{"model":"m","max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":"4000"},"messages":[{"role":"user","content":"x"}]}`: 0,
		`{"model":"m","max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":-5},"messages":[{"role":"user","content":"x"}]}`:     0,
		`{"model":"m","max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":1e400},"messages":[{"role":"user","content":"x"}]}`:  0,
		`{"model":"m","max_tokens":9000,"thinking":null,"messages":[{"role":"user","content":"x"}]}`:                                      0,
	} {
		v, d := Parse(llm.Messages, []byte(body))
		if d != nil {
			t.Errorf("%s: %v", body, d)
			continue
		}
		if v.MinOutput != want {
			t.Errorf("%s: %d, want %d", body, v.MinOutput, want)
		}
	}
}
