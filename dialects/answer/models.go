package answer

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// ModelInfo is a model that the caller may use.
type ModelInfo struct {
	// ID is the name that clients send; Provider is who answers.
	ID, Provider string
}

// ModelsBody renders the answer of GET /v1/models (Gemini's /v1beta/models,
// Ollama's /api/tags) for the family.
func ModelsBody(f llm.Family, models []ModelInfo) []byte {
	b := []byte(`{"data":[`)
	switch f {
	case llm.FamilyOpenAI:
		b = []byte(`{"object":"list","data":[`)
	case llm.FamilyGemini, llm.FamilyOllama:
		b = []byte(`{"models":[`)
	}
	for i, m := range models {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, ModelBody(f, m)...)
	}
	b = append(b, ']')
	if f == llm.FamilyAnthropic {
		first, last := []byte("null"), []byte("null")
		if len(models) > 0 {
			first, last = quote(models[0].ID), quote(models[len(models)-1].ID)
		}
		b = append(append(b, `,"has_more":false,"first_id":`...), first...)
		b = append(append(b, `,"last_id":`...), last...)
	}
	return append(b, '}')
}

// ModelBody renders the answer of GET /v1/models/{id}. When a model was made is
// not known here; the families that ask get the epoch.
func ModelBody(f llm.Family, m ModelInfo) []byte {
	switch f {
	case llm.FamilyGemini:
		name := m.ID
		if !strings.HasPrefix(name, "tunedModels/") {
			name = "models/" + name
		}
		b := append([]byte(`{"name":`), quote(name)...)
		b = append(append(b, `,"version":"","displayName":`...), quote(m.ID)...)
		return append(b, `,"supportedGenerationMethods":["generateContent","countTokens","embedContent","batchEmbedContents"]}`...)
	case llm.FamilyOllama:
		b := append([]byte(`{"name":`), quote(m.ID)...)
		b = append(append(b, `,"model":`...), quote(m.ID)...)
		return append(b, `,"modified_at":"1970-01-01T00:00:00Z","size":0,"digest":"","details":{"parent_model":"","format":"","family":"","families":[],"parameter_size":"","quantization_level":""}}`...)
	case llm.FamilyAnthropic:
		b := append([]byte(`{"type":"model","id":`), quote(m.ID)...)
		b = append(append(b, `,"display_name":`...), quote(m.ID)...)
		return append(b, `,"created_at":"1970-01-01T00:00:00Z"}`...)
	}
	b := append([]byte(`{"id":`), quote(m.ID)...)
	b = append(append(b, `,"object":"model","created":0,"owned_by":`...), quote(m.Provider)...)
	return append(b, '}')
}
