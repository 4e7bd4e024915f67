package detect

// Local is a Scanner for matches that can be told at the place where they begin, by
// what stands close around it: what most detectors of one's own are. It scans texts
// and streams alike. Its fields must not change once it is in use.
type Local struct {
	// Max is how many bytes a match has at most, up to MaxMatch.
	Max int
	// Begins are the bytes with which a match can begin; nil for any. The fewer they
	// are, the less a stream holds back.
	Begins *[256]bool
	// At returns the end of the match that begins at text[at], and the rule that it
	// is of, or 0. The bytes before at are there as far as MaxBehind, or to the
	// beginning of the text; those from at on as far as Max+1, or to its end. It must
	// not look further, must depend on nothing else, and is called by many requests
	// at a time.
	At func(text string, at int) (end int, rule string)
	// Kind is the kind of the matches.
	Kind string
}

// MaxMatch implements Scanner.
func (l *Local) MaxMatch() int { return l.most() }

// MaxHeld implements Incremental.
func (l *Local) MaxHeld() int { return l.most() + 1 }

func (l *Local) most() int { return min(max(l.Max, 1), MaxMatch) }

// Scan implements Scanner.
func (l *Local) Scan(dst []Match, text string) []Match {
	dst, _ = l.Advance(dst, text, 0, true)
	return dst
}

// Advance implements Incremental.
func (l *Local) Advance(dst []Match, text string, from int, final bool) ([]Match, int) {
	most := l.most()
	for p := from; p < len(text); {
		if l.Begins != nil && !l.Begins[text[p]] {
			p++
			continue
		}
		if !final && len(text)-p < most+1 {
			return dst, p // what follows may matter
		}
		lo, hi := max(0, p-MaxBehind), min(len(text), p+most+1)
		end, rule := l.At(text[lo:hi], p-lo)
		// A careless At must not make a stream differ from a text.
		if end = min(lo+end, p+most, len(text)); end > p {
			dst = append(dst, Match{Start: p, End: end, Rule: rule, Kind: l.Kind})
			p = end
			continue
		}
		p++
	}
	return dst, len(text)
}
