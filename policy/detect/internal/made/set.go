package made

import (
	"math/rand/v2"
	"strings"
)

// A Set is texts with credentials, and texts without that resemble them.
type Set struct {
	Name        string
	tokens      []token
	named, bare []string // what is around tokens
	blocks      []block
	nears       []block
}

// Sets are the two sets. The second was written after the detectors had been corrected by
// the first one, and has corrected them since.
var Sets = []Set{
	{"first", tokens, named, bare, blocks, nears},
	{"second", laterTokens, laterNamed, laterBare, laterBlocks, laterNears},
}

// Secrets returns rows with credentials.
func (s *Set) Secrets(seed uint64) (out []Row) {
	m := maker{rand.New(rand.NewPCG(seed, 1))}
	for i, t := range s.tokens {
		provider, plain := strings.CutPrefix(t.provider, "!")
		for k := range 3 {
			c := s.named[(i*5+k*11+int(seed))%len(s.named)]
			out = append(out, m.fill(provider, put(c, t.name, t.form)))
		}
		if plain {
			for k := range 2 {
				out = append(out, m.fill(provider, put(s.bare[(i+k*4+int(seed))%len(s.bare)], t.name, t.form)))
			}
		}
	}
	for _, b := range s.blocks {
		out = append(out, m.fill(b.name, b.template))
	}
	return out
}

func put(context, name, form string) string {
	return strings.NewReplacer("%n", name, "%v", "‹"+form+"›").Replace(context)
}

// Near returns rows without credentials that resemble those with some.
func (s *Set) Near(seed uint64) (out []Row) {
	m := maker{rand.New(rand.NewPCG(seed, 2))}
	for _, n := range s.nears {
		out = append(out, m.fill(n.name, n.template))
	}
	return out
}
