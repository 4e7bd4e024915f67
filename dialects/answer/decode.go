package answer

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Answers are read leniently where the providers' own SDKs are (repeated names,
// unpaired surrogates): a provider's answer is forwarded, not obeyed. What
// matters for money is read the same way twice only if it is there once, so the
// last value wins, as in the SDKs.
func decoder(b []byte) *strictjson.Scanner {
	s := new(strictjson.Scanner)
	s.ResetLenient(b)
	return s
}

var errTrailing = errors.New("more than one JSON document")

func atEnd(d *strictjson.Scanner) error {
	if d.End() != nil {
		return errTrailing
	}
	return nil
}

// members calls f for each member of the object that comes next; f consumes the
// value or returns false, then it is skipped. A value that is no object is skipped.
// The name shares memory with the text.
func members(d *strictjson.Scanner, f func(name string) (bool, error)) error {
	if d.Kind() != strictjson.Object {
		d.Skip()
		return d.Err()
	}
	for m := d.Enter(nil); d.Member(&m); {
		if _, err := f(m.Name); err != nil {
			return err
		}
	}
	return d.Err()
}

// elements calls f for each element of the array that comes next; f must
// consume it.
func elements(d *strictjson.Scanner, f func() error) error {
	if d.Kind() != strictjson.Array {
		d.Skip()
		return d.Err()
	}
	for l := d.Open(); d.Element(&l); {
		if err := f(); err != nil {
			return err
		}
	}
	return d.Err()
}

// value reads the next value as it stands.
func value(d *strictjson.Scanner) ([]byte, error) {
	start, end := d.Skip()
	if err := d.Err(); err != nil {
		return nil, err
	}
	return d.Data()[start:end], nil
}

// text reads a string, bounded since it goes into records; other kinds are
// skipped and leave into alone.
func text(d *strictjson.Scanner, into *string) (bool, error) {
	if d.Kind() != strictjson.String {
		return false, d.Err()
	}
	t := d.Str()
	if err := d.Err(); err != nil {
		return true, err
	}
	v := d.Text(t)
	if !utf8.ValidString(v) {
		v = string([]rune(v))
	}
	if len(v) > maxMessage {
		v = clip(v)
	}
	*into = strings.Clone(v) // the text is not ours to keep
	return true, nil
}

// number reads a count; null and other kinds leave it not given.
func number(d *strictjson.Scanner, into *figure) (bool, error) {
	if d.Kind() != strictjson.Number {
		return false, d.Err()
	}
	v, err := value(d)
	if err != nil {
		return true, err
	}
	if n, ok := integer(v); ok {
		into.put(n)
	}
	return true, nil
}

// dollars reads an amount of money; what is none leaves into alone.
func dollars(d *strictjson.Scanner, into *llm.Money) (bool, error) {
	if d.Kind() != strictjson.Number {
		return false, d.Err()
	}
	v, err := value(d)
	if err != nil {
		return true, err
	}
	if m, err := llm.ParseNumber(string(v), 0); err == nil && m > 0 && m <= maxCost {
		*into = m
	}
	return true, nil
}

// maxCost is more than any call costs; what is beyond is treated as not given.
const maxCost = 100_000 * llm.USD

