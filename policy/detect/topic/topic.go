package topic

import (
	"math"
	"slices"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/automaton"
)

// The classes.
const (
	Code      = "code"      // a program, or questions about one with some of it
	Data      = "data"      // rows: tables, CSV, lists of JSON objects
	Legal     = "legal"     // contracts, courts, statutes
	Medical   = "medical"   // illness, treatment, patients
	Financial = "financial" // accounts, loans, markets, taxes
	HR        = "hr"        // hiring, pay, appraisal of people
)

// Classes returns all classes, sorted.
func Classes() []string { return []string{Code, Data, Financial, HR, Legal, Medical} }

// maxRead is how many bytes of a text are looked at, from its beginning.
const maxRead = 256 << 10

// Of returns the classes of a text, sorted. It takes linear time.
func Of(text string) []string {
	text = text[:min(len(text), maxRead)]
	var out []string
	if isCode(text) {
		out = append(out, Code)
	}
	if isData(text) {
		out = append(out, Data)
	}
	out = append(out, subjects(text)...)
	slices.Sort(out)
	return out
}

// subject is a class that words tell.
type subject struct {
	class string
	// strong words hardly occur elsewhere and count two, weak ones count one.
	strong, weak []string
}

type term struct {
	subject int
	points  float64
	size    int
}

var (
	terms   []term
	lexicon = func() *automaton.Automaton {
		var words []string
		for i, s := range allSubjects {
			for points, list := range map[float64][]string{2: s.strong, 1: s.weak} {
				for _, w := range list {
					words = append(words, w)
					terms = append(terms, term{i, points, len(w)})
				}
			}
		}
		return automaton.Must(words...)
	}()
)

// subjects returns the classes whose words the text has enough of: three points of
// different words, and more the longer the text is, because a long one holds words
// of everything.
func subjects(text string) (out []string) {
	seen := make([]bool, len(terms))
	points := make([]float64, len(allSubjects))
	lexicon.Find(text, func(w, start, end int) bool {
		if seen[w] || start > 0 && letter(text[start-1]) || end < len(text) && letter(text[end]) && !plural(text, end) {
			return true
		}
		seen[w] = true
		points[terms[w].subject] += terms[w].points
		return true
	})
	need := 3 + math.Max(0, math.Log2(float64(len(text))/1500))
	for i, s := range allSubjects {
		if points[i] >= need {
			out = append(out, s.class)
		}
	}
	return out
}

// plural tells whether what follows a word at end only makes it a plural.
func plural(text string, end int) bool {
	return text[end]|0x20 == 's' && (end+1 == len(text) || !letter(text[end+1]))
}

func letter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' || b >= 0x80 }

// signs are parts of programs.
var signs = automaton.Must("```", "#include", "import java", "from typing", "console.log(", "system.out.print", "public static", "private static", "def __init__", "return;", "});", "</div>", "</html>",
	"<?php", "select * from", "insert into ", "create table", "group by ", "order by ", "#!/bin/", "sudo ", "npm install", "pip install", "git commit", "func (", "func main", "fn main",
	"if err != nil", ":=", "=>", "->", "!==", "===", "&&", "||", "++;", "std::", "self.", "this.", "elif ", "else:", "lambda ", "import numpy", "import pandas", "traceback (most recent", "nullpointerexception", "segmentation fault", "println", "printf(", "async ", "await ", "= new ", "const ", "let ", "var ", "def ", "class ", "import ", "return ")

// isCode tells whether a text holds a program: several lines that are written like
// one, or many signs of one in few lines.
func isCode(text string) bool {
	lines, like := 0, 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		trimmed := strings.TrimLeft(line, " \t")
		if trimmed == "" {
			continue
		}
		lines++
		if codeLine(trimmed, len(line) > len(trimmed)) {
			like++
		}
	}
	kinds := map[int]bool{}
	signs.Find(text, func(w, start, end int) bool {
		if start == 0 || !letter(text[start-1]) || !letter(text[start]) {
			kinds[w] = true
		}
		return len(kinds) < 8
	})
	fence := strings.Count(text, "```") >= 2
	return fence && like >= 1 || like >= 2 && like*4 >= lines && len(kinds) >= 1 || like >= 3 && len(kinds) >= 3 || like >= 1 && len(kinds) >= 4
}

// codeLine tells whether a line looks like one of a program.
func codeLine(line string, indented bool) bool {
	switch line[len(line)-1] {
	case ';', '{':
		return len(line) > 1
	case '}':
		return true
	case ')':
		return strings.ContainsRune(line, '(') && !strings.Contains(line, ". ") && (strings.ContainsAny(line, "=._") || indented) && !strings.Contains(line, " (")
	case ':':
		return hasWord(line, "def ", "if ", "for ", "while ", "class ", "else", "elif ", "try", "except", "with ") && (indented || strings.ContainsAny(line, "()[]=<>"))
	}
	if hasWord(line, "import ", "from ", "return ", "#include", "def ", "func ", "fn ", "const ", "let ", "var ", "package ", "using ", "select ", "SELECT ", "$ ", "sudo ", "assert ", "print(") {
		return indented || strings.ContainsAny(line, "=(){};.<>*/_") && !strings.HasSuffix(line, ".")
	}
	at := strings.Index(line, " = ")
	return at > 0 && !strings.ContainsAny(line[:at], " \t") && !strings.HasSuffix(line, ".")
}

func hasWord(line string, words ...string) bool {
	for _, w := range words {
		if strings.HasPrefix(line, w) {
			return true
		}
	}
	return false
}

// isData tells whether a text holds rows: three lines in succession with as many of
// one separator, or many members of JSON.
func isData(text string) bool {
	for _, sep := range []byte{'|', '\t', ',', ';'} {
		run, last := 0, 0
		for line := range strings.Lines(text) {
			n := strings.Count(line, string(sep))
			if (sep == ',' || sep == ';') && (strings.Contains(line, string(sep)+" ") || strings.HasSuffix(strings.TrimRight(line, "\r\n"), string(sep))) {
				n = 0 // a sentence, or a line of a program
			}
			if n >= 2 && n == last {
				if run++; run >= 3 {
					return true
				}
			} else {
				run = min(n/2, 1)
			}
			last = n
		}
	}
	return strings.Count(text, `":`) >= 8 && strings.Count(text, `":`)*60 >= len(text)
}
