package main

import (
	"math/rand/v2"
	"strings"
)

// longTexts makes long benign texts by joining rows of one source, since the
// data has few: of 1.5 KB to 60 KB, at most forty of a size and source.
func longTexts(rows []row, seed uint64) []row {
	rnd := rand.New(rand.NewPCG(seed, 7))
	by := make(map[string][]string)
	var names []string
	for _, r := range rows {
		// Joined, the role-play prompts of this source would be no document
		// but a list of them, which nobody sends.
		if r.Label == 0 && r.Source != "awesome_prompts_2025" {
			if by[r.Source] == nil {
				names = append(names, r.Source)
			}
			by[r.Source] = append(by[r.Source], r.Text)
		}
	}
	var out []row
	for _, name := range names {
		texts := append([]string(nil), by[name]...)
		for _, size := range []int{1500, 2200, 2800, 4000, 5000, 6000, 9000, 14000, 18000, 30000, 60000} {
			rnd.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
			out = append(out, joined(name, texts, size)...)
		}
	}
	return out
}

// joined puts texts of a source together, in order, to at most 40 of size bytes or
// a little more.
func joined(source string, texts []string, size int) (out []row) {
	var b strings.Builder
	for _, t := range texts {
		b.WriteString(t)
		b.WriteString("\n\n")
		if b.Len() >= size {
			out = append(out, row{Text: b.String(), Source: source, Kind: "long"})
			b.Reset()
			if len(out) == 40 {
				break
			}
		}
	}
	return out
}
