package simulated

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// What Gemini and Ollama say in their own dialects.

// geminiContent is a content of a Gemini request.
type geminiContent struct {
	Role  string          `json:"role"`
	Parts json.RawMessage `json:"parts"`
}

// readGemini takes the model and the wish for a stream from the path and turns
// the contents into messages.
func (c *conversation) readGemini(path string) (verb string, err error) {
	_, name, _ := strings.Cut(path, "odels/")
	name, verb, _ = strings.Cut(name, ":")
	if i := strings.LastIndexByte(verb, ':'); i >= 0 {
		name, verb = name+":"+verb[:i], verb[i+1:]
	}
	var in struct {
		Contents         []geminiContent `json:"contents"`
		GenerationConfig struct {
			MaxOutputTokens *int `json:"maxOutputTokens"`
		} `json:"generationConfig"`
		Tools []struct {
			FunctionDeclarations []struct {
				Name string `json:"name"`
			} `json:"functionDeclarations"`
		} `json:"tools"`
		Requests []json.RawMessage `json:"requests"`
	}
	if err := json.Unmarshal(c.raw, &in); err != nil {
		return "", err
	}
	c.req.Model, _ = url.PathUnescape(name)
	c.req.Stream = verb == "streamGenerateContent"
	c.req.MaxTokens = in.GenerationConfig.MaxOutputTokens
	for _, m := range in.Contents {
		if m.Role == "" {
			m.Role = "user"
		}
		if strings.Contains(string(m.Parts), `"functionResponse"`) {
			m.Role = "tool"
		}
		c.req.Messages = append(c.req.Messages, message{Role: m.Role, Content: m.Parts})
	}
	for _, t := range in.Tools {
		for _, f := range t.FunctionDeclarations {
			c.offer(f.Name)
		}
	}
	c.batch = len(in.Requests)
	c.pace = c.paceOf(c.pace)
	return verb, nil
}

// gemini answers Gemini's verbs.
func (c *conversation) gemini(verb string) {
	in := c.inputTokens()
	embedding := map[string]any{"values": []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8}}
	switch verb {
	case "countTokens":
		c.json(map[string]any{"totalTokens": in})
		return
	case "embedContent":
		c.json(map[string]any{"embedding": embedding, "usageMetadata": map[string]any{"promptTokenCount": in}})
		return
	case "batchEmbedContents":
		list := make([]any, c.batch)
		for i := range list {
			list[i] = embedding
		}
		c.json(map[string]any{"embeddings": list, "usageMetadata": map[string]any{"promptTokenCount": in}})
		return
	}
	words, finish := c.words(), "STOP"
	if c.cut(words) {
		finish = "MAX_TOKENS"
	}
	chunk := func(part map[string]any, out int, finish string) map[string]any {
		candidate := map[string]any{"content": map[string]any{"role": "model", "parts": []any{part}}, "index": 0}
		if finish != "" {
			candidate["finishReason"] = finish
		}
		return map[string]any{"candidates": []any{candidate}, "modelVersion": c.req.Model, "responseId": c.id("resp-"),
			"usageMetadata": map[string]any{"promptTokenCount": in, "candidatesTokenCount": out, "totalTokenCount": in + out}}
	}
	var chunks []any
	if name, call := c.tool(); call {
		chunks = []any{chunk(map[string]any{"functionCall": map[string]any{"name": name, "args": json.RawMessage(toolArguments)}}, len(words), finish)}
	} else if !c.req.Stream || len(words) == 0 {
		chunks = []any{chunk(map[string]any{"text": strings.Join(words, "")}, len(words), finish)}
	} else {
		for i, word := range words {
			last := ""
			if i == len(words)-1 {
				last = finish
			}
			chunks = append(chunks, chunk(map[string]any{"text": word}, i+1, last))
		}
	}
	switch {
	case !c.req.Stream:
		c.json(chunks[0])
	case c.r.URL.Query().Get("alt") != "sse":
		c.json(chunks)
	default:
		for i, v := range chunks {
			if i == 2 && c.breaks() || !c.event("", v) {
				return
			}
		}
	}
}

// readOllama reads what Ollama's own API has under other names.
func (c *conversation) readOllama() error {
	if err := c.read(); err != nil {
		return err
	}
	var in struct {
		Stream  *bool `json:"stream"`
		Options struct {
			NumPredict *int `json:"num_predict"`
		} `json:"options"`
	}
	if err := json.Unmarshal(c.raw, &in); err != nil {
		return err
	}
	c.req.Stream = in.Stream == nil || *in.Stream
	if n := in.Options.NumPredict; n != nil && *n > 0 {
		c.req.MaxTokens = n
	}
	return nil
}

// ollama answers /api/chat, /api/generate and /api/embed.
func (c *conversation) ollama(path string) {
	if strings.HasSuffix(path, "/embed") {
		inputs := make([]any, 1)
		if json.Unmarshal(c.req.Input, &inputs) != nil || len(inputs) == 0 {
			inputs = make([]any, 1)
		}
		for i := range inputs {
			inputs[i] = []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8}
		}
		c.json(map[string]any{"model": c.req.Model, "embeddings": inputs, "prompt_eval_count": c.inputTokens()})
		return
	}
	words, reason := c.words(), "stop"
	if c.cut(words) {
		reason = "length"
	}
	name, call := c.tool()
	line := func(text string, last bool) map[string]any {
		v := map[string]any{"model": c.req.Model, "created_at": "2025-06-15T15:06:40Z", "done": last}
		msg := map[string]any{"role": "assistant", "content": text}
		if call && last {
			msg["tool_calls"] = []any{map[string]any{"function": map[string]any{"name": name, "arguments": json.RawMessage(toolArguments)}}}
		}
		if strings.HasSuffix(path, "/generate") {
			v["response"] = text
		} else {
			v["message"] = msg
		}
		if last {
			v["done_reason"], v["prompt_eval_count"], v["eval_count"] = reason, c.inputTokens(), len(words)
		}
		return v
	}
	pieces := words
	if call {
		pieces = nil
	}
	if !c.req.Stream {
		c.json(line(strings.Join(pieces, ""), true))
		return
	}
	for i, word := range pieces {
		if i == 2 && c.breaks() || !c.line(line(word, false)) {
			return
		}
	}
	c.line(line("", true))
}

// line sends one line of a stream of newline-delimited JSON.
func (c *conversation) line(v any) bool {
	data, err := json.Marshal(v)
	if err != nil {
		return false
	}
	c.w.Header().Set("Content-Type", "application/x-ndjson")
	if _, err := io.WriteString(c.w, string(data)+"\n"); err != nil {
		return false
	}
	return c.flush()
}

// nativeError is the error object of the dialects in this file.
func (c *conversation) nativeError(status int, message string) any {
	if c.native == "ollama" {
		return map[string]any{"error": message}
	}
	name := map[int]string{400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}[status]
	if name == "" {
		name = "INTERNAL"
	}
	return map[string]any{"error": map[string]any{"code": status, "message": message, "status": name}}
}

// breakNative ends a native stream with an error, as the providers do.
func (c *conversation) breakNative() {
	v := c.nativeError(http.StatusServiceUnavailable, "simulated failure inside the stream")
	if c.native == "ollama" {
		c.line(v)
		return
	}
	data, _ := json.Marshal(v)
	_, _ = io.WriteString(c.w, string(data)+"\n\n") // without the framing of an event
}
