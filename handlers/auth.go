package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/auth"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Auth finds out who asks, by keys of the configuration, and refuses everybody
// else with 401. It reads the key from `Authorization: Bearer`, `x-api-key`,
// `api-key`, `x-goog-api-key` or the query parameter `key` (two different ones
// are refused), and then removes all of these from the request, so that no
// client credential ever reaches a provider.
//
// It sets `{http.auth.user.id}` to the name of the key.
type Auth struct {
	// Keys are the client keys.
	Keys []Key `json:"keys,omitempty"`
	// CORS lists the origins (such as https://app.example.com) from which
	// browsers may call; without it every preflight is refused with 403
	// cors_disabled, since a key in a web page is a leaked key.
	CORS []string `json:"cors,omitempty"`

	common
	keys *auth.Keys
}

// Key is one client key and what belongs to it.
type Key struct {
	// Name identifies the key in limits, budgets, records and metrics. It must
	// be unique.
	Name string `json:"name"`
	// Secret is what the client sends: at least 16 characters. Use a
	// placeholder such as {env.WEB_APP_KEY} or {file./run/secrets/web}; a
	// literal is readable in Caddy's configuration dump.
	Secret string `json:"secret"`
	// User, Team and Org are what the key belongs to, for limits, budgets and
	// policy. Default none.
	User string `json:"user,omitempty"`
	Team string `json:"team,omitempty"`
	Org  string `json:"org,omitempty"`
	// Groups and Scopes are free labels for policy rules.
	Groups []string `json:"groups,omitempty"`
	Scopes []string `json:"scopes,omitempty"`
	// Models are patterns of the models that the key may name: `*` stands for
	// any characters. Default: all.
	Models []string `json:"models,omitempty"`
	// Expires is the day (2027-01-31, valid to its end in UTC) or the RFC 3339
	// time after which the key is refused. Default never.
	Expires string `json:"expires,omitempty"`
}

// CaddyModule describes the module to Caddy.
func (*Auth) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.llm_auth", New: func() caddy.Module { return new(Auth) }}
}

// Provision resolves the secrets, hashes them and forgets them.
func (h *Auth) Provision(ctx caddy.Context) error {
	if err := h.provision(ctx); err != nil {
		return err
	}
	if err := h.validate(); err != nil {
		return fmt.Errorf("llm_auth: %w", err)
	}
	if len(h.Keys) == 0 {
		return errors.New("llm_auth: no key: add at least one `key <name> {env.…}`, or nobody could ever call")
	}
	specs := make([]auth.KeySpec, len(h.Keys))
	for i, k := range h.Keys {
		if k.Name == "" {
			return fmt.Errorf("llm_auth: key %d has no name", i+1)
		}
		secret, err := resolve("llm_auth: key "+k.Name, k.Secret)
		if err != nil {
			return err
		}
		specs[i] = auth.KeySpec{Name: k.Name, Secret: secret, User: k.User, Team: k.Team, Org: k.Org,
			Groups: k.Groups, Scopes: k.Scopes, Models: k.Models}
		if k.Expires != "" {
			if specs[i].Expires, err = parseDate(k.Expires); err != nil {
				return fmt.Errorf("llm_auth: key %s: expires: %w", k.Name, err)
			}
		}
	}
	keys, err := auth.NewKeys(specs)
	if err != nil {
		return fmt.Errorf("llm_auth: %w", err)
	}
	h.keys = keys
	return nil
}

func (h *Auth) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.serve(w, r, next, h.govern)
}

func (h *Auth) govern(c *call, r *http.Request) error {
	x := &c.x
	if origin := r.Header.Get("Origin"); origin != "" {
		if slices.Contains(h.CORS, origin) {
			c.cors = origin
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			return c.preflight(r)
		}
	}
	secret, denied := auth.Credential(r.Header, r.URL.RawQuery)
	if denied == nil {
		x.Principal, denied = h.keys.Find(secret, now())
	}
	// Removed on every path, also before a refusal: what comes after us (error
	// routes, logs) has no use for them.
	if q := auth.Strip(r.Header, r.URL.RawQuery); q != r.URL.RawQuery {
		r.URL.RawQuery = q
		r.RequestURI = r.URL.RequestURI() // stock handlers log it
	}
	if denied != nil {
		x.Principal = nil
		x.Decide(llm.Decision{Module: "auth", Action: "deny", Code: denied.Code})
		return denied
	}
	x.Pass("auth")
	x.Decide(llm.Decision{Module: "auth", Rule: x.Principal.Key, Action: "allow"})
	replacer(r).Set("http.auth.user.id", x.Principal.Key)
	x.Govern(modelGuard{})
	if err := c.ready(); err != nil {
		return err
	}
	if c.body.encoding != "" && x.Dialect.HasBody() {
		return c.view() // a stock proxy cannot undo an encoding later
	}
	return nil
}

