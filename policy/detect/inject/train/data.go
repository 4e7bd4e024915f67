package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"github.com/go-json-experiment/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// A row is one labelled text.
type row struct {
	Text     string `json:"text"`
	Label    int    `json:"label"` // 1 attack, 0 benign
	Source   string `json:"source"`
	Kind     string `json:"kind"`
	weight   float32
	from, to int // the bytes of the attack, where it is known; to is 0 otherwise
}

// load reads every *.jsonl.gz of dir, in the order of their names. Rows with
// the same text as an earlier one are left out.
func load(dir string) ([]row, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl.gz"))
	if err != nil {
		return nil, fmt.Errorf("list data: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no *.jsonl.gz in %s", dir)
	}
	sort.Strings(names)
	var rows []row
	seen := make(map[string]bool)
	for _, name := range names {
		got, err := loadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Base(name), err)
		}
		for _, r := range got {
			if r.Text == "" || seen[r.Text] {
				continue
			}
			seen[r.Text] = true
			rows = append(rows, r)
		}
	}
	return rows, nil
}

func loadFile(name string) ([]row, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	source := strings.TrimSuffix(filepath.Base(name), ".jsonl.gz")
	var rows []row
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, err
		}
		r.Source = source
		rows = append(rows, r)
	}
	return rows, lines.Err()
}
