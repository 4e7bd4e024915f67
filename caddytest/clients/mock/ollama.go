package mock

import (
	"encoding/json"
	"net/http"
)

const ollamaTime = "2025-10-09T08:53:20Z"

// lines writes newline-delimited JSON.
type lines struct{ c *call }

func (l lines) send(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	b = append(b, '\n')
	for _, piece := range [][]byte{b[:len(b)/2], b[len(b)/2:]} {
		_, _ = l.c.w.Write(piece)
		_ = http.NewResponseController(l.c.w).Flush()
	}
}

// broken is what sse.broken is for events.
func (l lines) broken() bool {
	switch c := l.c; {
	case c.breaks("cut"):
		panic(http.ErrAbortHandler)
	case c.breaks("eof"):
	case c.breaks("inband"):
		l.send(map[string]any{"error": "mock: overloaded in the middle of the answer"})
	default:
		if c.gate() {
			return false
		}
		panic(http.ErrAbortHandler)
	}
	return true
}

// ollamaAnswer streams unless it is told not to, as Ollama does; shape puts a
// piece of text into the dialect's member.
func ollamaAnswer(c *call, in int, answer string, calls []any, shape func(text string, calls []any) map[string]any) {
	out := words(answer)
	if calls != nil {
		answer, out = "", 1
	}
	c.reports(in, out)
	end := func(v map[string]any) map[string]any {
		v["done"], v["done_reason"] = true, "stop"
		v["total_duration"], v["load_duration"] = 5000000, 1000000
		v["prompt_eval_count"], v["prompt_eval_duration"] = in, 1000000
		v["eval_count"], v["eval_duration"] = out, 3000000
		return v
	}
	if c.req["stream"] == false {
		c.json(http.StatusOK, end(shape(answer, calls)))
		return
	}
	c.w.Header().Set("Content-Type", "application/x-ndjson")
	c.w.WriteHeader(http.StatusOK)
	l := lines{c}
	if calls != nil {
		v := shape("", calls)
		v["done"] = false
		l.send(v)
	}
	for i, piece := range pieces(answer) {
		v := shape(piece, nil)
		v["done"] = false
		l.send(v)
		if i == 1 && l.broken() {
			return
		}
	}
	l.send(end(shape("", nil)))
}

func ollamaChat(c *call) {
	p := c.prompt()
	if p.lastUser == "" && p.toolResult == "" {
		c.fail(http.StatusBadRequest, "", "", "mock: no user message")
		return
	}
	var calls []any
	if p.wantsTools() {
		for i, name := range p.tools {
			calls = append(calls, map[string]any{"function": map[string]any{"name": name, "arguments": json.RawMessage(p.arguments(i))}})
		}
	}
	ollamaAnswer(c, words(p.all), p.answer(), calls, func(text string, calls []any) map[string]any {
		message := map[string]any{"role": "assistant", "content": text}
		if calls != nil {
			message["tool_calls"] = calls
		}
		return map[string]any{"model": c.model, "created_at": ollamaTime, "message": message}
	})
}

func ollamaGenerate(c *call) {
	prompt := text(c.req["prompt"])
	ollamaAnswer(c, words(prompt), Answer(prompt), nil, func(text string, _ []any) map[string]any {
		return map[string]any{"model": c.model, "created_at": ollamaTime, "response": text}
	})
}

func ollamaEmbed(c *call) {
	var inputs []string
	switch in := c.req["input"].(type) {
	case string:
		inputs = []string{in}
	case []any:
		for _, v := range in {
			inputs = append(inputs, text(v))
		}
	}
	n, list := 0, []any{}
	for _, s := range inputs {
		n += words(s)
		list = append(list, Vector(s))
	}
	c.reports(n, 0)
	c.json(http.StatusOK, map[string]any{"model": c.model, "embeddings": list, "total_duration": 1, "load_duration": 1, "prompt_eval_count": n})
}

var ollamaModels = []string{"llama3.2:latest", "nomic-embed-text:latest"}

func ollamaTags(c *call) {
	var list []any
	for _, id := range ollamaModels {
		list = append(list, map[string]any{
			"name": id, "model": id, "modified_at": ollamaTime, "size": 12800000, "digest": "0a8c26691023",
			"details": map[string]any{"format": "gguf", "family": "llama", "parameter_size": "3.2B", "quantization_level": "Q4_K_M"},
		})
	}
	c.json(http.StatusOK, map[string]any{"models": list})
}
