package mock

import (
	"net/http"
	"strings"
	"time"
)

// fail answers with an error in the family's envelope.
func (c *call) fail(status int, typ, code, message string) {
	switch c.family {
	case anthropic:
		c.json(status, map[string]any{
			"type":       "error",
			"error":      map[string]any{"type": typ, "message": message},
			"request_id": c.id,
		})
		return
	case google:
		c.json(status, map[string]any{"error": googleError(status, message)})
		return
	case ollama:
		c.json(status, map[string]any{"error": message})
		return
	}
	c.json(status, map[string]any{
		"error": map[string]any{"message": message, "type": typ, "param": nil, "code": code},
	})
}

// failByModel answers with the error that the call's mood asks for.
func (c *call) failByModel() bool {
	h := c.w.Header()
	switch {
	case strings.Contains(c.mood, "err-400"):
		c.fail(http.StatusBadRequest, "invalid_request_error", "mock_bad_request", "mock: prompt is too long: 210000 tokens > 200000 maximum")
	case strings.Contains(c.mood, "err-429"):
		h.Set("Retry-After", "7")
		if c.family == anthropic {
			h.Set("Anthropic-Ratelimit-Requests-Remaining", "0")
		} else {
			h.Set("X-Ratelimit-Remaining-Requests", "0")
		}
		c.fail(http.StatusTooManyRequests, "rate_limit_error", "mock_rate_limit", "mock: too many requests")
	case strings.Contains(c.mood, "err-500"):
		c.fail(http.StatusInternalServerError, "api_error", "mock_server_error", "mock: the server exploded")
	case strings.Contains(c.mood, "err-529"):
		c.fail(529, "overloaded_error", "mock_overloaded", "mock: overloaded")
	case strings.Contains(c.mood, "flaky") && c.attempt == 1:
		c.fail(http.StatusInternalServerError, "api_error", "mock_flaky", "mock: the first try of each probe fails")
	case strings.Contains(c.mood, "hang"):
		c.s.mu.Lock()
		c.served.Silent = true
		c.s.mu.Unlock()
		select { // no answer at all, until the caller gives up
		case <-c.r.Context().Done():
		case <-time.After(patience):
		}
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}
