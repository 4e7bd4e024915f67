package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
)

// How long a provider's list of models, or its failure to give one, is believed,
// how long it may take to come and how large it may be.
const (
	listAge       = time.Minute
	failedListAge = 5 * time.Second
	listTimeout   = 10 * time.Second
	maxList       = 8 << 20
)

// modelLists remembers what the providers offer.
type modelLists struct {
	mu     sync.Mutex
	byName map[string]modelList
}

// modelList is what a provider said it offers, or that it did not say.
type modelList struct {
	ids   []string
	err   error
	until time.Time
}

func (m *modelLists) get(provider string, at time.Time) (modelList, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.byName[provider]
	return l, ok && at.Before(l.until)
}

func (m *modelLists) put(provider string, l modelList) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byName == nil {
		m.byName = make(map[string]modelList)
	}
	m.byName[provider] = l
}

// models answers GET /v1/models and /v1/models/{id} with what this caller may
// use: aliases and models named in the configuration, and of the patterns what
// their providers say they offer.
func (h *Upstream) models(c *call, r *http.Request) error {
	x := &c.x
	var list []answer.ModelInfo
	seen := map[string]bool{}
	add := func(provider, name string) {
		if !seen[name] && x.Principal.MayUse(name) {
			seen[name] = true
			list = append(list, answer.ModelInfo{ID: name, Provider: provider})
		}
	}
	var ask []string // providers whose own list is needed
	need := func(provider string) {
		if !slices.Contains(ask, provider) {
			ask = append(ask, provider)
		}
	}
	for i := range h.table.Lines {
		l := &h.table.Lines[i]
		if l.Exact() {
			if choices, _ := h.table.Resolve(l.Pattern); len(choices) > 0 {
				add(choices[0].Provider, l.Pattern)
			}
			continue
		}
		for _, t := range l.Targets {
			need(t.Provider)
		}
		if len(l.Targets) == 0 {
			need(h.table.Inline)
		}
	}
	if len(h.table.Lines) == 0 {
		need(h.table.Inline)
	}
	var failed error
	for _, name := range ask {
		ids, err := h.offered(c, r, name)
		if err != nil {
			failed = err
			var d *llm.Denial
			if errors.As(err, &d) && d.Stage != llm.StageProvider {
				return err
			}
			continue
		}
		for _, model := range h.table.Names(name, ids) {
			add(name, model)
		}
	}
	if failed != nil && len(list) == 0 {
		return failed
	}
	if id, one := dialects.ModelID(r.URL.EscapedPath()); one {
		for _, m := range list {
			if m.ID == id {
				return c.answerJSON(answer.ModelBody(x.Family, m))
			}
		}
		return llm.Deny(http.StatusNotFound, llm.CodeModelNotFound, llm.StageRequest, "the model %q is not known here or not for this key", clip(id))
	}
	return c.answerJSON(answer.ModelsBody(x.Family, list))
}

// answerJSON gives an answer of our own. It ends the chain.
func (c *call) answerJSON(body []byte) error {
	c.out.Header().Set("Content-Type", "application/json")
	c.out.WriteHeader(http.StatusOK)
	if _, err := c.out.Write(body); err != nil {
		return err
	}
	return errAnswered
}

// offered returns the ids of the models that a provider offers, from memory or
// by asking it, which is a call like any other: it passes the gate.
func (h *Upstream) offered(c *call, r *http.Request, name string) ([]string, error) {
	x := &c.x
	if l, ok := h.lists.get(name, x.Start); ok {
		return l.ids, l.err
	}
	p, ok := h.provider(name)
	if !ok {
		return nil, nil
	}
	dialect := listDialect(p)
	if dialect == llm.DialectNone {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), listTimeout)
	defer cancel()
	a, err := x.Admit(ctx, llm.Deployment{Provider: name, Type: p.Type(), Dialect: dialect}, now())
	if err != nil {
		return nil, err
	}
	defer func() { x.Settle(a, now()) }()
	c.wrote.Store(false)
	if k, ok := p.(providers.Keyring); ok && len(k.Keys()) > 0 {
		c.key = k.Keys()[0]
	}
	ids, err := fetchModels(ctx, a, p, dialect)
	a.ProviderRequestID = c.secretFree(a.ProviderRequestID)
	if err != nil {
		a.Error = "the list of models could not be read"
		if c.unwritten() {
			a.Result = llm.ResultUnsent
		}
		err = llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the provider's list of models is not available; try again").Because(err)
		if c.parent.Err() == nil {
			h.lists.put(name, modelList{err: err, until: x.Start.Add(failedListAge)})
		}
		return nil, err
	}
	a.Result = llm.ResultAnswered
	h.lists.put(name, modelList{ids: ids, until: x.Start.Add(listAge)})
	return ids, nil
}

func fetchModels(ctx context.Context, a *llm.Attempt, p providers.Provider, dialect llm.Dialect) ([]string, error) {
	call := &providers.Call{Dialect: dialect, Method: http.MethodGet, Path: "/v1/models", Header: http.Header{}}
	switch dialect {
	case llm.AnthropicModels:
		call.RawQuery = "limit=1000"
	case llm.GeminiModels:
		call.RawQuery = "pageSize=1000"
	}
	req, err := p.NewRequest(ctx, call)
	if err != nil {
		return nil, err
	}
	a.Result = llm.ResultRefused
	resp, err := p.Transport().RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a.Status, a.ProviderRequestID = resp.StatusCode, providers.ProviderRequestID(resp.Header)
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxList))
	if err != nil {
		return nil, err
	}
	return parseModelIDs(b)
}

// parseModelIDs reads the ids of a list of models: {"data":[{"id":…}]} of OpenAI
// and Anthropic, {"models":[{"name":"models/…"}]} of Gemini, and the same
// without the prefix of Ollama.
func parseModelIDs(b []byte) (ids []string, err error) {
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
		Models []struct {
			Name string `json:"name"`
		} `json:"models"`
	}
	if err := json.Unmarshal(b, &list, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, errors.New("not a list of models")
	}
	for _, m := range list.Data {
		ids = append(ids, m.ID)
	}
	for _, m := range list.Models {
		ids = append(ids, strings.TrimPrefix(m.Name, "models/"))
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" })
	return ids[:min(len(ids), maxModels)], nil
}

// maxModels bounds how many models of one provider are listed.
const maxModels = 10_000

// labelSet bounds the model names of an open route that become label values.
type labelSet struct {
	mu    sync.Mutex
	names map[string]string
}

const maxLabels = 64

// take returns the name if it is one of the first that were seen, else other.
func (s *labelSet) take(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.names[name]; ok {
		return known
	}
	if len(s.names) >= maxLabels {
		return other
	}
	if s.names == nil {
		s.names = make(map[string]string)
	}
	name = strings.Clone(name) // it is part of a request's body, which must go
	s.names[name] = name
	return name
}
