package pool

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"pgregory.net/rapid"
)

var t0 = time.Unix(1_700_000_000, 0)

func TestCircuit(t *testing.T) {
	p := Params{FailDuration: 10 * time.Second, MaxFails: 2}
	var r Registry
	h := r.Health(Key{Provider: "a", Model: "m"})
	at := func(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }
	fail := func(s int) { h.Begin(); h.Failed(at(s), p) }
	open := func(s int, want bool) {
		t.Helper()
		if got := !h.State(at(s), p).OK; got != want {
			t.Fatalf("at %d s: open %v, want %v", s, got, want)
		}
	}
	open(0, false)
	fail(0)
	open(0, false) // one is not enough
	fail(11)
	open(11, false) // the first is forgotten
	fail(12)
	open(12, true)
	open(21, true)
	if s := h.State(at(12), p); !s.Until.Equal(at(22)) || s.Why == "" {
		t.Errorf("%+v", s)
	}
	open(22, false) // one may find out
	h.Begin()
	open(22, true) // while it does, no other
	h.Failed(at(23), p)
	open(23, true) // a failed probe opens it again at once
	open(33, false)
	h.Begin()
	h.Abandoned() // says nothing
	open(33, false)
	h.Begin()
	h.Succeeded(at(34), time.Second)
	open(34, false)
	fail(35)
	open(35, false) // closed means closed: counting starts anew
	if n, l := h.Load(at(36)); n != 0 || l != time.Second {
		t.Errorf("%d calls under way, latency %v", n, l)
	}
	if _, l := h.Load(at(200)); l != 0 {
		t.Errorf("an old latency of %v is believed", l)
	}
}

func TestCoolDownAndChecks(t *testing.T) {
	p := Params{FailDuration: time.Second, MaxFails: 1}
	var r Registry
	a, b := r.Health(Key{Provider: "p", Model: "a"}), r.Health(Key{Provider: "p", Model: "b"})
	a.Begin()
	a.Cooled(t0.Add(20 * time.Second))
	a.Begin()
	a.Cooled(t0.Add(5 * time.Second)) // a shorter wish does not undo a longer
	if s := a.State(t0.Add(19*time.Second), p); s.OK || s.Why != "rate limited" || !s.Until.Equal(t0.Add(20*time.Second)) {
		t.Errorf("%+v", s)
	}
	if !a.State(t0.Add(20*time.Second), p).OK || !b.State(t0, p).OK {
		t.Error("cooling goes too far")
	}
	r.Health(Key{Provider: "p"}).Check("its health check fails")
	if a.State(t0.Add(time.Hour), p).OK || b.State(t0, p).OK {
		t.Error("the check of the endpoint does not count for its models")
	}
	r.Health(Key{Provider: "p"}).Check("")
	if !b.State(t0, p).OK {
		t.Error("still down")
	}
}

func TestRegistryIsBounded(t *testing.T) {
	var r Registry
	sick := r.Health(Key{Provider: "p", Model: "sick"})
	sick.Begin()
	sick.Failed(time.Now(), Params{FailDuration: time.Hour, MaxFails: 1})
	for i := range 3 * maxDeployments {
		r.Health(Key{Provider: "p", Model: fmt.Sprint(i)})
	}
	if len(r.m) > maxDeployments {
		t.Errorf("%d deployments are remembered", len(r.m))
	}
	if r.Health(Key{Provider: "p", Model: "sick"}) != sick {
		t.Error("a failure was forgotten")
	}
}

// A deployment never counts fewer than zero calls, and once all is over none;
// whatever happened, it can be used again in the end.
func TestHealthStates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Params{FailDuration: 10 * time.Second, MaxFails: rapid.IntRange(1, 4).Draw(t, "max_fails")}
		var r Registry
		h := r.Health(Key{Provider: "p", Model: "m"})
		now, begun, failures := t0, int64(0), 0
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(*rapid.T) { h.Begin(); begun++ },
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 15).Draw(t, "s")) * time.Second)
			},
			"fail": func(t *rapid.T) {
				if begun > 0 {
					h.Failed(now, p)
					begun--
					failures++
				}
			},
			"succeed": func(*rapid.T) {
				if begun > 0 {
					h.Succeeded(now, time.Millisecond)
					begun--
					failures = 0
				}
			},
			"cool": func(*rapid.T) {
				if begun > 0 {
					h.Cooled(now.Add(time.Second))
					begun--
				}
			},
			"": func(t *rapid.T) {
				if n, _ := h.Load(now); n != begun {
					t.Fatalf("%d calls under way, want %d", n, begun)
				}
				if s := h.State(now, p); !s.OK && s.Why == "" {
					t.Fatal("unavailable without a reason")
				}
				if failures == 0 && h.State(now, p).Why == "failed recently" {
					t.Fatal("open without a failure")
				}
				if len(h.fails) > p.MaxFails {
					t.Fatalf("%d failures are kept", len(h.fails))
				}
			},
		})
		for range begun {
			h.Abandoned()
		}
		if s := h.State(now.Add(time.Hour), p); !s.OK {
			t.Fatalf("never again: %+v", s)
		}
	})
}

func options(weights ...int) []Option {
	o := make([]Option, len(weights))
	for i, w := range weights {
		o[i] = Option{Weight: w, Name: fmt.Sprint("p/", i)}
	}
	return o
}

