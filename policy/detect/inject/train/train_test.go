package main

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject/internal/linear"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/measure"
)

func shipped(t *testing.T, name string) *linear.Model {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	m, err := linear.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The floors lie below what the shipped weights do, and above what weights
// would do that were made from a broken grammar, table or calibration.
func TestShippedWeightsHoldTheirFloor(t *testing.T) {
	m := shipped(t, "weights.bin")
	hits := make(map[string]int)
	total := make(map[string]int)
	var s linear.Scanner
	for _, r := range grammar(4711, nil, 40) {
		total[r.Kind]++
		if s.Scan(m, r.Text).Odds >= oddsPercent {
			hits[r.Kind]++
		}
	}
	for kind, floor := range map[string]float64{"direct": 0.9, "persona": 0.95, "tool": 0.85, "language": 0.9} {
		if got := float64(hits[kind]) / float64(total[kind]); got < floor || total[kind] < 50 {
			t.Errorf("%s: %.3f of %d attacks found, floor %.2f", kind, got, total[kind], floor)
		}
	}
	for kind, ceiling := range map[string]float64{"hard": 0.03, "carrier": 0.03, "document": 0.03, "foreign": 0.03} {
		if got := float64(hits[kind]) / float64(total[kind]); got > ceiling || total[kind] < 50 {
			t.Errorf("%s: %.3f of %d harmless texts flagged, ceiling %.2f", kind, got, total[kind], ceiling)
		}
	}
}

// The same for the head for tool results. Texts drawn by another seed are of the same lists:
// they tell a broken file from a sound one and no more.
func TestShippedResultsHoldTheirFloor(t *testing.T) {
	m := shipped(t, "results.bin")
	hits := make(map[string]int)
	total := make(map[string]int)
	var s linear.Scanner
	for _, r := range resultTexts(4711, nil, 40) {
		total[r.Kind]++
		if s.Scan(m, r.Text).Odds >= oddsPercent {
			hits[r.Kind]++
		}
	}
	for kind, floor := range map[string]float64{"asked": 0.6, "shaping": 0.85, "codeask": 0.9, "agent": 0.75, "direct": 0.75, "language": 0.6} {
		if got := float64(hits[kind]) / float64(total[kind]); got < floor || total[kind] < 50 {
			t.Errorf("%s: %.3f of %d attacks found, floor %.2f", kind, got, total[kind], floor)
		}
	}
	for kind, ceiling := range map[string]float64{"clean": 0.02, "people": 0.03, "document": 0.02, "foreign": 0.03, "late": 0.03} {
		if got := float64(hits[kind]) / float64(total[kind]); got > ceiling || total[kind] < 50 {
			t.Errorf("%s: %.3f of %d harmless texts flagged, ceiling %.2f", kind, got, total[kind], ceiling)
		}
	}
}

// A text of another hand is put whole into a carrier, and its place is known.
func TestCarriersTellWhereTheAttackIs(t *testing.T) {
	s := &speaker{lex: lists(), rnd: rand.New(rand.NewPCG(1, 1)), nested: true}
	for range 3000 {
		c := s.carry(nil)
		if clean := c.clean(); strings.ContainsAny(clean, slotMark+openMark+closeMark) || strings.Contains(clean, "{subject}") {
			t.Fatalf("slots are left in %q", clean)
		}
		r := place(row{Text: s.with(c, "Write a poem about bees."), Label: 1})
		if strings.ContainsAny(r.Text, slotMark+openMark+closeMark) {
			t.Fatalf("marks are left in %q", r.Text)
		}
		if got := r.Text[r.from:r.to]; !strings.Contains(got, "Write a poem about bees.") || len(got) > 40 {
			t.Fatalf("at the place of the attack is %q, in %q", got, r.Text)
		}
		if d := features(r, 1<<20, true); d.to <= d.from || d.until > d.to || d.to > len(d.ends) {
			t.Fatalf("blocks %d, %d, %d of %d", d.from, d.until, d.to, len(d.ends))
		}
	}
	if d := features(row{Text: strings.Repeat("word ", 400) + "attack", Label: 1, from: 2000, to: 2006}, 50, true); len(d.ends) > 0 {
		t.Error("an attack that was cut off is learned")
	}
	if r := place(row{Text: "as it was", Label: 1}); r.Text != "as it was" || r.to != 0 {
		t.Errorf("%+v", r)
	}
}

// What the head for tool results takes for requests and for prose.
func TestRowsAreSortedIntoRequestsAndProse(t *testing.T) {
	r := row{Source: "t0_p3", Text: "Read the article. The bridge was built in 1911 by two brothers. It has four lanes and a path for bicycles. Did you know that? What is the bridge like?"}
	if got := asked(r); len(got) != 1 || got[0] != "Did you know that?" {
		t.Errorf("asked: %q", got)
	}
	if got := told(r); len(got) != 2 || got[0] != "The bridge was built in 1911 by two brothers." {
		t.Errorf("told: %q", got)
	}
	for source, want := range map[string]string{"mbpp": "Write a function that adds.", "gpteacher_toolformer": "print(a + b) # the sum", "gsm8k": "print(a + b) # the sum", "bipia_train": ""} {
		got := strings.Join(asked(row{Source: source, Text: "Write a function that adds.\nprint(a + b) # the sum"}), "|")
		if got != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}

func TestShippedWeightsPassTheExam(t *testing.T) {
	m := shipped(t, "weights.bin")
	for _, c := range []struct {
		name      string
		texts     string
		low, high float64
	}{
		{"explicit override", examOverride, 0.9, 1},
		{"extraction", examExtract, 0.85, 1},
		{"jailbreak", examJailbreak, 0.85, 1},
		{"tool results", examTool, 0.85, 1},
		{"not English", examForeign, 0.65, 1},
		{"trigger words", examTrigger, 0, 0.03},
		{"harmless tool results", examToolClean, 0, 0.1},
		{"harmless, not English", examForeignClean, 0, 0.06},
	} {
		if got := measure.Above(examOdds(m, c.texts, nil), oddsPercent); got < c.low || got > c.high {
			t.Errorf("%s: %.3f flagged, want %.2f to %.2f", c.name, got, c.low, c.high)
		}
	}
}

// small is a training that takes a second.
var small = settings{bits: 14, epochs: 2, rate: 0.1, decay: 1e-5, rare: 2, prune: 0.02, part: 200, seed: 3, sure: 1e-4}

func TestTrainingIsReproducible(t *testing.T) {
	make := func(seed uint64) []byte {
		set := small
		set.seed = seed
		rows := grammar(seed, nil, set.part)
		weigh(nil, rows)
		set.starts, set.relative = seed%2 == 1, 1
		rows = append(rows, resultTexts(seed, nil, 4*set.part)...)
		file, err := linear.Encode(fit(rows, set))
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	first := make(3)
	if !bytes.Equal(first, make(3)) {
		t.Error("the same seed makes other weights")
	}
	if bytes.Equal(first, make(4)) {
		t.Error("another seed makes the same weights")
	}
}

func TestRunMeasuresAndWrites(t *testing.T) {
	dir := t.TempDir()
	rows := grammar(9, nil, 150)
	for i, source := range []string{"spikee", "t0_p3", "bipia_train", "pallms_pi"} {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		for k, r := range rows {
			if k%4 != i {
				continue
			}
			line, err := json.Marshal(map[string]any{"text": r.Text, "label": r.Label, "kind": r.Kind})
			if err != nil {
				t.Fatal(err)
			}
			z.Write(append(line, '\n'))
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, source+".jsonl.gz"), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := run(&out, options{data: dir, out: dir, extra: dir, kinds: true}, small); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"spikee", "in 4 KB of benign text", "exam", "flagged, by bucket", "head for tool results", "in 4 KB", "left out of training"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the report does not tell of %q", part)
		}
	}
	for _, name := range []string{"weights.bin", "results.bin"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := linear.Decode(b); err != nil {
			t.Error(err)
		}
	}
}

func TestBadDataIsRefused(t *testing.T) {
	empty := t.TempDir()
	if _, err := load(empty); err == nil {
		t.Error("a folder without data was read")
	}
	for name, content := range map[string][]byte{"not gzip": []byte("x"), "not JSON": zipped("{"), "wrong type": zipped(`{"text": 5}`)} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.jsonl.gz"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := load(dir); err == nil {
			t.Errorf("%s: read without an error", name)
		}
	}
}

func zipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.Bytes()
}

func TestGrammarNamesOnlyListsThatExist(t *testing.T) {
	x := lists()
	words := make(map[string]bool)
	for name := range x {
		words[name] = true
	}
	for name, phrases := range x {
		for _, p := range phrases {
			for rest := p; ; {
				_, after, ok := strings.Cut(rest, "{")
				if !ok {
					break
				}
				slot, tail, ok := strings.Cut(after, "}")
				if !ok {
					break
				}
				rest = tail
				slot = strings.TrimSuffix(slot, "?")
				plain := slot != "" && strings.Trim(slot, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.") == ""
				if plain && !words[slot] && slot != "ATTACK" {
					t.Errorf("list %s: no list %q in %q", name, slot, p)
				}
			}
		}
	}
}

func TestMeasures(t *testing.T) {
	if got := measure.AUC([]float64{3, 4}, []float64{1, 2}); got != 1 {
		t.Errorf("apart: %v", got)
	}
	if got := measure.AUC([]float64{1, 2}, []float64{1, 2}); got != 0.5 {
		t.Errorf("alike: %v", got)
	}
	if got := measure.Above([]float64{1, 2, 3, 4}, 3); got != 0.5 {
		t.Errorf("above: %v", got)
	}
	if got := weighted([]float64{3, 1, 2}, []float64{1, 1, 8}, 0.5); got != 2 {
		t.Errorf("weighted: %v", got)
	}
}
