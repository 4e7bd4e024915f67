package mock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Config says which keys the provider wants and which it must never see.
type Config struct {
	OpenAIKey    string // also of the Ollama dialect
	AnthropicKey string
	GoogleKey    string
	// Forbidden are the keys of the gateway's own clients: a request in which
	// one of them appears, anywhere, is answered with an error that fails the
	// test that caused it.
	Forbidden []string
}

// Seen is one request as it reached the provider.
type Seen struct {
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Query  string      `json:"query"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
}

// Served is one request that the provider accepted: its key was right.
type Served struct {
	ID   string `json:"id"`
	Path string `json:"path"`
	// Input and Output are the tokens that a whole answer reports; 0 if it
	// reports none.
	Input  int `json:"input"`
	Output int `json:"output"`
	// Silent says that no answer came, so nobody can know its ID.
	Silent bool `json:"silent,omitempty"`
}

// patience bounds every wait of the provider, so that a broken gateway ends in
// a failed test and not in a hanging one.
const patience = 15 * time.Second

// probe is what a test puts into a prompt to find its own request again.
var probe = regexp.MustCompile(`probe-[a-zA-Z0-9_.-]*[a-zA-Z0-9]`)

// Server is the provider. The zero value is not usable: see New.
type Server struct {
	cfg Config
	mux *http.ServeMux

	mu     sync.Mutex
	serial int
	served []*Served
	notes  map[string]*note
}

// note is what is known of one probe.
type note struct {
	seen     []Seen
	turns    int           // streamed requests in which an agent offered tools
	release  chan struct{} // closed when the test lets a gated stream go on
	released bool
	gone     chan struct{} // closed when a caller left in the middle of an answer
	left     bool
}

// New returns a provider.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, mux: http.NewServeMux(), notes: make(map[string]*note)}
	s.mux.HandleFunc("GET /_mock/seen", s.showSeen)
	s.mux.HandleFunc("GET /_mock/served", s.showServed)
	s.mux.HandleFunc("POST /_mock/release", s.releaseGate)
	s.mux.HandleFunc("GET /_mock/gone", s.waitGone)
	openai := map[string]func(*call){
		"POST /v1/chat/completions": chat,
		"POST /v1/responses":        responses,
		"POST /v1/embeddings":       embeddings,
		"POST /v1/completions":      completions,

		"POST /v1/responses/input_tokens": inputTokens,
	}
	for pattern, f := range openai {
		s.mux.HandleFunc(pattern, s.handle(openAI, f))
	}
	s.mux.HandleFunc("POST /v1/messages", s.handle(anthropic, messages))
	s.mux.HandleFunc("POST /v1/messages/count_tokens", s.handle(anthropic, countTokens))
	for _, pattern := range []string{"GET /v1/models", "GET /v1/models/{id}"} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Header.Get("Anthropic-Version") != "":
				s.handle(anthropic, models)(w, r)
			case r.Header.Get("X-Goog-Api-Key") != "":
				s.handle(google, googleModels)(w, r)
			default:
				s.handle(openAI, models)(w, r)
			}
		})
	}
	for _, version := range []string{"v1", "v1beta"} { // majors of Google's SDK differ
		s.mux.HandleFunc("POST /"+version+"/models/{call}", s.handle(google, generate))
	}
	s.mux.HandleFunc("GET /v1beta/models", s.handle(google, googleModels))
	s.mux.HandleFunc("POST /api/chat", s.handle(ollama, ollamaChat))
	s.mux.HandleFunc("POST /api/generate", s.handle(ollama, ollamaGenerate))
	s.mux.HandleFunc("POST /api/embed", s.handle(ollama, ollamaEmbed))
	s.mux.HandleFunc("GET /api/tags", s.handle(ollama, ollamaTags))
	return s
}

// ServeHTTP answers as a provider would.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// family is whose API a request is of.
type family int

const (
	openAI family = iota
	anthropic
	google
	ollama
)

// call is one request on its way through the provider.
type call struct {
	s       *Server
	w       http.ResponseWriter
	r       *http.Request
	family  family
	id      string // of the request, told in the answer's header
	raw     []byte
	req     map[string]any
	model   string
	mood    string // the words that make it misbehave: the model's name, or an agent's probe
	stream  bool
	probe   string
	note    *note
	attempt int // how many requests with this probe came, this one included
	turn    int // how many of them were streamed and offered tools, this one included
	served  *Served
}

// handle does what all endpoints have in common: the key, the body, the probe,
// the errors that a model's name asks for.
func (s *Server) handle(of family, f func(*call)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{s: s, w: w, r: r, family: of}
		raw, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
		if err != nil {
			return
		}
		c.raw = raw
		s.record(c)
		if of == anthropic {
			w.Header().Set("Request-Id", c.id)
			w.Header().Set("Anthropic-Ratelimit-Requests-Remaining", "41")
		} else {
			w.Header().Set("X-Request-Id", c.id)
			w.Header().Set("X-Ratelimit-Remaining-Requests", "41")
		}
		if s.leaked(r, raw) {
			c.fail(http.StatusTeapot, "invalid_request_error", "leak", "mock: a key of the gateway's client reached the provider")
			return
		}
		if !s.authorized(of, r) {
			c.fail(http.StatusUnauthorized, "authentication_error", "invalid_api_key", "mock: this is not the provider's key")
			return
		}
		s.accept(c)
		if r.Method == http.MethodPost {
			dec := json.NewDecoder(bytes.NewReader(raw))
			dec.UseNumber()
			if err := dec.Decode(&c.req); err != nil {
				c.fail(http.StatusBadRequest, "invalid_request_error", "invalid_json", "mock: the body is not a JSON object")
				return
			}
			c.model, _ = c.req["model"].(string)
			c.stream, _ = c.req["stream"].(bool)
			if of == google {
				c.model, _, _ = strings.Cut(r.PathValue("call"), ":")
			}
			c.understand()
		}
		if !c.failByModel() {
			f(c)
		}
	}
}

func (s *Server) record(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	c.id = fmt.Sprintf("req_mock_%06d", s.serial)
	c.probe = string(probe.Find(c.raw))
	c.note = s.noteOf(c.probe)
	c.note.seen = append(c.note.seen, Seen{
		Method: c.r.Method, Path: c.r.URL.Path, Query: c.r.URL.RawQuery,
		Header: c.r.Header.Clone(), Body: string(c.raw),
	})
	c.attempt = len(c.note.seen)
}

func (s *Server) accept(c *call) {
	c.served = &Served{ID: c.id, Path: c.r.URL.Path}
	s.mu.Lock()
	s.served = append(s.served, c.served)
	s.mu.Unlock()
}

// reports notes the tokens that the answer of this call reports.
func (c *call) reports(in, out int) {
	c.s.mu.Lock()
	c.served.Input, c.served.Output = in, out
	c.s.mu.Unlock()
}

// noteOf must be called with the lock held.
func (s *Server) noteOf(probe string) *note {
	n := s.notes[probe]
	if n == nil {
		n = &note{release: make(chan struct{}), gone: make(chan struct{})}
		s.notes[probe] = n
	}
	return n
}

func (s *Server) leaked(r *http.Request, raw []byte) bool {
	for _, key := range s.cfg.Forbidden {
		if key == "" {
			continue
		}
		if bytes.Contains(raw, []byte(key)) || strings.Contains(r.URL.String(), key) {
			return true
		}
		for _, values := range r.Header {
			for _, v := range values {
				if strings.Contains(v, key) {
					return true
				}
			}
		}
	}
	return false
}

func (s *Server) authorized(of family, r *http.Request) bool {
	bearer := r.Header.Get("Authorization")
	switch of {
	case openAI, ollama:
		return bearer == "Bearer "+s.cfg.OpenAIKey
	case google:
		return r.Header.Get("X-Goog-Api-Key") == s.cfg.GoogleKey && bearer == "" && !r.URL.Query().Has("key")
	}
	key := r.Header.Get("X-Api-Key")
	if key != "" && bearer != "" {
		return false
	}
	return key == s.cfg.AnthropicKey || bearer == "Bearer "+s.cfg.AnthropicKey
}

func (s *Server) showSeen(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	seen := append([]Seen{}, s.noteOf(r.FormValue("probe")).seen...)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(seen)
}

func (s *Server) showServed(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	b, err := json.Marshal(s.served)
	s.mu.Unlock()
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
}

func (s *Server) releaseGate(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.noteOf(r.FormValue("probe")); !n.released {
		n.released = true
		close(n.release)
	}
}

// waitGone answers once the caller of the probe's request has left, or 504.
func (s *Server) waitGone(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	n := s.noteOf(r.FormValue("probe"))
	s.mu.Unlock()
	select {
	case <-n.gone:
	case <-time.After(patience):
		w.WriteHeader(http.StatusGatewayTimeout)
	}
}

// gate holds a stream of a call in the mood "gate" until the test releases it. It
// returns false if nobody did, or if the caller left.
func (c *call) gate() bool {
	if !strings.Contains(c.mood, "gate") {
		return true
	}
	select {
	case <-c.note.release:
		return true
	case <-c.r.Context().Done():
		c.s.mu.Lock()
		if !c.note.left {
			c.note.left = true
			close(c.note.gone)
		}
		c.s.mu.Unlock()
	case <-time.After(patience):
	}
	return false
}
