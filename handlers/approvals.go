package handlers

import (
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
)

// approvals opens the record of calls that wait for a person when a rule first asks
// for one.
type approvals struct{ stores *Stores }

// Approve implements policy.Approver.
func (a approvals) Approve(q policy.Question, token string, now time.Time) (policy.Approval, error) {
	s, err := a.stores.Approvals()
	if err != nil {
		return policy.Approval{}, err
	}
	return s.Approve(q, token, now)
}
