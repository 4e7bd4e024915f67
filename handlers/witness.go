package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/witness"
)

// Witness serves as a C2SP tlog-witness for the audit logs of other gateways: it
// cosigns their checkpoints as long as each continues the one before, so that
// nobody can roll such a log back or fork it without this witness. It answers
// `POST …/add-checkpoint` on the paths that reach it, knows only the logs whose
// keys are written down, and sees only sizes and hashes. It is no part of the way
// of a call to a model.
type Witness struct {
	// Name is the witness: the folder witness/<name> in the data directory,
	// with its key (made at the first start) and its state. Default "default".
	Name string `json:"name,omitempty"`
	// Logs are the verifier keys of the logs. While a log has two keys, both
	// are written down.
	Logs []string `json:"logs"`

	gw     Gateway
	logger *zap.Logger
	keys   []checkpoint.Keys
	server func() (*witness.Server, error)
}

// CaddyModule describes the module to Caddy.
func (*Witness) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.llm_witness", New: func() caddy.Module { return new(Witness) }}
}

// Provision reads the keys of the logs. The witness's own is read, or made, once
// the config has started.
func (h *Witness) Provision(ctx caddy.Context) (err error) {
	h.logger = ctx.Logger()
	if h.gw, err = gatewayOf(ctx); err != nil {
		return err
	}
	if h.Name == "" {
		h.Name = "default"
	}
	if !logName.MatchString(h.Name) {
		return fmt.Errorf("llm_witness: name: %q; want 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit", h.Name)
	}
	if len(h.Logs) == 0 {
		return errors.New("llm_witness: log: no log to witness")
	}
	for _, text := range h.Logs {
		keys, err := checkpoint.ParseKeys(text)
		if err != nil {
			return fmt.Errorf("llm_witness: log: %w", err)
		}
		h.keys = append(h.keys, keys)
	}
	dir := filepath.Join(h.gw.StateDir(), "witness", h.Name)
	h.server = once(func() (*witness.Server, error) {
		key, err := witness.LoadKey(dir, audit.OriginOf(h.gw.Node(), "")+"/witness/"+h.Name)
		if err != nil {
			return nil, fmt.Errorf("the key of the witness: %w", err)
		}
		return witness.NewServer(dir, key, h.keys, now)
	})
	h.gw.Background(func(context.Context) {
		s, err := h.server()
		if err != nil {
			h.logger.Error("the witness cannot work", zap.Error(err))
			return
		}
		h.logger.Info("witness", zap.String("verifier_key", s.VerifierKey()), zap.Int("logs", len(h.Logs)))
	})
	return nil
}

// once calls f until it succeeds, and then keeps what it returned.
func once[T any](f func() (T, error)) func() (T, error) {
	lock := make(chan struct{}, 1)
	var value T
	done := false
	return func() (T, error) {
		lock <- struct{}{}
		defer func() { <-lock }()
		if done {
			return value, nil
		}
		v, err := f()
		if err == nil {
			value, done = v, true
		}
		return v, err
	}
}

func (h *Witness) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	if !strings.HasSuffix(r.URL.Path, "/add-checkpoint") {
		return caddyhttp.Error(http.StatusNotFound, errors.New("llm_witness answers …/add-checkpoint"))
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return caddyhttp.Error(http.StatusMethodNotAllowed, errors.New("add-checkpoint wants POST"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, witness.MaxBody))
	if err != nil {
		return caddyhttp.Error(http.StatusRequestEntityTooLarge, err)
	}
	s, err := h.server()
	if err != nil {
		return caddyhttp.Error(http.StatusServiceUnavailable, err)
	}
	a := s.Add(body)
	if a.Err != nil {
		h.logger.Warn("a checkpoint is not cosigned", zap.Int("status", a.Status), zap.Error(a.Err))
	}
	if a.ContentType == "" {
		a.ContentType = "text/plain; charset=utf-8"
	}
	w.Header().Set("Content-Type", a.ContentType)
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
	return nil
}

// UnmarshalCaddyfile reads the directive:
//
//	llm_witness [<name>] {
//		log <verifier key> [<the one before>]
//	}
func (h *Witness) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		if h.Name = d.Val(); !logName.MatchString(h.Name) {
			return d.Errf("name %q: want 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit", h.Name)
		}
	}
	if err := noMore(d); err != nil {
		return err
	}
	for d.NextBlock(0) {
		if d.Val() != "log" {
			return d.Errf("unknown option %q of llm_witness", d.Val())
		}
		args := d.RemainingArgs()
		if len(args) == 0 {
			return d.Err("log takes the verifier key of a log, or two while they overlap")
		}
		text := strings.Join(args, "\n")
		if _, err := checkpoint.ParseKeys(text); err != nil {
			return d.Errf("log: %v", err)
		}
		h.Logs = append(h.Logs, text)
	}
	if len(h.Logs) == 0 {
		return d.Err("llm_witness needs a log")
	}
	return nil
}

// ParseWitness is the Caddyfile directive llm_witness.
func ParseWitness(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(Witness)
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

var (
	_ caddy.Provisioner           = (*Witness)(nil)
	_ caddyhttp.MiddlewareHandler = (*Witness)(nil)
	_ caddyfile.Unmarshaler       = (*Witness)(nil)
)
