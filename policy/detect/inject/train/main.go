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
	"io"
	"os"
	"slices"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject/internal/linear"
)

func main() {
	set := settings{}
	var o options
	flag.StringVar(&o.data, "data", "", "folder of *.jsonl.gz, one file a source")
	flag.BoolVar(&o.evalOnly, "eval", false, "measure only, write no weights")
	flag.StringVar(&o.out, "out", "policy/detect/inject/weights.bin", "file to write")
	flag.StringVar(&o.extra, "extra", "", "file or folder of benign texts to count false positives on")
	flag.StringVar(&o.folds, "folds", "", "folder where the models are kept: those that are there are not trained again")
	flag.IntVar(&o.worst, "worst", 0, "print so many misjudged texts of each source")
	flag.IntVar(&set.bits, "bits", 20, "log2 of the number of weights")
	flag.IntVar(&set.epochs, "epochs", 6, "passes over the texts")
	flag.Float64Var(&set.rate, "rate", 0.1, "step size")
	flag.Float64Var(&set.decay, "decay", 1e-5, "L2 regularisation")
	flag.IntVar(&set.rare, "rare", 5, "leave out features in fewer texts")
	flag.Float64Var(&set.prune, "prune", 0.03, "leave out weights below this share of the heaviest")
	flag.IntVar(&set.part, "part", 1, "use one in so many of the synthetic texts")
	flag.Uint64Var(&set.seed, "seed", 1, "of everything drawn by lot")
	flag.Parse()
	if err := run(os.Stdout, o, set); err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1)
	}
}

// options tell what the command reads, writes and prints.
type options struct {
	data, out, extra string
	folds            string
	evalOnly         bool
	worst            int
}

func run(w io.Writer, o options, set settings) error {
	start := time.Now()
	rows, err := load(o.data)
	if err != nil {
		return err
	}
	if set.part < 1 || set.bits < 8 || set.bits > 22 || set.epochs < 1 {
		return fmt.Errorf("part %d, bits %d or epochs %d out of range", set.part, set.bits, set.epochs)
	}
	synthetic := grammar(set.seed, rows, set.part)
	weigh(rows, synthetic)
	fmt.Fprintf(w, "%d rows, %d synthetic\n", len(rows), len(synthetic))
	held, models, err := crossfit(rows, synthetic, set, o.folds)
	if err != nil {
		return err
	}
	benign := report(w, held, models, rows, set, o.worst)
	fmt.Fprintf(w, "measured in %s\n", time.Since(start).Round(time.Second))
	late := lateTexts(set.seed, set.part)
	weigh(nil, late)
	m, err := foldModel(len(families), o.folds, func() *linear.Model { return fit(slices.Concat(rows, synthetic, late), set) })
	if err != nil {
		return err
	}
	calibrate(m, benign)
	exam(w, m, o.worst > 0)
	if o.extra != "" {
		if err := extraReport(w, m, o.extra); err != nil {
			return fmt.Errorf("count false positives: %w", err)
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
	fmt.Fprintf(w, "%d of %d weights in use, a file of %d bytes, %s\n", used, len(m.Table), len(file), time.Since(start).Round(time.Second))
	if o.evalOnly {
		return nil
	}
	return os.WriteFile(o.out, file, 0o644)
}

// fit trains one model on all rows.
func fit(rows []row, set settings) *linear.Model {
	docs := makeDocs(rows)
	part := make([]*doc, len(docs))
	for i := range docs {
		part[i] = &docs[i]
	}
	l := newLearner(set)
	l.train(part)
	return l.model()
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
