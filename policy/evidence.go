package policy

import (
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// listNames are the lists of `prompt` as rules name them.
var listNames = [numSelections]string{
	selectAll: "prompt.all", selectUser: "prompt.user", selectSystem: "prompt.system",
	selectToolResults: "prompt.tool_results", selectUntrusted: "prompt.untrusted",
	selectAside: "prompt.aside", selectAnswer: "response",
}

// evidence notes on the Exchange that a detector ran over a list of segments with
// this result; nil says that it did not come to one.
func (s *selection) evidence(function string, size int, result ref.Val) {
	// What follows a blank is an argument, which may be the operator's secret.
	name, _, _ := strings.Cut(function, " ")
	e := llm.Scan{Detector: name, Where: listNames[s.kind], Texts: s.size(), Bytes: int64(size), Verdict: llm.ScanUnfinished}
	switch v := result.(type) {
	case types.Int:
		if name == "tokens" { // a measure, no verdict
			return
		}
		e.Found = int(v)
		e.Verdict = scanVerdict(e.Found)
	case types.Double:
		e.Verdict, e.ScoreMillis = llm.ScanScored, int(float64(v)*1000+0.5)
	case types.Bool:
		if v {
			e.Found = 1
		}
		e.Verdict = scanVerdict(e.Found)
	case traits.Lister:
		if n, ok := v.Size().(types.Int); ok {
			e.Found = int(n)
			e.Verdict = scanVerdict(e.Found)
		}
	}
	s.e.x.Scanned(e)
}

func scanVerdict(found int) string {
	if found > 0 {
		return llm.ScanFound
	}
	return llm.ScanClear
}

// evidence notes on the Exchange that the detectors of the rules ran over an answer.
func (r *Review) evidence() {
	w := &r.set.watched
	if r.texts == 0 {
		return
	}
	add := func(detector string, found int) {
		e := llm.Scan{Detector: detector, Where: listNames[selectAnswer], Texts: r.texts, Bytes: r.bytes, Found: found, Verdict: scanVerdict(found)}
		if found == 0 && r.open > 0 { // it broke off while something was held back
			e.Verdict = llm.ScanUnfinished
		}
		r.x.Scanned(e)
	}
	if w.secrets {
		add("secrets", len(r.found.secrets))
	}
	if w.pii {
		add("pii", len(r.found.pii))
	}
	if len(w.phrases) > 0 {
		add("has_phrase", len(r.found.phrases))
	}
}
