package policy

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What a request says besides its prompt, read when a rule first asks: who its user is,
// its metadata, and where the answer stops.

// asides are these, as the dialects call them.
type asides struct {
	read     bool
	user     string
	metadata map[string]string
	stop     []string
	// segments are all of them, for the functions that look through lists.
	segments []llm.Segment
}

// aside reads them.
func (e *evaluation) aside() *asides {
	a := &e.asides
	if a.read || e.x.View == nil {
		return a
	}
	a.read = true
	raw := e.x.View.Raw
	for _, one := range dialects.Asides(raw) {
		one.Texts(raw, func(name, path, text string, at llm.Span) {
			a.segments = append(a.segments, llm.Segment{Role: llm.RoleUser, Kind: llm.KindText, Path: path, Text: text, Span: at})
			switch {
			case one.Name == "user", name == "user_id": // of Anthropic
				if a.user == "" {
					a.user = text
				}
			case one.Name == "stop":
				a.stop = append(a.stop, text)
			}
			if name != "" && one.Name == "metadata" {
				if a.metadata == nil {
					a.metadata = map[string]string{}
				}
				a.metadata[name] = text
			}
		})
	}
	return a
}

// forget forgets them: another body follows.
func (a *asides) forget() {
	clear(a.segments)
	*a = asides{segments: a.segments[:0]}
}

func (e *evaluation) metadataValue() ref.Val {
	m := e.aside().metadata
	if len(m) > maxLabels {
		return tooLarge()
	}
	for k, v := range m {
		if len(k) > maxNameBytes || len(v) > maxNameBytes {
			return tooLarge()
		}
	}
	return types.NewStringStringMap(types.DefaultTypeAdapter, m)
}

func (e *evaluation) stopValue() ref.Val {
	stop := e.aside().stop
	if len(stop) > maxLabels {
		return tooLarge()
	}
	for _, s := range stop {
		if len(s) > maxNameBytes {
			return tooLarge()
		}
	}
	return types.NewStringList(types.DefaultTypeAdapter, stop)
}
