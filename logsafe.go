package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"
)

// SafeEncoder is a log encoder that wraps another one and leaves out every
// header and query parameter that carries a credential. Caddy itself hides only
// Authorization, Proxy-Authorization and cookies; the keys of LLM clients come
// in x-api-key, api-key, x-goog-api-key and the query parameter key as well, and
// the access log copies the request before any handler could remove them.
//
// Use it for access logs and for the default log of a server that carries LLM
// traffic:
//
//	log {
//		format llm_safe
//	}
type SafeEncoder struct {
	// WrappedRaw is the encoder to wrap. Default: `console` when the output is
	// a terminal, else `json`.
	WrappedRaw json.RawMessage `json:"wrap,omitempty" caddy:"namespace=caddy.logging.encoders inline_key=format"`

	zapcore.Encoder `json:"-"`
	isDefault       bool
	ctx             caddy.Context
}

// CaddyModule describes the module to Caddy.
func (*SafeEncoder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.encoders.llm_safe", New: func() caddy.Module { return new(SafeEncoder) }}
}

// Provision loads the wrapped encoder.
func (e *SafeEncoder) Provision(ctx caddy.Context) error {
	e.ctx = ctx
	if e.WrappedRaw == nil {
		e.isDefault = true
		return e.use(&logging.JSONEncoder{})
	}
	mod, err := ctx.LoadModule(e, "WrappedRaw")
	if err != nil {
		return fmt.Errorf("llm_safe: wrapped encoder: %w", err)
	}
	e.Encoder = mod.(zapcore.Encoder)
	return nil
}

func (e *SafeEncoder) use(enc zapcore.Encoder) error {
	if p, ok := enc.(caddy.Provisioner); ok {
		if err := p.Provision(e.ctx); err != nil {
			return fmt.Errorf("llm_safe: wrapped encoder: %w", err)
		}
	}
	e.Encoder = enc
	return nil
}

// ConfigureDefaultFormat chooses the console format on a terminal.
func (e *SafeEncoder) ConfigureDefaultFormat(wo caddy.WriterOpener) error {
	if !e.isDefault {
		if c, ok := e.Encoder.(caddy.ConfiguresFormatterDefault); ok {
			return c.ConfigureDefaultFormat(wo)
		}
		return nil
	}
	if caddy.IsWriterStandardStream(wo) && term.IsTerminal(int(os.Stderr.Fd())) {
		return e.use(&logging.ConsoleEncoder{})
	}
	return nil
}

// UnmarshalCaddyfile reads `llm_safe` or `llm_safe { wrap <encoder> … }`.
func (e *SafeEncoder) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	for d.NextBlock(0) {
		if d.Val() != "wrap" || e.WrappedRaw != nil {
			return d.Errf("unknown or repeated option %q of llm_safe; want wrap <encoder>", d.Val())
		}
		if !d.NextArg() {
			return d.ArgErr()
		}
		name := d.Val()
		mod, err := caddyfile.UnmarshalModule(d, "caddy.logging.encoders."+name)
		if err != nil {
			return err
		}
		enc, ok := mod.(zapcore.Encoder)
		if !ok {
			return d.Errf("%s is not a log encoder", name)
		}
		e.WrappedRaw = caddyconfig.JSONModuleObject(enc, "format", name, nil)
	}
	return nil
}

// Clone is part of zapcore.Encoder.
func (e *SafeEncoder) Clone() zapcore.Encoder { return &SafeEncoder{Encoder: e.Encoder.Clone()} }

// EncodeEntry encodes one line; its fields go through the filter.
func (e *SafeEncoder) EncodeEntry(ent zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	c := &SafeEncoder{Encoder: e.Encoder.Clone()}
	for _, f := range fields {
		f.AddTo(c)
	}
	ent.Message = scrub(ent.Message)
	return c.Encoder.EncodeEntry(ent, nil)
}

// AddObject and its neighbours drop what a credential's name stands on and
// scrub the rest; at the top level and, by safeObject, at every depth.
func (e *SafeEncoder) AddObject(key string, m zapcore.ObjectMarshaler) error {
	return safeObject{e.Encoder}.AddObject(key, m)
}

// AddString is part of zapcore.ObjectEncoder.
func (e *SafeEncoder) AddString(key, value string) { safeObject{e.Encoder}.AddString(key, value) }

// AddByteString is part of zapcore.ObjectEncoder.
func (e *SafeEncoder) AddByteString(key string, value []byte) {
	safeObject{e.Encoder}.AddByteString(key, value)
}

