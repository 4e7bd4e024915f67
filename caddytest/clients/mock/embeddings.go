package mock

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"
)

// Dimensions is the length of the provider's vectors.
const Dimensions = 8

// Vector is the embedding of a text: small multiples of 1/256, which a float32
// holds exactly, so that both encodings can be compared without a tolerance.
func Vector(s string) []float32 {
	v := make([]float32, Dimensions)
	h := uint32(2166136261)
	for i := range v {
		for _, b := range []byte(s) {
			h = (h ^ uint32(b)) * 16777619
		}
		h = (h ^ uint32(i)) * 16777619
		v[i] = float32(int32(h>>16&0x1ff)-256) / 256
	}
	return v
}

func embeddings(c *call) {
	var inputs []string
	switch in := c.req["input"].(type) {
	case string:
		inputs = []string{in}
	case []any:
		for _, v := range in {
			inputs = append(inputs, text(v))
		}
	}
	if len(inputs) == 0 {
		c.fail(http.StatusBadRequest, "invalid_request_error", "mock_no_input", "mock: no input")
		return
	}
	n := 0
	var data []any
	for i, s := range inputs {
		n += words(s)
		var e any = Vector(s)
		if c.req["encoding_format"] == "base64" {
			var b []byte
			for _, f := range Vector(s) {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
			}
			e = base64.StdEncoding.EncodeToString(b)
		}
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": e})
	}
	c.reports(n, 0)
	c.json(http.StatusOK, map[string]any{
		"object": "list", "model": c.model, "data": data,
		"usage": map[string]any{"prompt_tokens": n, "total_tokens": n},
	})
}
