package reconcile

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
)

// Names of what stands for several or no keys and models.
const (
	All      = "*"         // the export does not tell them apart
	Unmapped = "_unmapped" // no key of the map
)

// Options say how to compare.
type Options struct {
	Map *KeyMap // nil compares all keys together
	// Providers are our names of the provider; empty is the export's provider.
	Providers []string
	// Tolerance is the drift that is no finding, in millionths of the provider's
	// figure.
	Tolerance int64
	// PerSlice compares each slice of time of the export by itself.
	PerSlice bool
}

// Line is the comparison of one figure.
type Line struct {
	Start   time.Time `json:"start,omitzero"` // of the slice of time, with PerSlice
	Key     string    `json:"key"`
	Model   string    `json:"model"`
	Measure string    `json:"measure"` // requests, input_tokens, …, cost_usd
	// Provider is what the provider says, Ours what the ledger says, Drift ours
	// without the provider's, Percent that in percent of the provider's; empty
	// where that is 0. Costs are decimal dollars, rounded to 10⁻⁹.
	Provider string `json:"provider"`
	Ours     string `json:"ours"`
	Drift    string `json:"drift"`
	Percent  string `json:"percent,omitzero"`
	// Beyond is true when the drift is beyond the tolerance. Requests never are:
	// providers count them in their own ways.
	Beyond bool `json:"beyond"`
}

