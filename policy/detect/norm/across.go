package norm

import (
	"sort"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// reach is how far from the border of two texts a match may begin or end, in bytes.
const reach = 1024

// Across returns what Deep finds in texts that are read one after the other, and in none
// of them by itself: matches that reach over a border. Their places are those in the
// texts put together.
func Across(texts []string, scanners ...detect.Incremental) []detect.Match {
	if len(texts) < 2 || len(scanners) == 0 {
		return nil
	}
	var borders []int
	at := 0
	for _, t := range texts[:len(texts)-1] {
		if at += len(t); at > 0 && (len(borders) == 0 || borders[len(borders)-1] < at) {
			borders = append(borders, at)
		}
	}
	all := strings.Join(texts, "")
	var found []detect.Match
	for i := 0; i < len(borders); {
		first := i
		from, to := max(0, borders[i]-reach), min(len(all), borders[i]+reach)
		for i++; i < len(borders) && borders[i]-reach <= to; i++ {
			to = min(len(all), borders[i]+reach)
		}
		near := borders[first:i]
		for _, m := range Deep(all[from:to], scanners...) {
			m.Start, m.End = m.Start+from, m.End+from
			// What begins or ends where the window does may be a part of something else.
			if m.Start == from && from > 0 || m.End == to && to < len(all) {
				continue
			}
			if k := sort.SearchInts(near, m.Start+1); k < len(near) && near[k] < m.End {
				found = append(found, m)
			}
		}
	}
	return tidy(found)
}
