package gateway

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// A process that died between the record of a call's end and its settlement leaves
// the reservation open; the next one settles it by the record. What nobody knows is
// charged in full, what never left not at all.
func TestOpenReservationsAreSettledByTheRecord(t *testing.T) {
	dir := t.TempDir()
	log, err := audit.Open(audit.Options{Dir: filepath.Join(dir, "audit", "main"), Node: "n"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ledger.db")
	l, err := ledger.Open(path, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	usd := &ledger.Budget{Amount: 10_000, Window: ledger.Total, Scope: "key"}
	tok := &ledger.Budget{Amount: 10_000, Unit: ledger.Tokens, Window: ledger.Total, Scope: "key"}
	ids := make([]string, 4)
	for i := range ids {
		u, _ := uuid.NewV7()
		ids[i] = u.String()
		now := time.Now()
		attempts := 1
		if i == 2 {
			attempts = 2
		}
		x := &llm.Exchange{ID: ids[i], Start: now, Dialect: llm.Chat}
		x.Record(audit.NewRecorder(log, audit.RecorderOptions{}))
		for n := range attempts {
			h, refused, err := l.Reserve(now, ledger.Call{ID: ledger.ID{Request: ids[i], Attempt: uint32(n)}, Time: now, Key: "k"},
				[]ledger.Charge{{Budget: usd, Value: "k", Need: 1000}, {Budget: tok, Value: "k", Need: 500}})
			if err != nil || refused != nil {
				t.Fatal(err, refused)
			}
			if err := h.Durable(context.Background()); err != nil {
				t.Fatal(err)
			}
			a, err := x.Admit(context.Background(), llm.Deployment{Provider: "p", Model: "m"}, now)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case i == 0, i == 2 && n == 1:
				a.Result, a.Cost, a.Usage = llm.ResultAnswered, 70, llm.Usage{Input: 30, Output: 5, Reported: true, Final: true, Model: "m-1"}
			case i == 1, i == 2:
				a.Result = llm.ResultUnsent
			}
		}
		if i < 3 { // of the last one nobody knows the end
			x.Finish(now)
		}
	}
	// The process dies: nothing is settled.
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, err = ledger.Open(path, ledger.Options{KnownEnds: knownEnds(dir, t.Logf)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rows := map[string][]ledger.Row{}
	if err := l.Rows(time.Time{}, func(r *ledger.Row) bool { rows[r.Request] = append(rows[r.Request], *r); return true }); err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]ledger.Row{
		{{Kind: ledger.Settled, Cost: 70, Tokens: 35}}, nil, {{Kind: ledger.Settled, Cost: 70, Tokens: 35}}, {{Kind: ledger.CrashCharged, Cost: 1000, Tokens: 500}},
	} {
		got := rows[ids[i]]
		if len(got) != len(want) {
			t.Errorf("call %d has %d rows: %+v", i, len(got), got)
			continue
		}
		for j := range want {
			if got[j].Kind != want[j].Kind || got[j].Cost != want[j].Cost || got[j].Tokens != want[j].Tokens || want[j].Kind == ledger.Settled && (got[j].Usage.Input != 30 || got[j].Served != "m-1") {
				t.Errorf("call %d: %+v", i, got[j])
			}
		}
	}
	if s, r, _ := l.Balance(*usd, "k", time.Now()); s != 1140 || r != 0 {
		t.Errorf("settled %d, reserved %d", s, r)
	}
	if s, r, _ := l.Balance(*tok, "k", time.Now()); s != 570 || r != 0 {
		t.Errorf("tokens: settled %d, reserved %d", s, r)
	}
}
