package linear

import "unicode"

// skip marks a character that folding removes, as if it had not been there.
const skip = 0

// lookalikes lists, for each plain letter, the letters of other alphabets
// that are drawn like it, and its accented forms. Text in those alphabets is
// folded too: that loses nothing, because training text goes the same way.
var lookalikes = [...]struct {
	plain rune
	forms string
}{
	{'a', "àáâãäåāăąǎǟǡǻȁȃȧаɑαάӑӓ"}, {'b', "ьЬƀɓвВβΒ"}, {'c', "çćĉċčсϲҫ"},
	{'d', "ďđðɗԁ"}, {'e', "èéêëēĕėęěȅȇȩеёҽєεέӗ"}, {'f', "ƒϝ"}, {'g', "ĝğġģǥǧǵɡց"},
	{'h', "ĥħȟһнНΗհ"}, {'i', "ìíîïĩīĭįıǐȉȋіїιίϊɩӏ"}, {'j', "ĵǰјϳ"}, {'k', "ķĸǩкκ"},
	{'l', "ĺļľŀłɭⅼ"}, {'m', "мΜмⅿ"}, {'n', "ñńņňŉŋǹηήпո"}, {'o', "òóôõöøōŏőơǒǫǭǿȍȏȫоοόσօ"},
	{'p', "рρƥΡ"}, {'q', "ԛզ"}, {'r', "ŕŗřȑȓгг"}, {'s', "śŝşšșѕꜱʂß"}, {'t', "ţťŧțтτ"},
	{'u', "ùúûüũūŭůűųưǔǖǘǚǜȕȗυύսц"}, {'v', "ѵνⅴ"}, {'w', "ŵԝωώɯшѡ"}, {'x', "хχҳ"},
	{'y', "ýÿŷƴȳуγүў"}, {'z', "źżžƶᴢ"},
}

// marks maps typographic characters to the plain ones that people type.
const marks = "‘'’'‚'‛'“\"”\"„\"«\"»\"‹'›'‐-‑-‒-–-—-―-−-…. ′'″\"•*·*‧*。.、,「\"」\"『\"』\"【[】]《\"》\"〈<〉>；;：:，,！!？?（(）)．."

// low holds the folded form of every character below its length.
var low = func() (t [0x600]uint16) {
	for i := range t {
		r := rune(i)
		switch {
		case r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa1:
			t[i] = ' '
		case r == 0xad, r >= 0x300 && r < 0x370, r == '\'', r >= 0x483 && r < 0x48a, r >= 0x591 && r < 0x5be:
			t[i] = skip
		case r >= '0' && r <= '9':
			t[i] = '0'
		default:
			t[i] = uint16(unicode.ToLower(r))
		}
	}
	for _, l := range lookalikes {
		for _, f := range l.forms {
			for _, r := range [...]rune{f, unicode.ToUpper(f)} {
				if r >= 0x80 && r < rune(len(t)) {
					t[r] = uint16(l.plain)
				}
			}
		}
	}
	return t
}()

// high holds the folded form of the listed characters that low cannot hold.
var high = func() map[rune]rune {
	m := make(map[rune]rune)
	rs := []rune(marks)
	for i := 0; i+1 < len(rs); i += 2 {
		m[rs[i]] = rs[i+1]
	}
	for r, f := range m {
		if f == '\'' {
			m[r] = skip // as the plain apostrophe
		}
	}
	for _, l := range lookalikes {
		for _, f := range l.forms {
			if f >= rune(len(low)) {
				m[f] = l.plain
			}
		}
	}
	return m
}()

// Fold returns what r counts as: a lower-case letter without accents, '0' for
// any digit, ' ' for any blank, or 0 for a character that is to be left out
// (format characters, variation selectors, combining marks, apostrophes).
// Letters that imitate Latin ones count as those; tag characters, full-width
// and mathematical letters count as what they show.
func Fold(r rune) rune {
	if r >= 0 && r < rune(len(low)) {
		return rune(low[r])
	}
	return foldHigh(r)
}

