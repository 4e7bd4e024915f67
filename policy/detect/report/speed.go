package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/hidden"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/norm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/secrets"
)

// speed prints how long scans take, and how much of the benign prompts a stream
// holds back.
func (r *report) speed() error {
	benign, err := r.prompts()
	if err != nil {
		return err
	}
	all := strings.Join(benign, "\n")
	if all == "" {
		return nil
	}
	if len(all) < speedLeast {
		all = strings.Repeat(all, speedLeast/len(all)+1)
	}
	r.printf("CPU time (median of runs): secrets and personal data in the text as it came; both with the normalised and decoded text, and hidden characters; injection; the last two together\n")
	both := []detect.Incremental{secrets.New(), pii.New()}
	line := func(name, text string) {
		runs := max(3, min(200, (1<<21)/len(text)))
		deep := median(runs, func() { hidden.New().Scan(norm.Deep(text, both...), text) })
		score := median(runs, func() { inject.Score(text) })
		r.printf("  %-36s %10s %10s %10s %10s %10s\n", name, median(runs, func() { secrets.New().Scan(nil, text) }), median(runs, func() { pii.New().Scan(nil, text) }), deep, score, deep+score)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	line("10 KB of prompts", window(all, 10<<10))
	line("1 MiB of prompts", window(all, 1<<20))
	for _, n := range []int{1 << 10, 100 << 10} {
		for _, k := range kinds {
			line(fmt.Sprintf("%d KB, %s", n>>10, k.name), k.make(window(all, 4*n), n))
		}
	}
	for _, unit := range []string{"a", "key=key=", "(", `{"a":[`, "12:", "sk-"} {
		text := strings.Repeat(unit, (1<<20)/len(unit))
		line("1 MiB of "+unit, text)
		for _, gap := range []int{5000, 500, 50} {
			line(fmt.Sprintf("  ’ every %d bytes", gap), sprinkled(text, gap))
		}
	}
	var held []int
	for _, text := range benign[:min(len(benign), 2000)] {
		s := detect.NewStream(both...)
		text = text[:min(len(text), 400)]
		for i := 0; i < len(text); i += 4 {
			s.Feed(text[i:min(len(text), i+4)])
			held = append(held, s.Held())
		}
	}
	slices.Sort(held)
	if n := len(held); n > 0 {
		r.printf("bytes held of benign prompts in pieces of 4: median %d, 99%% %d, 99.9%% %d, most %d\n", held[n/2], held[n*99/100], held[n*999/1000], held[n-1])
	}
	return nil
}

// speedLeast is how many bytes of prompts speed needs.
const speedLeast = 1 << 20

// window returns n bytes of text from its middle.
func window(text string, n int) string {
	at := max(0, len(text)/2-n/2)
	return text[at:min(len(text), at+n)]
}

// median returns the median of the CPU times of some runs. The caller holds on to its
// thread.
func median(runs int, f func()) time.Duration {
	all := make([]time.Duration, runs)
	for i := range all {
		t := cpu()
		f()
		all[i] = cpu() - t
	}
	slices.Sort(all)
	return all[runs/2].Round(100 * time.Nanosecond)
}
