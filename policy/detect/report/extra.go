package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/secrets"
)

// Bounds of what extra reads.
const (
	extraFile  = 256 << 10 // larger files are left out
	extraPiece = 1500      // a text is about so many bytes of a file, cut at a line
)

// extra counts what is flagged in the files below a folder, which ought to be
// harmless: manuals, source code. Each piece of a file counts as one text.
func (r *report) extra(dir string) error {
	scanners := map[string]detect.Incremental{"secrets": secrets.New(), "pii": pii.New()}
	texts := 0
	flagged := map[string]int{}
	by := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := readText(path)
		if err != nil {
			return err
		}
		for len(b) > 0 {
			n := min(len(b), extraPiece)
			if i := bytes.IndexByte(b[n:], '\n'); i >= 0 && i < extraPiece {
				n += i + 1
			}
			text := string(b[:n])
			b = b[n:]
			texts++
			for name, s := range scanners {
				found := s.Scan(nil, text)
				if len(found) > 0 {
					flagged[name]++
				}
				for _, m := range found {
					by[name+" "+m.Rule]++
					if r.verbose {
						r.printf("extra %s: %.80q behind %.60q in %s\n", m.Rule, text[m.Start:m.End], text[max(0, m.Start-50):m.Start], strings.TrimPrefix(path, dir))
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.printf("extra: of %d texts %d with a secret, %d with personal data\n", texts, flagged["secrets"], flagged["pii"])
	for _, k := range slices.SortedFunc(maps.Keys(by), func(a, b string) int { return cmp.Or(cmp.Compare(by[b], by[a]), strings.Compare(a, b)) }) {
		r.printf("  %-40s %d\n", k, by[k])
	}
	return nil
}

// readText returns a file, unpacked, or nothing if it is large or no text.
func readText(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, nil
		}
		in = z
	}
	b, err := io.ReadAll(io.LimitReader(in, extraFile+1))
	if err != nil || len(b) > extraFile || !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		return nil, nil
	}
	return b, nil
}
