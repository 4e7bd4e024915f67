package prices

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Line is one part of a price in words: what it is for, and how much.
type Line struct{ What, Amount string }

// Lines describes a price: dollars per million tokens, per use where it says so, or a
// factor.
func (p *Price) Lines() (lines []Line) {
	put := func(what string, m *llm.Money, unit string) {
		if m != nil {
			lines = append(lines, Line{what, written(*m) + unit})
		}
	}
	rates := func(of string, r *Rates) {
		for k, m := range r.fields() {
			put(of+strings.ReplaceAll(kindNames[k], "_", " "), *m, "")
		}
	}
	bands := func(of string, tiers []Tier) {
		for i := range tiers {
			rates(fmt.Sprintf("%sabove %d tokens: ", of, tiers[i].Above), &tiers[i].Rates)
		}
	}
	rates("", &p.Rates)
	bands("", p.Tiers)
	for _, name := range slices.Sorted(maps.Keys(p.Served)) {
		s := p.Served[name]
		if s.Times != 0 {
			lines = append(lines, Line{"tier " + name, "× " + written(llm.Money(s.Times))})
		}
		rates("tier "+name+": ", &s.Rates)
		bands("tier "+name+": ", s.Tiers)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Regions)) {
		lines = append(lines, Line{"region " + name, "× " + written(llm.Money(p.Regions[name]))})
	}
	put("web search", p.WebSearch, " each")
	put("file search", p.FileSearch, " each")
	put("code session", p.CodeSession, " each")
	put("request", p.Request, " each")
	if p.MaxOutput > 0 {
		lines = append(lines, Line{"most output", fmt.Sprint(p.MaxOutput, " tokens")})
	}
	return lines
}