// preflight answers the question of a browser whether a page may call.
func (c *call) preflight(r *http.Request) error {
	if c.cors == "" {
		return llm.Deny(http.StatusForbidden, llm.CodeCORSDisabled, llm.StageAuth,
			"browsers may not call this gateway from this origin; a key in a web page is a leaked key. The operator can allow the origin with `cors` in llm_auth")
	}
	h := c.w.under.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Max-Age", "600")
	if want := r.Header.Get("Access-Control-Request-Headers"); want != "" {
		h.Set("Access-Control-Allow-Headers", want)
	}
	c.w.answerNothing(http.StatusNoContent)
	return errAnswered
}

// modelGuard holds a call to the models of its key: what the client names and,
// where an alias or a rule changed it, the target too, unless the alias itself
// is listed.
type modelGuard struct{}

// Reserve implements llm.Governor.
func (modelGuard) Reserve(x *llm.Exchange, a *llm.Attempt) (llm.Hold, error) {
	if err := mayName(x); err != nil {
		return nil, err
	}
	p, target := x.Principal, a.Deployment.Model
	if p == nil || len(p.Models) == 0 || x.View == nil || target == "" || target == x.View.Model {
		return nil, nil
	}
	if slices.Contains(p.Models, x.View.Model) || p.MayUse(target) || p.MayUse(a.Deployment.Provider+"/"+target) {
		return nil, nil
	}
	return nil, modelNotAllowed(x.View.Model)
}

// mayName refuses a model that the caller's key must not name.
func mayName(x *llm.Exchange) error {
	if x.Principal == nil || x.View == nil || x.Principal.MayUse(x.View.Model) {
		return nil
	}
	x.Decide(llm.Decision{Module: "auth", Rule: x.Principal.Key, Action: "deny", Code: llm.CodeModelNotAllowed})
	return modelNotAllowed(x.View.Model)
}

func modelNotAllowed(model string) *llm.Denial {
	d := llm.Deny(http.StatusForbidden, llm.CodeModelNotAllowed, llm.StageAuth,
		"this key may not use the model %q; GET /v1/models lists the ones it may", model)
	d.Param = "model"
	return d
}

// UnmarshalCaddyfile reads the directive:
//
//	llm_auth {
//		key <name> <secret> {
//			user    <name>
//			team    <name>
//			org     <name>
//			groups  <name…>
//			scopes  <name…>
//			models  <pattern…>
//			expires <day or time>
//		}
//		cors <origin…>
//		errors json|pass
//		debug_headers
//	}
func (h *Auth) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noMore(d); err != nil {
		return err
	}
	if err := h.block(d, func() error {
		switch d.Val() {
		case "key":
			if err := h.unmarshalKey(d); err != nil {
				return err
			}
		case "cors":
			if err := someArgs(d, &h.CORS); err != nil {
				return err
			}
			for _, o := range h.CORS {
				if !isOrigin(o) {
					return d.Errf("cors: %q is not an origin such as https://app.example.com", o)
				}
			}
		default:
			return d.Errf("unknown option %q of llm_auth", d.Val())
		}
		return nil
	}); err != nil {
		return err
	}
	if len(h.Keys) == 0 {
		return d.Err("llm_auth needs at least one key")
	}
	return nil
}

// isOrigin reports whether s is what browsers send as Origin.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil &&
		u.Path == "" && u.RawQuery == "" && u.Fragment == ""
}

func (h *Auth) unmarshalKey(d *caddyfile.Dispenser) error {
	var k Key
	if !d.Args(&k.Name, &k.Secret) {
		return d.Errf("key takes a name and a secret, e.g. key web {env.WEB_APP_KEY}")
	}
	if k.Name == "" || k.Secret == "" {
		return d.Errf("key %s: empty name or secret", k.Name)
	}
	if err := noMore(d); err != nil {
		// Not with the value: the extra argument may be part of a secret.
		return d.Errf("key %s: takes a name and one secret", k.Name)
	}
	if !strings.Contains(k.Secret, "{") && len(k.Secret) < auth.MinSecret {
		return d.Errf("key %s: the secret is shorter than %d characters", k.Name, auth.MinSecret)
	}
	for _, other := range h.Keys {
		if other.Name == k.Name {
			return d.Errf("key %s is given twice", k.Name)
		}
	}
	for d.NextBlock(1) {
		var err error
		switch d.Val() {
		case "user":
			err = oneArg(d, &k.User)
		case "team":
			err = oneArg(d, &k.Team)
		case "org":
			err = oneArg(d, &k.Org)
		case "groups":
			err = someArgs(d, &k.Groups)
		case "scopes":
			err = someArgs(d, &k.Scopes)
		case "models":
			err = someArgs(d, &k.Models)
		case "expires":
			if err = oneArg(d, &k.Expires); err == nil {
				if _, perr := parseDate(k.Expires); perr != nil {
					err = d.Errf("expires: %v", perr)
				}
			}
		default:
			err = d.Errf("unknown option %q of key %s", d.Val(), k.Name)
		}
		if err != nil {
			return err
		}
	}
	h.Keys = append(h.Keys, k)
	return nil
}

// ParseAuth is the Caddyfile directive llm_auth.
func ParseAuth(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(Auth)
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

var (
	_ caddy.Provisioner           = (*Auth)(nil)
	_ caddyhttp.MiddlewareHandler = (*Auth)(nil)
	_ caddyfile.Unmarshaler       = (*Auth)(nil)
)
