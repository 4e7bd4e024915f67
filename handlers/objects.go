package handlers

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/objects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
)

// Objects is what providers keep for their account, which all callers share.
type Objects struct {
	// Objects opens the endpoints of what providers keep (files, batches,
	// stored responses, conversations, vector stores…). `deny` (default) keeps
	// them shut; `allow` opens them and lets each key see only what it has made;
	// `shared` checks nothing, for a provider's account that has one user.
	Objects string `json:"objects,omitempty"`
	// ObjectProviders names the providers that keep objects, where several
	// could: the first of the family in which a request speaks is taken.
	ObjectProviders []string `json:"object_providers,omitempty"`

	keepers []*endpoint
}

// The values of the option objects.
const (
	objectsDeny   = "deny"
	objectsAllow  = "allow"
	objectsShared = "shared"
)

func (o *Objects) unmarshal(d *caddyfile.Dispenser) error {
	if o.Objects != "" {
		return d.Err("objects is given twice")
	}
	args := d.RemainingArgs()
	if len(args) == 0 || !slices.Contains([]string{objectsDeny, objectsAllow, objectsShared}, args[0]) {
		return d.Err("objects takes deny, allow or shared")
	}
	if o.Objects, o.ObjectProviders = args[0], args[1:]; len(o.ObjectProviders) > 0 && args[0] == objectsDeny {
		return d.Err("objects deny takes no providers")
	}
	return nil
}

func (h *Upstream) setupObjects() error {
	switch h.Objects.Objects {
	case "":
		h.Objects.Objects = objectsDeny
	case objectsDeny, objectsAllow, objectsShared:
	default:
		return fmt.Errorf("objects: want deny, allow or shared, not %q", h.Objects.Objects)
	}
	if h.Objects.Objects == objectsDeny {
		return nil
	}
	for _, name := range h.ObjectProviders {
		e := h.ends[name]
		if e == nil || !providers.Speaks(e.provider, llm.Objects) {
			return fmt.Errorf("objects: %q is no provider of this route that keeps objects", name)
		}
		h.keepers = append(h.keepers, e)
	}
	if len(h.ObjectProviders) > 0 {
		return nil
	}
	families := map[bool]string{}
	for _, name := range sortedNames(h.ends) {
		e := h.ends[name]
		if !providers.Speaks(e.provider, llm.Objects) {
			continue
		}
		claude := e.provider.Type() == "anthropic"
		if other, twice := families[claude]; twice {
			return fmt.Errorf("objects: both %s and %s could keep objects; name the one that does: objects %s %s", other, name, h.Objects.Objects, other)
		}
		families[claude] = name
		h.keepers = append(h.keepers, e)
	}
	if len(h.keepers) == 0 {
		return fmt.Errorf("objects: no provider of this route keeps objects")
	}
	return nil
}

