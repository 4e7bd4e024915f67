package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/translate"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/pool"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/routing"
)

// deployments is the health of all deployments of this process: it outlives
// reloads, and routes share it.
var deployments pool.Registry

// endpoint is what the handler keeps of a provider.
type endpoint struct {
	provider providers.Provider
	name     string
	address  string
	keys     []string // at least one, perhaps ""
	prints   [][8]byte
	turn     turn // whose turn it is among the keys
}

func newEndpoint(name string, p providers.Provider) *endpoint {
	e := &endpoint{provider: p, name: name, keys: []string{""}}
	if b, ok := p.(interface{ Base() *url.URL }); ok && b.Base() != nil {
		e.address = b.Base().String()
	}
	if k, ok := p.(providers.Keyring); ok {
		if keys := k.Keys(); len(keys) > 0 {
			e.keys = keys
		}
	}
	for _, key := range e.keys {
		e.prints = append(e.prints, pool.Fingerprint(key))
	}
	return e
}

// credential names one of the keys, "" when there is only one.
func (e *endpoint) credential(k int) string {
	if len(e.keys) < 2 {
		return ""
	}
	return strconv.Itoa(k + 1)
}

// candidate is one deployment that may answer a request.
type candidate struct {
	end    *endpoint
	dep    llm.Deployment
	key    string
	health *pool.Health
	tries  int
	// dead is true if it cannot take this request at all.
	dead bool
}

// label names the candidate for people, without secrets.
func (c *candidate) label() string {
	s := c.dep.Provider
	if c.dep.Model != "" {
		s += "/" + clip(c.dep.Model)
	}
	if c.dep.Credential != "" {
		s += " (key " + c.dep.Credential + ")"
	}
	return s
}

// plan is which deployments are tried for a request, and what came of it.
type plan struct {
	h     *Upstream
	list  []candidate
	few   [2]candidate
	left  int       // attempts that may still begin
	until time.Time // when no attempt may begin any more; zero for never
	begun int       // attempts so far
	last  *candidate
	// trail says, in a few words each, why deployments could not answer.
	trail []string
	// limited is true while nothing but rate limits stood in the way.
	limited bool
}

// plan finds the deployments for the model as it stands now, in the order in
// which to try them.
func (h *Upstream) plan(c *call, p *plan) error {
	x := &c.x
	model := x.Model()
	choices, line := h.table.Resolve(model)
	if len(choices) == 0 {
		d := llm.Deny(http.StatusNotFound, llm.CodeModelNotFound, llm.StageRequest,
			"the model %q is not known here; GET /v1/models lists the ones you may use", clip(model))
		d.Param = "model"
		return d
	}
	p.h, p.list, p.limited = h, p.few[:0], true
	if line != nil && len(choices) > 1 {
		choices = h.selectors[line.Index].order(choices, c.session(), x.Start, h)
	}
	for i := range choices {
		h.expand(c, p, choices[i])
	}
	if len(p.list) == 0 {
		return llm.Deny(http.StatusBadRequest, llm.CodeUnsupportedDialect, llm.StageRequest,
			"the provider of the model %q does not speak this endpoint's dialect (%s), and the request cannot be translated; use the endpoint of its own API", clip(model), x.Dialect)
	}
	if err := h.pin(c, p); err != nil {
		return err
	}
	if line != nil {
		c.modelLabel = line.Pattern
	} else if dep := &p.list[0].dep; true {
		if _, known := h.gw.Catalogue().Lookup(dep.Provider, dep.Type, dep.Model, x.Start); known {
			c.modelLabel = h.labels.take(dep.Model)
		}
	}
	p.left = len(p.list)
	if h.LBRetries != nil {
		p.left = *h.LBRetries + 1
	} else if h.LBTryDuration > 0 {
		p.left = maxRetries
	}
	if h.LBTryDuration > 0 {
		p.until = x.Start.Add(time.Duration(h.LBTryDuration))
	}
	return nil
}

