package limits

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Label is how records and answers call the limit: its name, else its dimension.
func (l *RateLimit) Label() string {
	if l.Name != "" {
		return l.Name
	}
	return l.Dimension
}

// Deny makes a refusal the denial that the caller is told, and notes the
// decision on the exchange.
func (f *Refusal) Deny(x *llm.Exchange) *llm.Denial {
	d := f.denial()
	x.Decide(llm.Decision{Module: "ratelimit", Rule: d.Rule, Action: "deny", Code: d.Code, Detail: d.Message})
	return d
}

// denial speaks to the caller about its own limit: what remains of one that it
// shares is not more than what it could find out by asking.
func (f *Refusal) denial() *llm.Denial {
	l := f.Limit
	limit := "the limit"
	if l.Name != "" {
		limit += " " + l.Name
	}
	amount := f.Amount
	if l.Burst > 0 {
		limit += " of " + count(amount) + " " + l.what() + " at once"
	} else {
		limit += " of " + count(amount) + " " + l.what() + l.in()
	}
	limit += " per " + scopeWord(l.Scope)
	var d *llm.Denial
	switch {
	case f.Never:
		d = llm.Deny(http.StatusTooManyRequests, llm.CodeRateLimited, llm.StageQuota,
			"this request needs room for at least %s %s and can never fit into %s; send a shorter prompt or ask for less output", count(f.Need), l.what(), limit)
		d.NoRetry = true
	case l.counted():
		d = llm.Deny(http.StatusTooManyRequests, llm.CodeRateLimited, llm.StageQuota,
			"%s is reached: %s left and this request needs room for at least %s; wait %s and try again", limit, count(f.Remaining), count(f.Need), seconds(f.RetryAfter))
	default:
		d = llm.Deny(http.StatusTooManyRequests, llm.CodeRateLimited, llm.StageQuota,
			"%s is reached; wait %s and try again", limit, seconds(f.RetryAfter))
	}
	d.Rule = l.Label()
	if !f.Never {
		d.RetryAfter = max(f.RetryAfter, time.Second)
	}
	return d
}

// what names the unit of a limit.
func (l *RateLimit) what() string {
	switch l.Dimension {
	case InputTokens:
		return "input tokens"
	case OutputTokens:
		return "output tokens"
	case Tokens:
		return "tokens"
	case Concurrent:
		return "requests at once"
	}
	return "requests"
}

// in names the window of a limit.
func (l *RateLimit) in() string {
	if l.Dimension == Concurrent {
		return ""
	}
	for _, u := range [...]struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "a day"}, {time.Hour, "an hour"}, {time.Minute, "a minute"}, {time.Second, "a second"}} {
		switch n := l.Window / u.unit; {
		case l.Window%u.unit != 0:
		case n == 1:
			return " " + u.name
		default:
			return " in " + strconv.FormatInt(int64(n), 10) + u.name[strings.IndexByte(u.name, ' '):] + "s"
		}
	}
	return " in " + l.Window.String()
}

// scopeWord is how a scope is called to the client.
func scopeWord(scope string) string {
	if strings.HasPrefix(scope, "{") {
		return "caller group"
	}
	return scope
}

func seconds(d time.Duration) string {
	return strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10) + " s"
}

// count writes a number with marks between the thousands.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
