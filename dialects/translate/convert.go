package translate

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// conversion is a pair of dialects that are no conversations (embeddings, token
// counts) and are translated directly.
type conversion struct{ client, upstream llm.Dialect }

// conversions are the pairs that exist.
var conversions = [...]conversion{
	{llm.Embeddings, llm.GeminiBatchEmbed},
	{llm.CountTokens, llm.GeminiCount},
	{llm.CountTokens, llm.InputTokens},
}

// converter does the work of one conversion.
type converter struct {
	request func(c *Call, body []byte, n *notes) ([]byte, error)
	answer  func(c *Call, body []byte, u llm.Usage) ([]byte, error)
}

func conversionOf(client, upstream llm.Dialect) *converter {
	switch (conversion{client, upstream}) {
	case conversion{llm.Embeddings, llm.GeminiBatchEmbed}:
		return &embedToGemini
	case conversion{llm.CountTokens, llm.GeminiCount}:
		return &countToGemini
	case conversion{llm.CountTokens, llm.InputTokens}:
		return &countToResponses
	}
	return nil
}

var (
	embedToGemini    = converter{embedRequest, embedAnswer}
	countToGemini    = converter{geminiCountRequest, geminiCountAnswer}
	countToResponses = converter{inputTokensRequest, inputTokensAnswer}
)

// embeddingsRequest is a request of OpenAI's embeddings.
type embeddingsRequest struct {
	Model      string         `json:"model"`
	Input      jsontext.Value `json:"input"`
	Dimensions int64          `json:"dimensions"`
	Encoding   string         `json:"encoding_format"`
	User       jsontext.Value `json:"user"`
	Rest       jsontext.Value `json:",embed"`
}

// embedRequest makes one batch of all inputs.
func embedRequest(c *Call, body []byte, n *notes) ([]byte, error) {
	var q embeddingsRequest
	if err := decode(body, &q, ""); err != nil {
		return nil, err
	}
	n.loseMembers(q.Rest, "")
	switch q.Encoding {
	case "", "float":
	case "base64":
		c.base64 = true
	default:
		return nil, invalidf("encoding_format", "want float or base64")
	}
	if q.Dimensions < 0 {
		return nil, invalidf("dimensions", "want a positive integer")
	}
	inputs, err := embedInputs(q.Input)
	if err != nil {
		return nil, err
	}
	c.request = &Request{Model: q.Model}
	if c.Options.Model != "" {
		c.request.Model = c.Options.Model
	}
	model := geminiModel(c.request.Model)
	b := append(make([]byte, 0, len(body)+128*len(inputs)), `{"requests":[`...)
	for _, s := range inputs {
		b = keyString(append(elem(b), '{'), "model", model)
		b = append(keyString(append(b, `,"content":{"parts":[{`...), "text", s), "}]}"...)
		if q.Dimensions > 0 {
			b = keyInt(b, "outputDimensionality", q.Dimensions)
		}
		b = append(b, '}')
	}
	return append(b, "]}"...), nil
}

// geminiModel is the name of a model as it stands inside requests.
func geminiModel(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return "models/" + name
}

// embedInputs reads a text or several. Token numbers mean nothing to another
// provider's model.
func embedInputs(v jsontext.Value) ([]string, error) {
	const tokens = "token numbers belong to another provider's models: send text"
	if absent(v) {
		return nil, invalidf("input", "required")
	}
	if v.Kind() == '"' {
		return []string{unquote(v)}, nil
	}
	var list []jsontext.Value
	if err := decode(v, &list, "input"); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, invalidf("input", "want at least one text")
	}
	inputs := make([]string, len(list))
	for i, v := range list {
		switch v.Kind() {
		case '"':
			inputs[i] = unquote(v)
		case '0', '[':
			return nil, invalidf("input", tokens)
		default:
			return nil, invalidf(at("input", i), "want a string, found %s", kindName(v.Kind()))
		}
	}
	return inputs, nil
}

