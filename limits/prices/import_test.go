package prices

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What LiteLLM's list looks like; names and amounts are made up.
const liteList = `{
"sample_spec":{"litellm_provider":"one of them","input_cost_per_token":0.0,"max_tokens":"LEGACY"},
"big":{"litellm_provider":"openai","mode":"chat","max_output_tokens":1000,"input_cost_per_token":2.1999999999999999e-06,"output_cost_per_token":1e-05,
 "cache_read_input_token_cost":2.2e-7,"cache_read_input_token_cost_priority":4e-7,
 "input_cost_per_token_above_272k_tokens":4.4e-06,"output_cost_per_token_above_272k_tokens":1.5e-05,
 "input_cost_per_token_priority":4e-06,"output_cost_per_token_priority":2e-05,"input_cost_per_token_above_272k_tokens_priority":8e-06,"output_cost_per_token_priority_above_272k_tokens":3e-05,
 "input_cost_per_token_flex":1.1e-06,"output_cost_per_token_flex":5e-06,"input_cost_per_token_batches":1.1e-06,"output_cost_per_token_batches":5e-06,
 "file_search_cost_per_1k_calls":2.5,"code_interpreter_cost_per_session":0.03,"search_context_cost_per_query":{"search_context_size_low":0.025,"search_context_size_medium":0.03,"search_context_size_high":0.05},
 "output_cost_per_reasoning_token":2e-05,"input_cost_per_audio_token":3e-05,"input_cost_per_image_token":3e-06,"supports_vision":true},
"big-2026-01-31":{"litellm_provider":"openai","input_cost_per_token":2.2e-06,"output_cost_per_token":1e-05},
"claude":{"litellm_provider":"anthropic","input_cost_per_token":5e-06,"output_cost_per_token":2.5e-05,"cache_creation_input_token_cost":6.25e-06,"cache_creation_input_token_cost_above_1hr":1e-05,
 "cache_creation_input_token_cost_above_200k_tokens":1.25e-05,"cache_creation_input_token_cost_above_1hr_above_200k_tokens":2e-05,"input_cost_per_token_above_200k_tokens":1e-05,"provider_specific_entry":{"us":1.1,"fast":6.0,"note":"x"}},
"gemini/flash":{"litellm_provider":"gemini","input_cost_per_token":3e-07,"output_cost_per_token":2.5e-06},
"vertex_ai/flash":{"litellm_provider":"vertex_ai-language-models","input_cost_per_token":4e-07,"output_cost_per_token":2.5e-06},
"xai/grok":{"litellm_provider":"xai","input_cost_per_token":3e-06,"output_cost_per_token":1.5e-05,"input_cost_per_token_above_128k_tokens":6e-06},
"dashscope/q":{"litellm_provider":"dashscope","tiered_pricing":[{"range":[0,32000.0],"input_cost_per_token":1e-06,"output_cost_per_token":4e-06},{"range":[32000.0,null],"input_cost_per_token":2e-06,"output_cost_per_token":8e-06}]},
"free":{"litellm_provider":"openai","input_cost_per_token":0,"output_cost_per_token":0.0},
"whisper":{"litellm_provider":"openai","input_cost_per_second":0.0001,"input_cost_per_token":0,"output_cost_per_token":0},
"dall":{"litellm_provider":"openai","output_cost_per_image":0.04},
"odd":{"litellm_provider":"openai","input_cost_per_token":1e-6,"output_cost_per_token":1e-6,"input_cost_per_purple_token":1},
"openai/*":{"litellm_provider":"openai","input_cost_per_token":1e-6},
"orphan":{"input_cost_per_token":1e-6}}`