func sortedNames(ends map[string]*endpoint) []string {
	names := make([]string, 0, len(ends))
	for name := range ends {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// billing are the kinds of objects whose making, or running, is billed in ways
// that no budget can bound.
var billing = []string{"batches", "messages/batches", "fine_tuning/jobs", "evals", "containers", "threads", "vector_stores"}

// running are the kinds of objects that name models themselves.
var running = []string{"batches", "messages/batches", "fine_tuning/jobs", "evals", "assistants", "threads"}

func objectNotFound(id string) *llm.Denial {
	return llm.Deny(http.StatusNotFound, llm.CodeObjectNotOwned, llm.StageRequest,
		"there is no object %q that this key has made through this gateway", clip(id))
}

// object answers a call of what a provider keeps.
func (h *Upstream) object(c *call, r *http.Request) error {
	x := &c.x
	kind, id, rest, ok := dialects.ObjectPath(c.escapedPath)
	switch {
	case !ok:
		return notAnEndpoint()
	case h.Objects.Objects == objectsDeny:
		return objectsDenied()
	}
	changes := r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodDelete
	if changes && x.Passed("policy") {
		return llm.Deny(http.StatusUnprocessableEntity, llm.CodeUnscannable, llm.StagePolicy,
			"what is stored at a provider cannot be judged by this route's policy; the operator may open objects on a route without llm_policy")
	}
	if changes && x.Passed("cost") && slices.Contains(billing, kind) {
		return llm.Deny(http.StatusForbidden, llm.CodeUnbounded, llm.StageQuota,
			"%s are billed in ways that this route's budget cannot bound; the operator may open them on a route without llm_cost", kind)
	}
	if h.Objects.Objects == objectsAllow && kind == "evals" {
		return llm.Deny(http.StatusForbidden, llm.CodeObjectsDenied, llm.StageRequest,
			"evals can read all that the provider has stored for its account, so keys cannot be kept apart in them; the operator may open them with `objects shared`")
	}
	if p := x.Principal; changes && p != nil && len(p.Models) > 0 && slices.Contains(running, kind) {
		return llm.Deny(http.StatusForbidden, llm.CodeModelNotAllowed, llm.StageAuth,
			"this key may use certain models only, and %s can run any; use a key without that limit", kind)
	}
	var store *objects.Store
	if h.Objects.Objects == objectsAllow {
		var err error
		if store, err = c.stores.Objects(); err != nil {
			return objectsUnavailable(err)
		}
	}
	end, key := h.keeper(x.Family), 0
	if store != nil && id != "" {
		o, known := store.Lookup(id)
		if !known || o.Principal != c.owner() {
			return objectNotFound(id)
		}
		if end, key = h.keptBy(o); end == nil {
			return objectNotFound(id)
		}
	}
	if end == nil {
		return llm.Deny(http.StatusNotFound, llm.CodeNotFound, llm.StageRequest, "no provider of this route keeps objects for this kind of client")
	}
	body, err := c.objectBody(r, store, kind)
	if err != nil {
		return err
	}
	return h.sendObject(c, r, store, &objectCall{kind: kind, id: id, rest: rest, end: end, key: key, body: body})
}

func objectsUnavailable(err error) error {
	return llm.Deny(http.StatusServiceUnavailable, llm.CodeStoreUnavailable, llm.StageInfrastructure, "the gateway's record of stored objects is not available; try again shortly").Because(err)
}

// objectCall is one call of what a provider keeps.
type objectCall struct {
	kind, id, rest string
	end            *endpoint
	key            int
	body           []byte
}

// keeper is the provider that keeps objects for clients of a family.
func (h *Upstream) keeper(f llm.Family) *endpoint {
	for _, e := range h.keepers {
		if (e.provider.Type() == "anthropic") == (f == llm.FamilyAnthropic) {
			return e
		}
	}
	return nil
}

// keptBy is where an object is: provider and credential.
func (h *Upstream) keptBy(o objects.Owner) (*endpoint, int) {
	e := h.ends[o.Provider]
	if e == nil {
		return nil, 0
	}
	for k := range e.keys {
		if sameCredential(e.credential(k), o.Credential) {
			return e, k
		}
	}
	return nil, 0
}

// sameCredential compares credentials as owners have them. One that was alone is
// the first when others join it.
func sameCredential(a, b string) bool { return cmp.Or(a, "1") == cmp.Or(b, "1") }

// owner is in whose name objects are kept.
func (c *call) owner() string {
	if c.x.Principal == nil {
		return ""
	}
	return c.x.Principal.Key
}

// objectBody reads the body of such a call: JSON or a form with a file. What they
// refer to is checked.
func (c *call) objectBody(r *http.Request, store *objects.Store, kind string) ([]byte, error) {
	b := &c.body
	if b.src == nil || b.length == 0 {
		return nil, nil
	}
	b.read = true
	if b.encoding != "" {
		return nil, llm.Deny(http.StatusUnsupportedMediaType, llm.CodeUnsupportedMedia, llm.StageRequest, "compressed bodies are not supported for objects; send the body as it is")
	}
	raw, err := io.ReadAll(io.LimitReader(b.src, maxBody+1))
	if err != nil {
		return nil, b.readError(err)
	}
	if len(raw) > maxBody {
		return nil, tooLarge()
	}
	if len(raw) == 0 {
		return nil, nil
	}
	c.x.BytesIn = int64(len(raw))
	if store == nil {
		return raw, nil
	}
	// Whatever the provider could read must be read here: a body without a type
	// goes out as JSON.
	types := r.Header.Values("Content-Type")
	if len(types) == 0 {
		types = []string{"application/json"}
	}
	mt, params, err := mime.ParseMediaType(types[0])
	var refs []objects.Ref
	ok := false
	switch {
	case err == nil && len(types) == 1 && answer.IsJSON(types[0]):
		if refs, ok = objects.References(raw); ok && kind == "uploads" && objects.ForBatch(raw) {
			return nil, llm.Deny(http.StatusForbidden, llm.CodeObjectsDenied, llm.StageRequest,
				"the requests of a batch cannot be checked when they come in parts; send the file whole to /v1/files")
		}
	case err == nil && len(types) == 1 && mt == "multipart/form-data":
		refs, ok = objects.FormReferences(params["boundary"], raw)
	default:
		return nil, llm.Deny(http.StatusUnsupportedMediaType, llm.CodeUnsupportedMedia, llm.StageRequest,
			"the body must be JSON or a multipart form; say which in one Content-Type")
	}
	if !ok {
		return nil, llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest,
			"the body is not acceptable JSON, or no acceptable form, or the file of a batch is not one JSON object a line")
	}
	for i := range refs {
		if o, known := store.Lookup(refs[i].ID); !known || o.Principal != c.owner() {
			return nil, objectNotFound(refs[i].ID)
		}
	}
	return raw, nil
}

// sendObject makes the call and passes the answer on.
func (h *Upstream) sendObject(c *call, r *http.Request, store *objects.Store, o *objectCall) error {
	x, e := &c.x, o.end
	ctx, cancel := context.WithTimeout(r.Context(), 10*listTimeout)
	defer cancel()
	a, err := x.Admit(ctx, llm.Deployment{Provider: e.name, Type: e.provider.Type(), Dialect: llm.Objects, Credential: e.credential(o.key)}, now())
	if err != nil {
		return err
	}
	c.key = e.keys[o.key]
	req, err := e.provider.NewRequest(ctx, &providers.Call{
		Dialect: llm.Objects, Method: r.Method, Path: r.URL.Path, RawQuery: r.URL.RawQuery, Header: r.Header, Body: o.body, Key: c.key, RequestID: x.ID,
	})
	if err != nil {
		a.Result, a.Error = llm.ResultUnsent, "the request could not be built"
		return denialOf(err)
	}
	c.wrote.Store(false)
	resp, err := e.provider.Transport().RoundTrip(req)
	if err != nil {
		return c.noAnswer(ctx, a, err)
	}
	defer resp.Body.Close()
	a.Status, a.ProviderRequestID = resp.StatusCode, c.secretFree(providers.ProviderRequestID(resp.Header))
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		a.Result, a.Error = llm.ResultRefused, "the provider answered with a redirect"
		return llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the provider answered with a redirect, which is never followed")
	}
	ok := resp.StatusCode >= 200 && resp.StatusCode < 300
	if !ok {
		a.Result = llm.ResultRefused
	}
	c.w.borrow(resp.Header)
	src := io.Reader(resp.Body)
	isJSON := answer.IsJSON(resp.Header.Get("Content-Type"))
	switch {
	case ok && !isJSON && store != nil && o.id == "" && r.Method == http.MethodGet:
		a.Error = "the list is not JSON"
		return llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the provider's list of objects cannot be read")
	case !ok:
		if src = io.LimitReader(src, maxErrorBody); c.key != "" {
			src = withoutKey(src, c.out.Header(), c.key)
		}
	case isJSON:
		body, err := io.ReadAll(io.LimitReader(src, maxAnswer+1))
		if err != nil || len(body) > maxAnswer {
			return c.upstreamError(ctx, a, err, "the provider's answer broke off or is too large")
		}
		if body, err = h.keep(c, ctx, store, o, r.Method, body); err != nil {
			return err
		}
		c.out.Header().Del("Content-Length")
		src = bytes.NewReader(body)
	}
	c.out.WriteHeader(resp.StatusCode)
	if c.w.broken != nil {
		return c.w.broken
	}
	if _, err := io.Copy(c.out, src); err != nil {
		return c.upstreamError(ctx, a, err, "the provider's answer broke off; it is incomplete")
	}
	return c.w.ended()
}

