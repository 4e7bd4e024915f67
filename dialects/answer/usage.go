package answer

import "github.com/caddy-llm-gateway/caddy-llm-gateway/llm"

// figure is a count that a provider may have given; an explicit zero is not the
// same as none.
type figure struct {
	n   int64
	set bool
}

// maxFigure is the largest count that is believed. What is beyond, or negative,
// is treated as not given: usage comes from outside and is priced.
const maxFigure = 1_000_000_000_000

func (f *figure) put(n int64) {
	if n >= 0 && n <= maxFigure {
		f.n, f.set = n, true
	}
}

func (f *figure) merge(o figure) {
	if o.set {
		*f = o
	}
}

// usage holds the figures as the dialects name them. The rule for merging what
// comes in several events is: per field the last value that is not null wins;
// nothing is ever added up or compared.
type usage struct {
	prompt, completion, total          figure
	cacheRead, cacheWrite, cacheWrite1 figure
	cacheCreation                      figure // Anthropic's total of both kinds of writes
	audioIn, audioOut, reasoning       figure
	searches                           figure
	parts                              []part
	any, final                         bool
}

// part is one of Anthropic's iterations: a call inside the call, at its own
// model if it names one.
type part struct {
	usage usage
	model string
}

func (u *usage) merge(o *usage) {
	u.any = true
	u.prompt.merge(o.prompt)
	u.completion.merge(o.completion)
	u.total.merge(o.total)
	u.cacheRead.merge(o.cacheRead)
	u.cacheWrite.merge(o.cacheWrite)
	u.cacheWrite1.merge(o.cacheWrite1)
	u.cacheCreation.merge(o.cacheCreation)
	u.audioIn.merge(o.audioIn)
	u.audioOut.merge(o.audioOut)
	u.reasoning.merge(o.reasoning)
	u.searches.merge(o.searches)
	if o.parts != nil {
		u.parts = o.parts
	}
}

// result turns the figures into disjoint buckets. OpenAI counts cached tokens
// inside the prompt, Anthropic outside.
func (u *usage) result(f llm.Family) llm.Usage {
	r := llm.Usage{
		CacheRead: u.cacheRead.n, CacheWrite: u.cacheWrite.n, CacheWrite1h: u.cacheWrite1.n,
		InputAudio: u.audioIn.n, OutputAudio: u.audioOut.n,
		Output: u.completion.n, Reasoning: min(u.reasoning.n, u.completion.n), WebSearches: u.searches.n,
		Reported: u.any, Final: u.final,
	}
	if f == llm.FamilyAnthropic {
		r.Input = u.prompt.n
		// The split of the writes is newer than their total; without it all
		// are short.
		if !u.cacheWrite.set && u.cacheCreation.set {
			r.CacheWrite = max(0, u.cacheCreation.n-u.cacheWrite1.n)
		}
		for i := range u.parts {
			p := u.parts[i].usage.result(f)
			p.Model = u.parts[i].model
			r.Parts = append(r.Parts, p)
		}
		return r
	}
	r.Input = max(0, u.prompt.n-u.cacheRead.n-u.cacheWrite.n-u.cacheWrite1.n)
	// Google's OpenAI face leaves hidden reasoning out of the completion but
	// not out of the total; it is billed as output.
	if hidden := u.total.n - u.prompt.n - u.completion.n; u.total.set && u.prompt.set && hidden > 0 && r.CacheRead+r.CacheWrite == 0 {
		r.Output += hidden
	}
	return r
}
