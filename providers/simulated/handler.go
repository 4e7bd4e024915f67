package simulated

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Handler returns the simulated model server: OpenAI chat completions,
// responses, embeddings, completions and models, Anthropic messages and
// count_tokens, and the native dialects of Gemini and Ollama, streamed and not. pace is the time between events.
//
// The name of the model chooses what happens:
//
//	sim-slow           20 events a second
//	sim-long[-<n>]     an answer of n words, by default 200
//	sim-tools          a call of the first tool that was offered
//	sim-error-<status> an error in the dialect's shape
//	sim-error-stream   a stream that ends in an error event
//	sim-cut            an answer that ends before its end
//	sim-reset          a connection that breaks in the middle
//	sim-malformed      an answer that is no JSON
//	sim-hang           no answer until the client gives up
//
// Every other name gives a short text that repeats the beginning of the prompt.
// The same request always gets the same answer.
func Handler(pace time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("LLM-Simulated", "true")
		body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
		if err != nil {
			return
		}
		c := &conversation{w: w, r: r, raw: body, pace: pace}
		path := r.URL.Path
		switch {
		case strings.HasSuffix(path, "/models"), strings.HasSuffix(path, "/api/tags"):
			c.models()
			return
		case strings.HasSuffix(path, "/responses/input_tokens"):
			c.json(map[string]any{"object": "response.input_tokens", "input_tokens": c.inputTokens()})
			return
		case strings.Contains(path, "odels/"):
			c.native = "gemini"
			verb, err := c.readGemini(r.URL.EscapedPath())
			if err != nil {
				c.error(http.StatusBadRequest, "the body is not a request: "+err.Error())
			} else if !c.behave() {
				c.gemini(verb)
			}
			return
		case strings.Contains(path, "/api/"):
			c.native = "ollama"
			if err := c.readOllama(); err != nil {
				c.error(http.StatusBadRequest, "the body is not a request: "+err.Error())
			} else if !c.behave() {
				c.ollama(path)
			}
			return
		case strings.HasSuffix(path, "/messages/count_tokens"):
			c.read()
			c.json(map[string]any{"input_tokens": c.inputTokens()})
			return
		}
		c.anthropic = strings.HasSuffix(path, "/messages")
		if err := c.read(); err != nil {
			c.error(http.StatusBadRequest, "the body is not a request: "+err.Error())
			return
		}
		if c.behave() {
			return
		}
		switch {
		case c.anthropic:
			c.messages()
		case strings.HasSuffix(path, "/chat/completions"):
			c.chat()
		case strings.HasSuffix(path, "/responses"):
			c.responses()
		case strings.HasSuffix(path, "/embeddings"):
			c.embeddings()
		case strings.HasSuffix(path, "/completions"):
			c.completions()
		default:
			c.error(http.StatusNotFound, "no such endpoint")
		}
	})
}

// conversation is one simulated call.
type conversation struct {
	w         http.ResponseWriter
	r         *http.Request
	raw       []byte
	pace      time.Duration
	anthropic bool
	native    string // "gemini" or "ollama" for their own dialects
	batch     int    // contents to embed
	seq       int
	req       request
}

// offer adds a tool to those that the request offers.
func (c *conversation) offer(name string) {
	var t tool
	t.Name = name
	c.req.Tools = append(c.req.Tools, t)
}

// tool is a tool that a request offers.
type tool struct {
	Name     string `json:"name"`
	Function struct {
		Name string `json:"name"`
	} `json:"function"`
}

// request is what matters of a request of any dialect.
type request struct {
	Model         string          `json:"model"`
	Stream        bool            `json:"stream"`
	Messages      []message       `json:"messages"`
	System        json.RawMessage `json:"system"`
	Input         json.RawMessage `json:"input"`
	Prompt        json.RawMessage `json:"prompt"`
	Encoding      string          `json:"encoding_format"`
	Dimensions    int             `json:"dimensions"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	Tools               []tool `json:"tools"`
	MaxTokens           *int   `json:"max_tokens"`
	MaxCompletionTokens *int   `json:"max_completion_tokens"`
	MaxOutputTokens     *int   `json:"max_output_tokens"`
}

type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

func (c *conversation) read() error {
	// Unknown members are nothing to a model server.
	if err := json.Unmarshal(c.raw, &c.req); err != nil {
		return err
	}
	c.pace = c.paceOf(c.pace)
	return nil
}

// paceOf is the time between events for the model of the request.
func (c *conversation) paceOf(usual time.Duration) time.Duration {
	if strings.Contains(c.req.Model, "sim-slow") {
		return 50 * time.Millisecond
	}
	return usual
}

// behave does what the model's name asks for; it returns true if that was all.
func (c *conversation) behave() bool {
	m := c.req.Model
	if i := strings.Index(m, "sim-error-"); i >= 0 && !strings.Contains(m, "sim-error-stream") {
		status, err := strconv.Atoi(m[i+len("sim-error-"):])
		if err != nil || status < 400 || status > 599 {
			status = http.StatusInternalServerError
		}
		if status == http.StatusTooManyRequests {
			c.w.Header().Set("Retry-After", "1")
		}
		c.error(status, "simulated error "+strconv.Itoa(status))
		return true
	}
	switch {
	case strings.Contains(m, "sim-hang"):
		<-c.r.Context().Done()
	case strings.Contains(m, "sim-malformed"):
		if c.req.Stream && c.native == "ollama" {
			c.w.Header().Set("Content-Type", "application/x-ndjson")
			io.WriteString(c.w, "{\"this is\n")
		} else if c.req.Stream {
			c.w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(c.w, "data: {\"this is\n\n")
		} else {
			c.w.Header().Set("Content-Type", "application/json")
			io.WriteString(c.w, `{"this is`)
		}
	case strings.Contains(m, "sim-reset") && !c.req.Stream:
		c.w.Header().Set("Content-Type", "application/json")
		io.WriteString(c.w, `{"id":`)
		panic(http.ErrAbortHandler)
	case strings.Contains(m, "sim-cut") && !c.req.Stream:
		c.w.Header().Set("Content-Type", "application/json")
		io.WriteString(c.w, `{"id":"sim","choices":[`)
	default:
		return false
	}
	return true
}