func foldHigh(r rune) rune {
	switch {
	case r < 0x1e00:
		if r >= 0x64b && r <= 0x65f || r == 0x61c || r == 0x180e || r >= 0x1ab0 && r < 0x1b00 {
			return skip
		}
		return r
	case r < 0x2000:
		return latinExtra(r)
	case r < 0x2070:
		if r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 {
			return skip
		}
		if r <= 0x200a || r == 0x2028 || r == 0x2029 || r == 0x202f || r == 0x205f {
			return ' '
		}
		if f, ok := high[r]; ok {
			return f
		}
		return r
	case r < 0x3040:
		switch {
		case r == 0x3000:
			return ' '
		case r >= 0x24b6 && r <= 0x24cf:
			return 'a' + r - 0x24b6
		case r >= 0x24d0 && r <= 0x24e9:
			return 'a' + r - 0x24d0
		}
		if f, ok := high[r]; ok {
			return f
		}
		return r
	case r < 0xfe00:
		return r
	case r <= 0xfe0f || r == 0xfeff:
		return skip
	case r >= 0xff01 && r <= 0xff5e:
		return rune(low[r-0xfee0])
	case r == 0xfffd:
		return ' '
	case r >= 0x1d400 && r <= 0x1d6a3:
		return 'a' + (r-0x1d400)%26
	case r >= 0x1d7ce && r <= 0x1d7ff:
		return '0'
	case r >= 0x1f130 && r <= 0x1f149:
		return 'a' + r - 0x1f130
	case r >= 0x1f150 && r <= 0x1f169:
		return 'a' + r - 0x1f150
	case r >= 0x1f170 && r <= 0x1f189:
		return 'a' + r - 0x1f170
	case r >= 0x1f1e6 && r <= 0x1f1ff:
		return 'a' + r - 0x1f1e6
	case r >= 0xe0020 && r <= 0xe007e:
		return rune(low[r-0xe0000])
	case r >= 0xe0000 && r < 0xe0200:
		return skip
	}
	return r
}

// latinExtra folds the accented Latin letters of Vietnamese and others and
// Greek with breathings, by the order in which Unicode lists them.
func latinExtra(r rune) rune {
	switch {
	case r < 0x1e02:
		return 'a'
	case r < 0x1ea0:
		const bases = "bbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwya"
		if i := int(r - 0x1e02); i < len(bases) {
			return rune(bases[i])
		}
		return 's'
	case r < 0x1eb8:
		return 'a'
	case r < 0x1ec8:
		return 'e'
	case r < 0x1ecc:
		return 'i'
	case r < 0x1ee4:
		return 'o'
	case r < 0x1ef2:
		return 'u'
	case r < 0x1efa:
		return 'y'
	case r < 0x1f10:
		return 'a'
	case r < 0x1f20:
		return 'e'
	case r < 0x1f30:
		return 'n'
	case r < 0x1f40:
		return 'i'
	case r < 0x1f50:
		return 'o'
	case r < 0x1f60:
		return 'u'
	case r < 0x1f70:
		return 'w'
	}
	return r
}

// class tells how a folded character behaves.
type class uint8

const (
	blank class = iota
	letter
	ideograph // a word of its own: scripts that put no spaces between words
	symbol
)

// classOf returns the class of a folded character.
func classOf(r rune) class {
	if r < 0x80 {
		switch {
		case r >= 'a' && r <= 'z', r == '0':
			return letter
		case r == ' ':
			return blank
		}
		return symbol
	}
	switch {
	case r < 0x1100:
		if r < 0xc0 && r != 0xaa && r != 0xb5 && r != 0xba {
			return symbol
		}
		return letter
	case r < 0x1200:
		return ideograph
	case r < 0x2000:
		return letter
	case r < 0x2e80:
		return symbol
	case r < 0x3041:
		if r >= 0x2e80 && r < 0x3000 || r == 0x3005 {
			return ideograph
		}
		return symbol
	case r < 0xd7b0, r >= 0xf900 && r < 0xfb00, r >= 0x20000 && r < 0x40000:
		return ideograph
	case r >= 0xfb00 && r < 0xff00, r >= 0xff66 && r < 0xffe0:
		return letter
	}
	return symbol
}
