package prices

import (
	"math"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

var asOf = time.Date(2026, 8, 21, 12, 0, 0, 0, time.UTC)

func usd(t *testing.T, s string) llm.Money {
	t.Helper()
	m, err := llm.ParseMoney(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLookup(t *testing.T) {
	c := Embedded()
	for _, tc := range []struct{ name, typ, model, input, output string }{
		{"openai", "openai", "gpt-4o", "2.5", "10"},
		{"mine", "openai", "gpt-4o", "2.5", "10"},
		{"mine", "openai", "GPT-4o", "2.5", "10"},
		{"mine", "openai", "gpt-4o-2024-08-06", "2.5", "10"},
		{"mine", "openai", "gpt-4o-2029-01-31", "2.5", "10"}, // a snapshot that is not in the catalogue
		{"mine", "openai", "gpt-4o-mini", "0.15", "0.6"},
		{"mine", "openai", "gpt-4o-mini-2024-07-18", "0.15", "0.6"},
		{"mine", "openai", "text-embedding-3-small", "0.02", ""},
		{"claude", "anthropic", "claude-sonnet-4-5", "3", "15"},
		{"claude", "anthropic", "claude-sonnet-4-5-20250929", "3", "15"},
		{"claude", "anthropic", "claude-haiku-4-5", "1", "5"},
		{"reverse_proxy", "", "claude-opus-4-1", "15", "75"},
		{"reverse_proxy", "", "gpt-4o", "2.5", "10"},
		{"openai", "simulated", "gpt-4o", "2.5", "10"}, // the demo
		{"sim", "simulated", "claude-haiku-4-5", "1", "5"},
		{"sim", "simulated", "o3", "2", "8"},
		{"azure", "azure", "gpt-4o", "2.5", "10"}, // not listed under Azure's own name
		{"work", "azure", "text-embedding-3-small", "0.02", ""},
		{"gemini", "gemini", "gemini-2.5-flash", "0.3", "2.5"},
	} {
		p, ok := c.Lookup(tc.name, tc.typ, tc.model, asOf)
		if !ok || p.Input == nil || *p.Input != usd(t, tc.input) {
			t.Errorf("%+v: %v %+v", tc, ok, p)
			continue
		}
		if (p.Output == nil) != (tc.output == "") || (p.Output != nil && *p.Output != usd(t, tc.output)) {
			t.Errorf("%+v: output %v", tc, p.Output)
		}
		if p.AsOf != "2026-08-21" {
			t.Errorf("as of %q", p.AsOf)
		}
	}
	for _, tc := range [][3]string{
		{"mine", "openai", "llama-3.3-70b"}, {"mine", "openai", ""}, {"mine", "openai", "claude-sonnet-4-5"}, {"mine", "anthropic", "gpt-4o"},
		{"reverse_proxy", "", "qwen2.5-0.5b-instruct"}, {"mine", "openai", "gpt-4o-2024"}, {"mine", "openai", "gpt-4ox"}, {"mine", "openai", "-2024-08-06"},
	} {
		if p, ok := c.Lookup(tc[0], tc[1], tc[2], asOf); ok {
			t.Errorf("%v has a price: %+v", tc, p)
		}
	}
}

func TestPricesThatChange(t *testing.T) {
	c := Embedded()
	before, _ := c.Lookup("", "openai", "o3", time.Date(2025, 6, 9, 0, 0, 0, 0, time.UTC))
	after, _ := c.Lookup("", "openai", "o3", time.Date(2025, 6, 10, 0, 0, 0, 0, time.UTC))
	if *before.Input != 10*llm.USD || *after.Input != 2*llm.USD {
		t.Errorf("o3: %s, then %s", *before.Input, *after.Input)
	}
	night := timed{start: 16*3600 + 1800, end: 1800}
	day := timed{start: 1800, end: 16*3600 + 1800}
	for h := range 24 {
		at := time.Date(2026, 1, 1, h, 45, 0, 0, time.UTC)
		if night.holds(at) == day.holds(at) {
			t.Errorf("%02d:45: night %v, day %v", h, night.holds(at), day.holds(at))
		}
	}
}

func TestOverrides(t *testing.T) {
	c := Embedded().With([]Override{
		{Pattern: "local/*", Free: true},
		{Pattern: "openai/gpt-4o", Price: Flat(7 * llm.USD)},
		{Pattern: "*/meta/*", Price: Flat(5 * llm.USD)},
		{Pattern: "house-model", Price: Price{Rates: Rates{Input: USD(llm.USD), Output: USD(2 * llm.USD), CacheRead: USD(0)}}},
		{Pattern: "*", Price: Flat(9 * llm.USD)},
	})
	for _, tc := range []struct {
		name, model string
		want        llm.Money
	}{
		{"other", "local/gpt-4o", 9 * llm.USD}, {"other", "openai/gpt-4o", 9 * llm.USD}, {"x", "meta/llama", 5 * llm.USD}, {"meta", "llama", 9 * llm.USD},
		{"local", "anything", 0}, {"local", "gpt-4o", 0}, {"local", "org/model", 0},
		{"openai", "gpt-4o", 7 * llm.USD}, {"other", "gpt-4o", 9 * llm.USD},
		{"x", "house-model", llm.USD}, {"x", "nobody-knows", 9 * llm.USD},
	} {
		p, ok := c.Lookup(tc.name, "openai", tc.model, asOf)
		if !ok || *p.Input != tc.want {
			t.Errorf("%s/%s: %v %+v", tc.name, tc.model, ok, p)
		}
	}
	if !strings.HasPrefix(c.Version(), "2026-08-21+") || c.Version() == Embedded().With([]Override{{Pattern: "local/*", Free: true}}).Version() {
		t.Errorf("version %s", c.Version())
	}
	if Embedded().Version() != "2026-08-21" || Embedded().With(nil).Version() != "2026-08-21" {
		t.Errorf("version %s", Embedded().Version())
	}
	// An explicit zero is a price, a missing one falls back.
	p, _ := c.Lookup("x", "", "house-model", asOf)
	if got := p.Cost(&llm.Usage{CacheRead: 1_000_000, CacheWrite: 1_000_000}); got != llm.USD {
		t.Errorf("cost %s", got)
	}
}

func TestCost(t *testing.T) {
	sonnet, _ := Embedded().Lookup("", "anthropic", "claude-sonnet-4-5", asOf)
	gpt54, _ := Embedded().Lookup("", "openai", "gpt-5.4", asOf)
	embedding, _ := Embedded().Lookup("", "openai", "text-embedding-3-small", asOf)
	audio, _ := Embedded().Lookup("", "openai", "gpt-audio", asOf)
	sonar, _ := Embedded().Lookup("perplexity", "", "sonar-deep-research", asOf)
	one := Flat(1)
	for _, tc := range []struct {
		name  string
		price Price
		usage llm.Usage
		want  string
	}{
		{"plain", sonnet, llm.Usage{Input: 1000, Output: 500}, "0.0105"},
		{"cache buckets are disjoint", sonnet, llm.Usage{Input: 10, CacheRead: 1000, CacheWrite: 100, CacheWrite1h: 50, Output: 1}, "0.00102"},
		{"context band by whole prompt, at the threshold", sonnet, llm.Usage{Input: 1, CacheRead: 199_999, Output: 1}, "0.0600177"},
		{"context band by whole prompt, above it", sonnet, llm.Usage{Input: 2, CacheRead: 199_999, Output: 1}, "0.1200339"},
		{"cache writes count for the band", gpt54, llm.Usage{Input: 1, CacheWrite: 272_000, Output: 2}, "1.36005"},
		{"missing cache write rate is the input rate", gpt54, llm.Usage{CacheWrite: 1_000_0}, "0.025"},
		{"web searches", sonnet, llm.Usage{WebSearches: 3}, "0.03"},
		{"embedding", embedding, llm.Usage{Input: 1_000_000}, "0.02"},
		{"embedding with impossible output is not free", embedding, llm.Usage{Output: 1_000_000}, "0.02"},
		{"audio", audio, llm.Usage{Input: 150, InputAudio: 100, Output: 80, OutputAudio: 60}, "0.007365"},
		{"reasoning at its own rate", sonar, llm.Usage{Output: 1_000_000, Reasoning: 400_000}, "6"},
		{"each bucket is rounded up", one, llm.Usage{Input: 1, CacheRead: 1, Output: 1}, "0.000000003"},
		{"lies: negative counts are nothing", sonnet, llm.Usage{Input: -5, CacheRead: math.MinInt64, Output: -1, WebSearches: -9}, "0"},
		{"lies: a part larger than the whole is charged", audio, llm.Usage{Input: 1, InputAudio: 1_000_000}, "32"},
	} {
		if got := tc.price.Cost(&tc.usage); got != usd(t, tc.want) {
			t.Errorf("%s: %s, want $%s", tc.name, got, tc.want)
		}
	}
	huge := llm.Usage{Input: math.MaxInt64, CacheRead: math.MaxInt64, Output: math.MaxInt64, WebSearches: math.MaxInt64}
	if got := sonnet.Cost(&huge); got != llm.MaxMoney {
		t.Errorf("huge: %s", got)
	}
}

func TestCostOfParts(t *testing.T) {
	c := Embedded()
	sonnet, _ := c.Lookup("claude", "anthropic", "claude-sonnet-4-5", asOf)
	// An advisor's tokens are billed at the advisor's price, outside the totals.
	u := llm.Usage{Input: 1, Output: 1, WebSearches: 2, Model: "claude-sonnet-4-5-20250929", Parts: []llm.Usage{
		{Input: 1000, Output: 100}, {Model: "claude-opus-4-1", Input: 1000, Output: 100}, {Model: "who-knows", Input: 1000},
	}}
	if got, want := c.CostOf(sonnet, "claude", "anthropic", asOf, &u), usd(t, "0.0045")+usd(t, "0.0225")+usd(t, "0.003")+usd(t, "0.02"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestServedModelCounts(t *testing.T) {
	c := Embedded().With([]Override{{Pattern: "local/*", Free: true}})
	mini, _ := c.Lookup("openai", "openai", "gpt-4o-mini", asOf)
	u := llm.Usage{Input: 1_000_000, Model: "gpt-4o"}
	if got := c.CostOf(mini, "openai", "openai", asOf, &u); got != usd(t, "2.5") {
		t.Errorf("served gpt-4o: %s", got)
	}
	// What the operator set is not undone by the name in an answer.
	fixed := Flat(llm.USD).Fixed()
	if got := c.CostOf(fixed, "openai", "openai", asOf, &u); got != llm.USD {
		t.Errorf("operator's price: %s", got)
	}
	if got := c.CostOf(mini, "local", "openai", asOf, &u); got != 0 {
		t.Errorf("served by a free provider: %s", got)
	}
	// Servers answer with a dated or local name of the model. The line for what
	// was asked for stands above one for everything else; one for exactly what was
	// served stands above both, but what is free stays free.
	c = Embedded().With([]Override{
		{Pattern: "asked", Price: Flat(2 * llm.USD)}, {Pattern: "gift", Free: true}, {Pattern: "served", Price: Flat(3 * llm.USD)}, {Pattern: "*", Price: Flat(5 * llm.USD)},
	})
	for _, x := range []struct {
		asked, served string
		want          llm.Money
	}{
		{"asked", "asked-2026-08-06", 2}, {"asked", "served", 3}, {"gift", "gift.gguf", 0}, {"gift", "served", 0},
		{"other", "served", 3}, {"other", "another", 5}, {"asked", "", 2},
	} {
		p, _ := c.Lookup("one", "openai", x.asked, asOf)
		if got := c.CostOf(p, "one", "openai", asOf, &llm.Usage{Input: 1_000_000, Model: x.served}); got != x.want*llm.USD {
			t.Errorf("asked for %q, served by %q: %s, want %d dollars", x.asked, x.served, got, x.want)
		}
	}
}

func money(t *rapid.T, name string) *llm.Money {
	if rapid.IntRange(0, 2).Draw(t, name+" given") == 0 {
		return nil
	}
	m := llm.Money(rapid.Int64Range(0, 1_000*int64(llm.USD)).Draw(t, name))
	return &m
}

func drawRates(t *rapid.T) Rates {
	var r Rates
	for k, m := range r.fields() {
		*m = money(t, kindNames[k])
	}
	return r
}

func drawTiers(t *rapid.T) (tiers []Tier) {
	above := int64(0)
	for range rapid.IntRange(0, 3).Draw(t, "tiers") {
		above += rapid.Int64Range(1, 300_000).Draw(t, "above")
		tiers = append(tiers, Tier{Above: above, Rates: drawRates(t)})
	}
	return tiers
}

func drawFactor(t *rapid.T) Factor {
	return Factor(rapid.Int64Range(1, 7*int64(llm.USD)).Draw(t, "factor"))
}

func drawPrice(t *rapid.T) Price {
	p := Price{Rates: drawRates(t), Tiers: drawTiers(t), Request: money(t, "request"), Served: map[string]*Served{}, Regions: map[string]Factor{}}
	for _, name := range []string{"flex", "priority", "fast", "batch"} {
		if rapid.Bool().Draw(t, name) {
			s := &Served{Rates: drawRates(t), Tiers: drawTiers(t)}
			if rapid.Bool().Draw(t, "times") {
				s.Times = drawFactor(t)
			}
			p.Served[name] = s
		}
	}
	for _, name := range []string{"us", "eu"} {
		if rapid.Bool().Draw(t, name) {
			p.Regions[name] = drawFactor(t)
		}
	}
	return p
}

// drawAsk returns how a request asks to be served and a tier and region by which it
// may be.
func drawAsk(t *rapid.T) (a Ask, tier, region string) {
	a.Tier = rapid.SampledFrom([]string{"", "auto", "default", "standard_only", "flex", "Priority", "novel"}).Draw(t, "asked")
	a.NotFast = rapid.Bool().Draw(t, "not fast")
	a.Region = rapid.SampledFrom([]string{"", "global", "us", "EU"}).Draw(t, "asked region")
	tiers := []string{"", "default", "standard"}
	switch a.Tier {
	case "", "auto", "novel":
		tiers = append(tiers, "flex", "PRIORITY", "novel")
	case "flex", "Priority":
		tiers = append(tiers, a.Tier)
	}
	if !a.NotFast {
		tiers = append(tiers, "fast")
	}
	regions := []string{"", "global"}
	switch a.Region {
	case "":
		regions = append(regions, "us", "EU")
	case "us", "EU":
		regions = append(regions, a.Region)
	}
	return a, rapid.SampledFrom(tiers).Draw(t, "tier"), rapid.SampledFrom(regions).Draw(t, "region")
}

// split cuts n into parts at random.
func split(t *rapid.T, n int64, parts int) []int64 {
	out := make([]int64, parts)
	for i := range parts - 1 {
		out[i] = rapid.Int64Range(0, n).Draw(t, "part")
		n -= out[i]
	}
	out[parts-1] = n
	return out
}

func TestBoundCoversEveryUsage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPrice(t)
		in, out := rapid.Int64Range(0, 1_000_000).Draw(t, "input"), rapid.Int64Range(0, 100_000).Draw(t, "output")
		used := split(t, rapid.Int64Range(0, in).Draw(t, "used"), 4)
		produced := rapid.Int64Range(0, out).Draw(t, "produced")
		kinds := split(t, produced, 4)
		ask, tier, region := drawAsk(t)
		u := llm.Usage{Input: used[0], CacheRead: used[1], CacheWrite: used[2], CacheWrite1h: used[3], Output: produced, OutputAudio: kinds[0], OutputImage: kinds[1], Reasoning: kinds[2],
			OutputSplit: rapid.Bool().Draw(t, "split"), Tier: tier, Region: region}
		u.InputAudio = rapid.Int64Range(0, u.Input).Draw(t, "audio")
		u.InputImage = rapid.Int64Range(0, u.Input-u.InputAudio).Draw(t, "image")
		u.CacheReadAudio = rapid.Int64Range(0, u.CacheRead).Draw(t, "cached audio")
		if cost, bound := p.Cost(&u), p.Bound(in, out, ask); cost > bound {
			t.Fatalf("cost %s of %+v is above the bound %s of %d and %d asked for by %+v", cost, u, bound, in, out, ask)
		}
		if p.Bound(in, out, ask) > p.Bound(in, out, Ask{}) {
			t.Fatal("asking for something costs more than asking for nothing")
		}
	})
}

// plainCost is Cost without integers of fixed size.
func plainCost(rate llm.Money, n int64) *big.Int {
	x := new(big.Int).Mul(big.NewInt(int64(rate)), big.NewInt(n))
	x.Add(x, big.NewInt(999_999))
	return x.Div(x, big.NewInt(1_000_000))
}

func TestCostIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := llm.Money(rapid.Int64Range(0, math.MaxInt64).Draw(t, "in"))
		out := llm.Money(rapid.Int64Range(0, math.MaxInt64).Draw(t, "out"))
		u := llm.Usage{Input: rapid.Int64Range(0, math.MaxInt64).Draw(t, "input"), Output: rapid.Int64Range(0, math.MaxInt64).Draw(t, "output")}
		want := new(big.Int).Add(plainCost(in, u.Input), plainCost(out, u.Output))
		if want.Cmp(big.NewInt(math.MaxInt64)) > 0 {
			want = big.NewInt(math.MaxInt64)
		}
		p := Price{Rates: Rates{Input: &in, Output: &out}}
		if got := p.Cost(&u); int64(got) != want.Int64() {
			t.Fatalf("%d, want %d", got, want)
		}
	})
}