func TestImportLiteLLM(t *testing.T) {
	im, err := Import([]byte(liteList))
	if err != nil || im.Shape != ShapeLiteLLM {
		t.Fatal(err, im)
	}
	if len(im.Left) != 5 {
		t.Errorf("left out: %q", im.Left)
	}
	c, err := Load([]byte(liteList))
	if err != nil || !strings.HasPrefix(c.Version(), "litellm~") {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		provider, model string
		usage           llm.Usage
		want            string
	}{
		{"openai", "big", llm.Usage{Input: 1_000_000}, "4.4"}, // above 272k
		{"openai", "big", llm.Usage{Input: 100_000}, "0.22"},
		{"openai", "big", llm.Usage{Input: 100_000, Tier: "default"}, "0.22"},
		{"openai", "big", llm.Usage{Input: 100_000, Tier: "priority"}, "0.4"},
		{"openai", "big", llm.Usage{Input: 300_000, Output: 10_000, Tier: "priority"}, "2.7"},
		{"openai", "big", llm.Usage{CacheRead: 100_000, Tier: "priority"}, "0.04"},
		{"openai", "big", llm.Usage{Input: 100_000, Output: 1000, Tier: "flex"}, "0.115"},
		{"openai", "big", llm.Usage{CacheRead: 100_000, Tier: "flex"}, "0.011"}, // not listed: half, as all input
		{"openai", "big", llm.Usage{Input: 300_000, Tier: "flex"}, "0.66"},      // not listed: twice above the band
		{"openai", "big", llm.Usage{Input: 100_000, Tier: "novel"}, "0.22"},
		{"openai", "big", llm.Usage{Output: 1000, Reasoning: 400}, "0.014"},
		{"openai", "big", llm.Usage{Input: 1000, InputAudio: 100, InputImage: 200}, "0.00514"},
		{"openai", "big", llm.Usage{WebSearches: 1, FileSearches: 2, CodeSessions: 3}, "0.145"},
		{"openai", "big-2026-01-31", llm.Usage{Input: 100_000, Tier: "priority"}, "0.4"},
		{"anthropic", "claude", llm.Usage{CacheWrite: 100_000, CacheWrite1h: 100_000}, "1.625"},
		{"anthropic", "claude", llm.Usage{CacheWrite: 100_000, CacheWrite1h: 100_001}, "3.25002"},
		{"anthropic", "claude", llm.Usage{Input: 100_000, Tier: "fast", Region: "us"}, "3.3"},
		{"gemini", "flash", llm.Usage{Input: 1_000_000}, "0.3"},
		{"vertex", "flash", llm.Usage{Input: 1_000_000}, "0.4"},
		{"xai", "grok", llm.Usage{Input: 127_999}, "0.383997"},
		{"xai", "grok", llm.Usage{Input: 128_000}, "0.768"},
		{"dashscope", "q", llm.Usage{Input: 32_000}, "0.032"},
		{"dashscope", "q", llm.Usage{Input: 32_001}, "0.064002"},
		{"openai", "free", llm.Usage{Input: 1_000_000}, "0"},
	} {
		p, ok := c.Lookup(tc.provider, tc.provider, tc.model, asOf)
		if got := p.Cost(&tc.usage); !ok || got != usd(t, tc.want) {
			t.Errorf("%s/%s: %v, %+v costs %s, want %s", tc.provider, tc.model, ok, tc.usage, got, tc.want)
		}
	}
	for _, model := range []string{"whisper", "dall", "odd", "orphan", "sample_spec"} {
		if p, ok := c.Lookup("openai", "openai", model, asOf); ok {
			t.Errorf("%s has a price: %+v", model, p)
		}
	}
	if p, _ := c.Lookup("openai", "openai", "big", asOf); p.MaxOutput != 1000 {
		t.Errorf("at most %d tokens", p.MaxOutput)
	}
}

