package llm

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// teller is a governor, hold and recorder that counts what it holds.
type teller struct {
	held, settled, ended int
	refuse, fail, panics bool
	results              []Result
}

func (g *teller) Reserve(x *Exchange, a *Attempt) (Hold, error) {
	if g.refuse {
		return nil, Deny(429, CodeRateLimited, StageQuota, "no")
	}
	g.held++
	return g, nil
}

func (g *teller) Durable(context.Context) error {
	if g.fail {
		return errors.New("disk full")
	}
	return nil
}

func (g *teller) Settle(x *Exchange, a *Attempt) {
	g.held--
	g.settled++
	g.results = append(g.results, a.Result)
	if g.panics {
		panic("settle")
	}
}

func (g *teller) Admitted(x *Exchange, a *Attempt) (Hold, error) { return g.Reserve(x, a) }
func (g *teller) Ended(*Exchange)                                { g.ended++ }

// Whatever refuses, fails or panics, in whatever order: nothing stays held,
// everything taken is settled once, and what was deferred has run.
func TestGateGivesEverythingBack(t *testing.T) {
	now := time.Unix(0, 0)
	rapid.Check(t, func(t *rapid.T) {
		var x Exchange
		var tellers []*teller
		for range rapid.IntRange(0, 4).Draw(t, "governors") {
			g := &teller{
				refuse: rapid.Float64().Draw(t, "refuse") < .2,
				fail:   rapid.Float64().Draw(t, "fail") < .2,
				panics: rapid.Float64().Draw(t, "panics") < .1,
			}
			tellers = append(tellers, g)
			x.Govern(g)
		}
		rec := &teller{refuse: rapid.Float64().Draw(t, "refuse") < .2, fail: rapid.Float64().Draw(t, "fail") < .2}
		tellers = append(tellers, rec)
		x.Record(rec)
		deferred := 0
		x.Defer(func() { deferred++ })
		quiet := func(f func()) {
			defer func() { _ = recover() }()
			f()
		}
		admitted := 0
		for _, settle := range rapid.SliceOfN(rapid.Bool(), 0, 3).Draw(t, "attempts, and whether they are settled") {
			quiet(func() {
				a, err := x.Admit(context.Background(), Deployment{}, now)
				if err != nil {
					return
				}
				admitted++
				if settle {
					a.Result = ResultAnswered
					x.Settle(a, now)
					x.Settle(a, now)
				}
			})
		}
		quiet(func() { x.Finish(now) })
		quiet(func() { x.Finish(now) })
		for i, g := range tellers {
			if g.held != 0 {
				t.Fatalf("governor %d still holds %d", i, g.held)
			}
			if slices.Contains(g.results, ResultPending) {
				t.Fatalf("governor %d settled a pending attempt", i)
			}
		}
		if deferred != 1 {
			t.Fatalf("deferred ran %d times", deferred)
		}
		if len(x.Attempts) != admitted {
			t.Fatalf("%d attempts, %d admitted", len(x.Attempts), admitted)
		}
		if _, err := x.Admit(context.Background(), Deployment{}, now); !errors.Is(err, ErrFinished) {
			t.Fatalf("admitted after the end: %v", err)
		}
	})
}

// What panics at the end of one attempt keeps nothing of another one, nor the record.
func TestFinishSettlesAllWhatever(t *testing.T) {
	var x Exchange
	g, rec := &teller{panics: true}, &teller{}
	x.Govern(g)
	x.Record(rec)
	var ran []int
	x.Defer(func() { ran = append(ran, 1) })
	x.Defer(func() { ran = append(ran, 2); panic("deferred") })
	now := time.Unix(0, 0)
	for range 3 {
		if _, err := x.Admit(t.Context(), Deployment{}, now); err != nil {
			t.Fatal(err)
		}
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was lost")
			}
		}()
		x.Finish(now)
	}()
	if g.held != 0 || g.settled != 3 || rec.held != 0 || rec.ended != 1 {
		t.Errorf("held %d, settled %d; the record holds %d and ended %d times", g.held, g.settled, rec.held, rec.ended)
	}
	if !slices.Equal(ran, []int{2, 1}) {
		t.Errorf("deferred %v", ran)
	}
}

// A refusal must stop the gate before anything is recorded as admitted.
func TestRefusalIsNotRecorded(t *testing.T) {
	var x Exchange
	rec, no := &teller{}, &teller{refuse: true}
	x.Govern(no)
	x.Record(rec)
	_, err := x.Admit(context.Background(), Deployment{}, time.Now())
	var d *Denial
	if !errors.As(err, &d) || d.Code != CodeRateLimited {
		t.Fatal(err)
	}
	if rec.settled != 0 || len(x.Attempts) != 0 {
		t.Fatal("the record of an admission was started")
	}
}

func TestMatchModel(t *testing.T) {
	for _, tc := range []struct {
		pattern, model string
		want           bool
	}{
		{"gpt-4o*", "gpt-4o-mini", true}, {"gpt-4o*", "gpt-4", false}, {"*", "", true}, {"", "", true}, {"", "a", false},
		{"local/*", "local/llama/3", true}, {"a*b*c", "axxbyyc", true}, {"a*b*c", "axxbyy", false}, {"gpt-?", "gpt-4", true},
		{"gpt-?", "gpt-", false}, {"[a]", "a", false}, {"[a]", "[a]", true}, {"**", "x", true}, {"GPT*", "gpt-4", false},
	} {
		if got := MatchModel(tc.pattern, tc.model); got != tc.want {
			t.Errorf("%q %q: got %v", tc.pattern, tc.model, got)
		}
	}
}

func TestSplice(t *testing.T) {
	raw := []byte(`{"a":1,"b":2}`)
	if got := Splice(raw, nil); &got[0] != &raw[0] {
		t.Error("a body without edits was copied")
	}
	got := Splice(raw, []Edit{{Span{1, 1}, []byte(`"x":0,`)}, {Span{5, 6}, []byte("10")}, {Span{11, 12}, nil}})
	if string(got) != `{"x":0,"a":10,"b":}` {
		t.Errorf("got %s", got)
	}
	if string(raw) != `{"a":1,"b":2}` {
		t.Error("the original was modified")
	}
}
