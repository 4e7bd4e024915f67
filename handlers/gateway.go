package handlers

import (
	"context"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/objects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/approval"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/classify"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
)

// AppName is the module ID of the app that the handlers belong to.
const AppName = "llm_gateway"

// Gateway is what the handlers need of the app llm_gateway. It is implemented
// by the root package, which imports this one.
type Gateway interface {
	// UseAudit and UseLedger declare in Provision what must be open while this
	// config serves; the app opens it in Start.
	UseAudit(name string)
	UseLedger()
	// UseBudgets declares in Provision the budgets that calls are held to, for
	// the views and changes of operators.
	UseBudgets(budgets []limits.Budget)
	// Budgets are those that were declared.
	Budgets() []limits.Budget
	// Background runs f from Start until the config is replaced.
	Background(f func(ctx context.Context))
	// Provider returns the provider of that name from the global option.
	Provider(name string) (providers.Provider, bool)
	// Catalogue is the price catalogue with the overrides of the operator.
	Catalogue() *prices.Catalogue
	// Asker asks the classifiers of the global option.
	Asker() classify.Source
	// Detectors are those of the global option, by name.
	Detectors() policy.Detectors
	// Required lists the handlers that llm_upstream insists on.
	Required() []string
	// ConfigHash identifies the configuration of the gateway in records.
	ConfigHash() string
	// StateDir is where the gateway keeps its files; Node names this machine.
	StateDir() string
	Node() string
	// Enter leases everything that is open for one request. It waits a bounded
	// time for Start. Stores.Leave must be called exactly once.
	Enter(ctx context.Context) (*Stores, error)
}

// declaredProvider reports whether the global option has a provider of a name, which callers may
// put before a model.
func declaredProvider(gw Gateway) func(name string) bool {
	return func(name string) bool { _, ok := gw.Provider(name); return ok }
}

// Stores is what is open while a config serves. It is shared by the config and
// its requests and closed (released) when the last of them leaves.
type Stores struct {
	Rates  *limits.Rates
	Ledger *ledger.Ledger // nil when no llm_cost is configured
	Logs   map[string]*audit.Log
	// Objects opens the record of who made what providers keep, once it is
	// needed.
	Objects func() (*objects.Store, error)
	// Approvals opens the record of calls that wait for a person, once it is needed.
	Approvals func() (*approval.Store, error)
	// Approver answers in its place where rules are only tried; else nil.
	Approver policy.Approver
	// Leave gives this request's lease back.
	Leave func()
}

// gatewayOf returns the app from a module's Provision.
func gatewayOf(ctx caddy.Context) (Gateway, error) {
	app, err := ctx.App(AppName)
	if err != nil {
		return nil, err
	}
	return app.(Gateway), nil
}

// common is what the six handlers share: their configuration options and the
// way a request enters and leaves.
type common struct {
	// Errors says who renders refusals: `json` (default) answers in the
	// caller's dialect; `pass` hands the error to Caddy's `handle_errors`
	// routes. The option of the outermost llm_ handler counts.
	Errors string `json:"errors,omitempty"`
	// DebugHeaders adds headers with provider, model, cost and decisions to
	// answers. Default false. The option of the outermost llm_ handler counts.
	DebugHeaders bool `json:"debug_headers,omitempty"`

	gw  Gateway
	log *zap.Logger
}

func (c *common) provision(ctx caddy.Context) (err error) {
	c.log = ctx.Logger()
	if c.Errors == "pass" {
		c.log.Warn("errors pass hands refusals to Caddy, which logs the headers of failed requests: keys in x-api-key, api-key and x-goog-api-key are then in the log in clear unless its format is llm_safe")
	}
	c.gw, err = gatewayOf(ctx)
	return err
}

// now is the one place where the handlers read the clock; tests replace time
// with testing/synctest.
func now() time.Time { return time.Now() }

// internalDenial is what a client is told of a failure of ours.
func internalDenial(err error) *llm.Denial {
	return llm.Deny(500, llm.CodeInternal, llm.StageInfrastructure,
		"the gateway failed while handling this request; the operator's log has the details under the request id").Because(err)
}
