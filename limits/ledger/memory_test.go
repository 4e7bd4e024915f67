package ledger

import (
	"context"
	"path/filepath"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// A batch is kept by the holds reserved in it and its operations keep the holds
// settled in it: a running call must not keep all calls that went before it.
func TestOldCallsAreForgotten(t *testing.T) {
	l, err := Open(filepath.Join(t.TempDir(), "ledger.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	charge := []Charge{{Budget: &Budget{Amount: llm.USD, Window: Total, Scope: "key"}, Value: "k"}}
	reserve := func(n byte) *Hold {
		h, refused, err := reserve(l, time.Now(), Call{ID: ID{Request: string('a' + rune(n))}}, 1, charge)
		if err != nil || refused != nil {
			t.Fatal(err, refused)
		}
		if err := h.Durable(context.Background()); err != nil {
			t.Fatal(err)
		}
		return h
	}
	first := reserve(0)
	old := weak.Make(first)
	prev := first
	first = nil
	for n := byte(1); n < 10; n++ {
		// The settlement of one call and the reservation of the next share a
		// batch.
		prev.Settle(time.Now(), Row{Cost: 1})
		prev = reserve(n)
	}
	for range 10 {
		runtime.GC()
		if old.Value() == nil {
			runtime.KeepAlive(prev)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("a call that was settled long ago is still in memory")
	runtime.KeepAlive(prev)
}
