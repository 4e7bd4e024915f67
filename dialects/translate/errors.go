package translate

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Error translates the body of a provider's error, of any family or of none (a
// proxy's page, nothing), into the client's envelope. The provider's own words
// are kept, within bounds; a prompt that is too long is told in the words by
// which the clients of that family recover by themselves.
func Error(client, upstream llm.Family, status int, body []byte, requestID string) []byte {
	message, code := readError(body)
	if message == "" {
		message = fmt.Sprintf("the provider answered with status %d and no reason", status)
	}
	if code == "" {
		code = llm.CodeProviderError
	}
	if asked, most, ok := tooLong(message, code); ok && status >= 400 && status < 500 {
		code = "context_length_exceeded"
		if client == llm.FamilyAnthropic && upstream != llm.FamilyAnthropic {
			if most != "" {
				message = "prompt is too long: " + asked + " tokens > " + most + " maximum"
			} else {
				message = "prompt is too long: " + message
			}
		}
	}
	return answer.ErrorBody(client, llm.Deny(status, code, llm.StageProvider, "%s", message), requestID)
}

// readError finds message and code in an error of whatever shape.
func readError(body []byte) (message, code string) {
	v := jsontext.Value(strings.TrimSpace(string(body)))
	if !v.IsValid(lenient) {
		return plainError(body), ""
	}
	if v.Kind() == '[' { // Gemini's streams
		var list []jsontext.Value
		if decodeAnswer(v, &list) != nil || len(list) == 0 {
			return "", ""
		}
		v = list[0]
	}
	var q struct {
		Error   jsontext.Value `json:"error"`
		Message jsontext.Value `json:"message"`
		Detail  jsontext.Value `json:"detail"`
		Type    jsontext.Value `json:"type"`
		Code    jsontext.Value `json:"code"`
		Status  jsontext.Value `json:"status"`
	}
	if v.Kind() != '{' || decodeAnswer(v, &q) != nil {
		return "", ""
	}
	word := func(v jsontext.Value) string {
		if absent(v) || v.Kind() != '"' {
			return ""
		}
		return unquote(v)
	}
	switch {
	case absent(q.Error):
		return firstOf(word(q.Message), word(q.Detail), firstDetail(q.Detail)), firstOf(word(q.Code), word(q.Type))
	case q.Error.Kind() == '"':
		return unquote(q.Error), word(q.Code)
	case q.Error.Kind() != '{':
		return "", ""
	}
	e := q.Error
	if q.Error = nil; decodeAnswer(e, &q) != nil {
		return "", ""
	}
	return word(q.Message), firstOf(word(q.Code), word(q.Type), strings.ToLower(word(q.Status)))
}

// firstDetail is the first complaint of servers that check what they are sent
// member by member.
func firstDetail(v jsontext.Value) string {
	var list []struct {
		Message string           `json:"msg"`
		At      []jsontext.Value `json:"loc"`
	}
	if absent(v) || v.Kind() != '[' || decodeAnswer(v, &list) != nil || len(list) == 0 {
		return ""
	}
	at := ""
	for _, p := range list[0].At {
		if p.Kind() == '"' {
			at = in(at, safeName(unquote(p)))
		} else if p.Kind() == '0' {
			at += "[" + string(p) + "]"
		}
	}
	if at == "" || list[0].Message == "" {
		return list[0].Message
	}
	return at + ": " + list[0].Message
}

// plainError is a short text without markup, else nothing: the page of some proxy
// says nothing to a client.
func plainError(body []byte) string {
	s := strings.TrimSpace(string(body))
	if len(s) == 0 || len(s) > 300 || s[0] == '<' || s[0] == '{' || s[0] == '[' || !utf8.ValidString(s) ||
		strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
		return ""
	}
	return s
}

// What providers say when a prompt does not fit: Anthropic, Gemini, OpenAI and
// the servers that follow it.
var (
	askedThenMost = regexp.MustCompile(`(?i)(?:prompt is too long: |input token count \(?|request \(|prompt contains )(\d+)\)?(?: tokens > | tokens\) exceeds[^(\d]{0,80}\(| exceeds[^(\d]{0,80}\(?| tokens[^\d]{0,80}model with )(\d+)`)
	mostThenAsked = regexp.MustCompile(`(?i)maximum context length is (\d+) tokens[^\d]{0,120}?(\d+)(?: input)? tokens`)
	tooLongWords  = regexp.MustCompile(`(?i)context[ _](?:length|window|size|limit)|prompt is too long|input is too long`)
)

// tooLong reports whether an error says that the prompt does not fit, and the
// numbers of tokens if it tells them.
func tooLong(message, code string) (asked, most string, ok bool) {
	if len(message) > 4096 {
		message = message[:4096]
	}
	if m := askedThenMost.FindStringSubmatch(message); m != nil {
		return m[1], m[2], true
	}
	if m := mostThenAsked.FindStringSubmatch(message); m != nil {
		return m[2], m[1], true
	}
	return "", "", code == "context_length_exceeded" || code == "exceed_context_size_error" || tooLongWords.MatchString(message)
}