// prompt is the text of the last user message, or of the input.
func (c *conversation) prompt() string {
	for i := len(c.req.Messages) - 1; i >= 0; i-- {
		if c.req.Messages[i].Role == "user" {
			return text(c.req.Messages[i].Content)
		}
	}
	if len(c.req.Input) > 0 {
		return text(c.req.Input)
	}
	return text(c.req.Prompt)
}

// text gathers the text of a content, which is a string, a part or a list.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		var parts []string
		for _, p := range list {
			if t := text(p); t != "" {
				parts = append(parts, t)
			}
		}
		return strings.Join(parts, " ")
	}
	var part struct {
		Text    string          `json:"text"`
		Content json.RawMessage `json:"content"`
	}
	if json.Unmarshal(raw, &part) != nil {
		return ""
	}
	if part.Text == "" && len(part.Content) > 0 {
		return text(part.Content)
	}
	return part.Text
}

// words are the answer, in pieces that a stream sends one by one.
func (c *conversation) words() []string {
	if i := strings.Index(c.req.Model, "sim-long"); i >= 0 {
		n, err := strconv.Atoi(strings.TrimPrefix(c.req.Model[i+len("sim-long"):], "-"))
		if err != nil || n < 1 || n > 1_000_000 {
			n = 200
		}
		return c.limit(strings.SplitAfter(strings.TrimRight(strings.Repeat("simulated ", n), " "), " "))
	}
	prompt := []rune(strings.Join(strings.Fields(c.prompt()), " "))
	if len(prompt) > 60 {
		prompt = append(prompt[:60:60], '…')
	}
	return c.limit(strings.SplitAfter(fmt.Sprintf("This is a simulated answer of %s to: %s", c.req.Model, string(prompt)), " "))
}

// limit keeps to the caller's limit on output tokens, a word being a token here.
func (c *conversation) limit(words []string) []string {
	for _, max := range []*int{c.req.MaxTokens, c.req.MaxCompletionTokens, c.req.MaxOutputTokens} {
		if max != nil && *max >= 0 && len(words) > *max {
			return words[:*max]
		}
	}
	return words
}

// cut reports whether the limit on output tokens ended the answer.
func (c *conversation) cut(words []string) bool {
	for _, max := range []*int{c.req.MaxTokens, c.req.MaxCompletionTokens, c.req.MaxOutputTokens} {
		if max != nil && len(words) == *max {
			return true
		}
	}
	return false
}

// inputTokens is a quarter of the request's bytes, rounded up.
func (c *conversation) inputTokens() int { return (len(c.raw) + 3) / 4 }

// id is made of the request, so that the same request gets the same answer.
func (c *conversation) id(prefix string) string {
	h := fnv.New64a()
	h.Write(c.raw)
	return fmt.Sprintf("%ssim%016x", prefix, h.Sum64())
}

// created is the fixed moment of every simulated answer.
const created = 1_750_000_000

// tool returns the name of the tool to call, if one was offered and asked for.
func (c *conversation) tool() (string, bool) {
	if len(c.req.Tools) == 0 {
		return "", false
	}
	if !strings.Contains(c.req.Model, "sim-tools") && !strings.Contains(strings.ToLower(c.prompt()), "use the tool") {
		return "", false
	}
	// After the tool has answered, the model answers.
	if n := len(c.req.Messages); n > 0 && (c.req.Messages[n-1].Role == "tool" || strings.Contains(string(c.req.Messages[n-1].Content), `"tool_result"`)) {
		return "", false
	}
	if strings.Contains(string(c.req.Input), `"function_call_output"`) {
		return "", false
	}
	t := &c.req.Tools[0]
	if t.Function.Name != "" {
		return t.Function.Name, true
	}
	return t.Name, t.Name != ""
}

const toolArguments = `{"simulated":true}`

