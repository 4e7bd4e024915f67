package measure

import "strings"

// A Disguise writes a text so that people or models still read it and plain
// patterns do not.
type Disguise struct {
	// Name is what reports call it.
	Name string
	// Do disguises a text.
	Do func(string) string
}

// Disguises are those of the bar "recall lost to obfuscation".
var Disguises = []Disguise{
	{"zero width space", func(s string) string { return between(s, "\u200b") }},
	{"soft hyphen", func(s string) string { return between(s, "\u00ad") }},
	{"full width", func(s string) string {
		return strings.Map(func(r rune) rune {
			if r > 0x20 && r < 0x7f {
				return r + 0xfee0
			}
			return r
		}, s)
	}},
	{"newline for space", func(s string) string { return strings.ReplaceAll(s, " ", "\n") }},
	{"tag characters", func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 0x20 && r < 0x7f {
				return r + 0xe0000
			}
			return r
		}, s)
	}},
	{"homoglyphs", strings.NewReplacer("a", "а", "c", "с", "e", "е", "i", "і", "o", "о", "p", "р", "x", "х", "y", "у", "s", "ѕ", "O", "О", "I", "І", "A", "А", "E", "Е").Replace},
}

func between(s, what string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 {
			b.WriteString(what)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Inside puts text in the middle of size bytes of harmless filler, at the end
// of a word.
func Inside(text string, filler []string, first, size int) string {
	var b strings.Builder
	for k := 0; b.Len() < size; k++ {
		b.WriteString(filler[(first+k)%len(filler)])
		b.WriteString("\n")
	}
	t := strings.ToValidUTF8(b.String()[:size], "")
	cut := max(0, strings.LastIndexByte(t[:1+len(t)/2], ' '))
	return t[:cut] + "\n" + text + "\n" + t[cut:]
}
