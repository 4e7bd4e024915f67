package gateway

import (
	"fmt"
	"io"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/sinks"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/handlers"
)

// sinksNamespace is where the modules of extra sinks are.
const sinksNamespace = "llm_gateway.audit_sinks"

// namedSink is a sink that is ready, with the name of its module for metrics.
type namedSink struct {
	name string
	sink sinks.Sink
}

// loadSinks loads the sinks of a log.
func (l *AuditLog) loadSinks(ctx caddy.Context) ([]namedSink, error) {
	if len(l.SinksRaw) == 0 {
		return nil, nil
	}
	mods, err := ctx.LoadModule(l, "SinksRaw")
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	var out []namedSink
	for _, mod := range mods.([]any) {
		s, ok := mod.(sinks.Sink)
		if !ok {
			return nil, fmt.Errorf("sink: module %T is not a sink", mod)
		}
		out = append(out, namedSink{mod.(caddy.Module).CaddyModule().ID.Name(), s})
	}
	return out, nil
}

// parseSink reads `sink <type> …` with the options of its type.
func (l *AuditLog) parseSink(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Err("sink takes a type (log, webhook, otlp) and its options")
	}
	typ := d.Val()
	m, err := caddyfile.UnmarshalModule(d, sinksNamespace+"."+typ)
	if err != nil {
		return err
	}
	l.SinksRaw = append(l.SinksRaw, caddyconfig.JSONModuleObject(m, "sink", typ, nil))
	return nil
}

// feeds starts the sinks of this config. They see what is written until the config
// stops; while another takes over, a record may reach both. The caller holds a.mu.
func (a *App) feeds(o *openStores) (stop func()) {
	var ends []func()
	for name, log := range o.stores.Logs {
		for _, s := range a.auditSinks[name] {
			sent := handlers.SinkCounter(name, s.name)
			f := sinks.NewFeed(name, s.sink, sent, a.logf)
			cancel := log.Subscribe(f.Offer)
			ends = append(ends, func() {
				cancel()
				_ = f.Close()
				if c, ok := s.sink.(io.Closer); ok {
					_ = c.Close()
				}
			})
		}
	}
	return func() {
		var wg sync.WaitGroup
		for _, end := range ends {
			wg.Go(end)
		}
		wg.Wait()
	}
}
