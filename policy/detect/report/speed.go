package main

import (
	"slices"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/hidden"
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
	rep := func(s string, n int) string { return strings.Repeat(s, n/len(s)+1)[:n] }
	both := []detect.Incremental{secrets.New(), pii.New()}
	r.printf("time (median of runs): secrets; personal data; both with the normalised and decoded text, and hidden characters\n")
	for _, c := range []struct{ name, text string }{
		{"1 KB of prompts", window(all, 1<<10)}, {"10 KB of prompts", window(all, 10<<10)}, {"100 KB of prompts", window(all, 100<<10)}, {"1 MiB of prompts", window(all, 1<<20)},
		{"1 MiB of one letter", rep("a", 1<<20)}, {"1 MiB of key=key=", rep("key=key=", 1<<20)}, {"1 MiB of (", rep("(", 1<<20)}, {"1 MiB of nested JSON", rep(`{"a":[`, 1<<20)},
	} {
		runs := max(3, min(200, (1<<21)/len(c.text)))
		r.printf("  %-22s %10s %10s %10s\n", c.name,
			median(runs, func() { secrets.New().Scan(nil, c.text) }),
			median(runs, func() { pii.New().Scan(nil, c.text) }),
			median(runs, func() { hidden.New().Scan(norm.Deep(c.text, both...), c.text) }))
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

// window returns n bytes of text from its middle.
func window(text string, n int) string {
	at := max(0, len(text)/2-n/2)
	return text[at:min(len(text), at+n)]
}

func median(runs int, f func()) time.Duration {
	all := make([]time.Duration, runs)
	for i := range all {
		t := time.Now()
		f()
		all[i] = time.Since(t)
	}
	slices.Sort(all)
	return all[runs/2].Round(100 * time.Nanosecond)
}
