package dialects

import (
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func TestServiceOf(t *testing.T) {
	for _, tc := range []struct {
		d    llm.Dialect
		raw  string
		want Service
	}{
		{llm.Chat, `{"model":"m","messages":[]}`, Service{}},
		{llm.Chat, `{"service_tier":"fl\u0065x","model":"m","messages":[{"service_tier":"no"}]}`, Service{Tier: "flex"}},
		{llm.Chat, `{"service_tier":null,"serviceTier":"x"}`, Service{}},
		{llm.Messages, `{"service_tier":"standard_only","speed":"fast","inference_geo":"us","metadata":{"speed":"x"}}`, Service{"standard_only", "fast", "us"}},
		{llm.Messages, `{"speed":7,"inference_geo":["us"]}`, Service{}},
		{llm.GenerateContent, `{"serviceTier":"PRIORITY"}`, Service{Tier: "PRIORITY"}},
		{llm.Chat, `[]`, Service{}},
	} {
		if got := ServiceOf(&llm.View{Dialect: tc.d, Raw: []byte(tc.raw)}); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.raw, got, tc.want)
		}
	}
}
