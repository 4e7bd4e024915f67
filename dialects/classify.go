package dialects

import (
	"net/http"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// endpoints are the path ends that we know, the longest of those that end alike
// first. Each may stand under any prefix.
var endpoints = [...]struct {
	end     string
	dialect llm.Dialect
}{
	{"/v1/chat/completions", llm.Chat},
	{"/v1/completions", llm.Completions},
	{"/v1/responses", llm.Responses},
	{"/v1/responses/input_tokens", llm.InputTokens},
	{"/v1/embeddings", llm.Embeddings},
	{"/v1/messages", llm.Messages},
	{"/v1/messages/count_tokens", llm.CountTokens},
	{"/v1/models", llm.Models},
	{"/v1beta/models", llm.GeminiModels},
	{"/api/chat", llm.OllamaChat},
	{"/api/generate", llm.OllamaGenerate},
	{"/api/embed", llm.OllamaEmbed},
	{"/api/tags", llm.OllamaModels},
}

const (
	modelsDir       = "/v1/models/"
	geminiModelsDir = "/v1beta/models/"
)

// Classify tells which dialect a request speaks, by the end of its path as it
// was escaped on the wire, and how its caller wants to be spoken to.
//
// A path that two readers could take for different ones (dot segments,
// backslashes, "//", bytes escaped that need no escape, %2f, %5c, %00) is denied
// with 400 malformed; a known path with a wrong method with 405 and an Allow
// header (the dialect is told nevertheless). HEAD counts as GET. The verbs of
// Gemini share /v1/models/ with the lists of models: only a POST with a known
// verb is Gemini's. For a path that
// we do not know the dialect is DialectNone, without a denial, and the family
// is a guess: Anthropic if the request has an anthropic-version header, or an
// x-api-key and no Authorization, or a path with /v1/messages/ in it; else
// OpenAI.
func Classify(method, escapedPath string, h http.Header) (llm.Dialect, llm.Family, *llm.Denial) {
	if !canonicalPath(escapedPath) {
		return llm.DialectNone, guessFamily(escapedPath, h), llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest,
			"the request path is not in canonical form: send it without dot segments, empty segments, backslashes or needless escapes")
	}
	d := llm.DialectNone
	for i := range endpoints {
		if strings.HasSuffix(escapedPath, endpoints[i].end) {
			d = endpoints[i].dialect
			break
		}
	}
	want, allow := http.MethodPost, "POST"
	if d == llm.DialectNone {
		verb, _, _ := geminiVerb(escapedPath)
		id, one := ModelID(escapedPath)
		switch {
		case verb != llm.DialectNone && (method == http.MethodPost || !one):
			d = verb
		case one && id != "":
			d = llm.Models
			if strings.Contains(escapedPath, geminiModelsDir) {
				d = llm.GeminiModels
			}
		default:
			if _, _, _, ok := ObjectPath(escapedPath); !ok {
				return llm.DialectNone, guessFamily(escapedPath, h), nil
			}
			switch method {
			case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete:
				want = method
			default:
				want, allow = "", "GET, HEAD, POST, DELETE"
			}
			d = llm.Objects
		}
	}
	if d.Lists() {
		want, allow = http.MethodGet, "GET, HEAD"
		if method == http.MethodHead {
			method = want
		}
		switch {
		case d != llm.Models:
		case hasHeader(h, "Anthropic-Version"):
			d = llm.AnthropicModels
		case hasHeader(h, "X-Goog-Api-Key") && !hasHeader(h, "Authorization"):
			d = llm.GeminiModels
		}
	}
	family := d.Family()
	if d == llm.Objects { // two families keep files at the same address
		family = guessFamily(escapedPath, h)
	}
	if method != want {
		den := llm.Deny(http.StatusMethodNotAllowed, llm.CodeMethodNotAllowed, llm.StageRequest, "this endpoint takes %s only", allow)
		den.Header = [][2]string{{"Allow", allow}}
		return d, family, den
	}
	return d, family, nil
}

// ModelID returns the id in a path that ends in /v1/models/{id} or
// /v1beta/models/{id}, decoded; the id may contain slashes. It reports false for
// every other path.
func ModelID(escapedPath string) (string, bool) {
	dir := modelsDir
	i := strings.Index(escapedPath, dir)
	if j := strings.Index(escapedPath, geminiModelsDir); j >= 0 && (i < 0 || j < i) {
		i, dir = j, geminiModelsDir
	}
	if i < 0 || !canonicalPath(escapedPath) {
		return "", false
	}
	if dir == geminiModelsDir {
		if verb, _, _ := geminiVerb(escapedPath); verb != llm.DialectNone {
			return "", false
		}
	}
	for j := range endpoints {
		if strings.HasSuffix(escapedPath, endpoints[j].end) {
			return "", false
		}
	}
	id := unescape(escapedPath[i+len(dir):])
	return id, id != "" && !strings.HasSuffix(id, "/")
}

func hasHeader(h http.Header, canonical string) bool { return len(h[canonical]) > 0 }

func guessFamily(path string, h http.Header) llm.Family {
	if hasHeader(h, "Anthropic-Version") || hasHeader(h, "X-Api-Key") && !hasHeader(h, "Authorization") ||
		strings.Contains(path, "/v1/messages/") {
		return llm.FamilyAnthropic
	}
	return llm.FamilyOpenAI
}

// canonicalPath reports whether a path has one spelling only: it begins with a
// slash, has no empty or dot segment (a final slash is fine), no backslash or
// control byte, and escapes nothing that needs no escape, nor a slash, a
// backslash or NUL.
func canonicalPath(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '/':
			rest := p[i+1:]
			if rest != "" && (rest[0] == '/' || rest[0] == '.' && dotSegment(rest)) {
				return false
			}
		case c == '%':
			if i+2 >= len(p) {
				return false
			}
			hi, lo := unhex(p[i+1]), unhex(p[i+2])
			if hi > 15 || lo > 15 {
				return false
			}
			if e := hi<<4 | lo; e < ' ' || e == 0x7F || e == '/' || e == '\\' || unreserved(e) {
				return false
			}
			i += 2
		case c == '\\' || c < ' ' || c == 0x7F:
			return false
		}
	}
	return true
}

// dotSegment reports whether the first segment of rest is "." or "..".
func dotSegment(rest string) bool {
	seg, _, _ := strings.Cut(rest, "/")
	return seg == "." || seg == ".."
}

func unreserved(c byte) bool {
	return (c|0x20)-'a' < 26 || c-'0' < 10 || c == '-' || c == '.' || c == '_' || c == '~'
}

func unhex(c byte) byte {
	switch {
	case c-'0' < 10:
		return c - '0'
	case (c|0x20)-'a' < 6:
		return (c | 0x20) - 'a' + 10
	}
	return 255
}

// unescape decodes the escapes of a path that is canonical.
func unescape(p string) string {
	if !strings.Contains(p, "%") {
		return p
	}
	b := make([]byte, 0, len(p))
	for i := 0; i < len(p); i++ {
		if p[i] == '%' {
			b = append(b, unhex(p[i+1])<<4|unhex(p[i+2]))
			i += 2
			continue
		}
		b = append(b, p[i])
	}
	return string(b)
}
