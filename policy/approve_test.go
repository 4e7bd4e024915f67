package policy

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// agreeing is an Approver that agrees to everything and remembers what it was asked.
type agreeing struct{ asked []Question }

func (a *agreeing) Approve(q Question, _ string, _ time.Time) (Approval, error) {
	a.asked = append(a.asked, q)
	return Approval{ID: "apr_x", State: ApprovalGranted}, nil
}

// A call whose body nobody has read has no digest: it cannot be approved.
func TestApproveWithoutView(t *testing.T) {
	s, err := Compile([]Rule{{Name: "r", Action: ActionApprove, Expr: "true"}})
	if err != nil {
		t.Fatal(err)
	}
	for method, ok := range map[string]bool{http.MethodPost: false, http.MethodPut: false, http.MethodPatch: false, "": false, http.MethodGet: true, http.MethodDelete: true} {
		a := new(agreeing)
		x := &llm.Exchange{Method: method, Path: "/v1/files", Dialect: llm.Objects}
		d := s.Evaluate(context.Background(), x, RequestEnv{Approvals: a, Headers: http.Header{}})
		if ok != (d == nil) || ok != (len(a.asked) == 1) || d != nil && (d.Code != llm.CodeUnscannable || d.Status != 422) {
			t.Errorf("%s: %v, asked %d times", method, d, len(a.asked))
		}
	}
}
