package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/go-json-experiment/json"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/handlers"
)

// eraseRequest is the body of POST /llm_gateway/audit/<log>/erase.
type eraseRequest struct {
	// Subject is user:<name>, key:<name>, strangers:<day>, id:<id>, or a bare name.
	Subject string `json:"subject"`
	// Reason stands in the record for good: it must not name the subject.
	Reason string `json:"reason,omitzero"`
	// By is who asks, as they say themselves.
	By string `json:"by,omitzero"`
}

// eraseAnswer is what came of an erasure in one log.
type eraseAnswer struct {
	Log string `json:"log"`
	audit.Erasure
}

// maxSubject bounds the name of a subject in a request, in bytes.
const maxSubject = 4096

func (r *eraseRequest) check() error {
	switch {
	case strings.TrimSpace(r.Subject) == "":
		return errors.New("subject: want user:<name>, key:<name>, strangers:<day> or id:<id>")
	case len(r.Subject) > maxSubject:
		return fmt.Errorf("subject: more than %d bytes", maxSubject)
	case len(r.Reason) > maxReason:
		return fmt.Errorf("reason: more than %d bytes", maxReason)
	case len(r.By) > 128:
		return errors.New("by: more than 128 bytes")
	}
	return nil
}

// detail is what the record says of it beside the id.
func (r *eraseRequest) detail() string {
	var parts []string
	if r.By != "" {
		parts = append(parts, "asked for by "+strconv.Quote(r.By))
	}
	if r.Reason != "" {
		parts = append(parts, "reason: "+strconv.Quote(r.Reason))
	}
	return strings.Join(parts, "; ")
}

// eraseSubject answers POST /llm_gateway/audit/<log>/erase.
func eraseSubject(w http.ResponseWriter, r *http.Request, app *App, name string, log *audit.Log) error {
	if r.Method != http.MethodPost {
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: errors.New("only POST")}
	}
	// See raise.
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return caddy.APIError{HTTPStatus: http.StatusUnsupportedMediaType, Err: errors.New("want Content-Type: application/json")}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRaiseBody))
	if err != nil {
		return badRequest(err)
	}
	var req eraseRequest
	if err := json.Unmarshal(body, &req, json.RejectUnknownMembers(true)); err != nil {
		return badRequest(fmt.Errorf("reading the request: %w", err))
	}
	if err := req.check(); err != nil {
		return badRequest(err)
	}
	// Who leaves in the middle must not leave a record of what was not done.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), raiseTimeout)
	defer cancel()
	e, err := log.Erase(ctx, time.Now(), actorOf(r), req.Subject, req.detail())
	if err == nil {
		app.log.Info("a subject of an audit log was erased by an operator", zap.String("log", name), zap.String("id", e.ID), zap.String("actor", actorOf(r)))
	} else {
		app.log.Warn("a subject of an audit log was not erased as an operator asked", zap.String("log", name), zap.String("id", e.ID), zap.String("actor", actorOf(r)), zap.Error(err))
	}
	switch {
	case errors.Is(err, vault.ErrErased):
		return notFound(errNoSubject)
	case errors.Is(err, audit.ErrAmbiguous):
		return caddy.APIError{HTTPStatus: http.StatusConflict, Err: err}
	case err != nil:
		return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
	}
	return writeJSON(w, eraseAnswer{Log: name, Erasure: e})
}

var errNoSubject = errors.New("there is no such subject in this log, or no longer")

// listLogs answers GET /llm_gateway/audit/ with the names of the open logs.
func listLogs(w http.ResponseWriter, stores *handlers.Stores) error {
	names := make([]string, 0, len(stores.Logs))
	for name := range stores.Logs {
		names = append(names, name)
	}
	slices.Sort(names)
	return writeJSON(w, logList{names})
}

type logList struct {
	Logs []string `json:"logs"`
}
