package mock

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// created is the time that all answers claim.
const created = 1760000000

// json answers with one JSON value; if the call's mood asks for it, with half of
// one: "cut" breaks the connection after it, "eof" ends the body as if it were
// whole.
func (c *call) json(status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	cut, eof := c.breaks("cut"), c.breaks("eof")
	if cut {
		h.Set("Content-Length", strconv.Itoa(len(b)))
	}
	if cut || eof {
		b = b[:len(b)/2]
	}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(b)
	if cut {
		_ = http.NewResponseController(c.w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// sse writes server-sent events. Every third one goes out in two pieces cut at
// an awkward place, as networks do.
type sse struct {
	c *call
	n int
}

func (c *call) events() *sse {
	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	c.w.WriteHeader(http.StatusOK)
	return &sse{c: c}
}

// send writes one event; an empty name leaves the event line out.
func (s *sse) send(name string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	frame := "data: " + string(b) + "\n\n"
	if name != "" {
		frame = "event: " + name + "\n" + frame
	}
	s.raw(frame)
}

// typed writes an event whose name is its "type" member.
func (s *sse) typed(v map[string]any) { s.send(v["type"].(string), v) }

func (s *sse) raw(frame string) {
	s.n++
	cut := len(frame)
	if s.n%3 == 0 {
		cut = len(frame) / 2
	}
	for _, piece := range []string{frame[:cut], frame[cut:]} {
		if piece != "" {
			_, _ = s.c.w.Write([]byte(piece))
			_ = http.NewResponseController(s.c.w).Flush()
		}
	}
}

// breaks reports whether the answer is to break in this way: always, or with
// "once" in the mood only the first answer of an agent's turn.
func (c *call) breaks(how string) bool {
	return strings.Contains(c.mood, how) && (!strings.Contains(c.mood, "once") || c.turn == 1)
}

// broken ends a stream after its first deltas in the way that the call's mood
// asks for, and returns true if it did:
//
//	cut     the connection breaks
//	eof     the body ends as if it were whole, without the terminal event
//	inband  an error event
func (s *sse) broken() bool {
	switch {
	case s.c.breaks("cut"):
		panic(http.ErrAbortHandler)
	case s.c.breaks("eof"):
	case s.c.breaks("inband"):
		const message = "mock: overloaded in the middle of the answer"
		switch {
		case s.c.family == google:
			s.send("", map[string]any{"error": googleError(http.StatusServiceUnavailable, message)})
		case s.c.family == anthropic:
			s.send("error", map[string]any{"type": "error", "error": map[string]any{"type": "overloaded_error", "message": message}})
		case strings.HasSuffix(s.c.r.URL.Path, "/responses"):
			resp := responseShell(s.c, "failed", nil)
			resp["error"] = map[string]any{"code": "server_error", "message": message}
			s.typed(map[string]any{"type": "response.failed", "sequence_number": s.n, "response": resp})
		default:
			s.send("", map[string]any{"error": map[string]any{"message": message, "type": "server_error", "param": nil, "code": "mock_inband"}})
		}
	default:
		if s.c.gate() {
			return false
		}
		panic(http.ErrAbortHandler)
	}
	return true
}

// pieces cuts a text into deltas of four runes.
func pieces(text string) []string {
	var out []string
	for text != "" {
		n := 0
		for i := 0; i < 4 && n < len(text); i++ {
			_, size := utf8.DecodeRuneInString(text[n:])
			n += size
		}
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

// words is the provider's idea of a token.
func words(text string) int { return len(strings.Fields(text)) }

func (c *call) newID(prefix string) string {
	return fmt.Sprintf("%s_%s", prefix, strings.TrimPrefix(c.id, "req_"))
}
