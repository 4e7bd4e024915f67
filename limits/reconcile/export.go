package reconcile

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
)

// ErrExport is wrapped by every error about an export.
var ErrExport = errors.New("not a usage export")

// The providers whose exports are known.
const (
	OpenAI    = "openai"
	Anthropic = "anthropic"
)

// Tokens is what a provider counted. Input excludes what was read from or written
// to a cache, whatever the provider puts into its own figure.
type Tokens struct {
	Requests   usage.Sum
	Input      usage.Sum
	CacheRead  usage.Sum
	CacheWrite usage.Sum
	Output     usage.Sum
}

func (t *Tokens) plus(o *Tokens) {
	t.Requests = t.Requests.Plus(o.Requests)
	t.Input = t.Input.Plus(o.Input)
	t.CacheRead = t.CacheRead.Plus(o.CacheRead)
	t.CacheWrite = t.CacheWrite.Plus(o.CacheWrite)
	t.Output = t.Output.Plus(o.Output)
}

// Bucket is a slice of time, [Start, End), in Unix seconds.
type Bucket struct{ Start, End int64 }

// valid reports whether it is a time that a report can be about.
func (b Bucket) valid() bool { return b.Start >= 0 && b.End > b.Start && b.End < 1<<35 }

// line is one line of an export.
type line struct {
	bucket Bucket
	key    string // the provider's id or name of its API key; "" if not given
	model  string // "" if not given
	// tokens is nil for a line of a cost report; cost, in nano-dollars, is nil
	// for one of a usage report.
	tokens *Tokens
	cost   *decimal
	writes bool // the report tells cache writes apart
	// identity are all members that are no figures: what makes the line another
	// one than the rest.
	identity []byte
}

// group is what is compared as one.
type group struct {
	bucket     Bucket
	key, model string
}

// Export is what was read from one or several files.
type Export struct {
	Provider string
	// HasTokens and HasCosts say which reports there were; Keyed and Modelled
	// whether they told keys and models apart.
	HasTokens, HasCosts         bool
	TokensKeyed, TokensModelled bool
	CostsKeyed, CostsModelled   bool
	tokens                      map[group]*Tokens
	costs                       map[group]*decimal
	tokenBuckets, costBuckets   map[Bucket]bool
	seen                        map[[16]byte]string
	pages, last                 [2]int // usage and costs: pages that say whether there are more, and that there are not
	lines                       int
	hasRequests, hasCacheWrites bool
}

// The bounds of all files together.
const (
	maxFile    = 256 << 20 // bytes of one file
	maxLines   = 2_000_000
	maxGroup   = 200_000
	maxResults = 50_000 // of one slice of time in JSON
)

// New makes an empty Export. provider may be "" if the files are to tell.
func New(provider string) (*Export, error) {
	switch provider {
	case "", OpenAI, Anthropic:
	default:
		return nil, fmt.Errorf("provider: want openai or anthropic, not %.40q", provider)
	}
	return &Export{Provider: provider, tokens: map[group]*Tokens{}, costs: map[group]*decimal{},
		tokenBuckets: map[Bucket]bool{}, costBuckets: map[Bucket]bool{}, seen: map[[16]byte]string{}}, nil
}

// from notes whose export it is.
func (e *Export) from(provider string) error {
	if e.Provider == "" {
		e.Provider = provider
	}
	if e.Provider != provider {
		return fmt.Errorf("%w: it is %s's, not %s's", ErrExport, provider, e.Provider)
	}
	return nil
}

// add adds a line; at names its place.
func (e *Export) add(l *line, at string) error {
	if !l.bucket.valid() {
		return fmt.Errorf("%w: %s: the time from %d to %d makes no sense", ErrExport, at, l.bucket.Start, l.bucket.End)
	}
	if e.lines++; e.lines > maxLines {
		return fmt.Errorf("%w: more than %d lines", ErrExport, maxLines)
	}
	h := sha256.New()
	fmt.Fprintf(h, "%t %d %d ", l.tokens != nil, l.bucket.Start, l.bucket.End)
	h.Write(l.identity)
	id := [16]byte(h.Sum(nil))
	if first, ok := e.seen[id]; ok {
		return fmt.Errorf("%w: %s repeats %s; a report must be given only once", ErrExport, at, first)
	}
	e.seen[id] = at
	if len(l.key) > 512 || len(l.model) > 512 {
		return fmt.Errorf("%w: %s: a name of more than 512 bytes", ErrExport, at)
	}
	g := group{l.bucket, l.key, canonical(l.model)}
	if l.tokens != nil {
		e.HasTokens = true
		e.TokensKeyed = e.TokensKeyed || l.key != ""
		e.TokensModelled = e.TokensModelled || l.model != ""
		e.hasCacheWrites = e.hasCacheWrites || l.writes
		e.hasRequests = e.hasRequests || l.tokens.Requests.Sign() != 0
		e.tokenBuckets[l.bucket] = true
		if e.tokens[g] == nil {
			e.tokens[g] = &Tokens{}
		}
		e.tokens[g].plus(l.tokens)
	}
	if l.cost != nil {
		e.HasCosts = true
		e.CostsKeyed = e.CostsKeyed || l.key != ""
		e.CostsModelled = e.CostsModelled || l.model != ""
		e.costBuckets[l.bucket] = true
		if e.costs[g] == nil {
			e.costs[g] = &decimal{}
		}
		if err := e.costs[g].plus(l.cost); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrExport, at, err)
		}
	}
	if len(e.tokens)+len(e.costs) > maxGroup {
		return fmt.Errorf("%w: more than %d keys, models and times", ErrExport, maxGroup)
	}
	return nil
}

// empty notes times in which a report says that there was nothing.
func (e *Export) empty(times []Bucket, costs bool) {
	for _, b := range times {
		if costs {
			e.HasCosts, e.costBuckets[b] = true, true
		} else {
			e.HasTokens, e.tokenBuckets[b] = true, true
		}
	}
}

// Incomplete reports whether pages of a report are missing: all that were given
// say that there are more.
func (e *Export) Incomplete() bool {
	for i := range e.pages {
		if e.pages[i] > 0 && e.last[i] == 0 {
			return true
		}
	}
	return false
}
