package sinks

import (
	"context"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(new(Log))
	caddy.RegisterModule(new(Webhook))
	caddy.RegisterModule(new(OTLP))
}

// Log writes records to Caddy's logs, as info entries of the logger
// llm_gateway.audit_sinks.log with the members log, index and record. A `log` global
// option with `include llm_gateway.audit_sinks.log` sends them to a file, a socket or
// wherever Caddy can write.
type Log struct {
	logger *zap.Logger
}

// CaddyModule describes the module to Caddy.
func (*Log) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "llm_gateway.audit_sinks.log", New: func() caddy.Module { return new(Log) }}
}

// Provision gets the logger.
func (s *Log) Provision(ctx caddy.Context) error {
	s.logger = ctx.Logger()
	return nil
}

// Send implements Sink.
func (s *Log) Send(_ context.Context, log string, records []Record) error {
	for _, r := range records {
		s.logger.Info("audit", zap.String("log", log), zap.Int64("index", r.Index), zap.Reflect("record", r.Record))
	}
	return nil
}

// UnmarshalCaddyfile reads `log`.
func (s *Log) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() || d.NextBlock(d.Nesting()) {
		return d.Err("the sink log has no options; choose where it goes with the global option log, include llm_gateway.audit_sinks.log")
	}
	return nil
}

var (
	_ caddy.Provisioner     = (*Log)(nil)
	_ caddyfile.Unmarshaler = (*Log)(nil)
	_ Sink                  = (*Log)(nil)
)
