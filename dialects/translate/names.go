package translate

import (
	"strconv"
	"strings"
)

// id is the id of an answer in the client's dialect: the provider's own, which
// its support can look up, behind the prefix that clients expect.
func (c *Call) id(prefix, id string) string {
	if id == "" || len(id) > 128 {
		id = strings.ReplaceAll(c.Options.RequestID, "-", "")
	}
	if strings.HasPrefix(id, prefix) {
		return id
	}
	return prefix + id
}

// model is the model that answered, as the provider says, else the one that was
// asked.
func (c *Call) model(answered string) string { return firstOf(answered, c.Options.Model) }

// dated is when an answer was made, in seconds since 1970.
func (c *Call) dated(created int64) int64 {
	if created > 0 || c.Options.Now.IsZero() {
		return created
	}
	return c.Options.Now.Unix()
}

// callID is the id of a tool call: the provider's own, or one for the part of the
// answer when it gave none.
func (c *Call) callID(id string, part int) string {
	if id != "" {
		return id
	}
	return "call_" + strings.ReplaceAll(c.Options.RequestID, "-", "") + "_" + strconv.Itoa(part)
}

// functions reports whether the client knows tools in their oldest form only.
func (c *Call) functions() bool { return c.request != nil && c.request.Functions }

// clientCall undoes what was done to the tools of the caller.
func (c *Call) clientCall(p Part) Part {
	if t := c.request.tool(p.Name); t != nil && t.Custom && !p.Custom {
		p.Custom, p.Args = true, unwrapCustom(p.Args)
	}
	return p
}

// shortName is the name under which a tool is offered: Anthropic takes names
// twice as long as the others do, and tools of MCP servers have such.
func shortName(name string) string {
	if len(name) <= maxToolName {
		return name
	}
	return hashed(name)
}

// toolName is what the client calls the tool that the provider called.
func (c *Call) toolName(name string) string {
	if t := c.request.tool(name); t != nil && t.Local != "" && t.Namespace == "" {
		return t.Local
	}
	return name
}
