package inject

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject/internal/linear"
)

//go:embed weights.bin
var weights []byte

//go:embed results.bin
var resultWeights []byte

// Scores that mean something. They are calibrated for each length of text on
// benign texts of sources that the model had not seen.
const (
	// Percent is the score that about one benign text in a hundred reaches.
	Percent = 0.9
	// Mille is the score that about one benign text in a thousand reaches.
	Mille = 0.99
)

// MaxRead is how many bytes of a text are looked at. Of a longer one these are
// its first third of MaxRead, its last, and pieces of 4 KiB spread evenly in
// between; what lies between those pieces is not seen.
const MaxRead = linear.MaxRead

// A Model scores texts. It is safe for concurrent use.
type Model struct {
	linear *linear.Model
}

// The weights are unpacked when first needed: a process that never scores
// spends neither the time nor the memory.
var (
	loadText    = sync.OnceValue(func() *Model { return unpack(weights) })
	loadResults = sync.OnceValue(func() *Model { return unpack(resultWeights) })
)

func unpack(file []byte) *Model {
	m, err := linear.Decode(file)
	if err != nil {
		// The file is part of the binary and read by a test; only a damaged
		// build gets here, and it must not pass for a harmless score.
		panic(fmt.Sprintf("injection weights: %v", err))
	}
	return &Model{linear: m}
}

// New returns the embedded model for texts that people write to a language
// model, and for texts of which nobody knows what they are. The first call
// unpacks it, some milliseconds; all calls return the same Model.
func New() *Model { return loadText() }

// ToolResults returns the embedded model for what tools return: mails, pages,
// records, files. There every sentence that asks the reader for something
// that the tool has no reason to ask for counts, be it harmless or not:
// "translate this into French" is a question from a user and an injection in a
// table. Do not score what users write with it. Otherwise it is as New.
func ToolResults() *Model { return loadResults() }

// Score is New().Score(text): for prompts, and where the kind of a text is not known.
func Score(text string) float64 { return New().Score(text) }

// ScoreToolResult scores what a tool returned: the higher score of the two models.
// ToolResults finds what stands out of a text, New what is an attack anywhere.
func ScoreToolResult(text string) float64 { return max(New().Score(text), ToolResults().Score(text)) }

// Revision returns sixteen hexadecimal digits that name the embedded weights,
// for records of what judged a text.
func Revision() string {
	h := sha256.New()
	h.Write(weights)
	h.Write(resultWeights)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Score returns how much text looks like an injection, from 0 to 1. About one
// benign text in a hundred scores Percent or more and one in a thousand Mille
// or more; other scores only order texts and are no probabilities of an attack.
// The text may be raw or normalised, of any language, and need not be valid
// UTF-8. Time is linear in its length and bounded by MaxRead; nothing is
// allocated.
func (m *Model) Score(text string) float64 {
	var s linear.Scanner
	return linear.Probability(s.Scan(m.linear, text).Odds)
}

// A Finding is a score and the part of the text that earned it.
type Finding struct {
	// Score is what Score returns.
	Score float64
	// From and To are the bytes [From, To) of the window of the text, of up to
	// some 320 characters, that looks most like an injection. They may cut
	// through a character, and a word at either end.
	From, To int
}

// Find is Score that also tells which part of the text looked worst.
func (m *Model) Find(text string) Finding {
	var s linear.Scanner
	f := s.Scan(m.linear, text)
	return Finding{Score: linear.Probability(f.Odds), From: f.From, To: f.To}
}

// A Stream scores a text that arrives in pieces. It is for one goroutine.
type Stream struct {
	scan linear.Scanner
}

// Stream returns a new, empty Stream.
func (m *Model) Stream() *Stream {
	s := new(Stream)
	s.scan.Reset(m.linear)
	return s
}

// WriteString takes the next piece, cut anywhere. It always takes all of it.
func (s *Stream) WriteString(piece string) (int, error) {
	s.scan.Write(piece)
	return len(piece), nil
}

// Score returns the score of all pieces together, the same as Model.Score of
// the whole text while that is not longer than MaxRead. A stream looks at
// everything, however long. More may be written after.
func (s *Stream) Score() float64 { return linear.Probability(s.scan.Found().Odds) }
