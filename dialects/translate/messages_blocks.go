package translate

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// conversation writes system and messages: turns of one role are merged, and the
// first is the user's.
func (w *messagesRequestWriter) conversation() error {
	r := w.r
	if slices.ContainsFunc(r.System, func(p Part) bool { return strings.TrimSpace(p.Text) != "" }) {
		w.b = append(key(w.b, "system"), '[')
		for i := range r.System {
			if p := &r.System[i]; strings.TrimSpace(p.Text) != "" {
				w.b = append(w.cached(keyString(append(elem(w.b), `{"type":"text"`...), "text", p.Text), p.Cache), '}')
			}
		}
		w.b = append(w.b, ']')
	}
	w.b = append(key(w.b, "messages"), '[')
	said := w.said()
	if len(said) == 0 || said[0].turn == RoleAssistant {
		w.b = append(keyString(append(elem(w.b), '{'), "role", RoleUser), `,"content":[`+emptyTurn+"]}"...)
	}
	for i := 0; i < len(said); {
		j := i + 1
		for j < len(said) && said[j].turn == said[i].turn {
			j++
		}
		if err := w.turn(said[i:j]); err != nil {
			return err
		}
		i = j
	}
	w.b = append(w.b, ']')
	return nil
}

// saidPart is a part and whose turn it belongs to.
type saidPart struct {
	*Part
	role, turn string
}

// said are the parts of the conversation that the API takes: neither thoughts of
// others nor texts of nothing.
func (w *messagesRequestWriter) said() (list []saidPart) {
	for i := range w.r.Messages {
		m := &w.r.Messages[i]
		turn := m.Role
		if turn == RoleSystem {
			turn = RoleUser
		}
		for j := range m.Parts {
			p := &m.Parts[j]
			if p.Kind == PartReasoning && !(p.Seal.Origin == llm.Messages && p.Seal.Data != "") || p.Kind == PartText && strings.TrimSpace(p.Text) == "" {
				continue
			}
			list = append(list, saidPart{p, m.Role, turn})
		}
	}
	return list
}

// turn writes one turn. The results of tools come first in it, or the API does not
// see them behind their calls.
func (w *messagesRequestWriter) turn(parts []saidPart) error {
	w.b = append(keyString(append(elem(w.b), '{'), "role", parts[0].turn), `,"content":[`...)
	for _, results := range [...]bool{true, false} {
		for _, p := range parts {
			if (p.Kind == PartToolResult) == results {
				if err := w.block(p.Part, p.role); err != nil {
					return err
				}
			}
		}
	}
	if w.b[len(w.b)-1] == '[' { // all of it was lost
		w.b = append(w.b, emptyTurn...)
	}
	w.b = append(w.b, "]}"...)
	return nil
}

// emptyTurn stands where there must be a turn and nothing was said.
const emptyTurn = `{"type":"text","text":"."}`

// cached appends a mark for Anthropic's cache, which OpenAI clients may set too.
func (w *messagesRequestWriter) cached(b []byte, mark jsontext.Value) []byte {
	return keyValue(b, "cache_control", mark)
}

// block writes a part. Instructions in the middle of the conversation have no
// place in the older version of the API: they stay where they are, as marked
// text of the user's turn, so that their order is kept.
func (w *messagesRequestWriter) block(p *Part, role string) error {
	b := elem(w.b)
	switch p.Kind {
	case PartText, PartRefusal:
		s := p.Text
		if role == RoleSystem {
			s = "<system>\n" + s + "\n</system>"
		}
		if role == RoleAssistant {
			s = strings.TrimRight(s, " \t\r\n") // refused at the end
		}
		b = keyString(append(b, `{"type":"text"`...), "text", s)
	case PartImage, PartFile:
		typ := "image"
		if p.Kind == PartFile {
			typ = "document"
		}
		m := p.Media
		if !hasMedia(m) || role == RoleAssistant || m.Data != "" && !takes(p.Kind, m.MIME) {
			w.n.lose(p.Path)
			return nil
		}
		b = keyString(append(b, '{'), "type", typ)
		switch {
		case m.Data == "":
			b = append(keyString(append(b, `,"source":{"type":"url"`...), "url", m.URL), '}')
		case strings.HasPrefix(m.MIME, "text/"):
			text, ok := decodeText(m.Data)
			if !ok {
				return invalidf(p.Path, "want text in base64")
			}
			b = append(keyString(append(b, `,"source":{"type":"text","media_type":"text/plain"`...), "data", text), '}')
		default:
			b = keyString(append(b, `,"source":{"type":"base64"`...), "media_type", m.MIME)
			b = append(keyString(b, "data", m.Data), '}')
		}
		if p.Kind == PartFile && m.Name != "" {
			b = keyString(b, "title", m.Name)
		}
	case PartToolCall:
		var args string
		if p.Custom {
			args = wrapCustom(p.Args)
		} else {
			args = inputOf(p.Args) // what was wrong is part of the history all the same
		}
		b = keyString(append(b, `{"type":"tool_use"`...), "id", toolID(p.ID))
		b = keyRaw(keyString(b, "name", p.Name), "input", args)
	case PartToolResult:
		b = keyString(append(b, `{"type":"tool_result"`...), "tool_use_id", toolID(p.ID))
		if p.IsError {
			b = keyRaw(b, "is_error", "true")
		}
		if len(p.Content) > 0 {
			w.b = append(key(b, "content"), '[')
			for i := range p.Content {
				if c := &p.Content[i]; c.Kind != PartText || strings.TrimSpace(c.Text) != "" {
					if err := w.block(c, RoleUser); err != nil {
						return err
					}
				}
			}
			b = append(w.b, ']')
		}
	case PartReasoning:
		if p.Seal.Kind == sealRedacted {
			b = keyString(append(b, `{"type":"redacted_thinking"`...), "data", p.Seal.Data)
		} else {
			b = keyString(keyString(append(b, `{"type":"thinking"`...), "thinking", p.Text), "signature", p.Seal.Data)
		}
	default:
		w.n.lose(p.Path)
		return nil
	}
	if p.Kind != PartReasoning {
		b = w.cached(b, p.Cache)
	}
	w.b = append(b, '}')
	return nil
}

// takes reports whether Anthropic takes data of a type.
func takes(kind PartKind, mime string) bool {
	if kind == PartImage {
		return strings.HasPrefix(mime, "image/")
	}
	return mime == "application/pdf" || strings.HasPrefix(mime, "text/")
}

// toolID makes an id of what Anthropic takes: letters, digits, _ and -.
func toolID(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' {
			return r
		}
		return '_'
	}, id)
}
