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
	gap      time.Duration // p99 between the events of paced streams, as the client sees them
	rps      float64
	allocs   float64 // per request
	rss      int64   // bytes, at the end
	lost     int64   // records missing or too many, both stages added up
	requests int64   // answered in all, warm-up included
}

type result struct {
	scenario        scenario
	stock, governed side
	low, high       float64 // smallest and largest ratio of a round
}

// unit is what CPU is given per.
func (s scenario) unit() string {
	if s.stream {
		return "event"
	}
	return "request"
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
			l := generate(t.addr, request(t.addr, benchKey, s.size, s.stream), n, chunks, s.gap > 0, d)
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
				cpu: float64(used.Nanoseconds()) / 1000 / units, p50: quantile(l.latencies, .5), p99: quantile(l.latencies, .99), gap: quantile(l.gaps, .99),
				rps: float64(l.requests) / l.elapsed.Seconds(), allocs: mallocs / float64(l.requests),
			})
		}
	}
	for i, a := range sides[0].rounds {
		ratio := sides[1].rounds[i].cpu / a.cpu
		if r.low == 0 || ratio < r.low {
			r.low = ratio
		}
		r.high = max(r.high, ratio)
	}
	for i := range sides {
		t := &sides[i]
		m := median(t.rounds)
		m.requests = t.requests
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
		// A record too many is as wrong as one too few.
		m.lost = max(t.requests-admitted, admitted-t.requests) + max(t.requests-completed, completed-t.requests)
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
	for _, s := range []struct {
		name string
		side
	}{{"stock", r.stock}, {"governed", r.governed}} {
		gap := ""
		if s.gap > 0 {
			gap = fmt.Sprintf("  gap p99 %v", s.gap.Round(10*time.Microsecond))
		}
		fmt.Fprintf(w, "%-20s %-9s %8.1f µs CPU/%s  p50 %8v  p99 %8v  %7.0f req/s  %6.0f allocs/req  %4d MB%s\n",
			r.scenario.name, s.name, s.cpu, r.scenario.unit(), s.p50.Round(time.Microsecond), s.p99.Round(time.Microsecond), s.rps, s.allocs, s.rss>>20, gap)
	}
}
