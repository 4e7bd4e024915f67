package usage

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Counts are the sums over some rows. A row is one call that left for a
// provider: a request that was tried at two deployments is two.
type Counts struct {
	Calls Sum `json:"calls"`
	// Of the calls: complete answers; answers that broke off, whoever ended
	// them; error statuses of the provider; calls during which the gateway's
	// process died, charged in full or given back.
	Answered      Sum `json:"answered"`
	Cut           Sum `json:"cut"`
	Refused       Sum `json:"refused"`
	CrashCharged  Sum `json:"crash_charged"`
	CrashReleased Sum `json:"crash_released"`
	// Estimated counts the calls whose figures the gateway completed because
	// the provider did not report them.
	Estimated Sum `json:"estimated"`
	// Tokens. Input is what was neither read from nor written to a cache.
	Input       Sum `json:"input_tokens"`
	CacheRead   Sum `json:"cache_read_tokens"`
	CacheWrite  Sum `json:"cache_write_tokens"`
	Output      Sum `json:"output_tokens"`
	Reasoning   Sum `json:"reasoning_tokens"` // part of Output
	WebSearches Sum `json:"web_searches"`
	// Cost is what was charged; Beyond what was reserved above it; Debt what was
	// charged above what was reserved.
	Cost   USD `json:"cost_usd"`
	Beyond USD `json:"reserved_beyond_usd"`
	Debt   USD `json:"debt_usd"`
}

// Add counts one row.
func (c *Counts) Add(r *ledger.Row) {
	c.Calls.Add(1)
	switch {
	case r.Kind == ledger.CrashCharged:
		c.CrashCharged.Add(1)
	case r.Kind == ledger.Released:
		c.CrashReleased.Add(1)
	case r.Result == llm.ResultAnswered:
		c.Answered.Add(1)
	case r.Result == llm.ResultRefused:
		c.Refused.Add(1)
	default:
		c.Cut.Add(1)
	}
	u := &r.Usage
	if u.Estimated {
		c.Estimated.Add(1)
	}
	c.Input.Add(u.Input)
	c.CacheRead.Add(u.CacheRead)
	c.CacheWrite.Add(u.CacheWrite)
	c.CacheWrite.Add(u.CacheWrite1h)
	c.Output.Add(u.Output)
	c.Reasoning.Add(u.Reasoning)
	c.WebSearches.Add(u.WebSearches)
	c.Cost.Add(int64(r.Cost))
	switch d := r.Reserved - r.Cost; {
	case d > 0:
		c.Beyond.Add(int64(d))
	case r.Reserved > 0:
		c.Debt.Add(int64(-d))
	}
}

// Plus adds other counts.
func (c *Counts) Plus(o *Counts) {
	mine, theirs := c.sums(), o.sums()
	for i := range mine {
		*mine[i] = mine[i].Plus(*theirs[i])
	}
}

func (c *Counts) sums() []*Sum {
	return []*Sum{&c.Calls, &c.Answered, &c.Cut, &c.Refused, &c.CrashCharged, &c.CrashReleased, &c.Estimated,
		&c.Input, &c.CacheRead, &c.CacheWrite, &c.Output, &c.Reasoning, &c.WebSearches, &c.Cost.Sum, &c.Beyond.Sum, &c.Debt.Sum}
}

// Row is one line of a report.
type Row struct {
	// Group has a value for each dimension.
	Group map[string]string `json:"group"`
	// Other is true for the line that holds everything beyond the bound on
	// groups.
	Other bool `json:"other,omitzero"`
	Counts
}

// Report is what an Aggregator has counted.
type Report struct {
	From time.Time `json:"from,omitzero"` // first moment; zero for all
	To   time.Time `json:"to,omitzero"`   // first moment after; zero for none
	By   []string  `json:"by"`
	Rows []Row     `json:"rows"`
	// Total is the sum of Rows, to the last nano-dollar.
	Total Counts `json:"total"`
}

