package sinks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
)

// OTLP sends records to an OpenTelemetry collector as log records over HTTP: the body
// is the record, the attributes are the few members that people search by. Without a
// URL the standard OTEL_EXPORTER_OTLP_* environment variables count.
type OTLP struct {
	// URL is the collector's address, e.g. https://collector.example/v1/logs.
	// https, or http inside one's own network. Placeholders are resolved.
	URL string `json:"url,omitempty"`
	// Headers are sent with every request, e.g. an Authorization. Placeholders in
	// the values are resolved.
	Headers map[string]string `json:"headers,omitempty"`

	options  []otlploghttp.Option
	exporter *otlploghttp.Exporter
	made     *sdklog.LoggerProvider
	batch    *collected
}

// CaddyModule describes the module to Caddy.
func (*OTLP) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "llm_gateway.audit_sinks.otlp", New: func() caddy.Module { return new(OTLP) }}
}

// Provision resolves the options. It dials nobody.
func (s *OTLP) Provision(caddy.Context) error {
	s.options = []otlploghttp.Option{
		otlploghttp.WithTimeout(sendTimeout),
		// The feed tries again itself.
		otlploghttp.WithRetry(otlploghttp.RetryConfig{Enabled: false}),
	}
	if s.URL != "" {
		address, err := resolve("url", s.URL)
		if err != nil {
			return err
		}
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return errors.New("audit sink otlp: want an http or https URL such as https://collector.example/v1/logs")
		}
		s.options = append(s.options, otlploghttp.WithEndpointURL(address))
	}
	if len(s.Headers) > 0 {
		headers := make(map[string]string, len(s.Headers))
		for name, written := range s.Headers {
			v, err := resolve("header "+name, written)
			if err != nil {
				return err
			}
			headers[name] = v
		}
		s.options = append(s.options, otlploghttp.WithHeaders(headers))
	}
	return nil
}

// collected is a processor that keeps what is emitted for one export.
type collected struct{ records []sdklog.Record }

// Enabled implements sdklog.Processor.
func (*collected) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

// OnEmit implements sdklog.Processor.
func (c *collected) OnEmit(_ context.Context, r *sdklog.Record) error {
	c.records = append(c.records, r.Clone())
	return nil
}

// Shutdown implements sdklog.Processor.
func (*collected) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdklog.Processor.
func (*collected) ForceFlush(context.Context) error { return nil }

// open makes the exporter, when something is first to be sent.
func (s *OTLP) open(ctx context.Context) (err error) {
	if s.exporter != nil {
		return nil
	}
	if s.exporter, err = otlploghttp.New(ctx, s.options...); err != nil {
		return fmt.Errorf("audit sink otlp: %w", err)
	}
	s.batch = new(collected)
	res := resource.NewSchemaless(resource.Default().Attributes()...)
	s.made = sdklog.NewLoggerProvider(sdklog.WithProcessor(s.batch), sdklog.WithResource(res), sdklog.WithAttributeCountLimit(-1), sdklog.WithAttributeValueLengthLimit(-1))
	return nil
}

// Send implements Sink.
func (s *OTLP) Send(ctx context.Context, name string, records []Record) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	logger := s.made.Logger("caddy-llm-gateway/audit")
	s.batch.records = s.batch.records[:0]
	for i := range records {
		logger.Emit(ctx, otlpRecord(name, &records[i]))
	}
	err := s.exporter.Export(ctx, s.batch.records)
	clear(s.batch.records)
	return err
}

// otlpRecord is a record of a log as OpenTelemetry sees it.
func otlpRecord(name string, r *Record) (out log.Record) {
	var head struct {
		TS      time.Time `json:"ts"`
		Node    string    `json:"node"`
		Stage   string    `json:"stage"`
		Request string    `json:"request"`
		Outcome string    `json:"outcome"`
		Model   string    `json:"model"`
		Event   string    `json:"event"`
		Key     struct {
			Key string `json:"key"`
		} `json:"principal"`
	}
	_ = json.Unmarshal(r.Record, &head) // our own lines; what is missing stays empty
	out.SetTimestamp(head.TS)
	out.SetObservedTimestamp(time.Now())
	out.SetSeverity(log.SeverityInfo)
	out.SetEventName("llm_gateway.audit." + head.Stage)
	out.SetBody(attribute.StringValue(string(r.Record)))
	out.AddAttributes(attribute.String("llm_gateway.audit.log", name), attribute.Int64("llm_gateway.audit.index", r.Index))
	for _, kv := range [...][2]string{
		{"llm_gateway.audit.node", head.Node}, {"llm_gateway.request.id", head.Request}, {"llm_gateway.outcome", head.Outcome},
		{"gen_ai.request.model", head.Model}, {"llm_gateway.key", head.Key.Key}, {"llm_gateway.event", head.Event},
	} {
		if kv[1] != "" {
			out.AddAttributes(attribute.String(kv[0], kv[1]))
		}
	}
	return out
}

// Close ends the exporter.
func (s *OTLP) Close() error {
	if s.exporter == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return s.exporter.Shutdown(ctx)
}

// UnmarshalCaddyfile reads:
//
//	otlp [<url>] {
//		header <name> <value>
//	}
func (s *OTLP) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		if s.URL = d.Val(); s.URL == "" {
			return d.Err("the sink otlp has an empty URL")
		}
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		var name, v string
		if d.Val() != "header" {
			return d.Errf("unknown option %q of the sink otlp; want header", d.Val())
		}
		if !d.Args(&name, &v) || v == "" || s.Headers[name] != "" {
			return d.Err("header takes a name and a value, each name once")
		}
		if s.Headers == nil {
			s.Headers = map[string]string{}
		}
		s.Headers[name] = v
	}
	return nil
}

var (
	_ caddy.Provisioner     = (*OTLP)(nil)
	_ caddyfile.Unmarshaler = (*OTLP)(nil)
	_ Sink                  = (*OTLP)(nil)
)
