// Package gateway is the LLM gateway for Caddy: import it (or build with
// `xcaddy build --with github.com/caddy-llm-gateway/caddy-llm-gateway`) and get
// the app llm_gateway, its six HTTP handlers, the providers, the log encoder
// llm_safe, the admin routes and the command `caddy llm`.
//
// This package is the app: what all routes share (providers, prices, stores,
// logs) and its life cycle over reloads. What the handlers do is in handlers/,
// and how a request goes through them in docs/architecture.md.
package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/handlers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/classify"
	_ "github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/patterns" // llm_gateway.detectors.patterns
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"

	// The providers that come with the gateway.
	_ "github.com/caddy-llm-gateway/caddy-llm-gateway/providers/anthropic"
	_ "github.com/caddy-llm-gateway/caddy-llm-gateway/providers/azure"
	_ "github.com/caddy-llm-gateway/caddy-llm-gateway/providers/gemini"
	_ "github.com/caddy-llm-gateway/caddy-llm-gateway/providers/ollama"
	_ "github.com/caddy-llm-gateway/caddy-llm-gateway/providers/openai"
	_ "github.com/caddy-llm-gateway/caddy-llm-gateway/providers/simulated"
)

// App is the part of the gateway that all sites and routes share. It needs no
// configuration: the handlers create an empty one.
type App struct {
	// DataDir is where ledger and audit logs live. Default: `llm` in Caddy's
	// data directory. One process at a time may use it.
	DataDir string `json:"data_dir,omitempty"`
	// Require lists the handlers (`auth`, `audit`, `ratelimit`, `policy`,
	// `cost`) that llm_upstream insists on; a request that did not pass them is
	// refused with 500 misordered. Default: `auth`. An empty list that is
	// written down requires nothing.
	Require *[]string `json:"require,omitempty"`
	// ProvidersRaw are the providers by name. A client may choose one by
	// putting its name before the model ("openai/gpt-4o").
	ProvidersRaw map[string]json.RawMessage `json:"providers,omitempty" caddy:"namespace=llm_gateway.providers inline_key=type"`
	// Classifiers are the services that rules of llm_policy may ask, by name.
	Classifiers map[string]*Classifier `json:"classifiers,omitempty"`
	// DetectorsRaw are detectors of the operator's own, by name: rules of llm_policy
	// name them in detect("name", …) and in redact.
	DetectorsRaw map[string]json.RawMessage `json:"detectors,omitempty" caddy:"namespace=llm_gateway.detectors inline_key=type"`
	// Prices override the embedded catalogue.
	Prices []PriceOverride `json:"prices,omitempty"`
	// PriceSource is where prices are read from while the gateway runs. Default
	// nowhere: the embedded catalogue holds.
	PriceSource *PriceSource `json:"price_source,omitempty"`
	// OnCrash says what happens at the start with money that was reserved when
	// the process died: `charge` (default) counts it as spent; `release` gives
	// it back, which gives up the guarantee that budgets are never exceeded.
	OnCrash string `json:"on_crash,omitempty"`
	// Audit is what is told of single audit logs, by name.
	Audit map[string]*AuditLog `json:"audit,omitempty"`

	require     []string
	providers   map[string]providers.Provider
	prices      *prices.Source
	priceWatch  *priceWatch // nil without a source
	classifiers *classify.Registry
	detectors   policy.Detectors
	dataDir     string
	hash        string
	auditSinks  map[string][]namedSink   // by log
	stopFeeds   func()                   // nil before Start
	auditLogs   map[string]audit.Options // of Audit, resolved
	log         *zap.Logger

	mu         sync.Mutex
	logs       []string        // names of the audit logs that handlers use
	ledger     bool            // whether a handler uses the ledger
	budgets    []limits.Budget // of all handlers
	started    chan struct{}
	background []func(context.Context)
	cancel     context.CancelFunc // ends what runs in the background
	open       *openStores        // nil before Start and after the last lease
	// configLease is what this config itself leases, from Start to Stop.
	configLease *openStores
	undoLogs    []func() // take back what this config has set of logs
}

// CaddyModule describes the module to Caddy.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: handlers.AppName, New: func() caddy.Module { return new(App) }}
}

