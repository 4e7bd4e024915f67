// Command bench measures the governed chain against Caddy's own reverse_proxy:
// the same binary, the same mock model server, in one run, interleaved. It prints
// CPU per request, latency, allocations, memory, records lost, and the ratio
// governed/stock. See README.md in this folder for how to read it.
//
//	go run ./bench            the table
//	go run ./bench -quick     the same in about a minute
//	go run ./bench -streams 1000   many streams at once, with a reload in the middle
//	go run ./bench -first 100      time to the first text, with and without rules
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"
)

var (
	upstreamAddr = flag.String("upstream", "", "serve as the mock model server at this address (used by the benchmark itself)")
	chunkCount   = flag.Int("chunks", 200, "events of a stream")
	chunkGap     = flag.Duration("gap", 0, "time between the events of the mock's streams")
	caddyBin     = flag.String("caddy", "", "a caddy binary with the gateway; default: build ./cmd/caddy")
	quick        = flag.Bool("quick", false, "short rounds")
	conns        = flag.Int("connections", 32, "connections of the load generator")
	duration     = flag.Duration("duration", 8*time.Second, "length of a round")
	rounds       = flag.Int("rounds", 3, "rounds of each side; the median counts")
	streams      = flag.Int("streams", 0, "run this many paced streams at once instead, with a reload in the middle")
	first        = flag.Int("first", 0, "measure the time to the first text over this many paced streams a side instead")
	asProse      = flag.Bool("prose", false, "the mock says words instead of numbered events (used by the benchmark itself)")
	profile      = flag.String("profile", "", "write a CPU profile of the governed side of each scenario into this folder")
	only         = flag.String("only", "", "run only the scenario of this name")
	jsonOut      = flag.String("json", "", "write the table as JSON into this file, too")
	configs      = flag.String("configs", "bench", "folder of the Caddyfiles")
)

func main() {
	flag.Parse()
	if *upstreamAddr != "" {
		fail(upstream(*upstreamAddr, *chunkCount, *chunkGap, *asProse))
		return
	}
	if *quick {
		*duration, *rounds = 1500*time.Millisecond, 3
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	tmp, err := os.MkdirTemp("", "llm-bench-")
	fail(err)
	err = run(ctx, tmp)
	os.RemoveAll(tmp)
	fail(err)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, tmp string) error {
	bin := *caddyBin
	if bin == "" {
		bin = filepath.Join(tmp, "caddy")
		out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/caddy").CombinedOutput()
		if err != nil {
			return fmt.Errorf("building caddy: %w\n%s", err, out)
		}
	}
	version, _ := exec.CommandContext(ctx, bin, "version").Output()
	fmt.Printf("%d cores, %s %s/%s, caddy %s", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, version)
	if *streams > 0 {
		return manyStreams(ctx, bin, tmp, *streams)
	}
	if *first > 0 {
		return firstToken(ctx, bin, tmp, *first)
	}
	if runtime.NumCPU() < 2 {
		return fmt.Errorf("two cores are needed: one for the gateway, one for everything else")
	}
	if err := pinSelf(0); err != nil {
		return err
	}
	fmt.Printf("gateway pinned to core 1; mock and load generator on core 0; %d connections; %d rounds of %v\n", *conns, *rounds, *duration)
	var table []result
	for _, s := range scenarios {
		if *only != "" && s.name != *only {
			continue
		}
		r, err := s.run(ctx, bin, tmp)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		table = append(table, r)
		r.print(os.Stdout)
	}
	if len(table) == 0 {
		return fmt.Errorf("there is no scenario %q", *only)
	}
	lost := summary(table)
	if *jsonOut != "" {
		if err := writeJSON(*jsonOut, table); err != nil {
			return err
		}
	}
	if lost != 0 {
		return fmt.Errorf("%d records were lost", lost)
	}
	return nil
}
