package policy

import (
	"context"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Rules read what a request says besides its prompt, in every dialect; without a body, or
// without such members, it is empty.
func TestAsides(t *testing.T) {
	bodies := map[llm.Dialect]string{
		llm.Chat:            `{"model":"m","user":"u-1","metadata":{"case":"7"},"stop":["END"],"messages":[{"role":"user","content":"x"}]}`,
		llm.Responses:       `{"model":"m","safety_identifier":"u-1","metadata":{"case":"7"},"input":"x"}`,
		llm.Messages:        `{"model":"m","max_tokens":9,"metadata":{"user_id":"u-1"},"stop_sequences":["END"],"messages":[{"role":"user","content":"x"}]}`,
		llm.GenerateContent: `{"labels":{"case":"7"},"generationConfig":{"stopSequences":["END"]},"contents":[{"parts":[{"text":"x"}]}]}`,
		llm.OllamaChat:      `{"model":"m","options":{"stop":["END"]},"messages":[{"role":"user","content":"x"}]}`,
		llm.Completions:     `{"model":"m","prompt":"x"}`,
	}
	for expr, want := range map[string]string{
		`llm.user == "u-1"`: "chat responses messages",
		`llm.metadata.exists(k, k == "case" && llm.metadata[k] == "7")`: "chat responses generate_content",
		`"case" in llm.metadata`:                            "chat responses generate_content",
		`"END" in llm.stop`:                                 "chat messages generate_content ollama_chat",
		`has_phrase(prompt.aside, "end")`:                   "chat messages generate_content ollama_chat",
		`prompt.aside.exists(s, s.path == "metadata.case")`: "chat responses",
		`llm.user == "" && llm.metadata.size() == 0 && llm.stop.size() == 0 && prompt.aside.size() == 0`: "completions",
		`prompt.all.exists(s, s.text == "END")`:                                                          "",
	} {
		set := mustCompile(t, nil, deny(expr))
		for d, body := range bodies {
			v, denied := dialects.Parse(d, []byte(body))
			if denied != nil {
				t.Fatal(denied)
			}
			x := exchange(d)
			x.View = v
			refused := set.Evaluate(context.Background(), x, testEnv())
			is := strings.Contains(" "+want+" ", " "+d.String()+" ")
			if (refused != nil) != is || refused != nil && refused.Err != nil {
				t.Errorf("%s of %v: %v", expr, d, refused)
			}
		}
		x := exchange(llm.Models)
		x.View = nil
		if set.Evaluate(context.Background(), x, testEnv()) != nil && want != "completions" {
			t.Errorf("%s without a body", expr)
		}
	}
	// A rule that changes the request is judged by those behind it.
	v, _ := dialects.Parse(llm.Chat, []byte(`{"model":"m","user":"u-1","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"x"}]}`))
	x := exchange(llm.Chat)
	x.View = v
	set := mustCompile(t, nil, Rule{Name: "a", Action: ActionFlag, Expr: `llm.user == "u-1"`}, Rule{Name: "s", Action: ActionStripTools, Expr: "true"}, Rule{Name: "b", Action: ActionDeny, Expr: `llm.user == "u-1" && llm.tools.size() == 0`})
	if d := set.Evaluate(context.Background(), x, testEnv()); d == nil || d.Rule != "b" {
		t.Error(d)
	}
	// More than a rule can be shown is an error, not an empty value.
	v, _ = dialects.Parse(llm.Chat, []byte(`{"model":"m","metadata":{"a":"`+strings.Repeat("y", maxNameBytes+1)+`"},"messages":[{"role":"user","content":"x"}]}`))
	x = exchange(llm.Chat)
	x.View = v
	if d := mustCompile(t, nil, deny(`llm.metadata.size() == 9`)).Evaluate(context.Background(), x, testEnv()); d == nil || d.Err == nil {
		t.Error(d)
	}
}
