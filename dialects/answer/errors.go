package answer

import (
	"strconv"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// maxMessage bounds the text of an error, in bytes.
const maxMessage = 2 << 10

// ErrorBody renders a refusal as the error object of the family. Both carry our
// stable code: OpenAI's where its own codes stand, Anthropic's as a member
// `code` of the error.
func ErrorBody(f llm.Family, d *llm.Denial, requestID string) []byte {
	if f == llm.FamilyAnthropic {
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
// messages an event `error`. seq is the number of events that went before.
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
	return frame("", ErrorBody(llm.FamilyOpenAI, d, requestID))
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
