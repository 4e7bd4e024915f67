package dialects

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Continues reports whether a model reads a segment as the rest of the one before it:
// both are texts in parts of the same content, with nothing in between.
func Continues(before, s *llm.Segment) bool {
	if s.Kind != before.Kind || s.Role != before.Role || s.Kind != llm.KindText && s.Kind != llm.KindToolResult {
		return false
	}
	parent, ok := partOf(s.Path)
	if !ok {
		return false
	}
	other, ok := partOf(before.Path)
	return ok && parent == other
}

// partOf returns the path of the list in which a part of text stands.
func partOf(path string) (list string, ok bool) {
	const end = "].text"
	if !strings.HasSuffix(path, end) {
		return "", false
	}
	i := strings.LastIndexByte(path[:len(path)-len(end)], '[')
	return path[:max(i, 0)], i > 0
}