func TestLoadRefuses(t *testing.T) {
	model := func(s string) string {
		return `{"as_of":"2026-01-01","providers":[{"name":"p","models":[` + s + `]}]}`
	}
	if _, err := Load([]byte(model(`{"match":["m"],"prices":[{"rates":{"input":"1"}}]}`))); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]string{
		"empty":           ``,
		"no date":         `{"providers":[]}`,
		"no providers":    `{"as_of":"2026-01-01","providers":[]}`,
		"unknown member":  model(`{"match":["m"],"prices":[{"rates":{"input":"1","inptu":"2"}}]}`),
		"number":          model(`{"match":["m"],"prices":[{"rates":{"input":1.5}}]}`),
		"negative":        model(`{"match":["m"],"prices":[{"rates":{"input":"-1"}}]}`),
		"exponent":        model(`{"match":["m"],"prices":[{"rates":{"input":"1e3"}}]}`),
		"no price":        model(`{"match":["m"],"prices":[{"rates":{"cache_read":"1"}}]}`),
		"no prices":       model(`{"match":["m"],"prices":[]}`),
		"no match":        model(`{"prices":[{"rates":{"input":"1"}}]}`),
		"empty match":     model(`{"match":[""],"prices":[{"rates":{"input":"1"}}]}`),
		"bad regex":       model(`{"regex":["("],"prices":[{"rates":{"input":"1"}}]}`),
		"tier at 0":       model(`{"match":["m"],"prices":[{"rates":{"input":"1"},"tiers":[{"input":"2"}]}]}`),
		"tiers fall":      model(`{"match":["m"],"prices":[{"rates":{"input":"1"},"tiers":[{"above":9,"input":"2"},{"above":9,"input":"2"}]}]}`),
		"bad day":         model(`{"match":["m"],"prices":[{"from":"1.1.2026","rates":{"input":"1"}}]}`),
		"bad time":        model(`{"match":["m"],"prices":[{"daily":"25:00-26:00","rates":{"input":"1"}}]}`),
		"provider twice":  `{"as_of":"2026-01-01","providers":[{"name":"p","models":[]},{"name":"P","models":[]}]}`,
		"duplicate names": `{"as_of":"2026-01-01","as_of":"2026-01-01","providers":[{"name":"p","models":[]}]}`,
	} {
		if _, err := Load([]byte(s)); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"as_of":"2026-01-01","providers":[{"name":"p","models":[{"match":["m*"],"regex":["^x"],"prices":[{"from":"2026-01-01","daily":"00:30-16:30","rates":{"input":"1","output":"0.000000001"},"tiers":[{"above":5,"input":"2"}],"web_search":"0.01"}]}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Load(data)
		if err != nil {
			return
		}
		if p, ok := c.Lookup("p", "p", "m1", asOf); ok {
			u := llm.Usage{Input: 7, CacheRead: 5, Output: 3}
			if p.Cost(&u) > p.Bound(12, 3, Ask{}) {
				t.Fatal("cost above bound")
			}
		}
	})
}

func FuzzLookup(f *testing.F) {
	f.Add("openai", "openai", "gpt-4o-2024-08-06")
	f.Add("", "", "*")
	f.Add("a/b", "anthropic", "claude-x@20260131")
	f.Fuzz(func(t *testing.T, name, typ, model string) {
		c := Embedded()
		p, ok := c.Lookup(name, typ, model, asOf)
		q, again := c.Lookup(name, typ, model, asOf)
		if ok != again || p.fingerprint() != q.fingerprint() {
			t.Fatal("two answers")
		}
		if ok && (model == "" || (p.Input == nil && p.Output == nil)) {
			t.Fatalf("%q: a price without a rate", model)
		}
	})
}

// Nothing in the snapshot may cost less than nothing or be empty, and every
// name in it must be found.
func TestSnapshotIsWhole(t *testing.T) {
	if _, err := os.Stat("NOTICE"); err != nil {
		t.Error(err)
	}
	models := 0
	for name, p := range Embedded().providers {
		for exact := range p.exact {
			models++
			if _, ok := Embedded().Lookup(name, name, exact, asOf); !ok {
				t.Errorf("%s/%s has no price", name, exact)
			}
		}
	}
	if models < 1500 {
		t.Errorf("%d names", models)
	}
}

func BenchmarkCost(b *testing.B) {
	p, _ := Embedded().Lookup("", "anthropic", "claude-sonnet-4-5", asOf)
	u := llm.Usage{Input: 1200, CacheRead: 8000, CacheWrite: 300, Output: 700}
	b.ReportAllocs()
	for b.Loop() {
		p.Cost(&u)
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, m := range []string{"gpt-4o", "gpt-4o-2029-01-01"} {
		b.Run(m, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Embedded().Lookup("openai", "openai", m, asOf)
			}
		})
	}
}
