package llm

// Usage is what a call consumed, in tokens unless said otherwise. The input
// buckets are disjoint whatever the dialect counts inside what: the whole
// prompt is Input + CacheRead + CacheWrite + CacheWrite1h.
type Usage struct {
	Input        int64 // uncached input
	CacheRead    int64
	CacheWrite   int64 // written for the short term (5 or 30 minutes)
	CacheWrite1h int64 // written for the long term (1 or 12 hours)
	InputAudio   int64 // part of Input
	InputImage   int64 // part of Input
	// CacheReadAudio is the part of CacheRead that was audio.
	CacheReadAudio int64
	Output         int64 // all output, reasoning included
	Reasoning      int64 // part of Output
	OutputAudio    int64 // part of Output
	OutputImage    int64 // part of Output
	// OutputSplit is true if the provider said how much of the output is audio
	// or pictures: what it did not name then is text.
	OutputSplit bool
	// Searches of the web and in files, and sessions of a code interpreter, that
	// the provider ran; requests, not tokens.
	WebSearches, FileSearches, CodeSessions int64
	// ProviderCost is what the provider itself says that the call costs, 0 if it
	// does not say.
	ProviderCost Money
	// Model, Tier and Region are what served the call, as the provider said;
	// empty when it did not say.
	Model, Tier, Region string
	// Reported is true once the provider gave any figure; Final once it gave
	// its last one. What is not Final is completed by an estimate.
	Reported, Final bool
	// Estimated is true when figures were filled in by the gateway because the
	// provider's were missing or not final.
	Estimated bool
	// Parts are further billed calls inside this one, each at its own model
	// (Anthropic's advisor and compaction iterations). When present they
	// replace the totals above for pricing.
	Parts []Usage
}

// Prompt returns the tokens of the whole prompt, cached ones included.
func (u *Usage) Prompt() int64 { return u.Input + u.CacheRead + u.CacheWrite + u.CacheWrite1h }

// Total returns prompt and output tokens.
func (u *Usage) Total() int64 { return u.Prompt() + u.Output }

// Kinds calls f for every non-zero count with the name metrics use for it.
func (u *Usage) Kinds(f func(kind string, n int64)) {
	for _, k := range [...]struct {
		name string
		n    int64
	}{
		{"input", u.Input}, {"cache_read", u.CacheRead}, {"cache_write", u.CacheWrite},
		{"cache_write_1h", u.CacheWrite1h}, {"output", u.Output}, {"reasoning", u.Reasoning},
	} {
		if k.n > 0 {
			f(k.name, k.n)
		}
	}
}
