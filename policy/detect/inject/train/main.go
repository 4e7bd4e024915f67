// Command train makes the weights of the injection scorer and measures them.
//
//	go run ./policy/detect/inject/train -data DIR            # measure and train
//	go run ./policy/detect/inject/train -data DIR -eval      # measure only
//	go run ./policy/detect/inject/train -data DIR -out FILE  # where the weights go
//
// DIR holds labelled texts, a gzipped file of JSON lines for each source. What
// is measured is always leave-one-source-out: rows of one source resemble each
// other, so that a split at random would flatter every model.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject/internal/linear"
)

func main() {
	set := settings{}
	data := flag.String("data", "", "folder of *.jsonl.gz, one file a source")
	eval := flag.Bool("eval", false, "measure only, write no weights")
	out := flag.String("out", "policy/detect/inject/weights.bin", "file to write")
	flag.IntVar(&set.bits, "bits", 20, "log2 of the number of weights")
	flag.IntVar(&set.epochs, "epochs", 6, "passes over the texts")
	flag.Float64Var(&set.rate, "rate", 0.1, "step size")
	flag.Float64Var(&set.decay, "decay", 1e-5, "L2 regularisation")
	flag.IntVar(&set.rare, "rare", 5, "leave out features in fewer texts")
	flag.Float64Var(&set.prune, "prune", 0.03, "leave out weights below this share of the heaviest")
	flag.Uint64Var(&set.seed, "seed", 1, "of everything drawn by lot")
	extra := flag.String("extra", "", "file or folder of benign texts to count false positives on")
	worst := flag.Int("worst", 0, "print so many misjudged texts of each source")
	flag.Parse()
	if err := run(*data, *out, *extra, *eval, *worst, set); err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1)
	}
}

func run(data, out, extra string, evalOnly bool, worst int, set settings) error {
	start := time.Now()
	rows, err := load(data)
	if err != nil {
		return err
	}
	synthetic := grammar(set.seed, rows)
	weigh(rows, synthetic)
	fmt.Printf("%d rows, %d synthetic\n", len(rows), len(synthetic))
	held, models := crossfit(rows, synthetic, set)
	benign := report(held, models, rows, set, worst)
	fmt.Printf("measured in %s\n", time.Since(start).Round(time.Second))
	all := append(append([]row(nil), rows...), synthetic...)
	docs := makeDocs(all)
	part := make([]*doc, len(docs))
	for i := range docs {
		part[i] = &docs[i]
	}
	l := newLearner(set)
	l.train(part)
	m := l.model()
	calibrate(m, benign)
	exam(m, worst > 0)
	if extra != "" {
		if err := extraReport(m, extra); err != nil {
			return err
		}
	}
	file, err := linear.Encode(m)
	if err != nil {
		return err
	}
	used := 0
	for _, w := range m.Table {
		if w != 0 {
			used++
		}
	}
	fmt.Printf("%d of %d weights in use\n", used, len(m.Table))
	fmt.Printf("weights: %d bytes, %s\n", len(file), time.Since(start).Round(time.Second))
	if evalOnly {
		return nil
	}
	return os.WriteFile(out, file, 0o644)
}

// kindWeight is what a text of the grammar counts, where it is not 1: there
// are many windows in a document, and the harmless texts close to attacks
// teach most.
var kindWeight = map[string]float32{"document": 0.5, "carrier": 0.7, "hard": 1.5, "tool": 1.3}

// weigh gives each row its weight in training.
func weigh(rows, synthetic []row) {
	for i := range rows {
		rows[i].weight = 1
		if rows[i].Label == 0 {
			rows[i].weight = 1.5
		}
	}
	for i := range synthetic {
		synthetic[i].weight = 1
		if w, ok := kindWeight[synthetic[i].Kind]; ok {
			synthetic[i].weight = w
		}
	}
}
