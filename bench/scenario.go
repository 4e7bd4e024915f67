package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// scenario is one kind of call.
type scenario struct {
	name   string
	size   int // of the prompt, bytes
	stream bool
	gap    time.Duration
	conns  int     // 0: the flag's
	bar    float64 // the ratio to stay under
}

// scenarios with the bars of the design (CPU of the governed chain as shipped,
// per request or per event, to that of stock reverse_proxy).
var scenarios = []scenario{
	{name: "1 KB", size: 1000, bar: 1.15},
	{name: "100 KB", size: 100_000, bar: 1.60},
	{name: "stream, burst", size: 1000, stream: true, conns: 16, bar: 1.10},
	{name: "stream, 5 ms apart", size: 1000, stream: true, gap: 5 * time.Millisecond, conns: 64, bar: 1.10},
}

// side is what one side of a scenario cost; the medians of its rounds.
type side struct {
	cpu      float64 // µs per request, or per event of a stream
	p50, p99 time.Duration
	rps      float64
	allocs   float64 // per request
	rss      int64   // bytes, at the end
	lost     int64   // records
}

type result struct {
	scenario        scenario
	stock, governed side
}

func pinSelf(core int) {
	var set unix.CPUSet
	set.Set(core)
	_ = unix.SchedSetaffinity(0, &set)
}

// run plays the rounds of both sides in turn: A B A B …
func (s scenario) run(ctx context.Context, bin, tmp string) (result, error) {
	r := result{scenario: s}
	chunks := 0
	if s.stream {
		chunks = *chunkCount
		expectChunks(chunks)
	}
	up, upAddr, err := startUpstream(ctx, 0, max(chunks, 1), s.gap)
	if err != nil {
		return r, err
	}
	defer up.stop()
	data := filepath.Join(tmp, fmt.Sprintf("data-%d-%v-%v", s.size, s.stream, s.gap))
	if err := os.MkdirAll(data, 0o700); err != nil {
		return r, err
	}
	type target struct {
		p        *process
		addr     string
		rounds   []side
		requests int64
	}
	var sides [2]target
	stopped := false
	defer func() {
		for i := range sides {
			if !stopped && sides[i].p != nil {
				_ = sides[i].p.stop()
			}
		}
	}()
	for i, config := range []string{"stock.Caddyfile", "governed.Caddyfile"} {
		p, addr, err := startCaddy(ctx, 1, bin, filepath.Join(*configs, config), upAddr, data)
		if err != nil {
			return r, err
		}
		sides[i] = target{p: p, addr: addr}
	}
	n := cmp.Or(s.conns, *conns)
	for round := -1; round < *rounds; round++ {
		for i := range sides {
			t := &sides[i]
			d := *duration
			if round < 0 {
				d /= 4 // to warm up
			}
			if i == 1 && round == *rounds-1 && *profile != "" {
				go t.p.profile(filepath.Join(*profile, strings.ReplaceAll(s.name, " ", "-")), d-time.Second/2)
			}
			cpu, mallocs := t.p.cpu(), t.p.metric("go_memstats_mallocs_total")
			l := generate(t.addr, request(t.addr, benchKey, s.size, s.stream), n, chunks, d)
			used := t.p.cpu() - cpu
			mallocs = t.p.metric("go_memstats_mallocs_total") - mallocs
			t.requests += l.requests
			if l.bad > 0 || l.requests == 0 {
				return r, fmt.Errorf("%d of %d answers were wrong: %s", l.bad, l.requests+l.bad, l.firstBad)
			}
			if round < 0 {
				continue
			}
			units := float64(l.requests)
			if s.stream {
				units = float64(l.chunks)
			}
			t.rounds = append(t.rounds, side{
				cpu: float64(used.Microseconds()) / units, p50: l.quantile(.5), p99: l.quantile(.99),
				rps: float64(l.requests) / l.elapsed.Seconds(), allocs: mallocs / float64(l.requests),
			})
		}
	}
	for i := range sides {
		t := &sides[i]
		m := median(t.rounds)
		m.rss = t.p.rss()
		if err := t.p.stop(); err != nil {
			return r, err
		}
		if i == 0 {
			r.stock = m
			continue
		}
		admitted, completed, err := countRecords(data)
		if err != nil {
			return r, err
		}
		m.lost = (t.requests - admitted) + (t.requests - completed)
		r.governed = m
	}
	stopped = true
	return r, nil
}

func median(rounds []side) side {
	by := slices.Clone(rounds)
	slices.SortFunc(by, func(a, b side) int { return cmp.Compare(a.cpu, b.cpu) })
	return by[len(by)/2]
}

func (r result) print(w io.Writer) {
	unit := "request"
	if r.scenario.stream {
		unit = "event"
	}
	for _, s := range []struct {
		name string
		side
	}{{"stock", r.stock}, {"governed", r.governed}} {
		fmt.Fprintf(w, "%-20s %-9s %8.1f µs CPU/%s  p50 %8v  p99 %8v  %7.0f req/s  %6.0f allocs/req  %4d MB\n",
			r.scenario.name, s.name, s.cpu, unit, s.p50.Round(time.Microsecond), s.p99.Round(time.Microsecond), s.rps, s.allocs, s.rss>>20)
	}
}
