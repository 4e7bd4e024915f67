package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// More than one batch waits when the writer gets to work: the last, partly filled
// one is written too, though nobody comes after it.
func TestLastBatchIsWritten(t *testing.T) {
	start := make(chan struct{})
	l, err := Open(filepath.Join(t.TempDir(), "ledger.db"), Options{hooks: hooks{writer: func() { <-start }}})
	if err != nil {
		t.Fatal(err)
	}
	b := &Budget{Amount: 1000 * llm.USD, Window: Total, Scope: "key"}
	now := time.Now()
	var holds []*Hold
	for i := range 2*batchOps + 10 {
		h, refused, err := l.Reserve(now, Call{ID: ID{Request: fmt.Sprint(i)}, Time: now}, []Charge{{Budget: b, Value: "web", Need: 1}})
		if err != nil || refused != nil {
			t.Fatal(err, refused)
		}
		holds = append(holds, h)
	}
	close(start)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for i, h := range holds {
		if err := h.Durable(ctx); err != nil {
			t.Fatalf("reservation %d: %v", i, err)
		}
	}
	for _, h := range holds {
		h.Cancel()
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// What was settled before Close is in the file after it, however much waits.
func TestCloseWritesEverything(t *testing.T) {
	const n = 3*batchOps + 7
	path := filepath.Join(t.TempDir(), "ledger.db")
	start := make(chan struct{})
	l, err := Open(path, Options{hooks: hooks{writer: func() { <-start }}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i := range n {
		h, _, err := l.Reserve(now, Call{ID: ID{Request: fmt.Sprint(i)}, Time: now}, nil)
		if err != nil {
			t.Fatal(err)
		}
		h.Settle(now, Row{Cost: 1, Result: llm.ResultAnswered})
	}
	time.AfterFunc(10*time.Millisecond, func() { close(start) })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	totals, err := Inspect(path)
	if err != nil || totals.Rows != n || totals.Settled != n {
		t.Errorf("%d rows of %s, want %d: %v", totals.Rows, totals.Settled, n, err)
	}
}
