package gateway

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/handlers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/classify"
)

// Classifier is a service outside the gateway that rules may ask about texts, as
// `classify("name", prompt.user)`.
type Classifier struct {
	// URL is the full address of the service's endpoint. Placeholders such as
	// {env.GUARD_URL} are resolved when the config is loaded; nothing of a request
	// is ever part of it.
	URL string `json:"url"`
	// Protocol is what the service speaks: `openai_moderation`, `llama_guard` (a guard
	// model behind chat completions), `presidio`, `azure_shield`, `bedrock` or
	// `generic`.
	Protocol string `json:"protocol"`
	// Timeout bounds one question. Default 1s, at most 1m.
	Timeout caddy.Duration `json:"timeout,omitempty"`
	// OnError says what happens when the service does not answer, or answers
	// nonsense: `deny` (default), the rule that asks cannot be evaluated, for which
	// its own `on_error` is; `allow`, nothing was flagged.
	OnError string `json:"on_error,omitempty"`
	// Cache is how long an answer is remembered, for each caller by itself. Default
	// not at all, at most 24h.
	Cache caddy.Duration `json:"cache,omitempty"`
	// APIKey is the service's credential, sent as it wants it. Placeholders are
	// resolved. Default none.
	APIKey string `json:"api_key,omitempty"`
	// Model is the model to name; llama_guard needs one, openai_moderation takes one.
	Model string `json:"model,omitempty"`
	// Threshold is the score, above 0 and up to 1, from which a text is flagged, for
	// generic, openai_moderation and presidio. Default the service's own judgement;
	// for presidio 0.5.
	Threshold float64 `json:"threshold,omitempty"`
	// Language is that of the texts, for presidio. Default `en`.
	Language string `json:"language,omitempty"`
}

// parseClassifier reads `classifier <name> { … }`.
func parseClassifier(d *caddyfile.Dispenser, app *App) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	name := d.Val()
	if err := classify.CheckName(name); err != nil {
		return d.Errf("%v", err)
	}
	if app.Classifiers[name] != nil {
		return d.Errf("classifier %s is given twice", name)
	}
	if d.NextArg() {
		return d.Errf("classifier %s takes a name; everything else goes into its block", name)
	}
	c := new(Classifier)
	seen := map[string]bool{}
	for d.NextBlock(1) {
		option := d.Val()
		if seen[option] {
			return d.Errf("classifier %s: %s is given twice", name, option)
		}
		seen[option] = true
		if !d.NextArg() || d.Val() == "" {
			return d.Errf("classifier %s: %s has no value", name, option)
		}
		value := d.Val()
		var err error
		switch option {
		case "url":
			c.URL = value
		case "protocol":
			c.Protocol = value
		case "timeout":
			err = setDuration(&c.Timeout, value)
		case "on_error":
			c.OnError = value
		case "cache":
			err = setDuration(&c.Cache, value)
		case "api_key":
			c.APIKey = value
		case "model":
			c.Model = value
		case "threshold":
			if c.Threshold, err = strconv.ParseFloat(value, 64); err != nil || !(c.Threshold > 0) {
				err = fmt.Errorf("%q is not a score above 0 and up to 1", value)
			}
		case "language":
			c.Language = value
		default:
			return d.Errf("unknown option %q of classifier %s", option, name)
		}
		if err != nil {
			return d.Errf("classifier %s: %s: %v", name, option, err)
		}
		if d.NextArg() {
			return d.Errf("classifier %s: %s takes one value", name, option)
		}
	}
	// What does not depend on placeholders is checked here, for the line.
	cfg, err := c.config(name, func(_, s string) (string, error) {
		if strings.Contains(s, "{") {
			return "", nil
		}
		return s, nil
	})
	if err == nil {
		if cfg.URL == "" && c.URL != "" {
			cfg.URL = "https://placeholder.invalid"
		}
		err = cfg.Check()
	}
	if err != nil {
		return d.Errf("classifier %s: %v", name, err)
	}
	if app.Classifiers == nil {
		app.Classifiers = map[string]*Classifier{}
	}
	app.Classifiers[name] = c
	return nil
}

func setDuration(into *caddy.Duration, s string) error {
	dur, err := caddy.ParseDuration(s)
	if err != nil || dur <= 0 {
		return fmt.Errorf("%q is not a positive duration such as 300ms, 2s or 10m", s)
	}
	*into = caddy.Duration(dur)
	return nil
}

// config is the classifier as its package takes it. resolve expands placeholders.
func (c *Classifier) config(name string, resolve func(option, written string) (string, error)) (cfg classify.Config, err error) {
	cfg = classify.Config{
		Name: name, Protocol: c.Protocol, Timeout: time.Duration(c.Timeout), Cache: time.Duration(c.Cache),
		Model: c.Model, Threshold: c.Threshold, Language: c.Language,
	}
	switch c.OnError {
	case "", "deny":
	case "allow":
		cfg.Allow = true
	default:
		return cfg, fmt.Errorf("on_error takes deny or allow, not %q", c.OnError)
	}
	if c.URL != "" {
		if cfg.URL, err = resolve("url", c.URL); err != nil {
			return cfg, err
		}
	}
	if c.APIKey != "" {
		cfg.Key, err = resolve("api_key", c.APIKey)
	}
	return cfg, err
}

// resolved expands the placeholders of an option that must not be empty. The error
// does not say what it expanded to.
func resolved(option, written string) (string, error) {
	v, err := caddy.NewReplacer().ReplaceOrErr(written, true, true)
	if err != nil {
		return "", fmt.Errorf("%s: %w", option, err)
	}
	if strings.TrimSpace(v) == "" {
		return "", errors.New(option + ": resolves to nothing")
	}
	return v, nil
}

// provisionClassifiers makes the classifiers ready to be asked.
func (a *App) provisionClassifiers() error {
	configs := make([]classify.Config, 0, len(a.Classifiers))
	for name, c := range a.Classifiers {
		if c == nil {
			return fmt.Errorf("llm_gateway: classifier %s: no options", name)
		}
		cfg, err := c.config(name, resolved)
		if err != nil {
			return fmt.Errorf("llm_gateway: classifier %s: %w", name, err)
		}
		configs = append(configs, cfg)
	}
	r, err := classify.New(configs...)
	if err != nil {
		return fmt.Errorf("llm_gateway: %w", err)
	}
	t := &trouble{log: a.log, failing: map[string]bool{}}
	r.Observe = func(name, result string, took time.Duration, err error) {
		handlers.ObserveClassifier(name, result, took)
		t.note(name, result, err)
	}
	a.classifiers = r
	return nil
}

// Asker implements handlers.Gateway.
func (a *App) Asker() classify.Source { return a.classifiers }

// trouble logs when a classifier begins to fail and when it is well again, once
// each: the rest is in the metrics.
type trouble struct {
	log     *zap.Logger
	mu      sync.Mutex
	failing map[string]bool
}

func (t *trouble) note(name, result string, err error) {
	var bad bool
	switch result {
	case classify.ResultCancelled, classify.ResultCached:
		return
	case classify.ResultError, classify.ResultTimeout:
		if errors.Is(err, classify.ErrTexts) {
			return
		}
		bad = true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failing[name] == bad {
		return
	}
	t.failing[name] = bad
	if bad {
		t.log.Warn("a classifier does not answer", zap.String("classifier", name), zap.Error(err))
	} else {
		t.log.Info("a classifier answers again", zap.String("classifier", name))
	}
}
