package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/approval"
)

// approvalsView is the answer to GET /llm_gateway/approvals.
type approvalsView struct {
	Approvals []approval.Entry `json:"approvals"`
}

// approvals answers GET /llm_gateway/approvals.
func (*AdminAPI) approvals(w http.ResponseWriter, r *http.Request) error {
	if err := onlyGET(r); err != nil {
		return err
	}
	state := r.URL.Query().Get("state")
	switch state {
	case "", "pending", "granted", "denied", "used", "expired":
	default:
		return badRequest(errors.New("state: want pending, granted, denied, used or expired"))
	}
	_, stores, err := enter(r)
	if err != nil {
		return err
	}
	defer stores.Leave()
	store, err := stores.Approvals()
	if err != nil {
		return err
	}
	list, err := store.List(state, time.Now())
	if err != nil {
		return err
	}
	return writeJSON(w, approvalsView{list})
}

// approvalRequest is the body of POST /llm_gateway/approvals/grant and …/deny.
type approvalRequest struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
	// By is who says that they do this; the record says that it is a claim.
	By string `json:"by"`
}

// approvalAnswer is the answer to it.
type approvalAnswer struct {
	Approval approval.Entry `json:"approval"`
	// Record is the index of the record in Log; absent without an audit log.
	Log    string `json:"log,omitempty"`
	Record int64  `json:"record,omitempty"`
}

// decideApproval answers POST /llm_gateway/approvals/grant and …/deny.
func (*AdminAPI) decideApproval(w http.ResponseWriter, r *http.Request) error {
	var req approvalRequest
	if err := readChange(w, r, &req); err != nil {
		return err
	}
	app, stores, err := enter(r)
	if err != nil {
		return err
	}
	defer stores.Leave()
	store, err := stores.Approvals()
	if err != nil {
		return err
	}
	// See raise.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), raiseTimeout)
	defer cancel()
	answer, err := app.decideApproval(ctx, actorOf(r), store, stores.Logs, &req, strings.HasSuffix(r.URL.Path, "/grant"))
	if err != nil {
		return err
	}
	return writeJSON(w, answer)
}

func (a *App) decideApproval(ctx context.Context, actor string, store *approval.Store, logs map[string]*audit.Log, req *approvalRequest, grant bool) (*approvalAnswer, error) {
	switch {
	case req.ID == "" || len(req.ID) > 64:
		return nil, badRequest(errors.New("id: want the id of a call that waits"))
	case len(req.Reason) > maxReason:
		return nil, badRequest(fmt.Errorf("reason: more than %d bytes", maxReason))
	case len(req.By) > 128:
		return nil, badRequest(errors.New("by: more than 128 bytes"))
	}
	now := time.Now()
	e, err := store.Get(req.ID, now)
	if err != nil {
		return nil, caddy.APIError{HTTPStatus: http.StatusNotFound, Err: err}
	}
	if err := e.Decidable(grant, now); err != nil {
		return nil, caddy.APIError{HTTPStatus: http.StatusConflict, Err: err}
	}
	event, word := "approval.deny", "denied"
	if grant {
		event, word = "approval.grant", "granted"
	}
	detail := fmt.Sprintf("approval %s %s: a call of key %q to model %q, held by rule %q; sha256 %s", e.ID, word, e.Principal, e.Model, e.Rule, e.Digest)
	if req.By != "" {
		detail += "; claims to be " + strconv.Quote(req.By)
	}
	if req.Reason != "" {
		detail += "; reason: " + strconv.Quote(req.Reason)
	}
	answer := &approvalAnswer{}
	// The record is durable before the decision takes effect.
	log := adminLog(logs)
	if log != nil {
		if answer.Record, err = log.Admin(ctx, now, actor, event, detail); err != nil {
			return nil, caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: fmt.Errorf("the decision cannot be recorded, so it was not made: %w", err)}
		}
		answer.Log = filepath.Base(log.Dir())
	}
	answer.Approval, err = store.Decide(req.ID, grant, cmp.Or(req.By, actor), req.Reason, now)
	a.log.Info("a call that waited was decided by an operator", zap.String("actor", actor), zap.String("detail", detail), zap.Error(err))
	if err == nil {
		return answer, nil
	}
	if log != nil {
		if _, rerr := log.Admin(context.WithoutCancel(ctx), time.Now(), actor, event+".failed", detail); rerr != nil {
			a.log.Error("the failure of a decision cannot be recorded", zap.Error(rerr))
		}
	}
	status := http.StatusServiceUnavailable
	if errors.Is(err, approval.ErrDecided) || errors.Is(err, approval.ErrUnknown) {
		status = http.StatusConflict
	}
	return nil, caddy.APIError{HTTPStatus: status, Err: err}
}
