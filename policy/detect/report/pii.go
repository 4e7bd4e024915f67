package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
)

// entities are the names of the data for rules.
var entities = map[string]string{
	"EMAIL_ADDRESS": pii.Email, "PHONE_NUMBER": pii.Phone, "CREDIT_CARD": pii.Card, "IBAN_CODE": pii.IBAN, "IP_ADDRESS": pii.IP, "US_SSN": pii.SSN,
}

// pii prints precision and recall by rule, and what benign prompts hold.
func (r *report) pii() error {
	f, err := os.Open(filepath.Join(r.dir, "pii.json.gz"))
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	var list []struct {
		Text  string `json:"full_text"`
		Spans []struct {
			Type  string `json:"entity_type"`
			Start int    `json:"start_position"`
			End   int    `json:"end_position"`
		} `json:"spans"`
	}
	if err := json.UnmarshalRead(bufio.NewReader(z), &list); err != nil {
		return err
	}
	type count struct{ all, found, exact, flagged, wrong int }
	by := map[string]*count{}
	get := func(rule string) *count {
		if by[rule] == nil {
			by[rule] = new(count)
		}
		return by[rule]
	}
	s := pii.New()
	for _, row := range list {
		at := bytesOf(row.Text)
		matches := s.Scan(nil, row.Text)
		for _, span := range row.Spans {
			rule, ok := entities[span.Type]
			if !ok {
				continue
			}
			c := get(rule)
			c.all++
			hit := false
			for _, m := range matches {
				if m.Rule == rule && m.Start < at[span.End] && m.End > at[span.Start] {
					hit = true
					if m.Start <= at[span.Start] && m.End >= at[span.End] {
						c.exact++
					}
				}
			}
			if hit {
				c.found++
			} else if r.verbose {
				r.printf("missed %s: %q in %.90q\n", rule, row.Text[at[span.Start]:at[span.End]], row.Text[max(0, at[span.Start]-40):])
			}
		}
		for _, m := range matches {
			c := get(m.Rule)
			c.flagged++
			right := false
			for _, span := range row.Spans {
				if entities[span.Type] == m.Rule && m.Start < at[span.End] && m.End > at[span.Start] {
					right = true
				}
			}
			if !right {
				c.wrong++
				if r.verbose {
					r.printf("wrong %s: %q in %.90q\n", m.Rule, row.Text[m.Start:m.End], row.Text[max(0, m.Start-40):])
				}
			}
		}
	}
	r.printf("personal data: precision, recall, covered whole\n")
	for _, rule := range slices.Sorted(maps.Keys(by)) {
		c := by[rule]
		r.printf("  %-20s %.3f %.3f %.3f  (%d labelled, %d flagged)\n", rule, ratio(c.flagged-c.wrong, c.flagged), ratio(c.found, c.all), ratio(c.exact, c.all), c.all, c.flagged)
	}
	benign, err := r.prompts()
	if err != nil {
		return err
	}
	which := map[string]int{}
	for _, text := range benign {
		seen := map[string]bool{}
		for _, m := range s.Scan(nil, text) {
			if !seen[m.Rule] {
				seen[m.Rule] = true
				which[m.Rule]++
			}
			if r.verbose {
				r.printf("benign %s: %.80q in %.60q\n", m.Rule, text[m.Start:m.End], text[max(0, m.Start-50):m.Start])
			}
		}
	}
	r.printf("benign prompts (%d) that hold\n", len(benign))
	for _, rule := range slices.SortedFunc(maps.Keys(which), func(a, b string) int { return cmp.Or(cmp.Compare(which[b], which[a]), strings.Compare(a, b)) }) {
		r.printf("  %-20s %d\n", rule, which[rule])
	}
	return nil
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

// bytesOf returns the byte at which each character of text begins, and its end.
func bytesOf(text string) []int {
	var out []int
	for i := range text {
		out = append(out, i)
	}
	return append(out, len(text))
}