// expand adds the deployments of a choice: one for each credential.
func (h *Upstream) expand(c *call, p *plan, ch routing.Choice) {
	e := h.ends[ch.Provider]
	if e == nil {
		return
	}
	dialect, ok := speak(e.provider, c.x.Dialect)
	if !ok {
		return
	}
	first := 0
	if len(e.keys) > 1 {
		first = e.turn.next(len(e.keys), c.session())
	}
	for i := range e.keys {
		k := (first + i) % len(e.keys)
		cand := candidate{end: e, key: e.keys[k], dep: llm.Deployment{
			Provider: e.name, Type: e.provider.Type(), Model: ch.Model, Dialect: dialect, Credential: e.credential(k), MaxTokensField: e.provider.MaxTokensField(),
		}}
		cand.health = deployments.Health(pool.Key{Provider: e.name, Address: e.address, Model: ch.Model, Credential: e.prints[k]})
		p.list = append(p.list, cand)
	}
}

// speak returns what to speak to a provider for a client's dialect: the client's
// own if the provider takes it, else the first that it can be translated into.
func speak(p providers.Provider, client llm.Dialect) (llm.Dialect, bool) {
	spoken := p.Dialects()
	if slices.Contains(spoken, client) {
		return client, true
	}
	for _, d := range spoken {
		if translate.Can(client, d) {
			return d, true
		}
	}
	return llm.DialectNone, false
}

// take returns the next deployment to try, nil if there is none or no attempt is
// left. What cannot be called now is skipped while anything else can.
func (p *plan) take(at time.Time) *candidate {
	if p.left <= 0 || (!p.until.IsZero() && p.begun > 0 && at.After(p.until)) {
		return nil
	}
	// A model with one deployment has nothing to fall back to: whether it works
	// is best said by itself.
	only := len(p.list) == 1 && !p.h.strict
	var resort *candidate
	for i := range p.list {
		cand := &p.list[i]
		if cand.tries > 0 {
			continue
		}
		s := cand.health.State(at, p.h.params)
		if s.OK || only {
			return p.start(cand)
		}
		if s.Why == "failed recently" && resort == nil && !p.h.strict {
			resort = cand
		}
	}
	if resort != nil { // every circuit is open, and by default that is not the last word
		return p.start(resort)
	}
	return p.again(at)
}

// again returns a deployment that has been tried already, the least tried one
// first, when the configuration asks for more attempts than there are
// deployments.
func (p *plan) again(at time.Time) (best *candidate) {
	if p.begun == 0 || (p.h.LBRetries == nil && p.h.LBTryDuration == 0) {
		return nil
	}
	for i := range p.list {
		cand := &p.list[i]
		if cand.tries == 0 || cand.dead || (best != nil && cand.tries >= best.tries) {
			continue
		}
		s := cand.health.State(at, p.h.params)
		if s.Why == "rate limited" && (p.until.IsZero() || s.Until.After(p.until)) {
			continue // it would answer the same
		}
		best = cand
	}
	if best == nil {
		return nil
	}
	return p.start(best)
}

func (p *plan) start(cand *candidate) *candidate {
	p.left--
	p.begun++
	cand.tries++
	p.last = cand
	return cand
}

// more reports whether another attempt could follow the current one.
func (p *plan) more(at time.Time) bool {
	if p.left <= 0 || (!p.until.IsZero() && at.After(p.until)) {
		return false
	}
	if p.h.LBRetries != nil || p.h.LBTryDuration > 0 {
		for i := range p.list {
			s := p.list[i].health.State(at, p.h.params)
			if p.list[i].dead {
				continue
			}
			if s.Why != "rate limited" || (!p.until.IsZero() && !s.Until.After(p.until)) {
				return true
			}
		}
		return false
	}
	for i := range p.list {
		cand := &p.list[i]
		if cand.tries == 0 {
			if s := cand.health.State(at, p.h.params); s.OK || (s.Why == "failed recently" && !p.h.strict) {
				return true
			}
		}
	}
	return false
}

// pause is how long to wait before the deployment is tried.
func (p *plan) pause(cand *candidate, at time.Time) time.Duration {
	if cand.tries <= 1 {
		return 0
	}
	wait := time.Duration(p.h.LBTryInterval)
	if s := cand.health.State(at, p.h.params); s.Why == "rate limited" {
		wait = max(wait, s.Until.Sub(at))
	}
	return wait
}

// note remembers why a deployment did not answer.
func (p *plan) note(cand *candidate, why string, limited bool) {
	p.limited = p.limited && limited
	if len(p.trail) < maxTrail {
		p.trail = append(p.trail, cand.label()+": "+why)
	}
}

// maxTrail bounds how many failures a client is told.
const maxTrail = 12

