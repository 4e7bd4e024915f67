package handlers

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/pool"
)

// Balance says how llm_upstream chooses among the deployments of a model and
// what it does when one fails. The words are those of Caddy's reverse_proxy
// where it has them.
type Balance struct {
	// LBPolicy is the way to choose among the targets of a model line that does
	// not say itself: first (default), round_robin, weighted_round_robin,
	// random, least_conn or lowest_latency. With any but first, the requests of
	// one session (X-Claude-Code-Session-Id, Session-Id, X-Session-Affinity,
	// X-Session-Id, prompt_cache_key) stay with one target while it works.
	LBPolicy string `json:"lb_policy,omitempty"`
	// LBRetries is how many further attempts may follow a failed one. Default:
	// one for each other deployment of the model, and none beyond; with
	// lb_try_duration any number.
	LBRetries *int `json:"lb_retries,omitempty"`
	// LBTryDuration bounds the time in which attempts may begin. Default: no
	// bound but the number of retries.
	LBTryDuration caddy.Duration `json:"lb_try_duration,omitempty"`
	// LBTryInterval is the pause before deployments are tried that have failed
	// for this request already. Default 250ms.
	LBTryInterval caddy.Duration `json:"lb_try_interval,omitempty"`
	// FailDuration is how long a failure is remembered, and how long a
	// deployment that failed max_fails times in it is left alone. Default 10s;
	// then, unlike when it is written down, one that is left alone is still
	// tried when the model has no other.
	FailDuration caddy.Duration `json:"fail_duration,omitempty"`
	// MaxFails is how many failures within fail_duration open the circuit.
	// Default 3; 1 when fail_duration is written down.
	MaxFails int `json:"max_fails,omitempty"`
	// UnhealthyStatus lists the statuses that count as failures and are tried
	// again elsewhere: codes such as 503, or classes given as their first digit
	// (5). Default: 408 and 5 (all of 5xx). 429 always makes a deployment cool
	// down as long as its Retry-After says, and 401 and 403 make the request
	// try another deployment if there is one.
	UnhealthyStatus []int `json:"unhealthy_status,omitempty"`
	// HealthInterval turns on active checks: each provider that the model lines
	// name is asked this often for its list of models (or for health_uri) with
	// each of its credentials. Default: off.
	HealthInterval caddy.Duration `json:"health_interval,omitempty"`
	// HealthTimeout bounds one active check. Default 5s.
	HealthTimeout caddy.Duration `json:"health_timeout,omitempty"`
	// HealthURI is the path, below the provider's address, that active checks
	// ask for. Default: its list of models.
	HealthURI string `json:"health_uri,omitempty"`

	params pool.Params
	strict bool // fail_duration was written down
}

// coolDown is how long a deployment is left alone that answered 429 without
// saying for how long; maxCoolDown bounds what providers may ask for.
const (
	coolDown    = 5 * time.Second
	maxCoolDown = 10 * time.Minute
)

func (b *Balance) setup() error {
	if _, err := pool.ParsePolicy(b.LBPolicy); err != nil {
		return err
	}
	if b.LBRetries != nil && (*b.LBRetries < 0 || *b.LBRetries > maxRetries) {
		return fmt.Errorf("lb_retries: want 0 to %d", maxRetries)
	}
	for _, d := range []struct {
		name string
		d    *caddy.Duration
		def  time.Duration
	}{
		{"lb_try_duration", &b.LBTryDuration, 0}, {"lb_try_interval", &b.LBTryInterval, 250 * time.Millisecond},
		{"health_interval", &b.HealthInterval, 0}, {"health_timeout", &b.HealthTimeout, 5 * time.Second}, {"fail_duration", &b.FailDuration, 0},
	} {
		if *d.d < 0 {
			return fmt.Errorf("%s: must be positive", d.name)
		}
		if *d.d == 0 {
			*d.d = caddy.Duration(d.def)
		}
	}
	if b.MaxFails < 0 || b.MaxFails > 1000 {
		return errors.New("max_fails: want 1 to 1000")
	}
	b.strict = b.FailDuration > 0
	b.params = pool.Params{FailDuration: time.Duration(b.FailDuration), MaxFails: b.MaxFails}
	if !b.strict {
		b.params.FailDuration = 10 * time.Second
	}
	if b.MaxFails == 0 {
		b.params.MaxFails = 3
		if b.strict {
			b.params.MaxFails = 1
		}
	}
	for _, s := range b.UnhealthyStatus {
		if (s < 4 || s > 5) && (s < 400 || s > 599) {
			return fmt.Errorf("unhealthy_status: %d is neither a status from 400 to 599 nor a class (4 or 5)", s)
		}
	}
	if b.HealthURI != "" && b.HealthURI[0] != '/' {
		return errors.New("health_uri: must begin with a slash")
	}
	return nil
}

// maxRetries bounds lb_retries.
const maxRetries = 100

// unhealthy reports whether a status is a failure of the deployment.
func (b *Balance) unhealthy(status int) bool {
	if b.UnhealthyStatus == nil {
		return status >= 500 || status == 408
	}
	return slices.Contains(b.UnhealthyStatus, status) || slices.Contains(b.UnhealthyStatus, status/100)
}

// unmarshal reads the option that d stands on, if it is one of these.
func (b *Balance) unmarshal(d *caddyfile.Dispenser) (bool, error) {
	switch d.Val() {
	case "lb_policy":
		if err := oneArg(d, &b.LBPolicy); err != nil {
			return true, err
		}
		if _, err := pool.ParsePolicy(b.LBPolicy); err != nil {
			return true, d.Errf("lb_policy: %v", err)
		}
	case "lb_retries":
		if b.LBRetries != nil {
			return true, d.Err("lb_retries is given twice")
		}
		var s string
		if err := oneArg(d, &s); err != nil {
			return true, err
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > maxRetries {
			return true, d.Errf("lb_retries: %q is not a count from 0 to %d", s, maxRetries)
		}
		b.LBRetries = &n
	case "lb_try_duration":
		return true, durationArg(d, &b.LBTryDuration)
	case "lb_try_interval":
		return true, durationArg(d, &b.LBTryInterval)
	case "fail_duration":
		return true, durationArg(d, &b.FailDuration)
	case "max_fails":
		n := int64(b.MaxFails)
		if err := countArg(d, &n); err != nil {
			return true, err
		}
		if n > 1000 {
			return true, d.Err("max_fails: want 1 to 1000")
		}
		b.MaxFails = int(n)
	case "unhealthy_status":
		var args []string
		if b.UnhealthyStatus != nil {
			return true, d.Err("unhealthy_status is given twice")
		}
		if err := someArgs(d, &args); err != nil {
			return true, err
		}
		for _, s := range args {
			code := s
			if len(s) == 3 && s[1:] == "xx" {
				code = s[:1]
			}
			n, err := strconv.Atoi(code)
			if err != nil || ((n < 4 || n > 5 || code == s) && (n < 400 || n > 599)) {
				return true, d.Errf("unhealthy_status: %q is neither a status from 400 to 599 nor 4xx or 5xx", s)
			}
			b.UnhealthyStatus = append(b.UnhealthyStatus, n)
		}
	case "health_interval":
		return true, durationArg(d, &b.HealthInterval)
	case "health_timeout":
		return true, durationArg(d, &b.HealthTimeout)
	case "health_uri":
		if err := oneArg(d, &b.HealthURI); err != nil {
			return true, err
		}
		if b.HealthURI[0] != '/' {
			return true, d.Err("health_uri must begin with a slash")
		}
	default:
		return false, nil
	}
	return true, nil
}
