package norm

import (
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// maxEncoded is how many bytes of a run an Encoded scanner reads.
const maxEncoded = 1024

// Encoded returns a scanner that finds what the scanners find in what is encoded
// in a text, once: see Runs. A match is a whole run. Of a run longer than 1 KiB
// only the first KiB is read; what is behind it is plain text to this scanner.
// Unlike Deep it works on a Stream too, and finds the same there as in a whole
// text; the stream then holds back a run until it ends.
func Encoded(scanners ...detect.Incremental) detect.Incremental { return encoded(scanners) }

type encoded []detect.Incremental

// MaxMatch implements detect.Scanner.
func (encoded) MaxMatch() int { return maxEncoded }

// MaxHeld implements detect.Incremental.
func (encoded) MaxHeld() int { return maxEncoded + 1 }

// Scan implements detect.Scanner.
func (e encoded) Scan(dst []detect.Match, text string) []detect.Match {
	dst, _ = e.Advance(dst, text, 0, true)
	return dst
}

// Advance implements detect.Incremental.
func (e encoded) Advance(dst []detect.Match, text string, from int, final bool) ([]detect.Match, int) {
	for p := from; p < len(text); {
		if !runByte(text[p]) || p > 0 && runByte(text[p-1]) {
			p++
			continue
		}
		end, escapes := p, false
		for end < len(text) && end-p < maxEncoded && runByte(text[end]) {
			escapes = escapes || text[end] == '%'
			end++
		}
		if end == len(text) && end-p < maxEncoded && !final {
			return dst, p
		}
		if end-p < minRun && !escapes {
			p = end
			continue
		}
		if r, ok := decode(text[p:end]); ok {
			if m, ok := e.first(r.Text); ok {
				dst = append(dst, detect.Match{Start: p + r.Start, End: p + r.End, Rule: m.Rule, Kind: m.Kind})
			}
		}
		p = end
	}
	return dst, len(text)
}

// first returns the first match in text.
func (e encoded) first(text string) (detect.Match, bool) {
	found := detect.ScanAll(text, e...)
	if len(found) == 0 {
		return detect.Match{}, false
	}
	return found[0], true
}
