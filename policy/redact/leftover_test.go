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
	} {
		s := NewSession()
		s.Add(numbers(Mask, true, false))
		v := view(t, c.d, c.in)
		edits, err := s.Request(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(llm.Splice(v.Raw, edits)); got != c.want {
			t.Errorf("%s\nbecomes %s\nwant    %s", c.in, got, c.want)
		}
	}
}