// AddArray is part of zapcore.ObjectEncoder.
func (e *SafeEncoder) AddArray(key string, m zapcore.ArrayMarshaler) error {
	return safeObject{e.Encoder}.AddArray(key, m)
}

// AddReflected is part of zapcore.ObjectEncoder.
func (e *SafeEncoder) AddReflected(key string, value any) error {
	return safeObject{e.Encoder}.AddReflected(key, value)
}

// credentialNames are the headers and fields whose values are secrets.
var credentialNames = map[string]bool{
	"authorization": true, "proxy-authorization": true, "x-api-key": true, "api-key": true,
	"x-goog-api-key": true, "cookie": true, "set-cookie": true, "api_key": true, "llm-approval": true,
	"sec-websocket-protocol": true, // browsers put keys there
}

func isCredential(key string) bool {
	return credentialNames[strings.ReplaceAll(strings.ToLower(key), "_", "-")] || credentialNames[strings.ToLower(key)]
}

// scrub removes credentials from the query of a URI that stands in s. It reads
// names as servers do: percent-encoded, in any case, parted by & or ;.
func scrub(s string) string {
	q := strings.IndexByte(s, '?')
	if q < 0 || strings.IndexByte(s[q:], '=') < 0 {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:q+1])
	changed := false
	for rest := s[q+1:]; ; {
		end := strings.IndexAny(rest, "&; \t\r\n\"'?#")
		pair := rest
		if end >= 0 {
			pair = rest[:end]
		}
		name, _, found := strings.Cut(pair, "=")
		if found && isSecretParam(name) {
			b.WriteString(name + "=REDACTED")
			changed = true
		} else {
			b.WriteString(pair)
		}
		if end < 0 {
			break
		}
		b.WriteByte(rest[end])
		rest = rest[end+1:]
	}
	if !changed {
		return s
	}
	return b.String()
}

// isSecretParam reports whether a query parameter carries a key.
func isSecretParam(name string) bool {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	switch strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "-", "_") {
	case "key", "api_key", "apikey", "access_token", "token":
		return true
	}
	return false
}

// safeObject filters the members of an object.
type safeObject struct{ zapcore.ObjectEncoder }

func (o safeObject) AddObject(key string, m zapcore.ObjectMarshaler) error {
	if isCredential(key) {
		return nil
	}
	return o.ObjectEncoder.AddObject(key, zapcore.ObjectMarshalerFunc(func(enc zapcore.ObjectEncoder) error {
		return m.MarshalLogObject(safeObject{enc})
	}))
}

func (o safeObject) AddString(key, value string) {
	if !isCredential(key) {
		o.ObjectEncoder.AddString(key, scrub(value))
	}
}

func (o safeObject) AddByteString(key string, value []byte) {
	if !isCredential(key) {
		o.ObjectEncoder.AddByteString(key, []byte(scrub(string(value))))
	}
}

func (o safeObject) AddArray(key string, m zapcore.ArrayMarshaler) error {
	if isCredential(key) {
		return nil
	}
	return o.ObjectEncoder.AddArray(key, zapcore.ArrayMarshalerFunc(func(enc zapcore.ArrayEncoder) error {
		return m.MarshalLogArray(safeArray{enc})
	}))
}

func (o safeObject) AddReflected(key string, value any) error {
	if isCredential(key) {
		return nil
	}
	if h, ok := value.(http.Header); ok {
		h = h.Clone()
		for name := range h {
			if isCredential(name) {
				delete(h, name)
			}
		}
		value = h
	}
	return o.ObjectEncoder.AddReflected(key, value)
}

// safeArray filters the elements of an array.
type safeArray struct{ zapcore.ArrayEncoder }

func (a safeArray) AppendString(s string) { a.ArrayEncoder.AppendString(scrub(s)) }

func (a safeArray) AppendObject(m zapcore.ObjectMarshaler) error {
	return a.ArrayEncoder.AppendObject(zapcore.ObjectMarshalerFunc(func(enc zapcore.ObjectEncoder) error {
		return m.MarshalLogObject(safeObject{enc})
	}))
}

func (a safeArray) AppendArray(m zapcore.ArrayMarshaler) error {
	return a.ArrayEncoder.AppendArray(zapcore.ArrayMarshalerFunc(func(enc zapcore.ArrayEncoder) error {
		return m.MarshalLogArray(safeArray{enc})
	}))
}

var (
	_ caddy.Provisioner                = (*SafeEncoder)(nil)
	_ caddy.ConfiguresFormatterDefault = (*SafeEncoder)(nil)
	_ caddyfile.Unmarshaler            = (*SafeEncoder)(nil)
	_ zapcore.Encoder                  = (*SafeEncoder)(nil)
)
