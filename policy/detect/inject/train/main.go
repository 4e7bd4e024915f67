// Command train makes the weights of the injection scorer and measures them.
//
//	go run ./policy/detect/inject/train -data DIR            # measure and train
//	go run ./policy/detect/inject/train -data DIR -eval      # measure only
//	go run ./policy/detect/inject/train -data DIR -out DIR   # where the weights go
//	go run ./policy/detect/inject/train -data DIR -head results
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
	"path/filepath"
	"slices"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject/internal/linear"
)

func main() {
	set := settings{sure: 1e-4}
	var o options
	flag.StringVar(&o.data, "data", "", "folder of *.jsonl.gz, one file a source")
	flag.BoolVar(&o.evalOnly, "eval", false, "measure only, write no weights")
	flag.StringVar(&o.out, "out", "policy/detect/inject", "folder of the files to write, weights.bin and results.bin")
	flag.StringVar(&o.head, "head", "", "text or results, for one of the two heads; empty for both")
	flag.StringVar(&o.extra, "extra", "", "file or folder of benign texts to count false positives on")
	flag.StringVar(&o.folds, "folds", "", "folder where the models are kept: those that are there are not trained again")
	flag.BoolVar(&o.kinds, "kinds", false, "also measure the head for tool results with each kind of attack left out")
	flag.IntVar(&o.worst, "worst", 0, "print so many misjudged texts of each source")
	flag.IntVar(&set.bits, "bits", 20, "log2 of the number of weights")
	flag.IntVar(&set.epochs, "epochs", 6, "passes over the texts")
	flag.Float64Var(&set.rate, "rate", 0.1, "step size")
	flag.Float64Var(&set.decay, "decay", 1e-5, "L2 regularisation")
	flag.IntVar(&set.rare, "rare", 5, "leave out features in fewer texts")
	flag.Float64Var(&set.prune, "prune", 0.03, "leave out weights below this share of the heaviest")
	flag.Float64Var(&set.step, "step", 4, "weights are multiples of so many steps of 127")
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
	head             string
	kinds            bool
	evalOnly         bool
	worst            int
}

func run(w io.Writer, o options, set settings) error {
	rows, err := load(o.data)
	if err != nil {
		return err
	}
	if set.part < 1 || set.bits < 8 || set.bits > 22 || set.epochs < 1 {
		return fmt.Errorf("part %d, bits %d or epochs %d out of range", set.part, set.bits, set.epochs)
	}
	for _, h := range heads {
		if o.head != "" && o.head != h.name {
			continue
		}
		began := time.Now()
		m, err := h.make(w, o, rows, set)
		if err != nil {
			return fmt.Errorf("head %s: %w", h.name, err)
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
		fmt.Fprintf(w, "%d of %d weights in use, a file of %d bytes, %s\n", used, len(m.Table), len(file), time.Since(began).Round(time.Second))
		if o.evalOnly {
			continue
		}
		if err := os.WriteFile(filepath.Join(o.out, h.file), file, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// The heads of the scorer: one for what people write, one for what tools return.
var heads = []struct {
	name, file string
	make       func(w io.Writer, o options, rows []row, set settings) (*linear.Model, error)
}{
	{"text", "weights.bin", textHead},
	{"results", "results.bin", resultHead},
}

func textHead(w io.Writer, o options, rows []row, set settings) (*linear.Model, error) {
	start := time.Now()
	synthetic := grammar(set.seed, rows, set.part)
	weigh(rows, synthetic)
	fmt.Fprintf(w, "%d rows, %d synthetic\n", len(rows), len(synthetic))
	held, models, err := crossfit(rows, synthetic, set, o.folds, "fold")
	if err != nil {
		return nil, err
	}
	benign := report(w, held, models, rows, set, o.worst)
	fmt.Fprintf(w, "measured in %s\n", time.Since(start).Round(time.Second))
	late := lateTexts(set.seed, set.part)
	weigh(nil, late)
	m, err := foldModel(len(families), o.folds, "fold", func() *linear.Model { return fit(slices.Concat(rows, synthetic, late), set) })
	if err != nil {
		return nil, err
	}
	calibrate(m, benign)
	exam(w, m, o.worst > 0)
	if o.extra != "" {
		if err := extraReport(w, m, o.extra); err != nil {
			return nil, fmt.Errorf("count false positives: %w", err)
		}
	}
	return m, nil
}

func resultHead(w io.Writer, o options, rows []row, set settings) (*linear.Model, error) {
	set.starts, set.relative, set.sure = true, 1, 0.02
	set.bits, set.step = min(set.bits, resultBits), resultStep
	if o.kinds {
		leaveKinds(w, rows, set)
	}
	made := resultTexts(set.seed, rows, set.part)
	some := resultRows(rows)
	fmt.Fprintf(w, "\nhead for tool results: %d rows, %d synthetic\n", len(some), len(made))
	held, models, err := crossfit(some, made, set, o.folds, "results")
	if err != nil {
		return nil, err
	}
	resultReport(w, held, models, rows, o.worst)
	m, err := foldModel(len(families), o.folds, "results", func() *linear.Model { return fit(slices.Concat(some, made), set) })
	if err != nil {
		return nil, err
	}
	calibrateResults(m)
	resultExam(w, m, o.worst > 0)
	if o.extra != "" {
		if err := extraReport(w, m, o.extra); err != nil {
			return nil, fmt.Errorf("count false positives: %w", err)
		}
	}
	return m, nil
}

// The head for tool results is the smaller one.
const (
	resultBits = 19
	resultStep = 7
)

// fit trains one model on all rows.
func fit(rows []row, set settings) *linear.Model {
	docs := makeDocs(rows, set.starts)
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