// integer reads a JSON number that is an integer of at most 15 digits; a
// fraction of zero (12.0) is tolerated.
func integer(v []byte) (n int64, ok bool) {
	if i := bytes.IndexByte(v, '.'); i > 0 && len(bytes.Trim(v[i+1:], "0")) == 0 {
		v = v[:i]
	}
	if len(v) == 0 || len(v) > 15 {
		return 0, false
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// openaiUsage reads the usage object of chat, completions, embeddings and
// Responses, with what compatible servers add.
func openaiUsage(d *strictjson.Scanner, u *usage) error {
	return members(d, func(name string) (bool, error) {
		switch name {
		case "prompt_tokens", "input_tokens":
			return number(d, &u.prompt)
		case "completion_tokens", "output_tokens":
			return number(d, &u.completion)
		case "total_tokens":
			return number(d, &u.total)
		case "prompt_tokens_details", "input_tokens_details":
			return true, members(d, func(name string) (bool, error) {
				switch name {
				case "cached_tokens":
					return number(d, &u.cacheRead)
				case "cache_write_tokens":
					return number(d, &u.cacheWrite)
				case "audio_tokens":
					return number(d, &u.audioIn)
				case "image_tokens":
					return number(d, &u.imageIn)
				case "cached_tokens_details":
					return true, members(d, func(name string) (bool, error) {
						if name == "audio_tokens" {
							return number(d, &u.audioCached)
						}
						return false, nil
					})
				}
				return false, nil
			})
		case "completion_tokens_details", "output_tokens_details":
			return true, members(d, func(name string) (bool, error) {
				switch name {
				case "reasoning_tokens":
					return number(d, &u.reasoning)
				case "audio_tokens":
					return number(d, &u.audioOut)
				case "image_tokens":
					u.split = true
					return number(d, &u.imageOut)
				case "text_tokens":
					u.split = true
				}
				return false, nil
			})
		case "prompt_cache_hit_tokens", "num_cached_tokens": // DeepSeek, Mistral
			return number(d, &u.cacheRead)
		case "cost": // OpenRouter, Perplexity: in dollars
			if d.Kind() != '{' {
				return dollars(d, &u.cost)
			}
			return true, members(d, func(name string) (bool, error) {
				if name == "total_cost" {
					return dollars(d, &u.cost)
				}
				return false, nil
			})
		}
		return false, nil
	})
}

// anthropicUsage reads the usage object of messages.
func (m *messagesEvent) anthropicUsage(d *strictjson.Scanner) error {
	u := &m.usage
	return members(d, func(name string) (bool, error) {
		switch name {
		case "service_tier":
			return text(d, &m.tier)
		case "speed":
			return text(d, &m.speed)
		case "inference_geo":
			return text(d, &m.region)
		case "iterations":
			if d.Kind() != '[' {
				return false, nil
			}
			u.parts = []part{}
			return true, elements(d, func() error {
				var p part
				if err := members(d, func(name string) (bool, error) {
					if name == "model" {
						return text(d, &p.model)
					}
					return anthropicFigure(d, &p.usage, name)
				}); err != nil {
					return err
				}
				// Parts replace the totals: one without figures must not make
				// the call free.
				if p.usage.any = p.usage.given(); p.usage.any && len(u.parts) < maxParts {
					u.parts = append(u.parts, p)
				}
				return nil
			})
		}
		return anthropicFigure(d, u, name)
	})
}

// maxParts bounds the iterations that are kept of one answer.
const maxParts = 1000

// anthropicFigure reads a member that usage and its iterations both have.
func anthropicFigure(d *strictjson.Scanner, u *usage, name string) (bool, error) {
	switch name {
	case "input_tokens":
		return number(d, &u.prompt)
	case "output_tokens":
		return number(d, &u.completion)
	case "cache_read_input_tokens":
		return number(d, &u.cacheRead)
	case "cache_creation_input_tokens":
		return number(d, &u.cacheCreation)
	case "cache_creation":
		return true, members(d, func(name string) (bool, error) {
			switch name {
			case "ephemeral_5m_input_tokens":
				return number(d, &u.cacheWrite)
			case "ephemeral_1h_input_tokens":
				return number(d, &u.cacheWrite1)
			}
			return false, nil
		})
	case "output_tokens_details":
		return true, members(d, func(name string) (bool, error) {
			if name == "thinking_tokens" {
				return number(d, &u.reasoning)
			}
			return false, nil
		})
	case "server_tool_use":
		return true, members(d, func(name string) (bool, error) {
			if name == "web_search_requests" {
				return number(d, &u.searches)
			}
			return false, nil
		})
	}
	return false, nil
}

// errorText reads the message of an error member: an object with a message, or
// a string.
func errorText(d *strictjson.Scanner, failed *bool, into *string) (bool, error) {
	switch d.Kind() {
	case '"':
		_, err := text(d, into)
		*failed = *failed || *into != ""
		return true, err
	case '{':
		*failed = true
		return true, members(d, func(name string) (bool, error) {
			if name == "message" {
				return text(d, into)
			}
			return false, nil
		})
	}
	return false, nil // null
}

// chatChunk is what matters of a chunk or whole answer of chat completions,
// completions and embeddings.
type chatChunk struct {
	model, tier  string
	choices      []choice
	emptyChoices bool
	hasUsage     bool
	usage        usage
	failed       bool
	failure      string
	// more is true when the chunk carries something beside usage that a client
	// must see, such as moderation results.
	more bool
}

type choice struct {
	index  int64
	finish string
}

func (c *chatChunk) readBody(b []byte) error {
	d := decoder(b)
	if err := c.decode(d); err != nil {
		return err
	}
	return atEnd(d)
}

func (c *chatChunk) read(b []byte) error { return c.decode(decoder(b)) }

func (c *chatChunk) decode(d *strictjson.Scanner) error {
	return members(d, func(name string) (bool, error) {
		switch name {
		case "id", "object", "created", "system_fingerprint":
			return false, nil
		case "model":
			return text(d, &c.model)
		case "service_tier":
			return text(d, &c.tier)
		case "usage":
			c.hasUsage = c.hasUsage || d.Kind() == '{'
			return true, openaiUsage(d, &c.usage)
		case "x_groq":
			return true, members(d, func(name string) (bool, error) {
				if name != "usage" {
					return false, nil
				}
				c.hasUsage = c.hasUsage || d.Kind() == '{'
				return true, openaiUsage(d, &c.usage)
			})
		case "error":
			return errorText(d, &c.failed, &c.failure)
		case "choices":
			c.emptyChoices = d.Kind() == '['
			return true, elements(d, func() error {
				var ch choice
				var index figure
				err := members(d, func(name string) (bool, error) {
					switch name {
					case "index":
						return number(d, &index)
					case "finish_reason":
						return text(d, &ch.finish)
					case "usage": // Moonshot and others put it inside
						c.hasUsage = c.hasUsage || d.Kind() == '{'
						return true, openaiUsage(d, &c.usage)
					}
					return false, nil
				})
				ch.index = index.n
				c.choices = append(c.choices, ch)
				return err
			})
		}
		c.more = c.more || (d.Kind() != 'n' && !incidental(name))
		return false, nil
	})
}

// incidental reports whether a member of a chunk says nothing that a client would
// miss: padding against traffic analysis, timings and the like.
func incidental(name string) bool {
	switch name {
	case "obfuscation", "provider", "timings", "time_info", "nvext":
		return true
	}
	return false
}

// messagesEvent is what matters of an event or whole answer of messages.
type messagesEvent struct {
	kind, model, tier, speed, region, finish string
	hasUsage, failed                         bool
	usage                                    usage
	failure                                  string
}

func (m *messagesEvent) readBody(b []byte) error {
	d := decoder(b)
	if err := m.decode(d); err != nil {
		return err
	}
	return atEnd(d)
}

func (m *messagesEvent) read(b []byte) error { return m.decode(decoder(b)) }

func (m *messagesEvent) decode(d *strictjson.Scanner) error {
	return members(d, func(name string) (bool, error) {
		switch name {
		case "type":
			return text(d, &m.kind)
		case "error":
			return errorText(d, &m.failed, &m.failure)
		case "delta":
			return true, members(d, func(name string) (bool, error) {
				if name == "stop_reason" {
					return text(d, &m.finish)
				}
				return false, nil
			})
		case "message":
			return true, m.message(d)
		}
		return m.field(d, name)
	})
}

// message reads the message object of message_start.
func (m *messagesEvent) message(d *strictjson.Scanner) error {
	return members(d, func(name string) (bool, error) { return m.field(d, name) })
}

// field reads a member that a message has, whole or in its first event.
func (m *messagesEvent) field(d *strictjson.Scanner, name string) (bool, error) {
	switch name {
	case "model":
		return text(d, &m.model)
	case "stop_reason":
		return text(d, &m.finish)
	case "usage":
		m.hasUsage = m.hasUsage || d.Kind() == '{'
		return true, m.anthropicUsage(d)
	}
	return false, nil
}

// responsesBody is what matters of a response object of the Responses API.
type responsesBody struct {
	event, model, tier, status, incomplete string
	hasUsage                               bool
	usage                                  usage
	failed                                 bool
	failure                                string
}

func (r *responsesBody) readBody(b []byte) error {
	d := decoder(b)
	if err := members(d, func(name string) (bool, error) { return r.field(d, name) }); err != nil {
		return err
	}
	return atEnd(d)
}

// readEvent reads an event: its type, and the response or error in it.
func (r *responsesBody) readEvent(b []byte) error {
	d := decoder(b)
	return members(d, func(name string) (bool, error) {
		switch name {
		case "type":
			return text(d, &r.event)
		case "message":
			return text(d, &r.failure)
		case "error":
			return errorText(d, &r.failed, &r.failure)
		case "response":
			return true, members(d, func(name string) (bool, error) { return r.field(d, name) })
		}
		return false, nil
	})
}

func (r *responsesBody) field(d *strictjson.Scanner, name string) (bool, error) {
	switch name {
	case "model":
		return text(d, &r.model)
	case "service_tier":
		return text(d, &r.tier)
	case "status":
		return text(d, &r.status)
	case "usage":
		r.hasUsage = r.hasUsage || d.Kind() == '{'
		return true, openaiUsage(d, &r.usage)
	case "output":
		return true, r.output(d)
	case "error":
		return errorText(d, &r.failed, &r.failure)
	case "incomplete_details":
		return true, members(d, func(name string) (bool, error) {
			if name == "reason" {
				return text(d, &r.incomplete)
			}
			return false, nil
		})
	}
	return false, nil
}

// output counts what the provider's own tools have done that costs a fee: searches
// of the web and in files, and the containers in which code ran.
func (r *responsesBody) output(d *strictjson.Scanner) error {
	var searches, files int64
	containers := map[string]bool{}
	err := elements(d, func() error {
		var kind, action, container string
		err := members(d, func(name string) (bool, error) {
			switch name {
			case "type":
				return text(d, &kind)
			case "container_id":
				return text(d, &container)
			case "action":
				return true, members(d, func(name string) (bool, error) {
					if name == "type" {
						return text(d, &action)
					}
					return false, nil
				})
			}
			return false, nil
		})
		switch {
		case kind == "web_search_call" && (action == "" || action == "search"): // opening a page found is free
			searches++
		case kind == "file_search_call":
			files++
		case kind == "code_interpreter_call" && len(containers) < maxChoices:
			containers[container] = true
		}
		return err
	})
	u := &r.usage
	for _, c := range [...]struct {
		n  int64
		to *figure
	}{{searches, &u.searches}, {files, &u.fileSearches}, {int64(len(containers)), &u.sessions}} {
		if c.n > 0 {
			r.hasUsage = true
			c.to.put(c.n)
		}
	}
	return err
}
