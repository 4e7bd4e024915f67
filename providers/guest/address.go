package guest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
)

// Below returns the address of a path below a base URL. path is escaped and
// begins with a slash; an escaped slash in the base stays escaped.
func Below(base *url.URL, path string) *url.URL {
	u := *base
	plain, err := url.PathUnescape(path)
	if err != nil {
		plain = path
	}
	u.RawPath = base.EscapedPath() + path
	u.Path = base.Path + plain
	return &u
}

// ModelPath returns the name of a model as it may stand in a path. The name can
// come from a client, and must not lead to any other place: each of its segments
// is escaped, and an empty one, "." and ".." are denied.
func ModelPath(model string) (string, error) {
	segments := strings.Split(model, "/")
	for i, s := range segments {
		if s == "" || s == "." || s == ".." {
			d := llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest, "model: the name cannot be part of an address of this provider")
			d.Param = "model"
			return "", d
		}
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/"), nil
}

// ObjectType gives a call of a provider-owned object the client's own
// Content-Type: files come as multipart forms.
func ObjectType(req *http.Request, c *providers.Call) {
	if v := c.Header["Content-Type"]; c.Dialect == llm.Objects && c.Body != nil && len(v) == 1 {
		req.Header["Content-Type"] = v
	}
}

// ObjectAddress returns the address of a provider-owned object (/v1/files/{id}…)
// below a base URL that ends in the version of the API. path is the client's, as
// it is after decoding.
func ObjectAddress(base *url.URL, path string) (*url.URL, error) {
	kind, id, rest, ok := dialects.ObjectPath((&url.URL{Path: path}).EscapedPath())
	if !ok {
		return nil, llm.Deny(http.StatusNotFound, llm.CodeNotFound, llm.StageRequest, "this path is none of a provider's objects")
	}
	p := "/" + kind
	if id != "" {
		p += "/" + url.PathEscape(id)
	}
	if rest != "" {
		p += "/" + rest
	}
	return Below(base, p), nil
}
