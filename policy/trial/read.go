package trial

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/translate"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// sent is what a provider would get.
type sent struct {
	last  string // the user's last text
	texts []string
	view  *llm.View
}

// readSent reads the body that would leave.
func readSent(d llm.Dialect, body []byte) (*sent, error) {
	v, denied := dialects.Parse(d, body)
	if denied != nil {
		return nil, fmt.Errorf("what would be sent is no request any more: %w", denied)
	}
	s := &sent{view: v}
	for i := range v.Segments {
		g := &v.Segments[i]
		if g.Text == "" {
			continue
		}
		s.texts = append(s.texts, g.Text)
		if g.Role == llm.RoleUser && g.Kind == llm.KindText {
			s.last = g.Text
		}
	}
	return s, nil
}

func (s *sent) tools() []string {
	names := []string{}
	for _, t := range s.view.Tools {
		names = append(names, t.Name)
	}
	return names
}

// readAnswer returns the text of what the client gets and the arguments of tool calls
// in it. An answer of a dialect that has no reader is returned as it is.
func readAnswer(d llm.Dialect, contentType string, body []byte) (text, arguments string, err error) {
	stream := answer.IsSSE(contentType)
	if d != llm.Chat {
		if !translate.Can(llm.Chat, d) {
			return string(body), "", nil
		}
		if body, err = toChat(d, stream, body); err != nil {
			return "", "", err
		}
	}
	type message struct {
		Content   *string `json:"content"`
		ToolCalls []struct {
			Function struct {
				Arguments string `json:"arguments"`
			} `json:"function"`
		} `json:"tool_calls"`
	}
	var t, a strings.Builder
	add := func(data []byte) error {
		var v struct {
			Choices []struct {
				Message message `json:"message"`
				Delta   message `json:"delta"`
			} `json:"choices"`
		}
		if err := json.Unmarshal(data, &v); err != nil {
			return fmt.Errorf("the answer is not JSON: %w", err)
		}
		for _, c := range v.Choices {
			for _, m := range []message{c.Message, c.Delta} {
				if m.Content != nil {
					t.WriteString(*m.Content)
				}
				for _, call := range m.ToolCalls {
					a.WriteString(call.Function.Arguments)
				}
			}
		}
		return nil
	}
	if !stream {
		err = add(body)
		return t.String(), a.String(), err
	}
	err = new(answer.Splitter).Feed(body, func(ev []byte) error {
		if data := answer.Data(ev); len(data) > 0 && data[0] == '{' {
			return add(data)
		}
		return nil
	})
	return t.String(), a.String(), err
}

// toChat translates an answer into chat completions, to read it.
func toChat(d llm.Dialect, stream bool, body []byte) ([]byte, error) {
	tr := translate.New(llm.Chat, d, translate.Options{RequestID: "test"})
	if _, _, err := tr.Request([]byte(`{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}`)); err != nil {
		return nil, err
	}
	if !stream {
		return tr.Body(body, llm.Usage{})
	}
	var out []byte
	err := new(answer.Splitter).Feed(body, func(ev []byte) (err error) {
		if len(answer.Data(ev)) == 0 {
			return nil
		}
		out, err = tr.Event(out, ev, func() llm.Usage { return llm.Usage{} })
		return err
	})
	return tr.End(out, llm.Usage{}), err
}
