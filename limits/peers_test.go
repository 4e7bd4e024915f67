package limits

import (
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What went wrong with costs elsewhere: one test for each of those reports, named
// after it. Each goes from the bytes of an answer to money, at prices that are made up
// so that sums can be checked by eye. The budgets' own list is in caddytest; an index
// of both is in docs/llm_cost.md.

const peerPrices = `{"as_of":"2026-11-01","providers":[{"name":"p","models":[
 {"match":["chat"],"prices":[{"rates":{"input":"100","output":"1000","cache_read":"10","cache_write":"125","input_audio":"700","cache_read_audio":"70","reasoning":"1000"},
  "tiers":[{"above":1000,"input":"200","output":"1500","cache_read":"20"}],
  "served":{"flex":{"times":"0.5"},"priority":{"rates":{"input":"300","output":"3000","cache_read":"30"}}}}]},
 {"match":["chat-2026-08-06"],"prices":[{"rates":{"input":"100","output":"1000","cache_read":"10","cache_write":"125","input_audio":"700","cache_read_audio":"70","reasoning":"1000"},"tiers":[{"above":1000,"input":"200","output":"1500","cache_read":"20"}]}]},
 {"match":["claude"],"prices":[{"rates":{"input":"100","output":"1000","cache_read":"10","cache_write":"125","cache_write_1h":"200"}}]},
 {"match":["opus"],"prices":[{"rates":{"input":"500","output":"5000"}}]},
 {"match":["bare"],"prices":[{"rates":{"input":"100","output":"1000"}}]},
 {"match":["zero"],"prices":[{"rates":{"input":"100","output":"1000","cache_read":"0"}}]},
 {"match":["thinker"],"prices":[{"rates":{"input":"100","output":"1000","reasoning":"400"},"served":{"priority":{"rates":{"input":"200","output":"2000","reasoning":"800"}}}}]},
 {"match":["gemini"],"prices":[{"rates":{"input":"100","output":"1000","cache_read":"25"},"tiers":[{"above":200000,"input":"200","output":"1500","cache_read":"50"}]}]}
]}]}`

// charge is what a call of a model costs, in micro-dollars, whose answer is body, or a
// stream of the data of events.
func charge(t *testing.T, d llm.Dialect, model string, data ...string) int64 {
	t.Helper()
	cat, err := prices.Load([]byte(peerPrices))
	if err != nil {
		t.Fatal(err)
	}
	stream := len(data) > 1
	a := answer.New(d, stream)
	for _, one := range data {
		if !stream {
			err = a.Body([]byte(one))
		} else if a.Event([]byte("data: "+one+"\n\n")) == answer.Malformed {
			t.Fatalf("malformed: %s", one)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	u := a.Usage()
	price, ok := cat.Lookup("p", "p", model, noon)
	if !ok {
		t.Fatalf("%s has no price", model)
	}
	cost := cat.CostOf(price, "p", "p", noon, &u)
	if bound := price.Bound(u.Prompt(), u.Output, prices.Ask{}); len(u.Parts) == 0 && u.ProviderCost == 0 && cost > bound {
		t.Errorf("%s is above the bound %s", cost, bound)
	}
	if cost%1000 != 0 {
		t.Errorf("%s is no whole number of micro-dollars", cost)
	}
	return int64(cost / 1000)
}

func costs(t *testing.T, got, want int64) {
	t.Helper()
	if got != want {
		t.Errorf("costs %d micro-dollars, want %d", got, want)
	}
}

const claudeStart = `{"type":"message_start","message":{"model":"claude","content":[],"usage":{"input_tokens":10,"cache_read_input_tokens":1000,"cache_creation_input_tokens":80,"cache_creation":{"ephemeral_5m_input_tokens":60,"ephemeral_1h_input_tokens":20},"output_tokens":1}}}`

// 10 × 100 + 1,000 × 10 + 60 × 125 + 20 × 200 + 5 × 1,000, per million tokens.
const claudeCost = 1000 + 10_000 + 7500 + 4000 + 5000

// Cache writes were charged twice: once at their own rate and once as input.
func TestCostLiteLLM9812CacheWritesOnce(t *testing.T) {
	costs(t, charge(t, llm.Messages, "claude", `{"type":"message","model":"claude","usage":{"input_tokens":10,"cache_read_input_tokens":1000,"cache_creation_input_tokens":80,"cache_creation":{"ephemeral_5m_input_tokens":60,"ephemeral_1h_input_tokens":20},"output_tokens":5}}`), claudeCost)
}

// The same where the prompt is said to contain what was written to the cache.
func TestCostLiteLLM6576CacheWritesInsideThePrompt(t *testing.T) {
	costs(t, charge(t, llm.Chat, "chat", `{"usage":{"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":30}}}`), 10*100+60*10+30*125+5*1000)
}

// LiteLLM PR 31282: twice, once by the total of the writes and once by its parts.
func TestCostLiteLLM31282TotalOfWritesIsNotAdded(t *testing.T) {
	costs(t, charge(t, llm.Messages, "claude", claudeStart, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}`, `{"type":"message_stop"}`), claudeCost)
}

// Bifrost #3451: charged at the start of a stream and again at its end.
func TestCostBifrost3451WritesInStartAndDelta(t *testing.T) {
	costs(t, charge(t, llm.Messages, "claude", claudeStart,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":10,"cache_read_input_tokens":1000,"cache_creation_input_tokens":80,"cache_creation":{"ephemeral_5m_input_tokens":60,"ephemeral_1h_input_tokens":20},"output_tokens":5}}`), claudeCost)
}

// Envoy AI Gateway #2279 and its PR 2236: what several events say was added up.
func TestCostEnvoy2279FiguresAreSetNotAdded(t *testing.T) {
	costs(t, charge(t, llm.Messages, "claude", claudeStart,
		`{"type":"message_delta","delta":{},"usage":{"output_tokens":3}}`, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}`), claudeCost)
	costs(t, charge(t, llm.Chat, "bare", `{"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":10,"completion_tokens":2}}`, `{"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":10,"completion_tokens":5}}`), 10*100+5*1000)
}

// Cache reads cost the full price, but only in streams.
func TestCostLiteLLM11789CacheReadsInStreams(t *testing.T) {
	usage := `"usage":{"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"prompt_tokens_details":{"cached_tokens":60}}}`
	whole := charge(t, llm.Chat, "chat", `{"choices":[],`+usage)
	costs(t, whole, 40*100+60*10+5*1000)
	costs(t, charge(t, llm.Chat, "chat", `{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"usage":null}`, `{"choices":[],`+usage, `[DONE]`), whole)
}

// Cache reads cost the full price where the server has names of its own for them.
func TestCostLiteLLM11364CacheReadsByAnyName(t *testing.T) {
	for _, usage := range []string{`"prompt_tokens_details":{"cached_tokens":60}`, `"prompt_cache_hit_tokens":60,"prompt_cache_miss_tokens":40`, `"num_cached_tokens":60`} {
		costs(t, charge(t, llm.Chat, "chat", `{"usage":{"prompt_tokens":100,"completion_tokens":5,`+usage+`}}`), 40*100+60*10+5*1000)
	}
}

// Bifrost #904: the same in Anthropic's dialect and in the Responses API.
func TestCostBifrost904CacheReadsInEveryDialect(t *testing.T) {
	const want = 40*100 + 60*10 + 5*1000
	costs(t, charge(t, llm.Messages, "claude", `{"usage":{"input_tokens":40,"cache_read_input_tokens":60,"output_tokens":5}}`), want)
	costs(t, charge(t, llm.Responses, "chat", `{"status":"completed","usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":60},"output_tokens":5,"total_tokens":105}}`), want)
}

// Envoy AI Gateway #2290: what only message_delta says was dropped.
func TestCostEnvoy2290DeltaCounts(t *testing.T) {
	costs(t, charge(t, llm.Messages, "claude", `{"type":"message_start","message":{"model":"claude","usage":{"input_tokens":2,"output_tokens":1}}}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":25,"cache_read_input_tokens":100,"output_tokens":5}}`), 25*100+100*10+5*1000)
}

// Bifrost PR 1872: a model without a rate for its cache had it for nothing.
func TestCostBifrost1872MissingCacheRateIsNotFree(t *testing.T) {
	costs(t, charge(t, llm.Messages, "bare", `{"usage":{"input_tokens":10,"cache_read_input_tokens":20,"cache_creation_input_tokens":30,"output_tokens":5}}`), 60*100+5*1000)
}

// LiteLLM #37992: a price of 0 was taken for a missing one; and a figure of 0 likewise.
func TestCostLiteLLM37992ZeroIsNotMissing(t *testing.T) {
	costs(t, charge(t, llm.Messages, "zero", `{"usage":{"input_tokens":10,"cache_read_input_tokens":20,"output_tokens":5}}`), 10*100+5*1000)
	costs(t, charge(t, llm.Messages, "claude", claudeStart, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"cache_read_input_tokens":0,"output_tokens":0}}`), 1000+7500+4000)
}

// Bifrost PR 2899: writes for an hour cost what those for five minutes do.
func TestCostBifrost2899HourAndFiveMinutes(t *testing.T) {
	costs(t, charge(t, llm.Messages, "claude", `{"usage":{"input_tokens":0,"cache_creation_input_tokens":80,"cache_creation":{"ephemeral_5m_input_tokens":60,"ephemeral_1h_input_tokens":20},"output_tokens":0}}`), 7500+4000)
}

// LiteLLM #14849: Gemini's cached tokens were counted twice, in the prompt and beside it.
func TestCostLiteLLM14849GeminiCachedOnce(t *testing.T) {
	costs(t, charge(t, llm.GenerateContent, "gemini", `{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":60,"candidatesTokenCount":5,"totalTokenCount":105}}`), 40*100+60*25+5*1000)
}

// LiteLLM #16341 and #11156: what Gemini cached by itself was not seen, in streams and
// without.
func TestCostLiteLLM16341GeminiImplicitCache(t *testing.T) {
	costs(t, charge(t, llm.GenerateContent, "gemini", `{"candidates":[{"content":{"parts":[{"text":"x"}]}}],"usageMetadata":{"promptTokenCount":100,"totalTokenCount":100}}`,
		`{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":60,"candidatesTokenCount":5,"totalTokenCount":105,"cacheTokensDetails":[{"modality":"TEXT","tokenCount":60}]}}`), 40*100+60*25+5*1000)
}

// LiteLLM #11017: the band above 200,000 tokens was chosen by what was not cached.
func TestCostLiteLLM11017BandByTheWholePrompt(t *testing.T) {
	costs(t, charge(t, llm.GenerateContent, "gemini", `{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":200001,"cachedContentTokenCount":200000,"candidatesTokenCount":2,"totalTokenCount":200003}}`), 200+200_000*50+2*1500)
	costs(t, charge(t, llm.GenerateContent, "gemini", `{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":200000,"cachedContentTokenCount":199999,"candidatesTokenCount":2,"totalTokenCount":200002}}`), 100+199_999*25+2*1000)
}

// LiteLLM #31837: the tier that was asked for was charged, not the one that served.
func TestCostLiteLLM31837TierThatServed(t *testing.T) {
	for tier, want := range map[string]int64{"flex": 10*50 + 5*500, "priority": 10*300 + 5*3000, "default": 10*100 + 5*1000} {
		costs(t, charge(t, llm.Chat, "chat", `{"model":"chat","service_tier":"`+tier+`","usage":{"prompt_tokens":10,"completion_tokens":5}}`), want)
	}
}

// LiteLLM PR 38458 and #13810: streams served by flex cost the standard price.
func TestCostLiteLLM38458FlexInStreams(t *testing.T) {
	costs(t, charge(t, llm.Chat, "chat", `{"service_tier":"flex","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"usage":null}`, `{"service_tier":"flex","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5}}`), 10*50+5*500)
	costs(t, charge(t, llm.Responses, "chat", `{"type":"response.created","response":{"service_tier":"auto"}}`, `{"type":"response.completed","response":{"status":"completed","service_tier":"flex","usage":{"input_tokens":10,"output_tokens":5}}}`), 10*50+5*500)
}

// LiteLLM #37046: the dated name of a model had no price for priority.
func TestCostLiteLLM37046DatedNameHasTheTiers(t *testing.T) {
	costs(t, charge(t, llm.Chat, "chat-2026-08-06", `{"service_tier":"priority","usage":{"prompt_tokens":10,"completion_tokens":5}}`), 10*300+5*3000)
	costs(t, charge(t, llm.Chat, "chat", `{"model":"chat-2026-12-24","service_tier":"priority","usage":{"prompt_tokens":10,"completion_tokens":5}}`), 10*300+5*3000)
}

// LiteLLM PR 35925: reasoning was charged by another tier than the rest.
func TestCostLiteLLM35925ReasoningInTheTier(t *testing.T) {
	costs(t, charge(t, llm.Chat, "thinker", `{"service_tier":"priority","usage":{"prompt_tokens":10,"completion_tokens":50,"completion_tokens_details":{"reasoning_tokens":40}}}`), 10*200+10*2000+40*800)
	costs(t, charge(t, llm.Chat, "thinker", `{"usage":{"prompt_tokens":10,"completion_tokens":50,"completion_tokens_details":{"reasoning_tokens":40}}}`), 10*100+10*1000+40*400)
}

// LiteLLM #38802: what the provider itself said that the call cost was ignored.
func TestCostLiteLLM38802ProvidersOwnCost(t *testing.T) {
	costs(t, charge(t, llm.Chat, "chat", `{"usage":{"prompt_tokens":10,"completion_tokens":5,"cost":0.0125}}`), 12_500)
	costs(t, charge(t, llm.Chat, "chat", `{"usage":{"prompt_tokens":10,"completion_tokens":5,"cost":{"input_tokens_cost":1,"total_cost":1.25e-2}}}`), 12_500)
	// A fee of a broker for calls with a key of one's own is not the cost of the call.
	costs(t, charge(t, llm.Chat, "chat", `{"usage":{"prompt_tokens":10,"completion_tokens":5,"cost":0.0003}}`), 6000)
	for _, lie := range []string{`-1`, `1e9`, `"5"`, `null`, `[]`} {
		costs(t, charge(t, llm.Chat, "chat", `{"usage":{"prompt_tokens":10,"completion_tokens":5,"cost":`+lie+`}}`), 6000)
	}
}

// Portkey PR 1754: the prompt was said without what was cached, and the total with it.
func TestCostPortkey1754CachedBesideThePrompt(t *testing.T) {
	costs(t, charge(t, llm.Chat, "chat", `{"usage":{"prompt_tokens":40,"completion_tokens":5,"total_tokens":105,"prompt_tokens_details":{"cached_tokens":60}}}`), 40*100+60*10+5*1000)
}

// LangWatch's task 641: cached audio cost what cached text does, or what audio does.
func TestCostLangWatch641CachedAudio(t *testing.T) {
	costs(t, charge(t, llm.Chat, "chat", `{"usage":{"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":60,"audio_tokens":50,"cached_tokens_details":{"text_tokens":30,"audio_tokens":30}}}}`), 20*100+20*700+30*10+30*70+5*1000)
}

// Bifrost #3559: prices per token were taken for prices per million.
func TestCostBifrost3559PerTokenAndPerMillion(t *testing.T) {
	own := `{"as_of":"2026-11-01","providers":[{"name":"p","models":[{"match":["m"],"prices":[{"rates":{"input":"2.5","output":"10"}}]}]}]}`
	lite := `{"p/m":{"litellm_provider":"p","input_cost_per_token":2.5e-06,"output_cost_per_token":1e-05}}`
	dev := `{"p":{"models":{"m":{"cost":{"input":2.5,"output":10}}}}}`
	for _, text := range []string{own, lite, dev} {
		cat, err := prices.Load([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		p, ok := cat.Lookup("p", "p", "m", noon)
		if cost := p.Cost(&llm.Usage{Input: 1_000_000, Output: 100_000}); !ok || cost != 3_500_000_000 {
			t.Errorf("%s: %s", text, cost)
		}
	}
}

// The advisor of a call, its compaction and a fallback are billed at prices of their
// own and stand outside the totals; pydantic/genai-prices passes them over.
func TestCostGenAIPricesAdvisorIterations(t *testing.T) {
	costs(t, charge(t, llm.Messages, "claude", `{"model":"claude","usage":{"input_tokens":10,"output_tokens":5,"iterations":[
		{"type":"message","input_tokens":10,"output_tokens":5},{"type":"advisor_message","model":"opus","input_tokens":2518,"output_tokens":22},
		{"type":"compaction","input_tokens":100,"cache_read_input_tokens":50,"output_tokens":7}]}}`),
		(10*100+5*1000)+(2518*500+22*5000)+(100*100+50*10+7*1000))
}
