package mock

import (
	"net/http"
	"slices"
)

// openAIModels and anthropicModels are what the provider says it has.
var (
	openAIModels    = []string{"gpt-4o", "gpt-4o-mini", "gpt-3.5-turbo-instruct", "text-embedding-3-small", "llama3.2:latest", "nomic-embed-text:latest"}
	anthropicModels = []string{"claude-sonnet-4-5", "claude-haiku-4-5"}
)

// models answers with the list, or with one model of it.
func models(c *call) {
	ids := openAIModels
	show := func(id string) any {
		return map[string]any{"id": id, "object": "model", "created": created, "owned_by": "mock"}
	}
	if c.family == anthropic {
		ids = anthropicModels
		show = func(id string) any {
			return map[string]any{"type": "model", "id": id, "display_name": id, "created_at": "2025-09-29T00:00:00Z"}
		}
	}
	if id := c.r.PathValue("id"); id != "" {
		if !slices.Contains(ids, id) {
			c.fail(http.StatusNotFound, "not_found_error", "mock_no_model", "mock: no such model")
			return
		}
		c.json(http.StatusOK, show(id))
		return
	}
	data := []any{}
	for _, id := range ids {
		data = append(data, show(id))
	}
	list := map[string]any{"data": data}
	if c.family == anthropic {
		list["has_more"], list["first_id"], list["last_id"] = false, ids[0], ids[len(ids)-1]
	} else {
		list["object"] = "list"
	}
	c.json(http.StatusOK, list)
}
