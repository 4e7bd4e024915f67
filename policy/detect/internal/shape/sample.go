package shape

// Sample returns a text that the pattern matches, with lengths and bytes chosen
// by pick, which returns a number below n. It is for tests: values that look
// like real tokens must not stand in files.
func (p *Pattern) Sample(pick func(n int) int) string {
	return string(p.root.sample(nil, pick))
}

func (n *node) sample(dst []byte, pick func(n int) int) []byte {
	switch n.op {
	case opLit:
		return append(dst, n.lit...)
	case opSet:
		var all []byte
		for b := range 256 {
			if n.set.Has(byte(b)) {
				all = append(all, byte(b))
			}
		}
		for range n.min + pick(min(n.max-n.min, 40)+1) {
			dst = append(dst, all[pick(len(all))])
		}
		return dst
	case opAlt:
		return n.subs[pick(len(n.subs))].sample(dst, pick)
	case opRep:
		for range n.min + pick(n.max-n.min+1) {
			dst = n.subs[0].sample(dst, pick)
		}
		return dst
	}
	for _, s := range n.subs {
		dst = s.sample(dst, pick)
	}
	return dst
}