// keep updates the record of who made what by an answer, and takes out of a list
// what others have made.
func (h *Upstream) keep(c *call, ctx context.Context, store *objects.Store, o *objectCall, method string, body []byte) ([]byte, error) {
	if store == nil {
		return body, nil
	}
	owner := objects.Owner{Principal: c.owner(), Provider: o.end.name, Credential: o.end.credential(o.key)}
	switch {
	case o.id == "" && method == http.MethodGet:
		out, err := objects.FilterList(body, func(id string) bool {
			have, known := store.Lookup(id)
			return known && have.Principal == owner.Principal && have.Provider == owner.Provider && sameCredential(have.Credential, owner.Credential)
		})
		if err != nil {
			return nil, llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the provider's list of objects cannot be read").Because(err)
		}
		return out, nil
	case method == http.MethodDelete && o.rest == "":
		if err := store.Forget(o.id); err != nil {
			return nil, objectsUnavailable(err)
		}
	case o.rest == "" || method != http.MethodGet:
		// What was made, or what came out of it (the files of a batch), must be
		// known before its maker can ask for it.
		how := objects.UntilDeleted
		if o.kind == "responses" {
			how = objects.ShortLived
		}
		for _, id := range objects.IDs(body) {
			if err := store.RememberNow(ctx, id, owner, how, now()); err != nil {
				return nil, objectsUnavailable(err)
			}
		}
	}
	return body, nil
}

