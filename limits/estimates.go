package limits

import (
	"math/bits"
	"sync"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// estimates learn, for each model, which part of its bound a call really costs,
// for budgets that reserve an estimate. The parts are kept as a histogram that
// forgets: once it is full all counts are halved.
type estimates struct {
	mu     sync.Mutex
	models map[string]*parts
}

const (
	// partSteps is the resolution: a part is counted in 64ths of the bound,
	// rounded up.
	partSteps = 64
	// Of quantilePer calls quantile cost no more than what is reserved.
	quantile, quantilePer = 95, 100
	// enoughCalls must have been seen before anything less than the bound is
	// reserved; fullCalls make the histogram forget.
	enoughCalls, fullCalls = 20, 1024
	// maxEstimates bounds the models that are learned; others reserve the bound.
	maxEstimates = 4096
)

type parts struct {
	counts [partSteps + 1]int64
	total  int64
}

func newEstimates() *estimates { return &estimates{models: map[string]*parts{}} }

// of returns what to reserve for a call of a model with a bound.
func (e *estimates) of(model string, bound llm.Money) llm.Money {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.models[model]
	if p == nil || p.total < enoughCalls {
		return bound
	}
	seen, step := int64(0), partSteps
	for i, n := range p.counts {
		if seen += n; seen*quantilePer >= p.total*quantile {
			step = i
			break
		}
	}
	hi, lo := bits.Mul64(uint64(bound), uint64(step))
	q, r := bits.Div64(hi, lo, partSteps)
	if r > 0 {
		q++
	}
	return max(1, min(bound, llm.Money(q)))
}

// learn takes note of what a call with a bound has cost.
func (e *estimates) learn(model string, bound, cost llm.Money) {
	if bound <= 0 {
		return
	}
	cost = max(0, min(cost, bound))
	hi, lo := bits.Mul64(uint64(cost), partSteps)
	step, r := bits.Div64(hi, lo, uint64(bound))
	if r > 0 {
		step++
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.models[model]
	if p == nil {
		if len(e.models) >= maxEstimates {
			return
		}
		p = new(parts)
		e.models[model] = p
	}
	p.counts[step]++
	if p.total++; p.total >= fullCalls {
		p.total = 0
		for i := range p.counts {
			p.counts[i] /= 2
			p.total += p.counts[i]
		}
	}
}
