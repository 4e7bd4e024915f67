package llm

import (
	"time"
)

// Principal is who asks, as established by llm_auth. It holds no secret. It is
// shared by all requests of a key and must not be modified after it was built.
type Principal struct {
	// Key is the name of the key in the configuration: the identity that
	// limits, budgets, records and metrics use. Never the secret.
	Key string
	// User, Team and Org are what the key belongs to; empty means none.
	User, Team, Org string
	// Groups and Scopes are free labels for policy.
	Groups, Scopes []string
	// Models are patterns (see MatchModel) of the
	// models that may be named; empty means any.
	Models []string
	// Expires is when the key stops working; zero means never.
	Expires time.Time
}

// MayUse reports whether the principal may name the model.
func (p *Principal) MayUse(model string) bool {
	if p == nil || len(p.Models) == 0 {
		return true
	}
	for _, pat := range p.Models {
		if MatchModel(pat, model) {
			return true
		}
	}
	return false
}

// MatchModel reports whether a model pattern of the configuration matches a
// model name. In a pattern '*' stands for any run of characters, '/' included,
// and '?' for one; everything else stands for itself.
func MatchModel(pattern, model string) bool {
	// Iterative glob: on a mismatch go back to the last star and let it take
	// one more character. Linear in practice, quadratic at worst, no recursion.
	p, m, star, mark := 0, 0, -1, 0
	for m < len(model) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, m
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == model[m]):
			p++
			m++
		case star >= 0:
			mark++
			p, m = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// SplitModel splits "provider/model" at the first slash. It reports false when
// the name has no provider part.
func SplitModel(name string) (provider, model string, ok bool) {
	for i := range len(name) {
		if name[i] == '/' {
			return name[:i], name[i+1:], i > 0 && i+1 < len(name)
		}
	}
	return "", name, false
}