// mayRefer refuses a request that refers to what the caller has not made. The
// ids of responses and their items are remembered whenever they are made, since
// continuing a conversation is part of the Responses API; everything else can
// only have been made where objects are open.
func (h *Upstream) mayRefer(c *call) error {
	v := c.x.View
	if len(v.Unbounded) == 0 || h.Objects.Objects == objectsShared {
		return nil // whatever refers to something is unbounded
	}
	refs, ok := objects.References(v.Raw)
	if !ok {
		return llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest, "the request refers to more stored objects than can be checked")
	}
	if len(refs) == 0 {
		return nil
	}
	store, err := c.stores.Objects()
	if err != nil {
		return objectsUnavailable(err)
	}
	for i := range refs {
		o, known := store.Lookup(refs[i].ID)
		switch {
		case known && o.Principal == c.owner():
			if refs[i].Response() {
				c.home = &o
			}
		case h.Objects.Objects == objectsDeny && !refs[i].Response():
			d := objectsDenied()
			d.Param = refs[i].Member
			return d
		default:
			d := objectNotFound(refs[i].ID)
			d.Param = refs[i].Member
			return d
		}
	}
	return nil
}

// remember notes who made a response, and its items, as they come by.
func (h *Upstream) remember(c *call, cand *candidate) func(body []byte) {
	if cand.dep.Dialect != llm.Responses || c.x.Dialect != llm.Responses || h.Objects.Objects == objectsShared || bytes.Contains(c.x.View.Raw, notStored) {
		return nil
	}
	store, err := c.stores.Objects()
	if err != nil {
		h.log.Error("the record of stored objects is not available: responses cannot be continued", zap.Error(err))
		return nil
	}
	owner := objects.Owner{Principal: c.owner(), Provider: cand.dep.Provider, Credential: cand.dep.Credential}
	return func(body []byte) {
		for _, id := range objects.IDs(body) {
			if err := store.Remember(id, owner, objects.ShortLived, now()); err != nil {
				h.log.Error("a response was not noted and cannot be continued", zap.String("request_id", c.x.ID), zap.Error(err))
				return
			}
		}
	}
}

// notStored is how clients ask for nothing to be kept; one that writes it
// otherwise is remembered for nothing.
var notStored = []byte(`"store":false`)

// made are the events of a Responses stream that name what was made.
var made = [][]byte{[]byte(`"response.created"`), []byte(`"response.output_item.done"`)}

func namesObject(ev []byte) bool {
	return slices.ContainsFunc(made, func(m []byte) bool { return bytes.Contains(ev, m) })
}

// atHome keeps of a plan only the deployments that can go on with what the
// request continues.
func (c *call) atHome(list []candidate) []candidate {
	if c.home == nil {
		return list
	}
	return slices.DeleteFunc(list, func(cand candidate) bool {
		return cand.dep.Provider != c.home.Provider || !sameCredential(cand.dep.Credential, c.home.Credential)
	})
}
