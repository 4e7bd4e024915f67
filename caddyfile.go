package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/handlers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/guest"
)

// init registers everything, in one place because the order of these calls is
// the order of the directives: it is a property of security, not of taste.
// "Before invoke" is after encode, log and templates (so that we see plain
// bytes) and before handle and route (so that a route beside ours does not slip
// past the governors).
func init() {
	for _, m := range []caddy.Module{
		new(App), new(AdminAPI), new(SafeEncoder),
		new(handlers.Audit), new(handlers.Auth), new(handlers.RateLimit),
		new(handlers.Policy), new(handlers.Cost), new(handlers.Upstream), new(handlers.Witness),
	} {
		caddy.RegisterModule(m)
	}
	httpcaddyfile.RegisterGlobalOption(handlers.AppName, parseGlobal)
	for _, d := range directives {
		httpcaddyfile.RegisterHandlerDirective(d.name, d.parse)
		httpcaddyfile.RegisterDirectiveOrder(d.name, httpcaddyfile.Before, d.before)
	}
	registerCommand()
	caddy.OnExit(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, exitTimeout)
		defer cancel()
		handlers.EndAll(ctx)
	})
}

// exitTimeout is how long calls may take to be settled and recorded once Caddy's
// grace period is over and they were cancelled.
const exitTimeout = 5 * time.Second

type directive struct {
	name   string
	parse  httpcaddyfile.UnmarshalHandlerFunc
	before string // the standard directive that it stands before
}

// directives are the handler directives in chain order.
var directives = []directive{
	{"llm_audit", handlers.ParseAudit, "invoke"},
	{"llm_auth", handlers.ParseAuth, "invoke"},
	{"llm_ratelimit", handlers.ParseRateLimit, "invoke"},
	{"llm_policy", handlers.ParsePolicy, "invoke"},
	{"llm_cost", handlers.ParseCost, "invoke"},
	{"llm_upstream", handlers.ParseUpstream, "reverse_proxy"},
	{"llm_witness", handlers.ParseWitness, "reverse_proxy"},
}

// parseGlobal reads the global option:
//
//	llm_gateway {
//		data_dir <path>
//		require  <auth|audit|ratelimit|policy|cost…>|none
//		provider <name> [<type>] {
//			<options of the provider>
//		}
//		classifier <name> {
//			url       <address>
//			protocol  openai_moderation|llama_guard|presidio|azure_shield|bedrock|generic
//			timeout   <duration>
//			on_error  deny|allow
//			cache     <duration>
//			api_key   <secret>
//			model     <name>
//			threshold <score>
//			language  <code>
//		}
//		detector <name> <type> {
//			<options of the detector>
//		}
//		price <provider/pattern> free
//		price <provider/pattern> [<input> <output> [<cache read> [<cache write>]]] { … }
//		prices file <path>|url <URL> [refresh <duration>]
//		on_crash charge|release
//		audit <name> {
//			<options of the log>
//		}
//	}
func parseGlobal(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		return nil, d.Err("the global option llm_gateway is given twice")
	}
	app := &App{ProvidersRaw: map[string]json.RawMessage{}}
	d.Next()
	if d.NextArg() {
		return nil, d.ArgErr()
	}
	for d.NextBlock(0) {
		var err error
		switch d.Val() {
		case "data_dir":
			if app.DataDir != "" || !d.NextArg() || d.Val() == "" {
				return nil, d.Err("data_dir takes one path, once")
			}
			app.DataDir = d.Val()
			if d.NextArg() {
				return nil, d.ArgErr()
			}
		case "require":
			err = parseRequire(d, app)
		case "provider":
			err = parseProvider(d, app)
		case "classifier":
			err = parseClassifier(d, app)
		case "detector":
			err = parseDetector(d, app)
		case "price":
			err = parsePrice(d, app)
		case "prices":
			err = parsePriceSource(d, app)
		case "on_crash":
			if app.OnCrash != "" || !d.NextArg() || (d.Val() != "charge" && d.Val() != "release") {
				return nil, d.Err("on_crash takes charge or release, once")
			}
			app.OnCrash = d.Val()
			if d.NextArg() {
				return nil, d.ArgErr()
			}
		case "audit":
			err = parseAuditLog(d, app)
		default:
			err = d.Errf("unknown option %q of llm_gateway", d.Val())
		}
		if err != nil {
			return nil, err
		}
	}
	return httpcaddyfile.App{Name: handlers.AppName, Value: caddyconfig.JSON(app, nil)}, nil
}

func parseRequire(d *caddyfile.Dispenser, app *App) error {
	if app.Require != nil {
		return d.Err("require is given twice")
	}
	names := d.RemainingArgs()
	if len(names) == 0 {
		return d.ArgErr()
	}
	if len(names) == 1 && names[0] == "none" {
		names = []string{}
	}
	for i, name := range names {
		if !slices.Contains(governors, name) {
			return d.Errf("require: unknown handler %q; want some of %v, or none", name, governors)
		}
		if slices.Contains(names[:i], name) {
			return d.Errf("require: %s is given twice", name)
		}
	}
	app.Require = &names
	return nil
}

// parseProvider reads `provider <name> [<type>] { … }`; the type defaults to
// the name.
func parseProvider(d *caddyfile.Dispenser, app *App) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	name := d.Val()
	if !providerName.MatchString(name) {
		return d.Errf("provider %q: want 1 to 64 of a-z, 0-9, _, . and -, beginning with a letter or digit", name)
	}
	if app.ProvidersRaw[name] != nil {
		return d.Errf("provider %s is given twice", name)
	}
	typ := name
	if d.NextArg() {
		typ = d.Val()
	}
	p, err := guest.New(d, typ)
	if err != nil {
		return err
	}
	if d.NextArg() {
		return d.Errf("provider %s takes a name and a type; everything else goes into its block", name)
	}
	for d.NextBlock(1) {
		option := d.Val()
		ok, err := p.ParseOption(d)
		if err != nil {
			return err
		}
		if !ok {
			return d.Errf("unknown option %q of provider %s", option, name)
		}
	}
	if err := p.Complete(d); err != nil {
		return err
	}
	app.ProvidersRaw[name] = caddyconfig.JSONModuleObject(p, "type", typ, nil)
	return nil
}
