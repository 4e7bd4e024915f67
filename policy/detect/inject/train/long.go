package main

import (
	"math/rand/v2"
	"strings"
)

// longTexts makes long benign texts by joining rows of one source, since the
// data has few: as many of about 2 KB as of 6, 16 and 40 KB.
func longTexts(rows []row, seed uint64) []row {
	rnd := rand.New(rand.NewPCG(seed, 7))
	by := make(map[string][]string)
	var names []string
	for _, r := range rows {
		if r.Label == 0 {
			if by[r.Source] == nil {
				names = append(names, r.Source)
			}
			by[r.Source] = append(by[r.Source], r.Text)
		}
	}
	var out []row
	for _, name := range names {
		texts := append([]string(nil), by[name]...)
		for _, size := range []int{2000, 2500, 3300, 6000, 9000, 16000, 40000} {
			rnd.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
			var b strings.Builder
			made := 0
			for _, t := range texts {
				b.WriteString(t)
				b.WriteString("\n\n")
				if b.Len() >= size {
					out = append(out, row{Text: b.String(), Source: name, Kind: "long"})
					b.Reset()
					if made++; made == 60 {
						break
					}
				}
			}
		}
	}
	return out
}
