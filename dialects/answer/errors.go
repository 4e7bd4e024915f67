package answer

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// maxMessage bounds the text of an error, in bytes.
const maxMessage = 2 << 10

// ErrorBody renders a refusal as the error object of the family. All carry our
// stable code: OpenAI's where its own codes stand, Anthropic's and Ollama's as a
// member `code`, Gemini's as the reason of an ErrorInfo.
func ErrorBody(f llm.Family, d *llm.Denial, requestID string) []byte {
	switch f {
	case llm.FamilyGemini:
		return geminiError(d, requestID)
	case llm.FamilyOllama:
		b := append([]byte(`{"error":`), quote(d.Message)...)
		b = append(append(b, `,"code":`...), quote(d.Code)...)
		return append(b, '}')
	case llm.FamilyAnthropic:
		b := append([]byte(`{"type":"error","error":{"type":`), quote(anthropicType(d.Status))...)
		b = append(append(b, `,"message":`...), quote(d.Message)...)
		b = append(append(b, `,"code":`...), quote(d.Code)...)
		b = append(append(b, `},"request_id":`...), quote(requestID)...)
		return append(b, '}')
	}
	b := append([]byte(`{"error":{"message":`), quote(d.Message)...)
	b = append(append(b, `,"type":`...), quote(openaiType(d))...)
	b = append(b, `,"param":`...)
	if d.Param == "" {
		b = append(b, "null"...)
	} else {
		b = append(b, quote(d.Param)...)
	}
	b = append(append(b, `,"code":`...), quote(d.Code)...)
	return append(b, "}}"...)
}

// ErrorEvent renders a failure as an event inside a stream of the dialect, in
// the form that the SDKs report as an error: chat and completions a data line
// with an error, Responses a response.failed (Codex ignores `error` events),
// messages an event `error`, Ollama a line with an error. Gemini gets the bare
// error object, without `data:` and without the blank line of an event, as Google
// itself sends it: its SDKs hand a data event with an error on as an empty answer,
// but throw at this. Readers that follow the format of events strictly ignore it,
// so the connection should be aborted behind it. seq is the number of events that
// went before.
func ErrorEvent(dialect llm.Dialect, d *llm.Denial, requestID string, seq int) []byte {
	switch dialect {
	case llm.Messages:
		return frame("error", ErrorBody(llm.FamilyAnthropic, d, requestID))
	case llm.Responses:
		b := append([]byte(`{"type":"response.failed","sequence_number":`), strconv.Itoa(seq)...)
		b = append(append(b, `,"response":{"id":`...), quote("resp_"+requestID)...)
		b = append(b, `,"object":"response","created_at":0,"status":"failed","error":{"code":`...)
		b = append(append(b, quote(d.Code)...), `,"message":`...)
		b = append(b, quote(d.Message)...)
		return frame("response.failed", append(b, `},"incomplete_details":null,"instructions":null,"metadata":{},"model":"","output":[],"parallel_tool_calls":false,"temperature":null,"tool_choice":"auto","tools":[],"top_p":null,"usage":null}}`...))
	}
	switch f := dialect.Family(); f {
	case llm.FamilyGemini, llm.FamilyOllama:
		return append(ErrorBody(f, d, requestID), '\n')
	}
	return frame("", ErrorBody(llm.FamilyOpenAI, d, requestID))
}

// geminiError renders Google's error object. Its clients read the time to wait
// from the details, not from Retry-After.
func geminiError(d *llm.Denial, requestID string) []byte {
	b := strconv.AppendInt([]byte(`{"error":{"code":`), int64(d.Status), 10)
	b = append(append(b, `,"message":`...), quote(d.Message)...)
	b = append(append(b, `,"status":`...), quote(geminiStatus(d.Status))...)
	b = append(append(b, `,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":`...), quote(d.Code)...)
	b = append(append(b, `,"domain":"llm-gateway","metadata":{"requestId":`...), quote(requestID)...)
	b = append(b, "}}"...)
	if d.RetryAfter > 0 {
		b = append(b, `,{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"`...)
		b = strconv.AppendInt(b, int64((d.RetryAfter+time.Second-1)/time.Second), 10)
		b = append(b, `s"}`...)
	}
	return append(b, "]}}"...)
}

// geminiStatus is the name that Google gives to an error of the HTTP status.
func geminiStatus(status int) string {
	switch status {
	case 401:
		return "UNAUTHENTICATED"
	case 403:
		return "PERMISSION_DENIED"
	case 404:
		return "NOT_FOUND"
	case 409:
		return "ABORTED"
	case 429:
		return "RESOURCE_EXHAUSTED"
	case 499:
		return "CANCELLED"
	case 501:
		return "UNIMPLEMENTED"
	case 502, 503, 529:
		return "UNAVAILABLE"
	case 504:
		return "DEADLINE_EXCEEDED"
	}
	if status >= 500 {
		return "INTERNAL"
	}
	return "INVALID_ARGUMENT"
}

// frame wraps data as an event.
func frame(name string, data []byte) []byte {
	var b []byte
	if name != "" {
		b = append(append(append(b, "event: "...), name...), '\n')
	}
	b = append(append(b, "data: "...), data...)
	return append(b, "\n\n"...)
}

func openaiType(d *llm.Denial) string {
	switch d.Status {
	case 401:
		return "authentication_error"
	case 403:
		return "permission_error"
	case 429:
		if d.Code == llm.CodeBudgetExceeded {
			return "insufficient_quota"
		}
		return "rate_limit_error"
	}
	if d.Status >= 500 {
		return "server_error"
	}
	return "invalid_request_error"
}

func anthropicType(status int) string {
	switch status {
	case 401:
		return "authentication_error"
	case 403:
		return "permission_error"
	case 404:
		return "not_found_error"
	case 413:
		return "request_too_large"
	case 429:
		return "rate_limit_error"
	case 503, 529:
		return "overloaded_error"
	case 408, 504:
		return "timeout_error"
	}
	if status >= 500 {
		return "api_error"
	}
	return "invalid_request_error"
}

// clip cuts a text to maxMessage bytes, between characters if it can.
func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	for i := maxMessage; i > maxMessage-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:maxMessage] // not UTF-8
}

const hexDigits = "0123456789abcdef"

// quote renders text as a JSON string: controls, quotes, HTML's brackets and the
// line separators of JavaScript escaped, invalid UTF-8 replaced, length bounded.
func quote(s string) []byte {
	if len(s) > maxMessage {
		s = clip(s) + "…"
	}
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\t':
			b = append(b, '\\', 't')
		case r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == '<' || r == '>' || r == '&' || r == 0x2028 || r == 0x2029:
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
