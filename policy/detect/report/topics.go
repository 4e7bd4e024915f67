package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/topic"
)

// topics prints, for each source of benign prompts, how many are of each class. The
// sources are not labelled by class; what they are says what to expect.
func (r *report) topics() error {
	files, err := filepath.Glob(filepath.Join(r.dir, "prompts", "*.jsonl.gz"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	r.printf("classes of benign prompts, per cent:%34s", "rows")
	for _, c := range topic.Classes() {
		r.printf(" %9s", c)
	}
	r.printf("\n")
	for _, f := range files {
		list, err := rows[struct {
			Text  string `json:"text"`
			Label int    `json:"label"`
			Kind  string `json:"kind"`
		}](f)
		if err != nil {
			return err
		}
		n, count := map[string]int{}, map[string]map[string]int{}
		for _, row := range list {
			if row.Label != 0 {
				continue
			}
			n[row.Kind]++
			for _, c := range topic.Of(row.Text) {
				if count[row.Kind] == nil {
					count[row.Kind] = map[string]int{}
				}
				count[row.Kind][c]++
				if r.verbose && c != topic.Code && c != topic.Data {
					r.printf("%s: %.120q\n", c, row.Text)
				}
			}
		}
		for kind, all := range n {
			r.printf("  %-55s %12d", strings.TrimSuffix(filepath.Base(f), ".jsonl.gz")+" "+kind, all)
			for _, c := range topic.Classes() {
				r.printf(" %9.1f", 100*float64(count[kind][c])/float64(all))
			}
			r.printf("\n")
		}
	}
	return nil
}
