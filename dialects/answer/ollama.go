package answer

import (
	"bytes"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
)

// ollamaChunk is what matters of an answer of Ollama's native API, or of one
// line of its stream.
type ollamaChunk struct {
	model, finish string
	done, hasDone bool
	usage         usage
	failed        bool
	failure       string
	text          int64
}

func (c *ollamaChunk) decode(d *strictjson.Scanner) error {
	return members(d, func(name string) (bool, error) {
		switch name {
		case "model":
			return text(d, &c.model)
		case "done":
			if k := d.Kind(); k != 't' && k != 'f' {
				return false, nil
			}
			done := d.Bool()
			if d.Err() == nil {
				c.done, c.hasDone = done, true
			}
			return true, d.Err()
		case "done_reason":
			return text(d, &c.finish)
		case "prompt_eval_count":
			return number(d, &c.usage.prompt)
		case "eval_count":
			return number(d, &c.usage.completion)
		case "error":
			return errorText(d, &c.failed, &c.failure)
		case "response", "thinking":
			return true, c.count(d)
		case "message":
			return true, members(d, func(name string) (bool, error) {
				switch name {
				case "content", "thinking", "tool_calls":
					return true, c.count(d)
				}
				return false, nil
			})
		}
		return false, nil
	})
}

// count adds the bytes of a generated value.
func (c *ollamaChunk) count(d *strictjson.Scanner) error {
	k := d.Kind()
	v, err := value(d)
	if k == '"' || k == '[' {
		c.text += int64(max(0, len(v)-2))
	}
	return err
}

var (
	notDoneMark   = []byte(`"done":false`)
	doneTrueMark  = []byte(`"done":true`)
	toolCallsMark = []byte(`"tool_calls"`)
)

// ollamaEvent reads one line of a stream. The quotes of the marks cannot occur
// inside a string of JSON; a call's arguments could hold them, so lines with
// calls are read properly.
func (a *Answer) ollamaEvent(line []byte) Verdict {
	d := bytes.TrimSpace(line)
	if len(d) == 0 {
		return Pass
	}
	if !object(d) {
		return Malformed
	}
	if bytes.Contains(d, notDoneMark) && !bytes.Contains(d, doneTrueMark) && !bytes.Contains(d, errorMark) && !bytes.Contains(d, toolCallsMark) {
		a.text += textBytes(d)
		return Pass
	}
	var c ollamaChunk
	dec := decoder(d)
	if c.decode(dec) != nil || atEnd(dec) != nil {
		return Malformed
	}
	a.ollama(&c)
	return Pass
}

// ollama takes what a line or a whole answer says.
func (a *Answer) ollama(c *ollamaChunk) {
	a.text += c.text
	if c.model != "" {
		a.model = c.model
	}
	a.usage.merge(&c.usage)
	if c.failed {
		a.fail(c.failure)
		return
	}
	if c.finish != "" {
		a.finish = c.finish
	}
	if c.done {
		a.terminal = true
		u := &a.usage
		// The count of a prompt that was all cached is left out by old
		// versions: then it is not known. Loading a model costs nothing.
		u.final = u.prompt.set && u.completion.set
		if c.finish == "load" || c.finish == "unload" {
			u.any, u.final = true, true
		}
	}
}

// ollamaBody reads an answer that is not streamed.
func (a *Answer) ollamaBody(b []byte) error {
	var c ollamaChunk
	d := decoder(b)
	if err := c.decode(d); err != nil {
		return err
	}
	if err := atEnd(d); err != nil {
		return err
	}
	if c.hasDone && !c.done && !c.failed {
		return errUnfinished
	}
	a.ollama(&c)
	if !c.hasDone { // of /api/embed
		a.usage.final = a.usage.prompt.set
	}
	a.terminal = true
	return nil
}
