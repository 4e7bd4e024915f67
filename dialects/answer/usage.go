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
	imageIn, imageOut, audioCached     figure
	split                              bool // the output was said in kinds
	cost                               llm.Money
	searches, fileSearches, sessions   figure
	toolPrompt                         figure // Gemini: what its own tools added to the input
	parts                              []part
	// any is true once a figure was given, final once the last ones were.
	any, final bool
}

// part is one of Anthropic's iterations: a call inside the call, at its own
// model if it names one.
type part struct {
	usage usage
	model string
}

// given reports whether the provider gave any figure that is billed. An empty
// usage object says nothing, and must not make a call free.
func (u *usage) given() bool {
	return u.prompt.set || u.completion.set || u.total.set || u.cacheRead.set || u.cacheWrite.set ||
		u.cacheWrite1.set || u.cacheCreation.set || len(u.parts) > 0
}

func (u *usage) merge(o *usage) {
	u.any = u.any || o.given()
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
	u.imageIn.merge(o.imageIn)
	u.imageOut.merge(o.imageOut)
	u.audioCached.merge(o.audioCached)
	u.split = u.split || o.split
	if o.cost > 0 {
		u.cost = o.cost
	}
	u.searches.merge(o.searches)
	u.fileSearches.merge(o.fileSearches)
	u.sessions.merge(o.sessions)
	u.toolPrompt.merge(o.toolPrompt)
	if o.parts != nil {
		u.parts = o.parts
	}
}

// geminiResult finishes what result began: cached tokens are inside the prompt,
// thoughts and what tools brought in are outside the other counts.
func (u *usage) geminiResult(r llm.Usage) llm.Usage {
	r.CacheRead = min(u.cacheRead.n, max(u.prompt.n, u.total.n))
	r.Input = max(0, u.prompt.n-r.CacheRead) + u.toolPrompt.n
	r.Reasoning = u.reasoning.n
	r.Output = u.completion.n + u.reasoning.n
	if hidden := u.total.n - u.prompt.n - u.toolPrompt.n - r.Output; u.total.set && hidden > 0 {
		if u.prompt.set {
			r.Output += hidden
		} else {
			r.Input += hidden
		}
	}
	r.CacheReadAudio = min(r.CacheReadAudio, r.CacheRead)
	r.InputAudio = min(r.InputAudio, r.Input)
	r.InputImage = min(r.InputImage, r.Input-r.InputAudio)
	r.OutputAudio = min(r.OutputAudio, r.Output)
	r.OutputImage = min(r.OutputImage, r.Output-r.OutputAudio)
	return r
}

// result turns the figures into disjoint buckets. OpenAI counts cached tokens
// inside the prompt, Anthropic outside.
func (u *usage) result(f llm.Family) llm.Usage {
	r := llm.Usage{
		CacheRead: u.cacheRead.n, CacheWrite: u.cacheWrite.n, CacheWrite1h: u.cacheWrite1.n,
		InputAudio: u.audioIn.n, InputImage: u.imageIn.n, CacheReadAudio: u.audioCached.n,
		OutputAudio: u.audioOut.n, OutputImage: u.imageOut.n, OutputSplit: u.split,
		Output: u.completion.n, WebSearches: u.searches.n, FileSearches: u.fileSearches.n, CodeSessions: u.sessions.n, ProviderCost: u.cost,
		Reported: u.any, Final: u.final,
	}
	if f == llm.FamilyAnthropic {
		r.Input = u.prompt.n
		r.Reasoning = min(u.reasoning.n, r.Output)
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
	if f == llm.FamilyGemini {
		return u.geminiResult(r)
	}
	prompt := u.prompt.n
	if !u.prompt.set && u.total.set { // some embedding servers give only the total
		prompt = max(0, u.total.n-u.completion.n)
	}
	cached := u.cacheRead.n + u.cacheWrite.n
	hidden := u.total.n - prompt - u.completion.n // what the total has beyond its parts
	switch {
	case cached > prompt, cached > 0 && u.total.set && hidden == cached:
		r.Input = prompt // this server counts cached tokens beside the prompt
		hidden -= cached
	default:
		r.Input = prompt - cached
	}
	// Google's OpenAI face and xAI leave hidden reasoning out of the completion
	// but not out of the total; it is billed as output.
	if u.total.set && hidden > 0 {
		r.Output += hidden
	}
	r.Reasoning = min(u.reasoning.n, r.Output)
	// Audio is counted with what of it was cached; how much that is not all say.
	if u.audioCached.set {
		r.InputAudio = max(0, u.audioIn.n-u.audioCached.n)
	} else if beyond := r.InputAudio - r.Input; beyond > 0 {
		r.CacheReadAudio = min(beyond, r.CacheRead)
		r.InputAudio -= r.CacheReadAudio
	}
	return r
}
