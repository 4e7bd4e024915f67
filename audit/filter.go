package audit

import (
	"slices"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Filter chooses records. What is empty chooses all. Patterns are those of
// llm.MatchModel: `*` stands for any run of characters, `?` for one.
type Filter struct {
	// Since and Until bound the time at which a record was made: from Since on, and
	// before Until.
	Since, Until time.Time
	// Principal is a pattern of a key, user, team or org; with "key:", "user:",
	// "team:" or "org:" before it, of that alone. Users are known in records that
	// were revealed.
	Principal string
	// ClientIP is a pattern of a revealed client address.
	ClientIP string
	// Model is a pattern of the model that was asked for, or of one that was called
	// or answered.
	Model string
	// Outcomes, Stages and Requests are lists of which one must be the record's.
	Outcomes, Stages, Requests []string
	// Rule is a pattern of a rule, limit or budget that had a say.
	Rule string
}

// Match reports whether a record is chosen.
func (f *Filter) Match(r *Record) bool {
	return (f.Since.IsZero() || !r.TS.Before(f.Since)) && (f.Until.IsZero() || r.TS.Before(f.Until)) &&
		among(f.Outcomes, r.Outcome) && among(f.Stages, r.Stage) && among(f.Requests, r.Request) &&
		f.principal(r) && f.clientIP(r) && f.model(r) && f.rule(r)
}

func among(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }

func (f *Filter) principal(r *Record) bool {
	if f.Principal == "" {
		return true
	}
	p := r.Principal
	if p == nil {
		return false
	}
	user := ""
	if p.User != nil && p.User.Revealed {
		user = p.User.Clear
	}
	for _, v := range [...]struct{ kind, value string }{{"key:", p.Key}, {"user:", user}, {"team:", p.Team}, {"org:", p.Org}} {
		pattern, only := strings.CutPrefix(f.Principal, v.kind)
		if v.value != "" && (only || !hasKind(f.Principal)) && llm.MatchModel(pattern, v.value) {
			return true
		}
	}
	return false
}

func hasKind(s string) bool {
	kind, _, ok := strings.Cut(s, ":")
	return ok && slices.Contains([]string{"key", "user", "team", "org"}, kind)
}

func (f *Filter) clientIP(r *Record) bool {
	return f.ClientIP == "" || r.ClientIP != nil && r.ClientIP.Revealed && llm.MatchModel(f.ClientIP, r.ClientIP.Clear)
}

func (f *Filter) model(r *Record) bool {
	if f.Model == "" || llm.MatchModel(f.Model, r.Model) || r.Deployment != nil && llm.MatchModel(f.Model, r.Deployment.Model) {
		return true
	}
	return slices.ContainsFunc(r.Attempts, func(a Attempt) bool {
		return llm.MatchModel(f.Model, a.Model) || llm.MatchModel(f.Model, a.Usage.Model)
	})
}

func (f *Filter) rule(r *Record) bool {
	if f.Rule == "" {
		return true
	}
	is := func(rule string) bool { return rule != "" && llm.MatchModel(f.Rule, rule) }
	return r.Denial != nil && is(r.Denial.Rule) ||
		slices.ContainsFunc(r.Decisions, func(d Decision) bool { return is(d.Rule) }) ||
		slices.ContainsFunc(r.Scans, func(e Evidence) bool { return e.Found > 0 && is(e.Rule) })
}
