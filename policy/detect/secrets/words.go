package secrets

import "slices"

// Words returns what tokens begin with, as far as their rules say, what rules want
// near them, and names of values: what texts are made of that are meant to keep the
// scanner busy. It is for measuring.
func (s *Scanner) Words() []string {
	const begin = 12 // bytes of a token
	var out []string
	for _, group := range [][]rule{codeRules, cloudRules, serviceRules} {
		for i := range group {
			c := compile(&group[i])
			for k := range 6 {
				sample := c.pattern.Sample(func(n int) int { return k % n })
				out = append(out, sample[:min(len(sample), begin)])
			}
		}
	}
	out = append(out, s.nearWords...)
	for _, w := range nameWords {
		out = append(out, w.word, w.word+"=", w.word+`":"`)
	}
	out = append(out, "://a:", " -u a:", "Basic ", "Bearer ", "password is ", "-----BEGIN PRIV"+"ATE KEY-----", "commit ", "sha256-")
	slices.Sort(out)
	return slices.Compact(out)
}