// exhausted is what a client is told when no deployment could answer.
func (p *plan) exhausted(at time.Time) *llm.Denial {
	var soonest time.Time
	for i := range p.list {
		cand := &p.list[i]
		s := cand.health.State(at, p.h.params)
		if cand.tries == 0 && s.Why != "" {
			p.note(cand, "not tried, "+s.Why, s.Why == "rate limited")
		}
		if !s.Until.IsZero() && (soonest.IsZero() || s.Until.Before(soonest)) {
			soonest = s.Until
		}
	}
	status, code := http.StatusBadGateway, llm.CodeProviderError
	if p.limited || p.begun == 0 {
		status, code = http.StatusServiceUnavailable, llm.CodeNoDeployment
	}
	d := llm.Deny(status, code, llm.StageProvider, "no deployment of this model could answer; try again later. %s", strings.Join(p.trail, "; "))
	if !soonest.IsZero() {
		d.RetryAfter = max(soonest.Sub(at), time.Second)
	}
	return d
}

// sessionHeaders are by which clients mark the requests of one session, in the
// order in which they are believed.
var sessionHeaders = [...]string{"X-Claude-Code-Session-Id", "X-Session-Affinity", "X-Session-Id", "Session-Id"}

// session is what makes requests stick to one deployment, "" for nothing. It is
// the caller's own word, so the key is part of it: nobody can aim at the
// deployment of another.
func (c *call) session() string {
	if c.sessionRead {
		return c.sessionKey
	}
	c.sessionRead = true
	s := ""
	for _, name := range sessionHeaders {
		if s = c.header.Get(name); s != "" {
			break
		}
	}
	if v := c.x.View; s == "" && v != nil && (v.Dialect == llm.Chat || v.Dialect == llm.Responses) {
		s = dialects.StringMember(v.Raw, "prompt_cache_key")
	}
	if s != "" {
		if len(s) > 256 {
			s = s[:256]
		}
		if c.x.Principal != nil {
			s = c.x.Principal.Key + "\x00" + s
		}
	}
	c.sessionKey = s
	return s
}

// pinned are the parts of a request that only the deployment which made them
// understands: such a request is never tried anywhere else.
var pinned = [...]string{"previous_response_id", "conversation", "item_reference", "container"}

// pin leaves one deployment for a request that continues what a provider keeps:
// the one that made it.
func (h *Upstream) pin(c *call, p *plan) error {
	if p.list = c.atHome(p.list); len(p.list) == 0 {
		return llm.Deny(http.StatusBadRequest, llm.CodeUnsupportedField, llm.StageRequest,
			"the request continues what another provider keeps than those of this model; start a new conversation")
	}
	for _, what := range pinned {
		if slices.Contains(c.x.View.Unbounded, what) {
			p.list = p.list[:1]
			break
		}
	}
	return nil
}

// selector is whose turn it is among the targets of a line.
type selector struct{ pool.Selector }

func (s *selector) order(choices []routing.Choice, session string, at time.Time, h *Upstream) []routing.Choice {
	if s.Policy == pool.First {
		return choices
	}
	options := make([]pool.Option, len(choices))
	for i, ch := range choices {
		options[i] = pool.Option{Weight: ch.Weight, Name: ch.Provider + "/" + ch.Model}
		if e := h.ends[ch.Provider]; e != nil && (s.Policy == pool.LeastConn || s.Policy == pool.LowestLatency) {
			for k := range e.keys {
				n, l := deployments.Health(pool.Key{Provider: e.name, Address: e.address, Model: ch.Model, Credential: e.prints[k]}).Load(at)
				options[i].Inflight += n
				if l > 0 && (options[i].Latency == 0 || l < options[i].Latency) {
					options[i].Latency = l
				}
			}
		}
	}
	ordered := make([]routing.Choice, len(choices))
	for i, at := range s.Order(options, session) {
		ordered[i] = choices[at]
	}
	return ordered
}

// turn rotates the credentials of a provider; a session keeps its own.
type turn struct{ s pool.Selector }

func (t *turn) next(n int, session string) int {
	t.s.Policy = pool.RoundRobin
	options := make([]pool.Option, n)
	for i := range options {
		options[i] = pool.Option{Weight: 1, Name: fmt.Sprint(i)}
	}
	return t.s.Order(options, session)[0]
}