const devList = `{
"openai":{"id":"openai","models":{
 "big":{"id":"big","cost":{"input":2.5,"output":10,"cache_read":1.25,"tiers":[{"input":5,"output":15,"tier":{"type":"context","size":272000}}],"context_over_200k":{"input":7,"output":7}},"limit":{"context":400000,"output":128000},
  "experimental":{"modes":{"fast":{"cost":{"input":5,"output":20}}}}},
 "plain":{"id":"plain","cost":{"input":0.18000000000000002,"output":1e0,"reasoning":3,"input_audio":6,"output_audio":8,"context_over_200k":{"input":1}},"experimental":true},
 "gift":{"id":"gift","cost":{"input":0,"output":0}},
 "uncosted":{"id":"uncosted"},
 "odd":{"id":"odd","cost":{"input":1,"output":1,"per_furlong":2}}}},
"xai":{"id":"xai","models":{"grok":{"cost":{"input":2,"output":6,"tiers":[{"input":4,"output":12,"tier":{"type":"context","size":200000}}]}}}}}`

func TestImportModelsDev(t *testing.T) {
	im, err := Import([]byte(devList))
	if err != nil || im.Shape != ShapeModelsDev || len(im.Left) != 2 {
		t.Fatalf("%v %+v", err, im)
	}
	c, err := Load([]byte(devList))
	if err != nil || !strings.HasPrefix(c.Version(), "models.dev~") {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		provider, model string
		usage           llm.Usage
		want            string
	}{
		{"openai", "big", llm.Usage{Input: 200_001}, "0.5000025"}, // tiers before context_over_200k
		{"openai", "big", llm.Usage{Input: 300_000, Output: 1000}, "1.515"},
		{"openai", "big", llm.Usage{CacheRead: 100_000, Tier: "fast"}, "0.25"},
		{"openai", "plain", llm.Usage{Input: 100_000}, "0.018"},
		{"openai", "plain", llm.Usage{Input: 200_001}, "0.200001"},
		{"openai", "plain", llm.Usage{Input: 10, InputAudio: 10, Output: 20, OutputAudio: 10, Reasoning: 5}, "0.00016"},
		{"openai", "gift", llm.Usage{Input: 1}, "0"},
		{"xai", "grok", llm.Usage{Input: 200_000}, "0.8"},
	} {
		p, ok := c.Lookup(tc.provider, tc.provider, tc.model, asOf)
		if got := p.Cost(&tc.usage); !ok || got != usd(t, tc.want) {
			t.Errorf("%s/%s: %v, %+v costs %s, want %s", tc.provider, tc.model, ok, tc.usage, got, tc.want)
		}
	}
	if p, _ := c.Lookup("openai", "openai", "big", asOf); p.MaxOutput != 128_000 {
		t.Errorf("at most %d tokens", p.MaxOutput)
	}
}

