package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
)

// usageSlots bounds how many reports are made at once: each reads the ledger from
// one end to the other, and while it does the file cannot reuse space.
var usageSlots = make(chan struct{}, 2)

// usage answers GET /llm_gateway/usage.
func (*AdminAPI) usage(w http.ResponseWriter, r *http.Request) error {
	if err := onlyGET(r); err != nil {
		return err
	}
	o, err := usageOptions(r.URL.Query(), time.Now())
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
	}
	_, stores, err := enter(r)
	if err != nil {
		return err
	}
	defer stores.Leave()
	if stores.Ledger == nil {
		return errNoLedger
	}
	select {
	case usageSlots <- struct{}{}:
		defer func() { <-usageSlots }()
	case <-r.Context().Done():
		return r.Context().Err()
	}
	rep, err := report(r.Context(), o, stores.Ledger.Rows)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return rep.JSON(w)
}

var errNoLedger = caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("the running config has no llm_cost, and with that no ledger")}

// report adds up rows; read is a ledger's Rows or what does the same.
func report(ctx context.Context, o usage.Options, read func(time.Time, func(*ledger.Row) bool) error) (*usage.Report, error) {
	a := usage.New(o)
	n := 0
	err := read(o.From, func(row *ledger.Row) bool {
		a.Add(row)
		n++
		return n%1024 != 0 || ctx.Err() == nil
	})
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return a.Report(), nil
}

// fileReport is report for the ledger in a data directory that no process uses.
func fileReport(ctx context.Context, dir string, o usage.Options) (*usage.Report, error) {
	return report(ctx, o, func(from time.Time, f func(*ledger.Row) bool) error {
		return ledger.ReadRows(filepath.Join(dir, "ledger.db"), from, f)
	})
}

// defaultPeriod is how far a report goes back that names no beginning.
const defaultPeriod = "30d"

// usageOptions reads the parameters of a report, the same for the admin endpoint
// and the command: from, to, by, where (several), timezone, groups.
func usageOptions(q url.Values, now time.Time) (o usage.Options, err error) {
	for name, v := range q {
		switch name {
		case "from", "to", "by", "timezone", "groups":
			if len(v) > 1 {
				return o, fmt.Errorf("%s is given twice", name)
			}
		case "where":
		default:
			return o, fmt.Errorf("unknown parameter %.50q; want from, to, by, where, timezone or groups", name)
		}
	}
	o.Zone = time.UTC
	if name := q.Get("timezone"); name != "" {
		if o.Zone, err = time.LoadLocation(name); err != nil || name == "Local" {
			return o, fmt.Errorf("timezone: %.80q is not a zone such as Europe/Berlin", name)
		}
	}
	now = now.In(o.Zone)
	if q.Get("from") != "all" {
		from := q.Get("from")
		if from == "" {
			from = defaultPeriod
		}
		if o.From, err = usage.ParseFrom(from, now, o.Zone); err != nil {
			return o, fmt.Errorf("from: %w", err)
		}
	}
	if s := q.Get("to"); s != "" {
		if o.To, err = usage.ParseTo(s, now, o.Zone); err != nil {
			return o, fmt.Errorf("to: %w", err)
		}
		if q.Get("from") == "" {
			o.From = time.Time{} // as far back as it goes
		}
		if !o.From.Before(o.To) {
			return o, errors.New("the period ends before it begins")
		}
	}
	if o.By, err = usage.ParseBy(q.Get("by")); err != nil {
		return o, fmt.Errorf("by: %w", err)
	}
	for _, s := range q["where"] {
		c, err := usage.ParseCondition(s)
		if err != nil {
			return o, fmt.Errorf("where: %w", err)
		}
		o.Where = append(o.Where, c)
	}
	if s := q.Get("groups"); s != "" {
		if o.MaxGroups, err = strconv.Atoi(s); err != nil || o.MaxGroups < 1 || o.MaxGroups > usage.MaxGroups {
			return o, fmt.Errorf("groups: want a number from 1 to %d", usage.MaxGroups)
		}
	}
	return o, nil
}
