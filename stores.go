package gateway

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/handlers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/lease"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/objects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/approval"
)

// The process-wide registries: one writer per path, whatever configs and
// requests overlap.
var (
	logRegistry    lease.Registry[*audit.Log]
	ledgerRegistry lease.Registry[*ledger.Ledger]
	ratesRegistry  lease.Registry[*limits.Rates]
	objectRegistry lease.Registry[*objects.Store]

	approvalRegistry lease.Registry[*approval.Store]
)

// openStores is what one config has open, counted by its lease and its
// requests'.
type openStores struct {
	stores   handlers.Stores
	refs     int
	objects  *objects.Store  // nil until it is needed
	approved *approval.Store // nil until it is needed
	releases []func() error
}

// acquire opens the stores of this config if they are not. The caller holds
// a.mu.
func (a *App) acquire() (err error) {
	if a.open != nil {
		return nil
	}
	o := &openStores{}
	defer func() {
		if err != nil {
			o.release(a.log)
		}
	}()
	if len(a.logs) > 0 || a.ledger {
		roomForSyncs()
		if err := os.MkdirAll(a.dataDir, 0o700); err != nil {
			return fmt.Errorf("llm_gateway: data_dir: %w", err)
		}
	}
	// Two paths to one directory must be one key.
	dir := a.dataDir
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	r, err := ratesRegistry.Acquire(dir, func() (*limits.Rates, error) { return limits.NewRates(), nil })
	if err != nil {
		return err
	}
	o.releases = append(o.releases, r.Release)
	o.stores.Rates = r.Value()
	if a.ledger {
		path := filepath.Join(dir, "ledger.db")
		l, err := ledgerRegistry.Acquire(path, func() (*ledger.Ledger, error) {
			return ledger.Open(path, ledger.Options{OnCrash: a.OnCrash, Logf: a.logf, KnownEnds: knownEnds(dir, a.logf)})
		})
		if err != nil {
			return fmt.Errorf("llm_gateway: ledger: %w", err)
		}
		o.releases = append(o.releases, l.Release)
		o.stores.Ledger = l.Value()
	}
	o.stores.Logs = make(map[string]*audit.Log, len(a.logs))
	for _, name := range a.logs {
		path := filepath.Join(dir, "audit", name)
		options := a.auditOptions(name, path)
		l, err := logRegistry.Acquire(path, func() (*audit.Log, error) {
			return openLog(path, options)
		})
		if err != nil {
			return fmt.Errorf("llm_gateway: audit log %s: %w", name, err)
		}
		o.releases = append(o.releases, l.Release)
		o.stores.Logs[name] = l.Value()
	}
	o.stores.Approvals = func() (*approval.Store, error) { return a.approvals(o, dir) }
	o.stores.Objects = func() (*objects.Store, error) { return a.objects(o, dir) }
	a.open = o
	return nil
}

// openLog opens an audit log with its vault.
func openLog(path string, o audit.Options) (*audit.Log, error) {
	v, err := vault.Open(filepath.Join(path, "vault"), vault.Options{Key: o.VaultKey})
	if err != nil {
		return nil, err
	}
	o.Vault = v
	return audit.Open(o)
}

// objects opens the record of what providers keep, when a request first needs
// it: most sites never do.
func (a *App) objects(o *openStores, dir string) (*objects.Store, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o.objects != nil && o.objects.Err() == nil {
		return o.objects, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "objects.db")
	l, err := objectRegistry.Acquire(path, func() (*objects.Store, error) { return objects.Open(path, time.Now()) })
	if err != nil {
		a.log.Error("the record of stored objects cannot be opened", zap.Error(err))
		return nil, err
	}
	o.releases = append(o.releases, l.Release)
	o.objects = l.Value()
	return o.objects, nil
}

// approvals opens the record of calls that wait for a person, when it is first needed.
func (a *App) approvals(o *openStores, dir string) (*approval.Store, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o.approved != nil {
		return o.approved, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "approvals.db")
	l, err := approvalRegistry.Acquire(path, func() (*approval.Store, error) { return approval.Open(path) })
	if err != nil {
		a.log.Error("the record of approvals cannot be opened", zap.Error(err))
		return nil, err
	}
	o.releases = append(o.releases, l.Release)
	o.approved = l.Value()
	return o.approved, nil
}

// leave gives one lease of o back; the last one closes what nobody else has
// leased, on the spot: the process may be about to exit, and what is queued must
// reach the disk before that.
func (a *App) leave(o *openStores) {
	a.mu.Lock()
	o.refs--
	last := o.refs == 0
	if last && a.open == o {
		a.open = nil
	}
	a.mu.Unlock()
	if last {
		o.release(a.log)
	}
}

// release closes what nobody else has leased.
func (o *openStores) release(log *zap.Logger) {
	for i := len(o.releases) - 1; i >= 0; i-- {
		if err := o.releases[i](); err != nil && !errors.Is(err, io.EOF) {
			log.Error("closing a store of the gateway", zap.Error(err))
		}
	}
}

func (a *App) logf(msg string, args ...any) { a.log.Sugar().Infof(msg, args...) }
