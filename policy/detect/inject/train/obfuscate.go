package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject/internal/linear"
)

// disguises are ways to write a text so that people or models still read it.
var disguises = []struct {
	name string
	do   func(string) string
}{
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
	{"homoglyphs", func(s string) string {
		return strings.NewReplacer("a", "а", "c", "с", "e", "е", "i", "і", "o", "о", "p", "р", "x", "х", "y", "у", "s", "ѕ", "O", "О", "I", "І", "A", "А", "E", "Е").Replace(s)
	}},
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

// obfuscation prints the recall of disguised attacks against plain ones, and
// of attacks in the middle of 4 KB of benign text.
func obfuscation(w io.Writer, held []scored, models []*linear.Model) {
	var attacks []scored
	var filler []string
	for _, s := range held {
		if s.Label == 1 && len(s.Text) < 3000 && s.Source != "bipia_train" {
			attacks = append(attacks, s)
		}
		if s.Source == "t0_p3" && len(s.Text) > 1000 {
			filler = append(filler, s.Text)
		}
	}
	fmt.Fprintln(w, "\nrecall at 0.9 under disguise, all direct attacks and explicit overrides")
	measure := func(name string, do func(int, string) string) {
		n, hit, no, ho := 0, 0, 0, 0
		lost := 0.0
		for i, a := range attacks {
			got := score(models[a.fold], row{Text: do(i, a.Text)}, a.fold)
			o := override(a.Text)
			n++
			if o {
				no++
				lost += a.margin - got.margin
			}
			if got.odds >= oddsPercent {
				hit++
				if o {
					ho++
				}
			}
		}
		if n > 0 && no > 0 {
			fmt.Fprintf(w, "%-24s %6d %6.3f   %6d %6.3f  margin lost %.2f\n", name, n, float64(hit)/float64(n), no, float64(ho)/float64(no), lost/float64(no))
		}
	}
	measure("plain", func(_ int, s string) string { return s })
	for _, d := range disguises {
		measure(d.name, func(_ int, s string) string { return d.do(s) })
	}
	if len(filler) == 0 {
		return
	}
	measure("in 4 KB of benign text", func(i int, s string) string {
		var b strings.Builder
		for k := 0; b.Len() < 4096; k++ {
			b.WriteString(filler[(i*7+k)%len(filler)])
			b.WriteString("\n")
		}
		t := strings.ToValidUTF8(b.String()[:4096], "")
		cut := strings.LastIndexByte(t[:1+len(t)/2], ' ')
		cut = max(cut, 0)
		return t[:cut] + "\n" + s + "\n" + t[cut:]
	})
}