var providerName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)

// governors are the names that require knows.
var governors = []string{"audit", "auth", "ratelimit", "policy", "cost"}

// Provision loads the providers and prices. It opens no file and dials nobody.
func (a *App) Provision(ctx caddy.Context) error {
	a.log = ctx.Logger()
	a.started = make(chan struct{})
	detectors := maps.Clone(a.DetectorsRaw) // loading them clears the field
	a.require = []string{"auth"}
	if a.Require != nil {
		a.require = *a.Require
		for _, name := range a.require {
			if !slices.Contains(governors, name) {
				return fmt.Errorf("llm_gateway: require: unknown handler %q; want some of %v", name, governors)
			}
		}
	}
	switch a.OnCrash {
	case "", "charge", "release":
	default:
		return fmt.Errorf("llm_gateway: on_crash: want charge or release, not %q", a.OnCrash)
	}
	dir := a.DataDir
	if dir == "" {
		dir = filepath.Join(caddy.AppDataDir(), "llm")
	} else {
		resolved, err := caddy.NewReplacer().ReplaceOrErr(dir, true, true)
		if err != nil {
			return fmt.Errorf("llm_gateway: data_dir: %w", err)
		}
		dir = resolved
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("llm_gateway: data_dir: %w", err)
	}
	a.dataDir = dir
	a.providers = make(map[string]providers.Provider, len(a.ProvidersRaw))
	if len(a.ProvidersRaw) > 0 {
		mods, err := ctx.LoadModule(a, "ProvidersRaw")
		if err != nil {
			return fmt.Errorf("llm_gateway: provider: %w", err)
		}
		for name, mod := range mods.(map[string]any) {
			p, ok := mod.(providers.Provider)
			if !ok {
				return fmt.Errorf("llm_gateway: provider %s: module %T is not a provider", name, mod)
			}
			if !providerName.MatchString(name) {
				return fmt.Errorf("llm_gateway: provider %q: want 1 to 64 of a-z, 0-9, _, . and -, beginning with a letter or digit", name)
			}
			a.providers[name] = p
		}
	}
	overrides := make([]prices.Override, len(a.Prices))
	for i, p := range a.Prices {
		if overrides[i], err = p.override(); err != nil {
			return fmt.Errorf("llm_gateway: price %s: %w", p.Match, err)
		}
	}
	a.prices = prices.NewSource(overrides)
	if a.PriceSource != nil {
		if a.priceWatch, err = a.PriceSource.watch(a.prices, a.log, dir); err != nil {
			return fmt.Errorf("llm_gateway: prices: %w", err)
		}
		a.Background(a.priceWatch.run)
	}
	if err := a.provisionClassifiers(); err != nil {
		return err
	}
	if err := a.provisionDetectors(ctx); err != nil {
		return err
	}
	if err := a.provisionAudit(ctx); err != nil {
		return err
	}
	if err := registerPriceMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	a.hash = a.configHash(detectors)
	return handlers.RegisterMetrics(ctx.GetMetricsRegistry(), a.reserved, a.ratios)
}

// configHash identifies what the gateway was told, for the records. Providers
// count by name only and classifiers without their addresses and keys: those may
// hold a literal secret, and not even a hash of one belongs into a record.
// Detectors count in full, since they are rules; detectors is their options.
func (a *App) configHash(detectors map[string]json.RawMessage) string {
	from := ""
	if a.priceWatch != nil {
		from = a.priceWatch.shown
	}
	ask := map[string]Classifier{}
	for name, c := range a.Classifiers {
		open := *c
		open.URL, open.APIKey = "", ""
		ask[name] = open
	}
	b, err := json.Marshal(struct {
		Require []string
		Names   []string
		Prices  []PriceOverride
		From    string
		OnCrash string
		Audit   map[string]audit.Settings  `json:",omitempty"`
		Detect  map[string]json.RawMessage `json:",omitempty"`
		Ask     map[string]Classifier      `json:",omitempty"`
	}{a.require, slices.Sorted(maps.Keys(a.providers)), a.Prices, from, a.OnCrash, a.auditSettings(), detectors, ask})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// Start opens what the handlers declared.
func (a *App) Start() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.acquire(); err != nil {
		return err
	}
	a.open.refs++
	a.configLease = a.open
	if err := a.configureLogs(); err != nil {
		return err
	}
	a.stopFeeds = a.feeds(a.open)
	if a.priceWatch != nil {
		a.priceWatch.begin()
	}
	close(a.started)
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	for _, f := range a.background {
		go f(ctx)
	}
	return nil
}

