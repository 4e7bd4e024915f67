package main

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
)

// supplement adds what the source does not list and Anthropic publishes: calls that
// are served in the US only cost 1.1 times the list price from the models 4.6 on, and
// the speed "fast" has a price of its own.
func supplement(provider string, m *prices.SnapshotModel) {
	if provider != "anthropic" {
		return
	}
	for _, s := range supplements {
		for _, name := range m.Match {
			if !strings.HasPrefix(name, s.name) {
				continue
			}
			for i := range m.Prices {
				p := &m.Prices[i]
				p.Regions = map[string]string{"us": "1.1"}
				if s.fast != "" {
					p.Served = map[string]prices.SnapshotServed{"fast": {Times: s.fast}}
				}
			}
		}
	}
}

var supplements = [...]struct{ name, fast string }{
	{"claude-opus-4-6", "6"}, {"claude-opus-4-7", ""}, {"claude-opus-4-8", "2"}, {"claude-sonnet-4-6", ""},
	{"claude-opus-5", ""}, {"claude-sonnet-5", ""}, {"claude-fable-5", ""},
}
