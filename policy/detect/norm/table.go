package norm

import (
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// lookalikes are pairs, each a character and the ASCII that it looks like.
var lookalikes = []string{
	"АA ВB ЕE ЁE КK МM НH ОO РP СC ТT УY ХX ЅS ІI ЇI ЈJ ԌG ҮY ӀI ԚQ ԜW ҺH З3 ЬB ѴV ԀD",                                                                                     // Cyrillic capitals
	"аa еe ёe оo кk мm рp сc тt уy хx ѕs іi їi јj ԁd ԛq ԝw һh ӏl нh гr вb пn ьb зz ґr үy ұy әe иu ѵv ԍg ӕa ҳx қk ңn ҫc",                                                    // Cyrillic
	"ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX ϹC ϺM ΆA ΈE ΉH ΊI ΌO ΎY ΪI ΫY",                                                                                              // Greek capitals
	"αa άa βb γy εe έe ηn ήn ιi ίi ΐi ϊi κk νv οo όo ρp ϱp σo τt υu ύu ϋu χx ωw ώw ϲc ϳj μu",                                                                               // Greek
	"ıi ɑa ɡg ɩi ȷj ƅb ʂs ɗd ɓb ƙk ƭt ɦh ʋv øo ØO đd ĐD ħh ŧt łl ŁL ɐa əe ɛe ɪi ʏy ʙb ɢg ʜh ʟl ɴn ʀr ᴀa ᴄc ᴅd ᴇe ꜰf ᴊj ᴋk ᴍm ᴏo ᴘp ꜱs ᴛt ᴜu ᴠv ᴡw ᴢz ƒf ɾr ɽr ɲn ŋn ʐz ɫl", // Latin letters that decompose to nothing
	"օo ոn սu հh ցg զq աw ՏS ՍU ՕO ԼL",                                                                                              // Armenian
	"ᎪA ᏴB ᏟC ᎠD ᎬE ᏀG ᎻH ᎥI ᎫJ ᏦK ᏞL ᎷM ᏢP ᎡR ᏚS ᎢT ᏙV ᎳW ᏃZ",                                                                      // Cherokee
	"ꓮA ꓐB ꓚC ꓓD ꓰE ꓝF ꓖG ꓧH ꓲI ꓙJ ꓗK ꓡL ꓟM ꓠN ꓳO ꓑP ꓣR ꓢS ꓔT ꓴU ꓦV ꓪW ꓫX ꓬY ꓜZ",                                                    // Lisu
	"‐- ‑- ‒- –- —- ―- −- ﹘- ⁃- ‘' ’' ‚' ‛' ′' ʹ' ʼ' “\" ”\" „\" ‟\" ″\" «\" »\" ․. ·. ∶: ꞉: ː: ⁄/ ∕/ ⧸/ ∖\\ ⧵\\ ⁎* ∗* ∼~ ٪% ‹< ›>", // Punctuation
}

// Blocks of letters in order: the first character and the first ASCII letter.
var blocks = []struct {
	first rune
	ascii byte
}{
	{0x1f150, 'A'}, // negative circled
	{0x1f170, 'A'}, // negative squared
	{0x1f1e6, 'A'}, // regional indicators
}

// What a page holds for a character: keep, drop, or from swap on the number of its text.
const (
	keep uint16 = iota // as it is
	drop               // nothing
	swap               // text of its own
)

// page holds what becomes of 256 characters.
type page struct {
	what [256]uint16
	text []string
}

var (
	pages [(unicode.MaxRune + 1) >> 8]atomic.Pointer[page]
	plain page // all characters as they are; pages of ideographs share it
	folds = func() map[rune]byte {
		m := map[rune]byte{}
		for _, script := range lookalikes {
			for pair := range strings.FieldsSeq(script) {
				r, n := utf8.DecodeRuneInString(pair)
				m[r] = pair[n]
			}
		}
		for _, b := range blocks {
			for k := range byte(26) {
				m[b.first+rune(k)] = b.ascii + k
			}
		}
		return m
	}()
)

// lookup returns what becomes of r: keep, drop, or swap and the text that it becomes.
func lookup(r rune) (what uint16, text string) {
	p := pages[r>>8].Load()
	if p == nil {
		p = build(r >> 8)
		pages[r>>8].Store(p)
	}
	if what = p.what[r&0xff]; what >= swap {
		return swap, p.text[what-swap]
	}
	return what, ""
}

// build makes one page. It takes some ten microseconds, once.
func build(n rune) *page {
	p := &page{}
	same := true
	for k := range rune(256) {
		r := n<<8 | k
		text := fold(r)
		switch {
		case text == string(r):
			continue
		case text == "":
			p.what[k] = drop
		default:
			p.what[k] = swap + uint16(len(p.text))
			p.text = append(p.text, text)
		}
		same = false
	}
	if same {
		return &plain
	}
	return p
}

// fold returns what r is written as.
func fold(r rune) string {
	if r < 0x80 || !utf8.ValidRune(r) {
		return string(r)
	}
	if r >= 0xe0020 && r <= 0xe007e {
		return string(r - 0xe0000)
	}
	if Hidden(r) || mark(r) {
		return ""
	}
	if b, ok := folds[r]; ok {
		return string(rune(b))
	}
	var out strings.Builder
	for _, c := range norm.NFKC.String(string(r)) {
		b, ok := folds[c]
		d := number(c)
		switch {
		case ok:
			out.WriteByte(b)
		case d >= 0:
			out.WriteByte('0' + byte(d))
		case c > 0x7f && (Hidden(c) || mark(c)):
		default:
			out.WriteRune(c)
		}
	}
	if out.Len() > maxText {
		return string(r) // a ligature of whole sentences: nothing hides in it
	}
	return out.String()
}

// maxText is how many bytes one character becomes at most.
const maxText = 8

// Hidden tells whether r is a character that nobody sees: a format character,
// a variation selector, a filler, a tag.
func Hidden(r rune) bool {
	switch {
	case r < 0xad:
		return false
	case r == 0x034f, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r == 0x3164, r == 0xffa0:
		return true
	case r >= 0x180b && r <= 0x180f, r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return unicode.Is(unicode.Cf, r)
}

// mark tells whether r stands on top of, below or through another character of
// an alphabet. Marks that are letters of their script are not meant.
func mark(r rune) bool {
	return r >= 0x300 && r <= 0x36f || r >= 0x483 && r <= 0x489 || r >= 0x1ab0 && r <= 0x1aff || r >= 0x1dc0 && r <= 0x1dff || r >= 0x20d0 && r <= 0x20ff || r >= 0xfe20 && r <= 0xfe2f
}

// number returns the value of a decimal digit of any script, or -1.
func number(r rune) int {
	if r < 0x660 || !unicode.Is(unicode.Nd, r) {
		return -1
	}
	for _, rg := range unicode.Nd.R16 {
		if r >= rune(rg.Lo) && r <= rune(rg.Hi) {
			return int(r-rune(rg.Lo)) % 10
		}
	}
	for _, rg := range unicode.Nd.R32 {
		if r >= rune(rg.Lo) && r <= rune(rg.Hi) {
			return int(r-rune(rg.Lo)) % 10
		}
	}
	return -1
}