// embedAnswer makes OpenAI's list of embeddings.
func embedAnswer(c *Call, body []byte, u llm.Usage) ([]byte, error) {
	var q struct {
		Embeddings []struct {
			Values []jsontext.Value `json:"values"`
		} `json:"embeddings"`
	}
	if err := decodeAnswer(body, &q); err != nil {
		return nil, err
	}
	if len(q.Embeddings) == 0 {
		return nil, fmt.Errorf("%w: no embeddings", errAnswer)
	}
	b := append(make([]byte, 0, len(body)+512), `{"object":"list","data":[`...)
	var raw []byte
	for i := range q.Embeddings {
		values := q.Embeddings[i].Values
		b = keyInt(append(elem(b), `{"object":"embedding"`...), "index", int64(i))
		b = key(b, "embedding")
		if !c.base64 {
			b = append(b, '[')
			for _, v := range values {
				if v.Kind() != '0' {
					return nil, fmt.Errorf("%w: an embedding that is no number", errAnswer)
				}
				b = append(elem(b), v...)
			}
			b = append(b, "]}"...)
			continue
		}
		raw = raw[:0]
		for _, v := range values {
			f, err := strconv.ParseFloat(string(v), 32)
			if err != nil {
				return nil, fmt.Errorf("%w: an embedding that is no number", errAnswer)
			}
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(f)))
		}
		b = append(base64.StdEncoding.AppendEncode(append(b, '"'), raw), `"}`...)
	}
	model := u.Model
	if model == "" && c.request != nil {
		model = c.request.Model
	}
	b = keyString(append(b, ']'), "model", model)
	b = keyInt(append(b, `,"usage":{`...), "prompt_tokens", u.Prompt())
	return append(keyInt(b, "total_tokens", u.Prompt()), "}}"...), nil
}

// countRequest reads a request to count tokens: a messages request without a
// limit.
func countRequest(c *Call, body []byte, n *notes) (*Request, error) {
	r, err := codecs[llm.Messages].readRequest(body, n)
	if err != nil {
		return nil, err
	}
	c.request = r
	if c.Options.Model != "" {
		r.Model = c.Options.Model
	}
	return r, nil
}

func geminiCountRequest(c *Call, body []byte, n *notes) ([]byte, error) {
	r, err := countRequest(c, body, n)
	if err != nil {
		return nil, err
	}
	w := newGeminiWriter(r, c, n)
	w.b = keyString(append(w.b, `{"generateContentRequest":{`...), "model", geminiModel(r.Model))
	w.conversation()
	return append(w.b, "}}"...), nil
}

func inputTokensRequest(c *Call, body []byte, n *notes) ([]byte, error) {
	r, err := countRequest(c, body, n)
	if err != nil {
		return nil, err
	}
	w := responsesRequestWriter{r: r, c: c, n: n, b: make([]byte, 0, len(body)+256)}
	w.b = keyString(append(w.b, '{'), "model", r.Model)
	w.conversation()
	return append(w.b, '}'), nil
}

func geminiCountAnswer(_ *Call, body []byte, _ llm.Usage) ([]byte, error) {
	return countAnswer(body, "totalTokens")
}

func inputTokensAnswer(_ *Call, body []byte, _ llm.Usage) ([]byte, error) {
	return countAnswer(body, "input_tokens")
}

// countAnswer makes Anthropic's answer of the count that stands in a member.
func countAnswer(body []byte, member string) ([]byte, error) {
	var q map[string]jsontext.Value
	if err := decodeAnswer(body, &q); err != nil {
		return nil, err
	}
	v := q[member]
	if absent(v) || v.Kind() != '0' {
		return nil, fmt.Errorf("%w: no count", errAnswer)
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("%w: no count", errAnswer)
	}
	return append(keyInt([]byte{'{'}, "input_tokens", n), '}'), nil
}
