package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
)

// Allocation says where a request names what its cost is for. That is the
// caller's own word: it sorts costs in reports and grants nothing.
type Allocation struct {
	// ProjectHeader is the request header that names the project. It is not
	// sent to the provider. Default none.
	ProjectHeader string `json:"project_header,omitempty"`
	// ProjectMetadata is the member of the body's `metadata` that names the
	// project when the header does not. Default none.
	ProjectMetadata string `json:"project_metadata,omitempty"`
	// TagsHeader is the request header with tags, separated by commas. It is not
	// sent to the provider. Default none.
	TagsHeader string `json:"tags_header,omitempty"`
}

// The bounds of what a caller may name: bytes of a project or tag, and tags.
const (
	maxAllocated = 64
	maxTags      = 16
)

// ownedHeaders have a meaning of their own, so that no name of a project is read
// from them, nor are they taken away.
var ownedHeaders = []string{"Authorization", "Proxy-Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Cookie", "Host", "Content-Type", "Content-Length", "Content-Encoding",
	"Transfer-Encoding", "Accept", "Accept-Encoding", "Connection", "Upgrade", "Anthropic-Version", "Anthropic-Beta", "Openai-Organization", "Openai-Project"}

func (a *Allocation) validate() error {
	for _, h := range []struct {
		option string
		name   *string
	}{{"project header", &a.ProjectHeader}, {"tags header", &a.TagsHeader}} {
		if *h.name == "" {
			continue
		}
		if !isToken(*h.name) {
			return fmt.Errorf("%s: %q is not the name of a header", h.option, *h.name)
		}
		if *h.name = http.CanonicalHeaderKey(*h.name); slices.Contains(ownedHeaders, *h.name) {
			return fmt.Errorf("%s: %s has a meaning of its own; want a header of yours, e.g. X-Project", h.option, *h.name)
		}
	}
	if a.ProjectHeader != "" && a.ProjectHeader == a.TagsHeader {
		return errors.New("project and tags want two different headers")
	}
	if len(a.ProjectMetadata) > maxAllocated {
		return fmt.Errorf("project metadata: the name has more than %d bytes", maxAllocated)
	}
	return nil
}

// isToken reports whether s can be the name of a header.
func isToken(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r >= utf8.RuneSelf || !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}

// unmarshalAllocation reads the options
//
//	project header <name>
//	project metadata <member>
//	tags header <name>
//
// of a handler. It reports false when the token is none of them.
func unmarshalAllocation(d *caddyfile.Dispenser, into **Allocation) (bool, error) {
	option := d.Val()
	if option != "project" && option != "tags" {
		return false, nil
	}
	args := d.RemainingArgs()
	if len(args) != 2 || args[1] == "" || args[0] != "header" && (option != "project" || args[0] != "metadata") {
		if option == "project" {
			return true, d.Err("project takes header and a name, or metadata and a member, e.g. project header X-Project")
		}
		return true, d.Err("tags takes header and a name, e.g. tags header X-Tags")
	}
	if *into == nil {
		*into = &Allocation{}
	}
	a := *into
	field := &a.TagsHeader
	switch {
	case args[0] == "metadata":
		field = &a.ProjectMetadata
	case option == "project":
		field = &a.ProjectHeader
	}
	if *field != "" {
		return true, d.Errf("%s %s is given twice", option, args[0])
	}
	*field = args[1]
	if err := a.validate(); err != nil {
		return true, d.Err(err.Error())
	}
	return true, nil
}

// allocate reads what the request's cost is for, once its body was read. a may be
// nil.
func (c *call) allocate(r *http.Request, a *Allocation) {
	if a == nil {
		return
	}
	x := &c.x
	if p := takeHeader(r.Header, a.ProjectHeader); len(p) > 0 {
		if p := allocated(p[0]); p != "" {
			x.Project = p
		}
	}
	if x.Project == "" && a.ProjectMetadata != "" && x.View != nil {
		x.Project = allocated(dialects.NestedString(x.View.Raw, "metadata", a.ProjectMetadata))
	}
	named := 0
	for _, line := range takeHeader(r.Header, a.TagsHeader) {
		for tag := range strings.SplitSeq(line, ",") {
			if tag = allocated(tag); tag == "" || slices.Contains(x.Tags, tag) {
				continue
			}
			if named++; named > maxTags {
				return
			}
			x.Tags = append(x.Tags, tag)
		}
	}
}

// takeHeader returns the values of a header and removes it: it is between the
// caller and the gateway.
func takeHeader(h http.Header, name string) []string {
	if name == "" {
		return nil
	}
	v := h[name]
	delete(h, name)
	return v
}

// allocated makes a bounded, printable name of what a caller wrote. A name with
// an underscore in front is one of the gateway's own, such as _none.
func allocated(s string) string {
	var b strings.Builder
	for _, r := range s[:min(len(s), 16*maxAllocated)] {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r) > maxAllocated {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimLeft(strings.TrimSpace(b.String()), "_ ")
}