// Stop gives the config's lease back; requests that are still running keep
// theirs.
func (a *App) Stop() error {
	a.mu.Lock()
	o := a.configLease
	a.configLease = nil
	if a.cancel != nil {
		a.cancel()
	}
	stopFeeds := a.stopFeeds
	a.stopFeeds = nil
	undo := a.undoLogs
	a.undoLogs = nil
	a.mu.Unlock()
	// If this config failed to start, the one before goes on with its own. After
	// a reload the next one has set its own, and nothing is undone.
	for _, f := range undo {
		f()
	}
	if stopFeeds != nil {
		stopFeeds()
	}
	if o != nil {
		a.leave(o)
	}
	if a.classifiers != nil {
		a.classifiers.Close()
	}
	return nil
}

// Cleanup is called in place of Stop when a config failed while it started.
func (a *App) Cleanup() error { return a.Stop() }

// startTimeout is how long a request waits for Start: Caddy starts apps in
// random order, so the HTTP server may accept before us.
const startTimeout = 5 * time.Second

var errNotStarted = errors.New("the gateway has not started")

// Enter implements handlers.Gateway.
func (a *App) Enter(ctx context.Context) (*handlers.Stores, error) {
	select {
	case <-a.started:
	default:
		t := time.NewTimer(startTimeout)
		defer t.Stop()
		select {
		case <-a.started:
		case <-t.C:
			return nil, errNotStarted
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	// Old handlers go on serving after Stop; they open again what nobody else
	// has kept open.
	if err := a.acquire(); err != nil {
		a.log.Error("the stores of the gateway cannot be opened", zap.Error(err))
		return nil, err
	}
	o := a.open
	o.refs++
	s := o.stores
	s.Leave = func() { a.leave(o) }
	return &s, nil
}

// Required implements handlers.Gateway.
func (a *App) Required() []string { return a.require }

// ConfigHash implements handlers.Gateway.
func (a *App) ConfigHash() string { return a.hash }

// StateDir implements handlers.Gateway.
func (a *App) StateDir() string { return a.dataDir }

// Node implements handlers.Gateway.
func (a *App) Node() string { return hostname() }

// UseAudit implements handlers.Gateway.
func (a *App) UseAudit(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.logs, name) {
		a.logs = append(a.logs, name)
	}
}

// UseLedger implements handlers.Gateway.
func (a *App) UseLedger() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ledger = true
}

// Budgets implements handlers.Gateway.
func (a *App) Budgets() []limits.Budget { return a.configuredBudgets() }

// UseBudgets implements handlers.Gateway. Handlers may declare the same budget:
// what the first one says counts in views.
func (a *App) UseBudgets(budgets []limits.Budget) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range budgets {
		if !slices.ContainsFunc(a.budgets, b.Same) {
			a.budgets = append(a.budgets, b)
		}
	}
}

// Background implements handlers.Gateway.
func (a *App) Background(f func(ctx context.Context)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.background = append(a.background, f)
}

// Provider implements handlers.Gateway.
func (a *App) Provider(name string) (providers.Provider, bool) {
	p, ok := a.providers[name]
	return p, ok
}

// Catalogue implements handlers.Gateway.
func (a *App) Catalogue() *prices.Catalogue { return a.prices.Current() }

// reserved and ratios feed the gauges of the metrics; they read what is open at
// that moment.
func (a *App) reserved() llm.Money {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open == nil || a.open.stores.Ledger == nil {
		return 0
	}
	return a.open.stores.Ledger.Reserved()
}

func (a *App) ratios(f func(budget string, millis int64)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open != nil && a.open.stores.Ledger != nil {
		a.open.stores.Ledger.Ratios(f)
	}
}

// hostname names this node in records.
func hostname() string {
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "localhost"
}

var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
	_ handlers.Gateway   = (*App)(nil)
)