// Report is the result of a comparison.
type Report struct {
	Provider  string    `json:"provider"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Tolerance string    `json:"tolerance"`
	Lines     []Line    `json:"lines"`
	Totals    []Line    `json:"totals"`
	Beyond    int       `json:"beyond"` // lines and totals beyond the tolerance
	Notes     []string  `json:"notes"`
}

// Ours returns the report of our calls admitted in [from, to), by the dimensions.
// It must be complete.
type Ours func(from, to time.Time, by string) (*usage.Report, error)

// measures in the order in which they are shown.
var measures = []string{"requests", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "cost_usd"}

// place is what is compared as one.
type place struct {
	start      int64 // of the slice, with PerSlice
	key, model string
}

type figures [6]big.Int

func (f *figures) tokens(t *Tokens) {
	for i, s := range []usage.Sum{t.Requests, t.Input, t.CacheRead, t.CacheWrite, t.Output} {
		f[i].Add(&f[i], s.Big())
	}
}

type comparison struct {
	e            *Export
	o            Options
	theirs, ours map[place]*figures
	exact        map[place]*decimal // costs before they are rounded
	shown        [6]bool
	named        map[string]bool // our providers
	matched      bool
	estimated    usage.Sum
}

// Compare holds an export against our calls of the same times.
func (e *Export) Compare(o Options, ours Ours) (*Report, error) {
	if !e.HasTokens && !e.HasCosts {
		return nil, fmt.Errorf("%w: no figures in it", ErrExport)
	}
	if len(o.Providers) == 0 {
		o.Providers = []string{e.Provider}
	}
	c := &comparison{e: e, o: o, theirs: map[place]*figures{}, ours: map[place]*figures{}, exact: map[place]*decimal{}, named: map[string]bool{}}
	var from, to int64
	for _, part := range []struct {
		costs, has bool
		buckets    map[Bucket]bool
	}{{false, e.HasTokens, e.tokenBuckets}, {true, e.HasCosts, e.costBuckets}} {
		if !part.has {
			continue
		}
		spans, err := spansOf(part.buckets, o.PerSlice)
		if err != nil {
			return nil, err
		}
		for _, s := range spans {
			if from == 0 || s.Start < from {
				from = s.Start
			}
			to = max(to, s.End)
			if err := c.addOurs(s, part.costs, ours); err != nil {
				return nil, err
			}
		}
	}
	c.addTheirs()
	return c.report(time.Unix(from, 0).UTC(), time.Unix(to, 0).UTC()), nil
}

// spansOf joins the slices of time that follow each other; they must not overlap.
func spansOf(buckets map[Bucket]bool, apart bool) ([]Bucket, error) {
	list := make([]Bucket, 0, len(buckets))
	for b := range buckets {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b Bucket) int {
		if a.Start != b.Start {
			return int(a.Start - b.Start)
		}
		return int(a.End - b.End)
	})
	var out []Bucket
	for _, b := range list {
		n := len(out)
		switch {
		case n > 0 && b.Start < out[n-1].End:
			return nil, fmt.Errorf("%w: the slice of time that begins at %s lies within another; give reports of one width", ErrExport, time.Unix(b.Start, 0).UTC().Format(time.RFC3339))
		case n > 0 && b.Start == out[n-1].End && !apart:
			out[n-1].End = b.End
		default:
			out = append(out, b)
		}
	}
	return out, nil
}

func (c *comparison) dims(costs bool) (keyed, modelled bool) {
	if costs {
		return c.e.CostsKeyed && c.o.Map != nil, c.e.CostsModelled
	}
	return c.e.TokensKeyed && c.o.Map != nil, c.e.TokensModelled
}

func (c *comparison) place(start int64, key, model string, costs bool) place {
	keyed, modelled := c.dims(costs)
	p := place{key: All, model: All}
	if c.o.PerSlice {
		p.start = start
	}
	if keyed {
		p.key = key
	}
	if modelled {
		if p.model = model; model == "" {
			p.model = ledger.None
		}
	}
	return p
}

func at(m map[place]*figures, p place) *figures {
	f := m[p]
	if f == nil {
		f = &figures{}
		m[p] = f
	}
	return f
}

func (c *comparison) addOurs(s Bucket, costs bool, ours Ours) error {
	by := "provider,served,model"
	if c.o.Map != nil && c.o.Map.dim != "provider" {
		by += "," + c.o.Map.dim
	}
	rep, err := ours(time.Unix(s.Start, 0).UTC(), time.Unix(s.End, 0).UTC(), by)
	if err != nil {
		return err
	}
	if !rep.Complete() {
		return errors.New("the ledger has more keys and models than one report can hold; reconcile a shorter time")
	}
	for i := range rep.Rows {
		r := &rep.Rows[i]
		name := r.Group["provider"]
		key, mapped := Unmapped, false
		if c.o.Map != nil {
			key, mapped = c.o.Map.ours(r.Group[c.o.Map.dim])
		}
		c.named[name] = true
		if !slices.Contains(c.o.Providers, name) && (!mapped || c.o.Map.dim != "provider") {
			continue
		}
		c.matched = true
		model := r.Group["served"]
		if model == ledger.None {
			model = r.Group["model"]
		}
		f := at(c.ours, c.place(s.Start, key, canonical(model), costs))
		if costs {
			f[5].Add(&f[5], r.Cost.Big())
			continue
		}
		c.estimated = c.estimated.Plus(r.Estimated)
		t := Tokens{Requests: r.Calls, Input: r.Input, CacheRead: r.CacheRead, CacheWrite: r.CacheWrite, Output: r.Output}
		if !c.e.hasCacheWrites {
			t.Input, t.CacheWrite = t.Input.Plus(t.CacheWrite), usage.Sum{}
		}
		f.tokens(&t)
	}
	return nil
}

func (c *comparison) addTheirs() {
	key := func(id string) string {
		if c.o.Map != nil && c.o.Map.knows(id) {
			return id
		}
		return Unmapped
	}
	for g, t := range c.e.tokens {
		at(c.theirs, c.place(g.bucket.Start, key(g.key), g.model, false)).tokens(t)
	}
	for g, d := range c.e.costs {
		p := c.place(g.bucket.Start, key(g.key), g.model, true)
		if c.exact[p] == nil {
			c.exact[p] = &decimal{}
		}
		c.exact[p].n.Add(&c.exact[p].n, &d.n)
	}
	for p, d := range c.exact {
		at(c.theirs, p)[5].Set(d.nanos())
	}
	if c.e.HasTokens {
		c.shown = [6]bool{c.e.hasRequests, true, true, c.e.hasCacheWrites, true, false}
	}
	c.shown[5] = c.e.HasCosts
}

func (c *comparison) report(from, to time.Time) *Report {
	r := &Report{Provider: c.e.Provider, From: from, To: to, Tolerance: percentOf(c.o.Tolerance), Lines: []Line{}, Totals: []Line{}, Notes: c.notes()}
	var all []place
	for p := range c.theirs {
		all = append(all, p)
	}
	for p := range c.ours {
		if c.theirs[p] == nil {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b place) int {
		if a.start != b.start {
			return int(a.start - b.start)
		}
		return strings.Compare(a.key+"\x00"+a.model, b.key+"\x00"+b.model)
	})
	var theirs, ours figures
	exact := &decimal{}
	for _, d := range c.exact {
		exact.n.Add(&exact.n, &d.n)
	}
	for _, p := range all {
		x, y := at(c.theirs, p), at(c.ours, p)
		for m := range measures {
			theirs[m].Add(&theirs[m], &x[m])
			ours[m].Add(&ours[m], &y[m])
			if c.shown[m] && (x[m].Sign() != 0 || y[m].Sign() != 0) {
				r.Lines = append(r.Lines, c.line(r, p, m, &x[m], &y[m]))
			}
		}
	}
	theirs[5].Set(exact.nanos())
	for m := range measures {
		if c.shown[m] {
			r.Totals = append(r.Totals, c.line(r, place{key: "total", model: ""}, m, &theirs[m], &ours[m]))
		}
	}
	return r
}

func (c *comparison) line(r *Report, p place, m int, theirs, ours *big.Int) Line {
	drift := new(big.Int).Sub(ours, theirs)
	l := Line{Key: strings.ToValidUTF8(p.key, "\uFFFD"), Model: strings.ToValidUTF8(p.model, "\uFFFD"), Measure: measures[m],
		Provider: shown(m, theirs), Ours: shown(m, ours), Drift: shown(m, drift), Percent: percent(drift, theirs)}
	if p.start != 0 {
		l.Start = time.Unix(p.start, 0).UTC()
	}
	if m != 0 {
		l.Beyond = new(big.Int).Mul(new(big.Int).Abs(drift), big.NewInt(1_000_000)).Cmp(new(big.Int).Mul(theirs, big.NewInt(c.o.Tolerance))) > 0
	}
	if l.Beyond {
		r.Beyond++
	}
	return l
}

func shown(m int, n *big.Int) string {
	if measures[m] != "cost_usd" {
		return n.String()
	}
	s, err := usage.ParseSum(n.String())
	if err != nil {
		return n.String() + "e-9" // beyond 10²⁸ dollars
	}
	return usage.USD{Sum: s}.Decimal()
}

func (c *comparison) notes() []string {
	n := []string{}
	if c.e.Incomplete() {
		n = append(n, "every page of the export says that there are more: the last one is missing")
	}
	if !c.matched && len(c.named) > 0 {
		var names []string
		for name := range c.named {
			names = append(names, usage.Printable(name))
		}
		slices.Sort(names)
		n = append(n, fmt.Sprintf("no call of ours went to %s; in this time the ledger names %s (see --ours)", strings.Join(c.o.Providers, ", "), strings.Join(names[:min(len(names), 20)], ", ")))
	}
	if c.estimated.Sign() > 0 {
		n = append(n, c.estimated.String()+" of our calls have figures that the gateway estimated, because the provider's did not come; they are rather too high")
	}
	if c.o.Map != nil && (c.e.HasTokens && !c.e.TokensKeyed || c.e.HasCosts && !c.e.CostsKeyed) {
		n = append(n, "a report does not tell keys apart, so all keys are compared together there")
	}
	return n
}
