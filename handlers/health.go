package handlers

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/pool"
)

// checkHealth asks the providers that the model lines name, at intervals,
// whether they are there. It is no call of anybody: nothing is billed for a list
// of models, so it passes no gate.
func (h *Upstream) checkHealth(ctx context.Context) {
	tick := time.NewTicker(time.Duration(h.HealthInterval))
	defer tick.Stop()
	// A provider that is no longer checked must not stay down.
	defer h.eachEndpoint(func(e *endpoint, k int) { e.health(k).Check("") })
	for {
		var wg sync.WaitGroup
		h.eachEndpoint(func(e *endpoint, k int) {
			wg.Go(func() { h.check(ctx, e, k) })
		})
		wg.Wait()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (h *Upstream) eachEndpoint(f func(e *endpoint, k int)) {
	for _, e := range h.ends {
		for k := range e.keys {
			f(e, k)
		}
	}
}

// health is that of the address with the credential, whatever the model.
func (e *endpoint) health(k int) *pool.Health {
	return deployments.Health(pool.Key{Provider: e.name, Address: e.address, Credential: e.prints[k]})
}

// check asks one provider with one of its credentials.
func (h *Upstream) check(ctx context.Context, e *endpoint, k int) {
	dialect := listDialect(e.provider)
	if dialect == llm.DialectNone {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(h.HealthTimeout))
	defer cancel()
	why := ""
	status, err := h.ping(ctx, e, k, dialect)
	switch {
	case ctx.Err() == context.Canceled:
		return // the config was replaced
	case err != nil:
		why = "its health check cannot reach it"
	case status >= 500 || status == http.StatusUnauthorized || status == http.StatusForbidden:
		why = "its health check answers " + strconv.Itoa(status)
	}
	e.health(k).Check(why)
	if why != "" {
		h.log.Warn("a provider is unhealthy", zap.String("provider", e.name), zap.String("why", why))
	}
}

func (h *Upstream) ping(ctx context.Context, e *endpoint, k int, dialect llm.Dialect) (int, error) {
	req, err := e.provider.NewRequest(ctx, &providers.Call{Dialect: dialect, Method: http.MethodGet, Path: "/v1/models", Header: http.Header{}, Key: e.keys[k]})
	if err != nil {
		return 0, err
	}
	if h.HealthURI != "" {
		req.URL.Path, req.URL.RawPath, req.URL.RawQuery = h.HealthURI, "", ""
	}
	resp, err := e.provider.Transport().RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	return resp.StatusCode, nil
}

// listDialect is the dialect in which a provider can be asked for its models.
func listDialect(p providers.Provider) llm.Dialect {
	for _, d := range p.Dialects() {
		if d.Lists() {
			return d
		}
	}
	return llm.DialectNone
}