func (c *conversation) json(v any) {
	c.w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(c.w).Encode(v)
}

// error answers with an error in the dialect's shape.
func (c *conversation) error(status int, message string) {
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	_ = json.NewEncoder(c.w).Encode(c.errorObject(status, message))
}

func (c *conversation) errorObject(status int, message string) any {
	if c.native != "" {
		return c.nativeError(status, message)
	}
	if c.anthropic {
		kind := map[int]string{400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error", 529: "overloaded_error"}[status]
		if kind == "" {
			kind = "api_error"
		}
		return map[string]any{"type": "error", "error": map[string]any{"type": kind, "message": message}, "request_id": c.id("req_")}
	}
	kind := "invalid_request_error"
	if status >= 500 {
		kind = "server_error"
	} else if status == 429 {
		kind = "rate_limit_error"
	}
	return map[string]any{"error": map[string]any{"message": message, "type": kind, "param": nil, "code": "simulated_" + strconv.Itoa(status)}}
}

// event sends one event and waits for the pace; it returns false when the
// client has gone.
func (c *conversation) event(name string, v any) bool {
	data, err := json.Marshal(v)
	if err != nil {
		return false
	}
	return c.frame(name, string(data))
}

func (c *conversation) frame(name, data string) bool {
	c.w.Header().Set("Content-Type", "text/event-stream")
	s := "data: " + data + "\n\n"
	if name != "" {
		s = "event: " + name + "\n" + s
	}
	if _, err := io.WriteString(c.w, s); err != nil {
		return false
	}
	return c.flush()
}

// flush sends what was written and waits for the pace; it returns false when
// the client has gone.
func (c *conversation) flush() bool {
	if f, ok := c.w.(http.Flusher); ok {
		f.Flush()
	}
	if c.pace > 0 {
		t := time.NewTimer(c.pace)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.r.Context().Done():
			return false
		}
	}
	return c.r.Context().Err() == nil
}

// breaks ends a stream early if the model's name says so; it is asked after the
// first words.
func (c *conversation) breaks() bool {
	m := c.req.Model
	switch {
	case strings.Contains(m, "sim-cut"):
		return true
	case strings.Contains(m, "sim-reset"):
		panic(http.ErrAbortHandler)
	case strings.Contains(m, "sim-error-stream"):
		switch {
		case c.native != "":
			c.breakNative()
		case c.anthropic:
			c.event("error", c.errorObject(529, "simulated failure inside the stream"))
		case strings.HasSuffix(c.r.URL.Path, "/responses"):
			c.event("error", map[string]any{"type": "error", "sequence_number": c.seq, "code": "server_error", "message": "simulated failure inside the stream", "param": nil})
		default:
			c.event("", c.errorObject(500, "simulated failure inside the stream"))
		}
		return true
	}
	return false
}

func (c *conversation) models() {
	ids := []string{"sim-fast", "sim-slow", "sim-long", "sim-tools", "gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5"}
	var data []any
	native := strings.Contains(c.r.URL.Path, "/v1beta/") || strings.HasSuffix(c.r.URL.Path, "/api/tags")
	for _, id := range ids {
		if native {
			name := id
			if !strings.HasSuffix(c.r.URL.Path, "/api/tags") {
				name = "models/" + id
			}
			data = append(data, map[string]any{"name": name, "model": id})
		} else if c.r.Header.Get("Anthropic-Version") != "" {
			data = append(data, map[string]any{"type": "model", "id": id, "display_name": id, "created_at": "2025-06-15T00:00:00Z"})
		} else {
			data = append(data, map[string]any{"id": id, "object": "model", "created": created, "owned_by": "simulated"})
		}
	}
	if native {
		c.json(map[string]any{"models": data})
		return
	}
	c.json(map[string]any{"object": "list", "data": data})
}

func (c *conversation) embeddings() {
	var inputs []json.RawMessage
	if json.Unmarshal(c.req.Input, &inputs) != nil || len(inputs) == 0 || inputs[0][0] == '0' || (inputs[0][0] >= '1' && inputs[0][0] <= '9') {
		inputs = []json.RawMessage{c.req.Input}
	}
	n := c.req.Dimensions
	if n <= 0 || n > 4096 {
		n = 8
	}
	data := make([]any, len(inputs))
	for i, in := range inputs {
		h := fnv.New64a()
		h.Write(in)
		x := h.Sum64()
		vec := make([]float32, n)
		for j := range vec {
			x = x*6364136223846793005 + 1442695040888963407
			vec[j] = float32(int32(x>>32)) / math.MaxInt32
		}
		var e any = vec
		if c.req.Encoding == "base64" {
			b := make([]byte, 0, 4*n)
			for _, f := range vec {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
			}
			e = base64.StdEncoding.EncodeToString(b)
		}
		data[i] = map[string]any{"object": "embedding", "index": i, "embedding": e}
	}
	c.json(map[string]any{"object": "list", "model": c.req.Model, "data": data,
		"usage": map[string]any{"prompt_tokens": c.inputTokens(), "total_tokens": c.inputTokens()}})
}
