package redact

import (
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// TestRequestLeftovers: values in places that are not made for texts are replaced, and the
// request stays JSON.
func TestRequestLeftovers(t *testing.T) {
	for _, c := range []struct {
		d        llm.Dialect
		in, want string
	}{
		{llm.Chat, `{"model":"m","messages":[{"role":"user","content":"x","name":"no 12345"}],"documents":[{"card 55555":123456789,"n":12345}]}`,
			`{"model":"m","messages":[{"role":"user","content":"x","name":"no [NUMBER]"}],"documents":[{"card [NUMBER]":"[NUMBER]9","n":12345}]}`},
		{llm.Chat, `{"model":"m","messages":[],"metadata":{"of 12345":["a",12345]},"prompt_cache_key":"12345","stop":["12345"]}`,
			`{"model":"m","messages":[],"metadata":{"of [NUMBER]":["a","[NUMBER]"]},"prompt_cache_key":"[NUMBER]","stop":["[NUMBER]"]}`},
		{llm.Responses, `{"model":"m","prompt":{"id":"p","variables":{"a":"12345","b":{"type":"input_text","text":"12345"}}}}`,
			`{"model":"m","prompt":{"id":"p","variables":{"a":"[NUMBER]","b":{"type":"input_text","text":"[NUMBER]"}}}}`},
		{llm.GenerateContent, `{"contents":[{"parts":[{"functionResponse":{"name":"f","response":{"a":123456789}}}]}],"toolConfig":{"x":"is 12345"}}`,
			`{"contents":[{"parts":[{"functionResponse":{"name":"f","response":{"a":"[NUMBER]9"}}}]}],"toolConfig":{"x":"is [NUMBER]"}}`},
		{llm.Messages, `{"model":"m","max_tokens":1,"messages":[],"mcp_servers":[{"name":"n","url":"https://x/?12345"}]}`,
			`{"model":"m","max_tokens":1,"messages":[],"mcp_servers":[{"name":"n","url":"https://x/?[NUMBER]"}]}`},
		// A setting that is a number stays one: a provider refuses a string there.
		{llm.Chat, `{"model":"m","seed":123451234512345,"random_seed":1234512345,"stop_token_ids":[1234512345],"logit_bias":{"12":-1},"messages":[{"role":"user","content":"12345"}]}`,
			`{"model":"m","seed":123451234512345,"random_seed":1234512345,"stop_token_ids":[1234512345],"logit_bias":{"12":-1},"messages":[{"role":"user","content":"[NUMBER]"}]}`},
		{llm.Messages, `{"model":"m","max_tokens":1,"seed":1234512345,"thinking":{"type":"enabled","budget_tokens":123456789},"messages":[]}`, ``},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{"seed":1234512345,"thinkingConfig":{"thinkingBudget":123451234}}}`, ``},
		{llm.OllamaChat, `{"model":"m","messages":[],"keep_alive":123451234512,"options":{"seed":1234512345}}`, ``},
		{llm.Completions, `{"model":"m","prompt":"x","seed":1234512345,"logit_bias":{"1234567":1}}`, ``},
		// A schema holds numbers that stay, and texts.
		{llm.Chat, `{"model":"m","messages":[],"guided_json":{"description":"not 12345","maximum":1234512345},"regex":"12345"}`,
			`{"model":"m","messages":[],"guided_json":{"description":"not [NUMBER]","maximum":1234512345},"regex":"[NUMBER]"}`},
		// What reaches from one part of a text into the next.
		{llm.Chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a 12"},{"type":"text","text":"3"},{"type":"text","text":"45 b 6789 c"},{"type":"text","text":"777"},{"type":"text","text":"7"}]}]}`,
			`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a [NUMBER]"},{"type":"text","text":"[NUMBER]"},{"type":"text","text":" b [NUMBER] c"},{"type":"text","text":"[NUMBER]"},{"type":"text","text":"[NUMBER]"}]}]}`},
		{llm.GenerateContent, `{"contents":[{"parts":[{"text":"12"},{"text":"345"}]},{"parts":[{"text":"12"}]},{"parts":[{"text":"34"}]}]}`,
			`{"contents":[{"parts":[{"text":"[NUMBER]"},{"text":"[NUMBER]"}]},{"parts":[{"text":"12"}]},{"parts":[{"text":"34"}]}]}`},
		{llm.Messages, `{"model":"m","max_tokens":1,"system":[{"type":"text","text":"12"},{"type":"text","text":"345"}],"messages":[{"role":"user","content":[{"type":"text","text":"12"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA"}},{"type":"text","text":"34"}]}]}`,
			`{"model":"m","max_tokens":1,"system":[{"type":"text","text":"[NUMBER]"},{"type":"text","text":"[NUMBER]"}],"messages":[{"role":"user","content":[{"type":"text","text":"12"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA"}},{"type":"text","text":"34"}]}]}`},
	} {
		s := NewSession()
		s.Add(numbers(Mask, true, false))
		v := view(t, c.d, c.in)
		edits, err := s.Request(v)
		if err != nil {
			t.Fatal(err)
		}
		if c.want == "" {
			c.want = c.in
		}
		if got := string(llm.Splice(v.Raw, edits)); got != c.want {
			t.Errorf("%s\nbecomes %s\nwant    %s", c.in, got, c.want)
		}
	}
}
