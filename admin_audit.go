package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
)

// logStatus is what the admin API says of a log.
type logStatus struct {
	Name         string   `json:"name"`
	Size         int64    `json:"size"` // durable records
	VerifierKey  string   `json:"verifier_key"`
	VerifierKeys []string `json:"verifier_keys"` // all that ever signed, newest first
	// Published says where its checkpoints have gone.
	Published []audit.Published `json:"published,omitempty"`
}

// audit answers below /llm_gateway/audit/.
func (*AdminAPI) audit(w http.ResponseWriter, r *http.Request) error {
	app, stores, err := enter(r)
	if err != nil {
		return err
	}
	defer stores.Leave()
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, adminPrefix+"audit/"), "/")
	if name == "" && rest == "" {
		if err := onlyGET(r); err != nil {
			return err
		}
		return listLogs(w, stores)
	}
	log := stores.Logs[name]
	if log == nil {
		return notFound(fmt.Errorf("the running config has no audit log %q", name))
	}
	what, which, _ := strings.Cut(rest, "/")
	if what == "rotate-key" && which == "" {
		return rotateKey(w, r, log)
	}
	if what == "erase" && which == "" {
		return eraseSubject(w, r, app, name, log)
	}
	if err := onlyGET(r); err != nil {
		return err
	}
	switch {
	case rest == "":
		return writeJSON(w, logStatus{Name: name, Size: log.Size(), VerifierKey: log.VerifierKey(), VerifierKeys: strings.Fields(log.VerifierKeys()), Published: log.Published()})
	case what == "checkpoint" && which == "":
		if err := log.Checkpoint(); err != nil {
			return err
		}
		b, err := audit.NewestCheckpoint(log.Dir())
		if err != nil {
			return err
		}
		return writeText(w, b)
	case what == "proof" && which != "":
		index, err := proofIndex(log.Dir(), name, which)
		if err != nil {
			return notFound(err)
		}
		if err := log.Checkpoint(); err != nil {
			return err
		}
		receipt, err := log.Prove(index)
		if err != nil {
			return notFound(err)
		}
		return writeText(w, receipt)
	case what == "record" && which != "":
		index, err := strconv.ParseInt(which, 10, 64)
		if err != nil {
			return notFound(fmt.Errorf("%q is not the index of a record", which))
		}
		line, err := audit.Line(log.Dir(), index)
		if err != nil {
			return notFound(err)
		}
		w.Header().Set("Content-Type", "application/json")
		_, err = w.Write(line)
		return err
	}
	return notFound(errors.New("want /llm_gateway/audit/<log>[/checkpoint|/proof/<index or request id>|/record/<index>]"))
}

// proofIndex is the record that an index or a request id means: of a request its
// outcome.
func proofIndex(dir, name, which string) (int64, error) {
	if index, err := strconv.ParseInt(which, 10, 64); err == nil {
		return index, nil
	}
	found, err := findIn(dir, name, which)
	if err != nil {
		return 0, err
	}
	_, index, err := outcomeOf(found, name)
	return index, err
}

func notFound(err error) error {
	return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: err}
}

func writeText(w http.ResponseWriter, b []byte) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write(b)
	return err
}

// rotateRequest asks for a new signing key.
type rotateRequest struct {
	// OverlapSeconds is how long the old key signs beside the new one.
	OverlapSeconds int64 `json:"overlap_seconds"`
	// By is who asks, as they say themselves.
	By string `json:"by,omitempty"`
}

type rotateAnswer struct {
	VerifierKey string `json:"verifier_key"`
}

// rotateKey makes a new key. The record of who asked comes first.
func rotateKey(w http.ResponseWriter, r *http.Request, log *audit.Log) error {
	var req rotateRequest
	if err := readChange(w, r, &req); err != nil {
		return err
	}
	const most = 10 * 365 * 24 * 3600
	if req.OverlapSeconds < 60 || req.OverlapSeconds > most {
		return badRequest(errors.New("overlap_seconds: want at least a minute and at most ten years"))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), raiseTimeout)
	defer cancel()
	overlap, now := time.Duration(req.OverlapSeconds)*time.Second, time.Now()
	detail := "a new signing key, beside the old one for " + overlap.String()
	if req.By != "" {
		detail += "; asked for by " + req.By
	}
	if log.GivenKeys() { // before anything says that there is a new one
		return caddy.APIError{HTTPStatus: http.StatusConflict, Err: audit.ErrGivenKeys}
	}
	if _, err := log.Admin(ctx, now, actorOf(r), "audit.rotate_key", detail); err != nil {
		return err
	}
	vkey, err := log.RotateKey(now, overlap)
	if err != nil {
		_, rerr := log.Admin(context.WithoutCancel(ctx), time.Now(), actorOf(r), "audit.rotate_key.failed", "the keys are as they were, or the next start finishes the change")
		return errors.Join(err, rerr)
	}
	return writeJSON(w, rotateAnswer{VerifierKey: vkey})
}
