package prices

import "github.com/caddy-llm-gateway/caddy-llm-gateway/llm"

// Rates are prices in nano-dollars per million tokens. Nil means not given: the
// tokens then cost what the fallback named at each field costs, never nothing.
type Rates struct {
	Input          *llm.Money // uncached prompt; without it the highest of the others
	Output         *llm.Money // without it (embeddings) as Input
	CacheRead      *llm.Money // prompt read from the cache; without it as Input
	CacheWrite     *llm.Money // prompt written to the cache; without it as Input
	CacheWrite1h   *llm.Money // the same for the long term; without it as CacheWrite
	CacheReadAudio *llm.Money // audio read from the cache; without it as InputAudio if that is given, else as CacheRead
	InputAudio     *llm.Money // without it as Input
	InputImage     *llm.Money // pictures; without it as Input
	OutputAudio    *llm.Money // without it as Output
	OutputImage    *llm.Money // without it as Output
	Reasoning      *llm.Money // hidden part of the output; without it as Output
}

// kind is what tokens are, as far as prices tell them apart.
type kind int

const (
	input kind = iota
	output
	cacheRead
	cacheWrite
	cacheWrite1h
	cacheReadAudio
	inputAudio
	inputImage
	outputAudio
	outputImage
	reasoning
	kinds
)

// isOutput reports whether tokens of the kind are generated.
func (k kind) isOutput() bool { return k == output || k >= outputAudio }

// fields are the rates by kind.
func (r *Rates) fields() [kinds]**llm.Money {
	return [kinds]**llm.Money{&r.Input, &r.Output, &r.CacheRead, &r.CacheWrite, &r.CacheWrite1h, &r.CacheReadAudio,
		&r.InputAudio, &r.InputImage, &r.OutputAudio, &r.OutputImage, &r.Reasoning}
}

// rates are Rates with all fallbacks applied.
type rates [kinds]llm.Money

func first(ms ...*llm.Money) llm.Money {
	for _, m := range ms {
		if m != nil {
			return max(0, *m)
		}
	}
	return 0
}

// over returns the rates of r where it has them, else those of base.
func (r *Rates) over(base *Rates) Rates {
	out := *base
	from, to := r.fields(), out.fields()
	for k := range from {
		if *from[k] != nil {
			*to[k] = *from[k]
		}
	}
	return out
}

func (r *Rates) resolve() rates {
	in := r.Input
	if in == nil {
		for k, m := range r.fields() {
			if (!kind(k).isOutput() || kind(k) == output) && *m != nil && (in == nil || **m > *in) {
				in = *m
			}
		}
	}
	out := r.Output
	if out == nil {
		out = in
	}
	return rates{
		input: first(in), output: first(out),
		cacheRead: first(r.CacheRead, in), cacheWrite: first(r.CacheWrite, in), cacheWrite1h: first(r.CacheWrite1h, r.CacheWrite, in),
		cacheReadAudio: first(r.CacheReadAudio, r.InputAudio, r.CacheRead, in),
		inputAudio:     first(r.InputAudio, in), inputImage: first(r.InputImage, in),
		outputAudio: first(r.OutputAudio, out), outputImage: first(r.OutputImage, out), reasoning: first(r.Reasoning, out),
	}
}

// dearest returns the highest rate of either side.
func (r *rates) dearest() (in, out llm.Money) {
	for k, m := range r {
		if kind(k).isOutput() {
			out = max(out, m)
		} else {
			in = max(in, m)
		}
	}
	return in, out
}

// Tier holds the rates of calls whose whole prompt, cached tokens included, has
// more than Above tokens. They apply to all tokens of the call. A rate that a
// tier lacks is that of the tier below.
type Tier struct {
	Above int64
	Rates
}

// inBand returns the rates for a prompt of n tokens.
func inBand(base *Rates, tiers []Tier, n int64) Rates {
	r := *base
	for i := range tiers {
		if n <= tiers[i].Above {
			break
		}
		r = tiers[i].over(&r)
	}
	return r
}
