package dialects

import (
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Service is what a request says about how it is to be served; "" where it says
// nothing.
type Service struct {
	Tier   string // service_tier
	Speed  string // Anthropic's speed
	Region string // Anthropic's inference_geo
}

// ServiceOf reads it from a view.
func ServiceOf(v *llm.View) (s Service) {
	gemini := v.Dialect.Family() == llm.FamilyGemini
	var j strictjson.Scanner
	j.Reset(v.Raw)
	if j.Kind() != strictjson.Object {
		return s
	}
	for m := j.Enter(nil); j.Member(&m); {
		var to *string
		switch {
		case m.Name == "service_tier", gemini && m.Name == "serviceTier":
			to = &s.Tier
		case m.Name == "speed":
			to = &s.Speed
		case m.Name == "inference_geo":
			to = &s.Region
		default:
			continue // Member skips what was not read
		}
		if j.Kind() == strictjson.String {
			*to = j.Text(j.Str())
		}
	}
	return s
}