// Options say what an Aggregator counts.
type Options struct {
	// From and To bound the moments at which calls were admitted: From is the
	// first, To the first that does not count. Zero is no bound.
	From, To time.Time
	By       []Dimension
	Where    []Condition
	// Zone is where days begin; nil is UTC.
	Zone *time.Location
	// MaxGroups bounds the lines of the report; 0 is DefaultGroups, more than
	// MaxGroups is MaxGroups. What comes beyond goes into one line `_other`.
	MaxGroups int
}

// The bounds of a report: groups, and bytes of their names.
const (
	DefaultGroups = 5_000
	MaxGroups     = 50_000
	maxNames      = 8 << 20
)

// Other is the name of the line for everything beyond the bound.
const Other = "_other"

// Aggregator adds up rows. It is not safe for concurrent use.
type Aggregator struct {
	o      Options
	groups map[string]*group
	names  int // bytes
	other  *Counts
	total  Counts
	key    []byte
	values []string
}

type group struct {
	values []string
	counts Counts
}

// New makes an Aggregator.
func New(o Options) *Aggregator {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.MaxGroups <= 0 {
		o.MaxGroups = DefaultGroups
	}
	o.MaxGroups = min(o.MaxGroups, MaxGroups)
	return &Aggregator{o: o, groups: map[string]*group{}, values: make([]string, len(o.By))}
}

// Add counts a row if it belongs to the report. It does not keep it.
func (a *Aggregator) Add(r *ledger.Row) {
	if r.Time.Before(a.o.From) || !a.o.To.IsZero() && !r.Time.Before(a.o.To) {
		return
	}
	for i := range a.o.Where {
		if !a.o.Where[i].holds(r, a.o.Zone) {
			return
		}
	}
	a.total.Add(r)
	if len(a.o.By) > 0 {
		a.find(r).Add(r)
	}
}

func (a *Aggregator) find(r *ledger.Row) *Counts {
	a.key = a.key[:0]
	for i, d := range a.o.By {
		a.values[i] = d.value(r, a.o.Zone)
		a.key = binary.AppendUvarint(a.key, uint64(len(a.values[i])))
		a.key = append(a.key, a.values[i]...)
	}
	if g := a.groups[string(a.key)]; g != nil {
		return &g.counts
	}
	if len(a.groups) >= a.o.MaxGroups || a.names+len(a.key) > maxNames {
		if a.other == nil {
			a.other = &Counts{}
		}
		return a.other
	}
	g := &group{values: make([]string, len(a.values))}
	for i, v := range a.values {
		g.values[i] = strings.Clone(v)
	}
	a.names += len(a.key)
	a.groups[string(a.key)] = g
	return &g.counts
}

// Report returns what was counted: in the order of the first dimension if that is
// a time, else the costliest first; the line of everything else is the last.
func (a *Aggregator) Report() *Report {
	rep := &Report{From: a.o.From, To: a.o.To, By: make([]string, len(a.o.By)), Rows: []Row{}, Total: a.total}
	for i, d := range a.o.By {
		rep.By[i] = d.String()
	}
	list := make([]*group, 0, len(a.groups))
	for _, g := range a.groups {
		list = append(list, g)
	}
	byTime := len(a.o.By) > 0 && a.o.By[0].time()
	slices.SortFunc(list, func(x, y *group) int {
		if !byTime {
			if c := y.counts.Cost.Cmp(x.counts.Cost.Sum); c != 0 {
				return c
			}
		}
		return slices.Compare(x.values, y.values)
	})
	for _, g := range list {
		rep.Rows = append(rep.Rows, Row{Group: rep.group(g.values), Counts: g.counts})
	}
	if a.other != nil {
		values := make([]string, len(a.o.By))
		for i := range values {
			values[i] = Other
		}
		rep.Rows = append(rep.Rows, Row{Group: rep.group(values), Other: true, Counts: *a.other})
	}
	return rep
}

// group names the values. What is not UTF-8 (a name may have been cut in the
// middle of a character) cannot stand in JSON.
func (r *Report) group(values []string) map[string]string {
	m := make(map[string]string, len(values))
	for i, v := range values {
		m[r.By[i]] = strings.ToValidUTF8(v, "\uFFFD")
	}
	return m
}

// Complete reports whether every group has its own line.
func (r *Report) Complete() bool { return len(r.Rows) == 0 || !r.Rows[len(r.Rows)-1].Other }
