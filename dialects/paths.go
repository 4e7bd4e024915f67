package dialects

import (
	"net/http"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// geminiDirs are where Gemini's models live, under any prefix.
var geminiDirs = [...]string{"/v1beta/models/", "/v1/models/", "/v1beta/tunedModels/", "/v1/tunedModels/"}

// geminiVerbs are what can be asked of a model, as the path ends.
var geminiVerbs = [...]struct {
	end     string
	dialect llm.Dialect
	stream  bool
}{
	{":generateContent", llm.GenerateContent, false},
	{":streamGenerateContent", llm.GenerateContent, true},
	{":countTokens", llm.GeminiCount, false},
	{":embedContent", llm.GeminiEmbed, false},
	{":batchEmbedContents", llm.GeminiBatchEmbed, false},
}

// geminiVerb reads a path of the form …/models/{model}:verb.
func geminiVerb(escapedPath string) (d llm.Dialect, model string, stream bool) {
	for i := range geminiVerbs {
		v := &geminiVerbs[i]
		head, ok := strings.CutSuffix(escapedPath, v.end)
		if !ok {
			continue
		}
		at := -1
		for _, dir := range geminiDirs {
			j := strings.LastIndex(head, dir)
			if j <= at && at >= 0 || j < 0 {
				continue
			}
			at, model = j, unescape(head[j+len(dir):])
			if strings.Contains(dir, "tuned") {
				model = "tunedModels/" + model
			}
		}
		if at < 0 || model == "" || strings.HasSuffix(model, "/") {
			return llm.DialectNone, "", false
		}
		return v.dialect, model, v.stream
	}
	return llm.DialectNone, "", false
}

// PathModel returns what the path of a Gemini request says: the model, decoded
// (a tuned one as "tunedModels/…"), and whether a streamed answer is asked for.
// It reports false for every other path.
func PathModel(escapedPath string) (model string, stream, ok bool) {
	if !canonicalPath(escapedPath) {
		return "", false, false
	}
	d, model, stream := geminiVerb(escapedPath)
	return model, stream, d != llm.DialectNone
}

// SetPath completes the view of a Gemini request by what stands in its path: the
// model and whether to stream. It denies a model that cannot be one, and a body
// that names another model than the path. Views of other dialects stay as they
// are.
func SetPath(v *llm.View, escapedPath string) *llm.Denial {
	if v.Dialect.Family() != llm.FamilyGemini {
		return nil
	}
	model, stream, ok := PathModel(escapedPath)
	if !ok {
		return llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest, "the request path names no model")
	}
	if den := checkModel(model); den != nil {
		return den
	}
	if v.Model != "" && v.Model != model {
		den := llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest, "model: the body names another model than the path")
		den.Param = "model"
		return den
	}
	v.Model, v.Stream = model, stream
	return nil
}

// objectKinds are what providers keep for an account, by the path behind /v1/.
// One that begins like another stands before it.
var objectKinds = [...]string{
	"files", "batches", "uploads", "responses", "conversations", "vector_stores", "containers", "fine_tuning/jobs", "evals",
	"assistants", "threads", "chat/completions", "messages/batches",
}

// ObjectPath takes the path of a provider-owned object apart: /v1/files (id
// empty), /v1/files/{id}, /v1/files/{id}/{rest…}, under any prefix. kind is e.g.
// "files" or "messages/batches"; id is decoded, rest stays as it was escaped. It
// reports false for every other path: one that is an endpoint of its own
// (/v1/responses, /v1/chat/completions), or that could be cut in two ways.
func ObjectPath(escapedPath string) (kind, id, rest string, ok bool) {
	const version = "/v1/"
	i := strings.Index(escapedPath, version)
	if i < 0 || strings.Contains(escapedPath[i+len(version)-1:], version) || !canonicalPath(escapedPath) {
		return "", "", "", false
	}
	tail := escapedPath[i+len(version):]
	for _, k := range objectKinds {
		behind, is := strings.CutPrefix(tail, k)
		if !is || behind != "" && behind[0] != '/' {
			continue
		}
		id, rest, _ = strings.Cut(strings.TrimPrefix(behind, "/"), "/")
		if id == "" && (k == "responses" || k == "chat/completions" || behind != "") || strings.HasSuffix(behind, "/") {
			return "", "", "", false
		}
		return k, unescape(id), rest, true
	}
	return "", "", "", false
}
