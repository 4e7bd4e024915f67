package translate

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// responsesShell is the response object around the items.
type responsesShell struct {
	c       *Call
	id      string
	model   string
	created int64
	tier    string
	status  string
	reason  string // of an incomplete answer
}

func newResponsesShell(c *Call) responsesShell {
	return responsesShell{c: c, id: plainID(c.Options.RequestID), status: "in_progress"}
}

// plainID returns the letters and digits of the gateway's id, so that ids made of
// it look like the provider's.
func plainID(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i]; (c|0x20)-'a' < 26 || c-'0' < 10 {
			b = append(b, c)
		}
	}
	return string(b)
}

func (w *responsesShell) itemID(k outKind, i int) string {
	return outPrefix[k] + w.id + "_" + strconv.Itoa(i)
}

func (w *responsesShell) callID(i int) string { return "call_" + w.id + "_" + strconv.Itoa(i) }

// end decides the status.
func (w *responsesShell) end(f Finish, refused bool) {
	w.status = "completed"
	switch f {
	case FinishLength, FinishContext:
		w.status, w.reason = "incomplete", "max_output_tokens"
	case FinishFilter:
		w.status, w.reason = "incomplete", "content_filter"
	case FinishRefusal:
		if !refused { // a refusal without words is none that this API has
			w.status, w.reason = "incomplete", "content_filter"
		}
	}
}

// append appends the response object; u is nil before the end.
func (w *responsesShell) append(b []byte, items []*outItem, u *llm.Usage) []byte {
	b = keyString(append(b, '{'), "id", "resp_"+w.id)
	b = keyInt(append(b, `,"object":"response"`...), "created_at", w.date())
	b = keyString(b, "status", w.status)
	b = append(b, `,"background":false,"error":null,"incomplete_details":`...)
	if w.reason == "" {
		b = append(b, "null"...)
	} else {
		b = append(keyString(append(b, '{'), "reason", w.reason), '}')
	}
	r := w.c.request
	if r == nil {
		r = &Request{}
	}
	b = append(b, `,"instructions":null,"max_output_tokens":`...)
	if r.MaxTokens > 0 {
		b = strconv.AppendInt(b, r.MaxTokens, 10)
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `,"metadata":{}`...)
	model := w.model
	if model == "" {
		model = r.Model
	}
	b = append(key(keyString(b, "model", model), "output"), '[')
	for i, it := range items {
		status := "completed"
		if w.status != status && i == len(items)-1 { // it was cut
			status = "incomplete"
		}
		b = it.append(elem(b), status, false)
	}
	b = append(b, ']')
	b = keyBool(b, "parallel_tool_calls", r.Parallel == nil || *r.Parallel)
	b = append(b, `,"previous_response_id":null,"reasoning":{"effort":`...)
	b = append(orNull(b, r.Reasoning.Effort), `,"summary":`...)
	b = append(orNull(b, r.Reasoning.Summary), '}')
	b = orNull(key(b, "service_tier"), w.tier)
	b = append(b, `,"store":false`...)
	b = orNullValue(key(b, "temperature"), r.Temperature)
	b = append(b, `,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[]`...)
	b = orNullValue(key(b, "top_p"), r.TopP)
	b = append(b, `,"truncation":"disabled","usage":`...)
	if u == nil {
		b = append(b, "null"...)
	} else {
		b = appendResponsesUsage(b, u)
	}
	return append(b, `,"user":null}`...)
}

func (w *responsesShell) date() int64 {
	if w.created > 0 {
		return w.created
	}
	if w.c.Options.Now.IsZero() {
		return 0
	}
	return w.c.Options.Now.Unix()
}

func orNull(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return quoted(b, s)
}

func orNullValue(b []byte, v jsontext.Value) []byte {
	if absent(v) {
		return append(b, "null"...)
	}
	return append(b, v...)
}

// appendResponsesUsage appends the usage object, in which cached tokens are part
// of the input.
func appendResponsesUsage(b []byte, u *llm.Usage) []byte {
	b = keyInt(append(b, '{'), "input_tokens", u.Prompt())
	b = keyInt(append(b, `,"input_tokens_details":{`...), "cached_tokens", u.CacheRead)
	b = append(keyInt(b, "cache_write_tokens", u.CacheWrite+u.CacheWrite1h), '}')
	b = keyInt(b, "output_tokens", u.Output)
	b = append(keyInt(append(b, `,"output_tokens_details":{`...), "reasoning_tokens", u.Reasoning), '}')
	return append(keyInt(b, "total_tokens", u.Total()), '}')
}
