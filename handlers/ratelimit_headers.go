package handlers

import (
	"net/http"
	"strconv"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// rateStanding is what answers of a request tell about the caller's limits. Of
// several limits of one dimension that with the least left speaks, and the one
// that refused before all others.
type rateStanding struct {
	ietf    bool
	all     [][]limits.Status // shared with what is held, so settlements show
	refusal *limits.Status
	few     [3][]limits.Status
}

// tell notes where the caller stands with some limits, in the place of what was
// told of them before.
func (s *rateStanding) tell(before, st []limits.Status) {
	s.refusal = nil
	for i := range s.all {
		if len(before) > 0 && &s.all[i][0] == &before[0] {
			s.all[i] = st
			return
		}
	}
	if s.all == nil {
		s.all = s.few[:0]
	}
	if len(st) > 0 {
		s.all = append(s.all, st)
	}
}

// refused notes the limit that refused.
func (s *rateStanding) refused(r *limits.Refusal) {
	s.refusal = &limits.Status{Limit: r.Limit, Amount: r.Amount, Remaining: r.Remaining, Reset: r.Reset}
}

// elsewhere reports whether the limit that refused is one of the model or the
// provider, so that another deployment may still answer.
func (s *rateStanding) elsewhere() bool {
	return s.refusal != nil && (s.refusal.Limit.Scope == "model" || s.refusal.Limit.Scope == "provider")
}

// of returns what is told about a dimension, nil for nothing.
func (s *rateStanding) of(dimension string) (best *limits.Status) {
	if s.refusal != nil && s.refusal.Limit.Dimension == dimension {
		return s.refusal
	}
	for _, list := range s.all {
		for i := range list {
			if st := &list[i]; st.Limit.Dimension == dimension && (best == nil || st.Remaining < best.Remaining) {
				best = st
			}
		}
	}
	return best
}

// rateFields are the three headers about one dimension.
type rateFields struct{ limit, remaining, reset string }

func rateFieldsOf(prefix, dimension string) *rateFields {
	return &rateFields{prefix + dimension + "-Limit", prefix + dimension + "-Remaining", prefix + dimension + "-Reset"}
}

// The dimensions that headers know, and their names in them. OpenAI's dialect
// has none for input and output apart.
var rateHeaderNames = [...]struct {
	dimension         string
	openai, anthropic *rateFields
}{
	{limits.Requests, &rateFields{"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests"}, rateFieldsOf(anthropicRate, "Requests")},
	{limits.Tokens, &rateFields{"X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens"}, rateFieldsOf(anthropicRate, "Tokens")},
	{limits.InputTokens, nil, rateFieldsOf(anthropicRate, "Input-Tokens")},
	{limits.OutputTokens, nil, rateFieldsOf(anthropicRate, "Output-Tokens")},
}

const anthropicRate = "Anthropic-Ratelimit-"

// told reports whether a header says something of the dimension.
func (f *rateFields) told(h http.Header) bool { return f != nil && h[f.remaining] != nil }

func (f *rateFields) remove(h http.Header) {
	if f != nil {
		delete(h, f.limit)
		delete(h, f.remaining)
		delete(h, f.reset)
	}
}

func (f *rateFields) set(h http.Header, st *limits.Status, reset string) {
	v := []string{strconv.FormatInt(st.Amount, 10), strconv.FormatInt(st.Remaining, 10), reset}
	h[f.limit], h[f.remaining], h[f.reset] = v[:1:1], v[1:2:2], v[2:3:3]
}

// write puts the limits into the header of an answer, in the form that the
// caller's SDK reads. What a provider says about a dimension of ours is about the
// gateway's account there and goes; but where it is the provider that refuses
// (theirs), its figures are why, and they stay.
func (s *rateStanding) write(x *llm.Exchange, h http.Header, theirs bool) {
	if s.all == nil && s.refusal == nil {
		return
	}
	for i := range rateHeaderNames {
		d := &rateHeaderNames[i]
		st := s.of(d.dimension)
		if st == nil || theirs && (d.openai.told(h) || d.anthropic.told(h)) {
			continue
		}
		d.openai.remove(h)
		d.anthropic.remove(h)
		switch {
		case x.Family == llm.FamilyAnthropic:
			d.anthropic.set(h, st, time.Now().Add(st.Reset).UTC().Format(time.RFC3339))
		case d.openai != nil:
			d.openai.set(h, st, st.Reset.Round(time.Millisecond).String())
		}
	}
	if s.ietf {
		s.writeIETF(h)
	}
}

// writeIETF writes the two fields of draft-ietf-httpapi-ratelimit-headers: what
// the policies are, and what is left of each.
func (s *rateStanding) writeIETF(h http.Header) {
	var policy, left []byte
	tell := func(st *limits.Status) {
		l := st.Limit
		if len(policy) > 0 {
			policy, left = append(policy, ", "...), append(left, ", "...)
		}
		name := quoteField(policyName(l))
		policy = append(policy, name...)
		policy = append(policy, ";q="...)
		policy = strconv.AppendInt(policy, min(st.Amount, maxField), 10)
		switch l.Dimension {
		case limits.Requests: // the unit that is meant when none is named
		case limits.Concurrent:
			policy = append(policy, `;qu="concurrent-requests"`...)
		default:
			policy = append(policy, `;qu="tokens"`...)
		}
		if l.Dimension != limits.Concurrent {
			policy = append(policy, ";w="...)
			policy = strconv.AppendInt(policy, wholeSeconds(l.Window), 10)
		}
		left = append(left, name...)
		left = append(left, ";r="...)
		left = strconv.AppendInt(left, min(st.Remaining, maxField), 10)
		if l.Dimension != limits.Concurrent {
			left = append(left, ";t="...)
			left = strconv.AppendInt(left, wholeSeconds(st.Reset), 10)
		}
	}
	if s.refusal != nil {
		tell(s.refusal)
	}
	for _, list := range s.all {
		for i := range list {
			if st := &list[i]; s.refusal == nil || st.Limit != s.refusal.Limit {
				tell(st)
			}
		}
	}
	h["Ratelimit-Policy"] = []string{string(policy)}
	h["Ratelimit"] = []string{string(left)}
}

// policyName tells the limits of an answer apart.
func policyName(l *limits.RateLimit) string {
	switch {
	case l.Name != "":
		return l.Name
	case l.Dimension == limits.Concurrent:
		return l.Dimension + "-" + l.Scope
	}
	return l.Dimension + "-" + l.Scope + "-" + strconv.FormatInt(wholeSeconds(l.Window), 10) + "s"
}

// maxField is the largest integer of a structured field.
const maxField = 999_999_999_999_999

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// quoteField writes a string of a structured field: printable ASCII.
func quoteField(s string) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c > '~':
			b = append(b, '_')
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
