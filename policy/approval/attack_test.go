package approval

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
)

// One token, many calls at once: one is made. If that one was not made after all, one
// more may be.
func TestOneTokenAtOnce(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	q := policy.Question{Principal: "k", Rule: "r", Policy: "p", Expires: now.Add(time.Hour)}
	a, err := s.Approve(q, "", now)
	if err != nil || a.State != policy.ApprovalPending {
		t.Fatal(a, err)
	}
	if _, err := s.Decide(a.ID, true, "me", "", now); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		var granted atomic.Int32
		var back func()
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				got, err := s.Approve(q, a.Token, now)
				if err != nil {
					t.Error(err)
				}
				if got.State == policy.ApprovalGranted {
					granted.Add(1)
					mu.Lock()
					back = got.GiveBack
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if granted.Load() != 1 {
			t.Fatalf("round %d: %d calls were made with one approval", round, granted.Load())
		}
		back()
	}
}

// What has expired does not keep others from waiting: with one rule of a short time, a
// single key could fill the record for everybody.
func TestFullOfExpired(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	defer func(n int) { maxEntries = n }(maxEntries)
	maxEntries = 20
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ask := func(key string, i int, expires time.Duration) error {
		q := policy.Question{Principal: key, Rule: "r", Policy: fmt.Sprint(i), Expires: now.Add(expires)}
		_, err := s.Approve(q, "", now)
		return err
	}
	for i := range maxEntries {
		if err := ask("hostile", i, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask("other", 0, time.Hour); err != policy.ErrApprovalsFull {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	for i := range maxEntries {
		if err := ask("other", i, time.Hour); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	if err := ask("other", maxEntries, time.Hour); err != policy.ErrApprovalsFull {
		t.Fatal(err)
	}
	if list, err := s.List("", now); err != nil || len(list) != maxEntries {
		t.Fatal(len(list), err)
	}
	_ = s.db.View(func(tx *bbolt.Tx) error {
		if n := tx.Bucket(calls).Stats().KeyN; n != maxEntries {
			t.Errorf("%d pointers are left", n)
		}
		return nil
	})
}

// Two rules that ask about one call: with both tokens it is made, and the one that was
// taken by a call that the other rule refused is good again.
func TestTwoRulesAsk(t *testing.T) {
	store, err := Open(filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	set, err := policy.Compile([]policy.Rule{{Name: "one", Action: policy.ActionApprove, Expr: "true"}, {Name: "two", Action: policy.ActionApprove, Expr: "true"}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ask := func(sent bool, tokens ...string) *llm.Denial {
		x := &llm.Exchange{Method: http.MethodGet, Path: "/v1/models", Dialect: llm.Models}
		d := set.Evaluate(context.Background(), x, policy.RequestEnv{Approvals: store, Now: now, Headers: http.Header{policy.ApprovalHeader: tokens}})
		if sent {
			x.Attempts = append(x.Attempts, &llm.Attempt{Result: llm.ResultAnswered})
		}
		x.Finish(now)
		return d
	}
	grant := func(d *llm.Denial) string {
		t.Helper()
		if d == nil || d.Code != llm.CodeApprovalRequired {
			t.Fatalf("%+v", d)
		}
		if _, err := store.Decide(d.Header[0][1], true, "me", "", now); err != nil {
			t.Fatal(err)
		}
		return d.Header[1][1]
	}
	one := grant(ask(false))
	two := grant(ask(false, one))
	if d := ask(false, two); d == nil || d.Rule != "one" {
		t.Errorf("with one of two: %+v", d)
	}
	if d := ask(true, "apr_x.y, "+two+","+one); d != nil {
		t.Errorf("with both: %+v", d)
	}
	if d := ask(false, two, one); d == nil {
		t.Error("they were good twice")
	}
}