func TestPolicies(t *testing.T) {
	const n = 6000
	for _, tc := range []struct {
		policy  Policy
		options []Option
		want    []float64 // share of the first place
		exact   bool
	}{
		{First, options(1, 9), []float64{1, 0}, true},
		{RoundRobin, options(1, 9, 1), []float64{1. / 3, 1. / 3, 1. / 3}, true},
		{WeightedRoundRobin, options(1, 2, 3), []float64{1. / 6, 2. / 6, 3. / 6}, true},
		{Random, options(1, 3), []float64{.25, .75}, false},
		{LeastConn, []Option{{Weight: 1, Name: "a", Inflight: 3}, {Weight: 1, Name: "b", Inflight: 1}}, []float64{0, 1}, true},
		{LeastConn, []Option{{Weight: 8, Name: "a", Inflight: 3}, {Weight: 1, Name: "b", Inflight: 1}}, []float64{1, 0}, true},
		{LeastConn, options(1, 1), []float64{.5, .5}, false},
		{LowestLatency, []Option{{Weight: 1, Name: "a", Latency: 3}, {Weight: 1, Name: "b", Latency: 2}}, []float64{0, 1}, true},
		{LowestLatency, []Option{{Weight: 1, Name: "a", Latency: 3}, {Weight: 1, Name: "b"}}, []float64{0, 1}, true},
	} {
		s := Selector{Policy: tc.policy}
		got := make([]float64, len(tc.options))
		for range n {
			order := s.Order(tc.options, "")
			got[order[0]]++
			slices.Sort(order)
			for i, o := range order {
				if i != o {
					t.Fatalf("%v: not an order: %v", tc.policy, order)
				}
			}
		}
		for i := range got {
			got[i] /= n
			if d := got[i] - tc.want[i]; d > .04 || d < -.04 || tc.exact && d != 0 {
				t.Errorf("%v: shares %v, want %v", tc.policy, got, tc.want)
			}
		}
		if p, err := ParsePolicy(tc.policy.String()); err != nil || p != tc.policy {
			t.Errorf("%v: %v", tc.policy, err)
		}
	}
	if _, err := ParsePolicy("best"); err == nil {
		t.Error("an unknown policy is taken")
	}
}

// A session stays where it is; when its deployment goes, only its sessions move.
func TestStickiness(t *testing.T) {
	s := Selector{Policy: RoundRobin}
	all := options(1, 1, 2)
	share := make([]int, 3)
	for i := range 4000 {
		key := fmt.Sprint("session-", i)
		home := s.Order(all, key)[0]
		share[home]++
		if s.Order(all, key)[0] != home {
			t.Fatal("not sticky")
		}
		left := s.Order(all[:2], key)[0]
		if home < 2 && left != home {
			t.Fatal("moved without need")
		}
	}
	for i, want := range []int{1000, 1000, 2000} {
		if share[i] < want-150 || share[i] > want+150 {
			t.Errorf("shares %v", share)
		}
	}
	first := Selector{}
	if first.Order(all, "x")[0] != 0 {
		t.Error("first must be first")
	}
}

func TestConcurrently(t *testing.T) {
	var r Registry
	s := Selector{Policy: WeightedRoundRobin}
	p := Params{FailDuration: time.Second, MaxFails: 3}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				h := r.Health(Key{Provider: "p", Model: fmt.Sprint(i % 7)})
				h.State(t0, p)
				h.Begin()
				s.Order(options(1, 2, 3), "")
				switch (i + g) % 3 {
				case 0:
					h.Failed(t0, p)
				case 1:
					h.Succeeded(t0, time.Second)
				default:
					h.Cooled(t0)
				}
			}
		})
	}
	wg.Wait()
	for i := range 7 {
		if n, _ := r.Health(Key{Provider: "p", Model: fmt.Sprint(i)}).Load(t0); n != 0 {
			t.Errorf("%d calls under way", n)
		}
	}
}

func BenchmarkOrder(b *testing.B) {
	var r Registry
	s := Selector{Policy: LeastConn}
	keys := []Key{{Provider: "a", Model: "m"}, {Provider: "b", Model: "m"}}
	for b.Loop() {
		var o [2]Option
		for i, k := range keys {
			h := r.Health(k)
			h.State(t0, Params{FailDuration: time.Second, MaxFails: 1})
			o[i] = Option{Weight: 1, Name: k.Provider}
			o[i].Inflight, o[i].Latency = h.Load(t0)
		}
		s.Order(o[:], "")
	}
}

// Models that clients have made up neither pin their requests in memory nor take
// the room of those that exist for good.
func TestMadeUpModels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Registry
		p := Params{FailDuration: time.Minute, MaxFails: 1}
		body := strings.Repeat("x", 1<<10)
		r.Health(Key{Provider: "a", Model: body[:20]})
		for k := range r.m {
			if k.Model != "" && unsafe.StringData(k.Model) == unsafe.StringData(body) {
				t.Error("a model's name is a piece of the request that named it")
			}
		}
		for i := range maxDeployments {
			h := r.Health(Key{Provider: "a", Model: fmt.Sprint(i)})
			h.Begin()
			if i%2 == 0 {
				h.Cooled(time.Now().Add(time.Minute))
			} else {
				h.Failed(time.Now(), p)
			}
		}
		k := Key{Provider: "a", Model: "real"}
		if first := r.Health(k); first == r.Health(k) {
			t.Error("there was room: nothing is tested")
		}
		time.Sleep(time.Hour)
		if first := r.Health(k); first != r.Health(k) {
			t.Error("what failed an hour ago leaves no room")
		}
	})
}
