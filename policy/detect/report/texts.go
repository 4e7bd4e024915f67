package main

import (
	"math/rand/v2"
	"strings"
)

// Prose of several scripts, written for this. Its words are shuffled, so that no
// machine learns the text by heart while it measures.
const (
	german = `Die Vierteljahreszahlen zeigen, dass der Umsatz in München und Köln um zwölf Prozent gewachsen ist – mehr, als wir für möglich hielten. Frau Müller schrieb
 dazu: „Wir müssen die Lieferkette prüfen, bevor das Geschäft größer wird.“ Außerdem fehlen noch die Rechnungen aus Österreich, die spätestens am Mittwoch geschickt werden sollen.`
	french = `L’équipe s’est réunie à Besançon pour préparer la réponse à l’appel d’offres ; « il n’y a pas d’urgence », a précisé la directrice, mais le délai n’est que d’une semaine.
 Les coûts d’hébergement, qu’on avait sous-estimés l’année dernière, ont déjà été corrigés dans le tableau ci-joint, où j’ai ajouté les remarques du service.`
	russian = `Квартальный отчёт показывает, что продажи выросли на двенадцать процентов, хотя поставки задерживались почти каждую неделю. Мы просим отдел закупок проверить договоры
 и прислать список поставщиков до среды — «чем раньше, тем лучше», как сказал директор на вчерашнем совещании.`
	chinese = `季度 报告 显示 ， 销售额 增长 了 百分之 十二 。 请 采购 部门 在 星期三 之前 核对 合同 ， 并 把 供应商 名单 发给 我们 ； 经理 说 ： “ 越 早 越 好 。 ” 此外 ， 去年 的 托管 费用 被 低估 了 （ 见 附表 ） 。`
)

// words returns n bytes or a few less of the words of prose in any order.
func words(prose, between string, n int) string {
	rnd := rand.New(rand.NewPCG(7, 1))
	list := strings.Fields(prose)
	var out strings.Builder
	for {
		w := list[rnd.IntN(len(list))]
		if out.Len()+len(w)+len(between) > n {
			return out.String()
		}
		out.WriteString(w)
		out.WriteString(between)
	}
}

// A kind is a kind of text, of n bytes or a few less.
type kind struct {
	name string
	make func(english string, n int) string
}

// kinds are texts of which all but the first have characters that are not ASCII, made of
// English prompts or of the prose above.
var kinds = []kind{
	{"ASCII", func(s string, n int) string { return cut(ascii(s), n) }},
	{"one curly quote", func(s string, n int) string { s = cut(ascii(s), n-3); return s[:len(s)/2] + "’" + s[len(s)/2:] }},
	{"curly quotes, dashes", func(s string, n int) string { return cut(curly.Replace(ascii(s)), n) }},
	{"1 % accents", func(s string, n int) string {
		return every(ascii(s), 100, n, func(b byte) string { return accents.Replace(string(rune(b))) })
	}},
	{"an emoji a paragraph", func(s string, n int) string {
		return every(ascii(s), 400, n, func(b byte) string { return " \U0001f44d\U0001f3fd\u2764\ufe0f " })
	}},
	{"zero-width space a word", func(s string, n int) string { return cut(strings.ReplaceAll(ascii(s), " ", "\u200b "), n) }},
	{"base64 and a curly quote", func(s string, n int) string {
		rnd := rand.New(rand.NewPCG(7, 2))
		var out strings.Builder
		for s = ascii(s); out.Len() < n && len(s) > 600; s = s[600:] {
			out.WriteString(s[:600] + " “")
			for range 300 {
				out.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[rnd.IntN(64)])
			}
			out.WriteString("”\n")
		}
		return cut(out.String(), n)
	}},
	{"German", func(_ string, n int) string { return words(german, " ", n) }},
	{"French", func(_ string, n int) string { return words(french, " ", n) }},
	{"Russian", func(_ string, n int) string { return words(russian, " ", n) }},
	{"Chinese", func(_ string, n int) string { return words(chinese, "", n) }},
}

var (
	curly   = strings.NewReplacer(` "`, " “", `"`, "”", "'", "’", " - ", " — ", "...", "…")
	accents = strings.NewReplacer("a", "á", "e", "é", "i", "í", "o", "ö", "u", "ü", "n", "ñ", "c", "ç")
)

// ascii drops what is not.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x80 {
			return -1
		}
		return r
	}, s)
}

// cut returns n bytes of s, less the part of a character.
func cut(s string, n int) string { return strings.ToValidUTF8(s[:min(n, len(s))], "") }

// every puts something in the place of the first letter behind each of so many bytes.
func every(s string, gap, n int, what func(byte) string) string {
	var out strings.Builder
	for i, since := 0, 0; i < len(s) && out.Len() < n; i++ {
		if since++; since >= gap && s[i] >= 'a' && s[i] <= 'z' && (what(s[i]) != string(rune(s[i]))) {
			out.WriteString(what(s[i]))
			since = 0
			continue
		}
		out.WriteByte(s[i])
	}
	return cut(out.String(), n)
}

// sprinkled puts a character that is not ASCII behind each of so many bytes of s.
func sprinkled(s string, gap int) string {
	var out strings.Builder
	for ; len(s) > gap; s = s[gap:] {
		out.WriteString(s[:gap] + "’")
	}
	return out.String() + s
}
