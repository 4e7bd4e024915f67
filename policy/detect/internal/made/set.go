package made

import (
	"math/rand/v2"
	"strings"
)

// Secrets returns rows with credentials.
func Secrets(seed uint64) (out []Row) {
	m := maker{rand.New(rand.NewPCG(seed, 1))}
	for i, t := range tokens {
		provider, plain := strings.CutPrefix(t.provider, "!")
		n := 3
		for k := range n {
			c := named[(i*5+k*11+int(seed))%len(named)]
			out = append(out, m.fill(provider, put(c, t.name, t.form)))
		}
		if plain {
			for k := range 2 {
				out = append(out, m.fill(provider, put(bare[(i+k*4+int(seed))%len(bare)], t.name, t.form)))
			}
		}
	}
	for _, b := range blocks {
		out = append(out, m.fill(b.name, b.template))
	}
	return out
}

func put(context, name, form string) string {
	return strings.NewReplacer("%n", name, "%v", "‹"+form+"›").Replace(context)
}

// Near returns rows without credentials that resemble those with some.
func Near(seed uint64) (out []Row) {
	m := maker{rand.New(rand.NewPCG(seed, 2))}
	for _, n := range nears {
		out = append(out, m.fill(n.name, n.template))
	}
	return out
}
