// Command report measures the detectors on labelled texts that are not part of
// the repository: what they find, what they flag without reason, how fast they
// are.
//
//	go run ./policy/detect/report -data DIR
//
// DIR holds secrets.jsonl.gz ({text, label, provider}), pii.json.gz (sentences
// with spans) and prompts/*.jsonl.gz ({text, label, source, kind}).
package main

import (
	"bufio"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/made"
)

func main() {
	data := flag.String("data", "", "the folder with the labelled texts")
	verbose := flag.Bool("v", false, "print what was missed and what was flagged without reason")
	only := flag.String("only", "", "secrets, pii, injection, topics or speed; empty for all")
	extra := flag.String("extra", "", "a folder of harmless files: count what is flagged in them, and nothing else")
	seed := flag.Uint64("made", 0, "measure on texts that the program makes itself from this seed, and nothing else")
	worst := flag.Int("worst", -1, "look for repeated strings that take long, the slowest changed at random for so many rounds, and nothing else")
	flag.Parse()
	if *worst >= 0 {
		r := &report{out: os.Stdout}
		r.worst(*worst)
		return
	}
	if *seed != 0 {
		r := &report{verbose: *verbose, out: os.Stdout}
		for i := range made.Sets {
			r.made(&made.Sets[i], *seed)
		}
		r.madePersonal(*seed)
		return
	}
	if *extra != "" {
		r := &report{verbose: *verbose, out: os.Stdout}
		if err := r.extra(*extra); err != nil {
			fmt.Fprintln(os.Stderr, "report:", err)
			os.Exit(1)
		}
		return
	}
	if *data == "" {
		fmt.Fprintln(os.Stderr, "-data is missing: the folder with the labelled texts")
		os.Exit(2)
	}
	r := &report{dir: *data, verbose: *verbose, out: os.Stdout}
	for _, part := range []struct {
		name string
		run  func() error
	}{{"secrets", r.secrets}, {"pii", r.pii}, {"injection", r.injection}, {"topics", r.topics}, {"speed", r.speed}} {
		if *only != "" && *only != part.name {
			continue
		}
		if err := part.run(); err != nil {
			fmt.Fprintln(os.Stderr, "report:", err)
			os.Exit(1)
		}
	}
}

type report struct {
	dir     string
	verbose bool
	out     io.Writer
	benign  []string
}

func (r *report) printf(format string, args ...any) { fmt.Fprintf(r.out, format, args...) }

// rows reads a file of JSON lines.
func rows[T any](path string) (out []T, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	d := jsontext.NewDecoder(bufio.NewReader(z))
	for {
		var row T
		if err := json.UnmarshalDecode(d, &row); err == io.EOF {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		out = append(out, row)
	}
}

// prompts returns the benign prompts of all sources.
func (r *report) prompts() ([]string, error) {
	if r.benign != nil {
		return r.benign, nil
	}
	files, err := filepath.Glob(filepath.Join(r.dir, "prompts", "*.jsonl.gz"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for _, f := range files {
		list, err := rows[struct {
			Text  string `json:"text"`
			Label int    `json:"label"`
		}](f)
		if err != nil {
			return nil, err
		}
		for _, row := range list {
			if row.Label == 0 {
				r.benign = append(r.benign, row.Text)
			}
		}
	}
	return r.benign, nil
}
