package auth

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// keyHeaders are the headers that carry a bare key, in canonical form.
var keyHeaders = [...]string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"}

// queryKey is the query parameter that carries a key.
const queryKey = "key"

// Credential finds the one credential of a request: in "Authorization: Bearer",
// in x-api-key, api-key, x-goog-api-key, or in the query parameter "key" (in any case). The
// same value in several places counts once; two different values are refused
// (400 conflicting_credentials), because two readers might choose differently.
// No credential, or one of a kind that is not accepted, is a 401. The header map
// must have canonical names, as net/http makes them. The denial never contains
// what the client sent.
func Credential(h http.Header, rawQuery string) (secret string, d *llm.Denial) {
	for _, v := range h["Authorization"] {
		v = trim(v)
		if v == "" {
			continue
		}
		token, ok := bearer(v)
		if !ok {
			return "", unauthenticated(llm.CodeUnauthenticated, "Bearer",
				"this kind of Authorization is not accepted; send the API key as \"Authorization: Bearer <key>\"")
		}
		if secret, d = take(secret, token); d != nil {
			return "", d
		}
	}
	for _, name := range keyHeaders {
		for _, v := range h[name] {
			if secret, d = take(secret, trim(v)); d != nil {
				return "", d
			}
		}
	}
	for rest := rawQuery; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		// Like net/url, ignore a pair with a semicolon: it is not clear where it
		// ends. Strip removes it all the same.
		if !isKey(pair) || strings.Contains(pair, ";") {
			continue
		}
		_, raw, _ := strings.Cut(pair, "=")
		v, err := url.QueryUnescape(raw)
		if err != nil {
			return "", llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageAuth,
				"the query parameter \"key\" is not validly percent-encoded")
		}
		if secret, d = take(secret, trim(v)); d != nil {
			return "", d
		}
	}
	if secret == "" {
		return "", unauthenticated(llm.CodeUnauthenticated, "Bearer",
			"no API key was sent; send it as \"Authorization: Bearer <key>\" or in the header x-api-key")
	}
	return secret, nil
}

// take adds one more value to what was found so far. Empty values count as
// absent: SDKs send empty headers for keys that are not set.
func take(have, v string) (string, *llm.Denial) {
	switch {
	case v == "" || v == have:
		return have, nil
	case have == "":
		return v, nil
	}
	return "", llm.Deny(http.StatusBadRequest, llm.CodeConflicting, llm.StageAuth,
		"the request carries two different credentials; send one API key, in one header")
}

// bearer returns the token of a Bearer credential, which may be empty.
func bearer(v string) (token string, ok bool) {
	const scheme = "bearer"
	if len(v) < len(scheme) || !strings.EqualFold(v[:len(scheme)], scheme) {
		return "", false
	}
	if rest := v[len(scheme):]; rest == "" || rest[0] == ' ' || rest[0] == '\t' {
		return trim(rest), true
	}
	return "", false
}

// trim removes the white space that HTTP allows around a value.
func trim(s string) string { return strings.Trim(s, " \t") }

// Strip removes every credential from the header map, in place, and returns the
// raw query without them: the headers that Credential reads, Proxy-Authorization
// and Cookie, whatever the case of their names and with underscores for hyphens
// (some servers behind us read the one as the other), and the query parameter
// "key" in any case or encoding. The rest of the query is kept byte for byte.
func Strip(h http.Header, rawQuery string) (newQuery string) {
	for name := range h {
		if isCredentialHeader(name) {
			delete(h, name)
		}
	}
	return stripQuery(rawQuery)
}

// credentialHeaders are the names of headers that carry credentials, in lower
// case with hyphens.
var credentialHeaders = [...]string{
	"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key",
}

// isCredentialHeader reports whether a name is one of credentialHeaders, in any
// case and with underscores for hyphens.
func isCredentialHeader(name string) bool {
	for _, c := range credentialHeaders {
		if len(c) == len(name) && sameHeader(c, name) {
			return true
		}
	}
	return false
}

func sameHeader(want, name string) bool {
	for i := range len(name) {
		b := name[i]
		switch {
		case 'A' <= b && b <= 'Z':
			b += 'a' - 'A'
		case b == '_':
			b = '-'
		}
		if b != want[i] {
			return false
		}
	}
	return true
}

// isKey reports whether the name of a query pair is "key", in any case, once
// decoded.
func isKey(pair string) bool {
	name, _, _ := strings.Cut(pair, "=")
	if strings.ContainsAny(name, "%+") {
		n, err := url.QueryUnescape(name)
		if err != nil {
			return false
		}
		name = n
	}
	return strings.EqualFold(name, queryKey)
}

// stripQuery removes the pairs named "key". Semicolons count as separators too:
// whoever reads the query later may take them for that.
func stripQuery(raw string) string {
	found := false
	for rest := raw; rest != "" && !found; {
		i := strings.IndexAny(rest, "&;")
		if i < 0 {
			i = len(rest)
		}
		found = isKey(rest[:i])
		rest = rest[min(i+1, len(rest)):]
	}
	if !found {
		return raw
	}
	// Each kept pair takes along the separator before it; the first one kept
	// leaves it behind.
	out := make([]byte, 0, len(raw))
	first := true
	for i := 0; i <= len(raw); {
		end := i + strings.IndexAny(raw[i:], "&;")
		if end < i {
			end = len(raw)
		}
		if pair := raw[i:end]; !isKey(pair) {
			if !first {
				out = append(out, raw[i-1])
			}
			out = append(out, pair...)
			first = false
		}
		i = end + 1
	}
	return string(out)
}
