package pool

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Policy is a way to choose among the deployments of a model.
type Policy uint8

// The policies, by the names that Caddy's reverse_proxy uses where it has them.
const (
	First              Policy = iota // in the order written
	RoundRobin                       // each in turn
	WeightedRoundRobin               // each in turn, in proportion to its weight
	Random                           // by chance, in proportion to its weight
	LeastConn                        // the fewest calls under way, in proportion to its weight
	LowestLatency                    // the shortest average time to the first byte
)

var policyNames = [...]string{"first", "round_robin", "weighted_round_robin", "random", "least_conn", "lowest_latency"}

// String returns the name used in configurations.
func (p Policy) String() string { return policyNames[p] }

// ParsePolicy is the inverse of String; "" is First.
func ParsePolicy(s string) (Policy, error) {
	if s == "" {
		return First, nil
	}
	if i := slices.Index(policyNames[:], s); i >= 0 {
		return Policy(i), nil
	}
	return First, fmt.Errorf("unknown lb_policy %q; known are %v", s, policyNames)
}

// Option is one of the places that may be chosen.
type Option struct {
	// Weight is at least 1.
	Weight int
	// Name tells the options of a model apart and is the same in every process
	// and after every reload: stickiness goes by it.
	Name string
	// Inflight and Latency are as Health.Load returns them.
	Inflight int64
	Latency  time.Duration
}

// Selector remembers whose turn it is. The zero value chooses First.
type Selector struct {
	Policy Policy

	mu      sync.Mutex
	turn    uint64
	credits map[string]int // of weighted round robin
}

// Order returns the indexes of the options in the order in which to try them. A
// sticky key chooses the same option each time as long as it is among the
// options, whatever the policy, First excepted.
func (s *Selector) Order(options []Option, sticky string) []int {
	order := make([]int, len(options))
	for i := range order {
		order[i] = i
	}
	if len(options) < 2 || s.Policy == First {
		return order
	}
	if sticky != "" {
		sortBy(order, func(i int) float64 { return stick(sticky, options[i]) })
		return order
	}
	switch s.Policy {
	case RoundRobin:
		s.mu.Lock()
		at := int(s.turn % uint64(len(order)))
		s.turn++
		s.mu.Unlock()
		return append(order[at:len(order):len(order)], order[:at]...)
	case WeightedRoundRobin:
		best := s.weighted(options)
		slices.SortStableFunc(order, func(a, b int) int {
			if (a == best) != (b == best) {
				if a == best {
					return -1
				}
				return 1
			}
			return cmp.Compare(options[b].Weight, options[a].Weight)
		})
	case Random:
		sortBy(order, func(i int) float64 { return draw(rand.Float64(), options[i].Weight) })
	case LeastConn:
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		sortBy(order, func(i int) float64 { return float64(options[i].Inflight+1) / float64(options[i].Weight) })
	case LowestLatency:
		// One that is not measured comes first: it can only be measured by use.
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		sortBy(order, func(i int) float64 { return float64(options[i].Latency) })
	}
	return order
}

// weighted is nginx's smooth weighted round robin: everyone earns its weight in
// each turn, the richest is chosen and pays for all.
func (s *Selector) weighted(options []Option) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.credits == nil || len(s.credits) > maxCredits {
		s.credits = make(map[string]int)
	}
	total, best := 0, 0
	for i, o := range options {
		total += o.Weight
		s.credits[o.Name] += o.Weight
		if s.credits[o.Name] > s.credits[options[best].Name] {
			best = i
		}
	}
	s.credits[options[best].Name] -= total
	return best
}

// maxCredits bounds what is remembered of options; names may hold models that
// clients chose.
const maxCredits = 1024

// seed is fixed: the same session must find the same deployment in every
// process.
const seed = 0x9e3779b97f4a7c15

// stick is a weighted rendezvous hash: the lowest score wins, and taking an
// option away moves only the keys that it had.
func stick(key string, o Option) float64 {
	h := fnv(seed, key)
	h = fnv(h, o.Name)
	// Mixed, since FNV's high bits hardly change with the last bytes.
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	return draw((float64(h>>11)+0.5)/(1<<53), o.Weight)
}

// draw turns a uniform number in (0,1) into an exponential one: the lowest of
// several is each with a probability in proportion to its weight.
func draw(u float64, weight int) float64 { return -math.Log(max(u, 1e-300)) / float64(max(weight, 1)) }

func fnv(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return (h ^ 0xff) * 1099511628211
}

func sortBy(order []int, score func(i int) float64) {
	var few [8]float64
	scores := few[:0]
	for range order {
		scores = append(scores, 0)
	}
	for _, i := range order {
		scores[i] = score(i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
}

// Fingerprint identifies a credential within this process without telling it.
func Fingerprint(secret string) (f [8]byte) {
	if secret == "" {
		return f
	}
	h := maphash.String(fingerprintSeed, secret)
	for i := range f {
		f[i] = byte(h >> (8 * i))
	}
	return f
}

var fingerprintSeed = maphash.MakeSeed()
