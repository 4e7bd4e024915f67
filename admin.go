package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	jsonv2 "github.com/go-json-experiment/json"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/handlers"
)

// AdminAPI adds routes to Caddy's admin endpoint, for the command `caddy llm` and
// for operators' own tools. All but the POSTs only read:
//
//	GET /llm_gateway/requests/<request id>       the records of a request
//	GET /llm_gateway/audit/<log>                 size and keys of a log
//	GET /llm_gateway/audit/<log>/proof/<index or request id>   a receipt for a record
//	GET /llm_gateway/audit/<log>/record/<index>  a record, as it was hashed
//	GET /llm_gateway/audit/<log>/checkpoint      the newest signed tree head
//	POST /llm_gateway/audit/<log>/rotate-key     a new signing key
//	POST /llm_gateway/audit/<log>/erase          destroys the key of a subject
//	GET /llm_gateway/audit/                      the names of the logs
//	GET /llm_gateway/usage                       rows of the ledger, added up
//	GET /llm_gateway/budgets                     where every budget stands
//	GET /llm_gateway/approvals                   calls that wait for a person
//	POST /llm_gateway/approvals/grant            lets one of them be made, once
//	POST /llm_gateway/approvals/deny             refuses it
//	POST /llm_gateway/budgets/raise              gives one scope value more in this window
//
// It holds no state: after a failed reload Caddy keeps serving the old config
// under a new admin server, so it finds the running app at each request.
type AdminAPI struct{}

// CaddyModule describes the module to Caddy.
func (*AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.llm_gateway", New: func() caddy.Module { return new(AdminAPI) }}
}

const adminPrefix = "/llm_gateway/"

// Routes implements caddy.AdminRouter.
func (a *AdminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: adminPrefix + "requests/", Handler: caddy.AdminHandlerFunc(a.requests)},
		{Pattern: adminPrefix + "audit/", Handler: caddy.AdminHandlerFunc(a.audit)},
		{Pattern: adminPrefix + "usage", Handler: caddy.AdminHandlerFunc(a.usage)},
		{Pattern: adminPrefix + "budgets", Handler: caddy.AdminHandlerFunc(a.budgetsHandler)},
		{Pattern: adminPrefix + "approvals", Handler: caddy.AdminHandlerFunc(a.approvals)},
		{Pattern: adminPrefix + "approvals/grant", Handler: caddy.AdminHandlerFunc(a.decideApproval)},
		{Pattern: adminPrefix + "approvals/deny", Handler: caddy.AdminHandlerFunc(a.decideApproval)},
		{Pattern: adminPrefix + "budgets/raise", Handler: caddy.AdminHandlerFunc(a.raise)},
	}
}

// readChange reads the body of a POST that changes something.
func readChange(w http.ResponseWriter, r *http.Request, into any) error {
	if r.Method != http.MethodPost {
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: errors.New("only POST")}
	}
	// A form of a foreign page cannot have this type without being asked for
	// permission first, which Caddy's admin endpoint does not give.
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return caddy.APIError{HTTPStatus: http.StatusUnsupportedMediaType, Err: errors.New("want Content-Type: application/json")}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRaiseBody))
	if err != nil {
		return badRequest(err)
	}
	if err := jsonv2.Unmarshal(body, into, jsonv2.RejectUnknownMembers(true)); err != nil {
		return badRequest(fmt.Errorf("reading the request: %w", err))
	}
	return nil
}

// running returns the app of the config that is live.
func running() (*App, error) {
	ctx := caddy.ActiveContext()
	if ctx.Context == nil {
		return nil, caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: errors.New("no config is running")}
	}
	app, err := ctx.AppIfConfigured(handlers.AppName)
	if err != nil {
		return nil, caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("the running config has no LLM gateway")}
	}
	return app.(*App), nil
}

// enter returns the app of the config that is live, and its open stores, which the
// caller must leave.
func enter(r *http.Request) (*App, *handlers.Stores, error) {
	app, err := running()
	if err != nil {
		return nil, nil, err
	}
	stores, err := app.Enter(r.Context())
	return app, stores, err
}

func onlyGET(r *http.Request) error {
	if r.Method != http.MethodGet {
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: errors.New("only GET")}
	}
	return nil
}

func (*AdminAPI) requests(w http.ResponseWriter, r *http.Request) error {
	if err := onlyGET(r); err != nil {
		return err
	}
	app, err := running()
	if err != nil {
		return err
	}
	found, err := findRequest(app.auditDir(), strings.TrimPrefix(r.URL.Path, adminPrefix+"requests/"))
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: err}
	}
	return writeJSON(w, found)
}

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

// auditDir is where the logs of this config are.
func (a *App) auditDir() string { return filepath.Join(a.dataDir, "audit") }

// foundRecord is one record of a request.
type foundRecord struct {
	Log    string          `json:"log"`
	Index  int64           `json:"index"`
	Record json.RawMessage `json:"record"`
	// Clear is what the personal values of the record are, if they could be
	// decrypted.
	Clear *clearValues `json:"clear,omitempty"`
}

var errNoRequest = errors.New("no record of this request")

// findRequest looks for the records of a request in all logs under dir, oldest
// first.
func findRequest(dir, id string) ([]foundRecord, error) {
	if id == "" || len(id) > 128 || strings.ContainsAny(id, "/\\\"") {
		return nil, errors.New("not a request id")
	}
	names, err := logNames(dir)
	if err != nil {
		return nil, err
	}
	var out []foundRecord
	for _, name := range names {
		found, err := findIn(filepath.Join(dir, name), name, id)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w %s; denials of strangers are recorded together, by source", errNoRequest, id)
	}
	slices.SortStableFunc(out, func(a, b foundRecord) int { return int(a.Index - b.Index) })
	return out, nil
}

// findIn looks for the records of a request in one log.
func findIn(dir, name, id string) (out []foundRecord, err error) {
	recs, err := audit.Find(dir, id)
	if err != nil {
		return nil, fmt.Errorf("log %s: %w", name, err)
	}
	clear := newRevealer(dir, nil)
	for _, rec := range recs {
		out = append(out, foundRecord{Log: name, Index: rec.Index, Record: rec.Raw, Clear: clear.reveal(rec)})
	}
	return out, nil
}

// logNames lists the audit logs under dir.
func logNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the audit directory: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

var _ caddy.AdminRouter = (*AdminAPI)(nil)
