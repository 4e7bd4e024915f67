package mock

import (
	"encoding/json"
	"net/http"
	"strings"
)

// googleError is what Google's servers say of a failure.
func googleError(status int, message string) map[string]any {
	names := map[int]string{
		400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED",
		500: "INTERNAL", 503: "UNAVAILABLE",
	}
	name := names[status]
	if name == "" {
		name = "UNKNOWN"
	}
	return map[string]any{"code": status, "message": message, "status": name}
}

// generate answers everything that Google's API offers behind a model's name.
func generate(c *call) {
	_, verb, _ := strings.Cut(c.r.PathValue("call"), ":")
	switch verb {
	case "generateContent":
		generateContent(c, false)
	case "streamGenerateContent":
		generateContent(c, true)
	case "countTokens":
		if inner, ok := c.req["generateContentRequest"].(map[string]any); ok {
			c.req = inner
		}
		c.json(http.StatusOK, map[string]any{"totalTokens": words(c.prompt().all)})
	case "embedContent":
		t := text(c.req["content"])
		c.reports(words(t), 0)
		c.json(http.StatusOK, map[string]any{
			"embedding":     map[string]any{"values": Vector(t)},
			"usageMetadata": map[string]any{"promptTokenCount": words(t), "totalTokenCount": words(t)},
		})
	case "batchEmbedContents":
		requests, _ := c.req["requests"].([]any)
		n, list := 0, []any{}
		for _, r := range requests {
			m, _ := r.(map[string]any)
			t := text(m["content"])
			n += words(t)
			list = append(list, map[string]any{"values": Vector(t)})
		}
		c.reports(n, 0)
		c.json(http.StatusOK, map[string]any{
			"embeddings":    list,
			"usageMetadata": map[string]any{"promptTokenCount": n, "totalTokenCount": n},
		})
	default:
		c.fail(http.StatusNotFound, "", "", "mock: no such method: "+verb)
	}
}

func generateContent(c *call, stream bool) {
	p := c.prompt()
	if p.lastUser == "" && p.toolResult == "" {
		c.fail(http.StatusBadRequest, "", "", "mock: no user content")
		return
	}
	in := words(p.all)
	shell := func(parts []any, finish string, out int) map[string]any {
		candidate := map[string]any{"content": map[string]any{"role": "model", "parts": parts}, "index": 0}
		if finish != "" {
			candidate["finishReason"] = finish
		}
		usage := map[string]any{"promptTokenCount": in, "totalTokenCount": in + out}
		if out > 0 {
			usage["candidatesTokenCount"] = out
		}
		return map[string]any{
			"candidates": []any{candidate}, "usageMetadata": usage,
			"modelVersion": c.model, "responseId": c.newID("gen"),
		}
	}
	var calls []any
	answer, out := p.answer(), 0
	if p.wantsTools() {
		for i, name := range p.tools {
			out += len(p.arguments(i))
			part := map[string]any{"functionCall": map[string]any{"id": c.newID("call") + name, "name": name, "args": json.RawMessage(p.arguments(i))}}
			if i == 0 {
				part["thoughtSignature"] = "bW9jay1zaWduYXR1cmU="
			}
			calls = append(calls, part)
		}
	} else {
		out = words(answer)
	}
	c.reports(in, out)
	if !stream {
		parts := calls
		if parts == nil {
			parts = []any{map[string]any{"text": answer}}
		}
		c.json(http.StatusOK, shell(parts, "STOP", out))
		return
	}
	s := c.events()
	if calls != nil {
		for _, part := range calls {
			s.send("", shell([]any{part}, "", 0))
		}
	} else {
		for i, piece := range pieces(answer) {
			s.send("", shell([]any{map[string]any{"text": piece}}, "", 0))
			if i == 1 && s.broken() {
				return
			}
		}
	}
	s.send("", shell([]any{map[string]any{"text": ""}}, "STOP", out))
}

var googleModelIDs = []string{"gemini-2.5-pro", "gemini-2.5-flash", "gemini-embedding-001"}

func googleModels(c *call) {
	var list []any
	for _, id := range googleModelIDs {
		list = append(list, map[string]any{
			"name": "models/" + id, "displayName": id, "inputTokenLimit": 1048576, "outputTokenLimit": 65536,
			"supportedGenerationMethods": []string{"generateContent", "countTokens"},
		})
	}
	c.json(http.StatusOK, map[string]any{"models": list})
}