// What is malformed is refused, and it says where.
func TestImportRefuses(t *testing.T) {
	lite := func(members string) string { return `{"m-1":{"litellm_provider":"openai",` + members + `}}` }
	dev := func(cost string) string { return `{"openai":{"models":{"m-1":{"cost":` + cost + `}}}}` }
	for name, tc := range map[string]struct{ text, want string }{
		"empty":                {``, "reading prices"},
		"cut":                  {liteList[:len(liteList)/2], "reading prices"},
		"twice":                {`{"m":{"litellm_provider":"x"},"m":{"litellm_provider":"y"}}`, "duplicate"},
		"a list":               {`[1]`, "reading prices"},
		"HTML":                 {`<html>`, "reading prices"},
		"another object":       {`{"message":"Not Found","status":"404"}`, "not a list of prices"},
		"nothing priced":       {lite(`"mode":"chat"`), "no model"},
		"not a model":          {`{"a":{"litellm_provider":"x"},"m-1":7}`, `"m-1"`},
		"provider's type":      {`{"m-1":{"litellm_provider":7}}`, "litellm_provider"},
		"negative":             {lite(`"input_cost_per_token":-1e-6`), `"m-1": input_cost_per_token`},
		"text":                 {lite(`"input_cost_per_token":"1e-6"`), `"m-1": input_cost_per_token`},
		"huge":                 {lite(`"input_cost_per_token":1e30`), "too large"},
		"absurd exponent":      {lite(`"input_cost_per_token":1e999999999`), "no price"},
		"fee's type":           {lite(`"file_search_cost_per_1k_calls":{}`), "file_search_cost_per_1k_calls"},
		"sizes":                {lite(`"search_context_cost_per_query":7`), "search_context_cost_per_query"},
		"ranges":               {lite(`"tiered_pricing":{}`), "tiered_pricing"},
		"a range":              {lite(`"tiered_pricing":[{"input_cost_per_token":1}]`), "entry 1"},
		"a range that ends":    {lite(`"tiered_pricing":[{"range":[-1,2],"input_cost_per_token":1}]`), "entry 1"},
		"a factor":             {lite(`"input_cost_per_token":1e-6,"provider_specific_entry":{"fast":-2}`), "factor"},
		"a factor of nothing":  {lite(`"input_cost_per_token":1e-6,"provider_specific_entry":{"us":0}`), "factor"},
		"models.dev negative":  {dev(`{"input":-1,"output":2}`), `model "m-1": cost: input`},
		"models.dev text":      {dev(`{"input":"1","output":2}`), `model "m-1": cost: input`},
		"models.dev cost":      {dev(`[]`), `model "m-1": cost`},
		"models.dev tiers":     {dev(`{"input":1,"output":2,"tiers":[{"input":1}]}`), "tiers: entry 1"},
		"models.dev tier type": {dev(`{"input":1,"output":2,"tiers":[{"input":1,"tier":{"type":"moon","size":5}}]}`), "tiers: entry 1"},
		"models.dev models":    {`{"a":{"models":{"m":{}}},"openai":{"models":[]}}`, `"openai"`},
		"models.dev model":     {`{"openai":{"models":{"m-1":7}}}`, `"m-1"`},
	} {
		if _, err := Load([]byte(tc.text)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v; want %q", name, err, tc.want)
		}
	}
}

// Whatever a file holds, what it is read as can be written down and read again, and no
// price in it is unsound.
func FuzzImport(f *testing.F) {
	f.Add([]byte(liteList))
	f.Add([]byte(devList))
	f.Add([]byte(`{"as_of":"2026-01-01","providers":[{"name":"p","models":[{"match":["m*"],"prices":[{"rates":{"input":"1"},"served":{"flex":{"times":"0.5"},"fast":{"rates":{"output":"3"},"tiers":[{"above":9,"input":"7"}]}},"regions":{"us":"1.1"},"file_search":"1"}]}]}]}`))
	f.Add([]byte(`{"m":{"litellm_provider":"openai","input_cost_per_token_above_9k_tokens":1e-9,"output_cost_per_token":1e-40}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		im, err := Import(data)
		if err != nil {
			return
		}
		if im.Snapshot.AsOf == "" {
			im.Snapshot.AsOf = "2026-01-01"
		}
		b, err := json.Marshal(im.Snapshot)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Load(b)
		direct, derr := Load(data)
		if im.Shape != ShapeOwn && (err != nil || derr != nil) {
			t.Fatalf("what was imported does not load: %v, %v", err, derr)
		}
		if err != nil || derr != nil {
			return
		}
		for i := range im.Snapshot.Providers {
			name := im.Snapshot.Providers[i].Name
			for model := range c.providers[strings.ToLower(name)].exact {
				p, ok := c.Lookup(name, name, model, asOf)
				q, also := direct.Lookup(name, name, model, asOf)
				if !ok || !also || p.fingerprint() != q.fingerprint() {
					t.Fatalf("%s/%s: %v %v", name, model, ok, also)
				}
				for _, tier := range []string{"", "flex", "fast", "priority"} {
					u := llm.Usage{Input: 7, CacheRead: 5, CacheReadAudio: 2, Output: 3, OutputImage: 1, Tier: tier, Region: "us"}
					if p.Cost(&u) > p.Bound(12, 3, Ask{}) {
						t.Fatalf("%s: cost above bound", model)
					}
				}
			}
		}
	})
}
