package measure

import "strings"

// Override tells whether an attack says openly that instructions are to be
// ignored: the row "explicit override" of reports.
func Override(text string) bool {
	t := strings.ToLower(text)
	return anyOf(t, "ignore ", "disregard", "forget ", "override") &&
		anyOf(t, "instruction", "previous", "prompt", "everything", "above", "rules", "guidelines")
}

func anyOf(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// NonEnglish guesses whether a text is not English: one character in 25 is not
// ASCII, or one word in 20 at most is a common English one.
func NonEnglish(text string) bool {
	n, odd := 0, 0
	for _, c := range text {
		n++
		if c > 0x7f {
			odd++
		}
	}
	if odd*25 > n {
		return true
	}
	hits, words := 0, 0
	for w := range strings.FieldsSeq(strings.ToLower(text)) {
		words++
		switch w {
		case "the", "and", "to", "of", "you", "is", "in", "a", "your", "all", "that", "this", "me", "i", "what":
			hits++
		}
	}
	return words > 4 && hits*20 < words
}
