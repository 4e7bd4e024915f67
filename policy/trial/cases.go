package trial

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/classify"
)

// File is a file of cases, in JSON.
type File struct {
	// Config is the configuration whose rules are tried: a Caddyfile, or a JSON
	// configuration if its name ends in .json. Relative to the file.
	Config string `json:"config"`
	// Route chooses among several routes with rules: a part of what `caddy llm policy
	// coverage` prints in the column ROUTE.
	Route string `json:"route"`
	Cases []Case `json:"cases"`
}

// Case is one request, its answer, and what is expected of the rules.
type Case struct {
	Name string `json:"name"`

	// The request, in words. It is tried in each of Dialects (default chat, messages
	// and responses; generate_content is known, too), whole and streamed unless Stream
	// says which.
	Dialects   []string `json:"dialects"`
	Stream     *bool    `json:"stream"`
	Model      string   `json:"model"` // default gpt-4o
	System     string   `json:"system"`
	User       string   `json:"user"`
	ToolResult string   `json:"tool_result"` // what a tool returned after the user's words
	Tools      []string `json:"tools"`       // names of the tools offered
	MaxTokens  int64    `json:"max_tokens"`

	// Or as it stands on the wire: Path and Request instead of all of the above.
	Path    string          `json:"path"`
	Request json.RawMessage `json:"request"`

	// Headers and IP are the client's.
	Headers map[string]string `json:"headers"`
	IP      string            `json:"ip"`
	// Caller is who asks. Default key "test".
	Caller *Caller `json:"caller"`
	// Now is when, as in RFC 3339. Default 2026-01-15T12:00:00Z, a Thursday.
	Now string `json:"now"`
	// Classifiers is what each says; one that is not here does not answer.
	Classifiers map[string]classify.Verdict `json:"classifiers"`
	// Answer is what the model says, ToolCall the call of a tool that it asks for;
	// AnswerBody its answer as it stands on the wire, for the dialect of Request.
	Answer     string          `json:"answer"`
	ToolCall   *ToolCall       `json:"tool_call"`
	AnswerBody json.RawMessage `json:"answer_body"`

	Expect Expect `json:"expect"`
}

// Caller is who asks, as llm_auth would say.
type Caller struct {
	Key    string   `json:"key"`
	User   string   `json:"user"`
	Team   string   `json:"team"`
	Org    string   `json:"org"`
	Groups []string `json:"groups"`
	Scopes []string `json:"scopes"`
	Models []string `json:"models"`
}

// principal is the caller as handlers know it.
func (c *Caller) principal() *llm.Principal {
	if c == nil {
		return &llm.Principal{Key: "test"}
	}
	return &llm.Principal{Key: c.Key, User: c.User, Team: c.Team, Org: c.Org, Groups: c.Groups, Scopes: c.Scopes, Models: c.Models}
}

// ToolCall is a call of a tool by the model.
type ToolCall struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// Expect is what must come of a case. What is left out is not looked at, except
// Decision.
type Expect struct {
	// Decision is allow or deny. Required.
	Decision string `json:"decision"`
	// Rule is the rule that refuses; of what is allowed one that had something to
	// say. Action is what it said: deny, flag, redact, would_deny…
	Rule   string `json:"rule"`
	Action string `json:"action"`
	// Code and Message are the refusal's: its code, and a part of its words.
	Code    string `json:"code"`
	Message string `json:"message"`
	// Matched are rules that must have had something to say, Silent rules that must not.
	Matched []string `json:"matched"`
	Silent  []string `json:"silent"`
	// Sent is the user's last text as the provider would get it. SentHas and SentLacks
	// are parts of any text of the request.
	Sent      *string  `json:"sent"`
	SentHas   []string `json:"sent_has"`
	SentLacks []string `json:"sent_lacks"`
	// Model, MaxTokens and Tools are the request's as the provider would get it.
	Model     string    `json:"model"`
	MaxTokens int64     `json:"max_tokens"`
	Tools     *[]string `json:"tools"`
	// Tags are those on the record.
	Tags *[]string `json:"tags"`
	// Answer is the model's text as the client gets it. AnswerHas and AnswerLacks are
	// parts of it or of the arguments of tool calls.
	Answer      *string  `json:"answer"`
	AnswerHas   []string `json:"answer_has"`
	AnswerLacks []string `json:"answer_lacks"`
}

// dialectNames are the dialects that a request in words can be tried in.
var dialectNames = map[string]llm.Dialect{
	"chat": llm.Chat, "messages": llm.Messages, "responses": llm.Responses, "generate_content": llm.GenerateContent,
}

// maxFile bounds a file of cases, in bytes.
const maxFile = 16 << 20

// Parse reads a file of cases. Errors name the line or the case.
func Parse(b []byte) (*File, error) {
	if len(b) > maxFile {
		return nil, errors.New("the file is larger than 16 MiB")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var f File
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("line %d: %s", lineOf(b, err, d.InputOffset()), strings.TrimPrefix(err.Error(), "json: "))
	}
	if d.More() {
		return nil, fmt.Errorf("line %d: something follows the document", 1+bytes.Count(b[:d.InputOffset()], []byte("\n")))
	}
	if f.Config == "" {
		return nil, errors.New(`"config" is missing: the Caddyfile whose rules are tried`)
	}
	if len(f.Cases) == 0 {
		return nil, errors.New("no cases")
	}
	seen := map[string]bool{}
	for i := range f.Cases {
		c := &f.Cases[i]
		if c.Name == "" {
			return nil, fmt.Errorf("case %d: has no name", i+1)
		}
		if seen[c.Name] {
			return nil, fmt.Errorf("case %q: is given twice", c.Name)
		}
		seen[c.Name] = true
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("case %q: %w", c.Name, err)
		}
	}
	return &f, nil
}

func lineOf(b []byte, err error, offset int64) int {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &typ):
		offset = typ.Offset
	}
	return 1 + bytes.Count(b[:min(max(offset, 0), int64(len(b)))], []byte("\n"))
}

func (c *Case) check() error {
	wire := c.Path != "" || c.Request != nil
	words := len(c.Dialects) > 0 || c.Stream != nil || c.Model != "" || c.System != "" || c.User != "" || c.ToolResult != "" || len(c.Tools) > 0 || c.MaxTokens != 0
	switch {
	case wire && words:
		return errors.New("path and request stand alone: the rest of the request is in them")
	case wire && c.Path == "":
		return errors.New("path is missing, e.g. /v1/chat/completions")
	case !wire && c.User == "" && c.System == "" && c.ToolResult == "":
		return errors.New("asks nothing: want user, or path and request")
	case c.MaxTokens < 0:
		return errors.New("max_tokens is negative")
	case c.AnswerBody != nil && !wire:
		return errors.New("answer_body is for requests given as path and request; use answer")
	case c.AnswerBody != nil && (c.Answer != "" || c.ToolCall != nil):
		return errors.New("answer_body stands alone")
	case c.ToolCall != nil && c.ToolCall.Name == "":
		return errors.New("tool_call has no name")
	}
	for i, d := range c.Dialects {
		if _, ok := dialectNames[d]; !ok {
			return fmt.Errorf("unknown dialect %q; want chat, messages, responses or generate_content", d)
		}
		if slices.Contains(c.Dialects[:i], d) {
			return fmt.Errorf("dialect %s is given twice", d)
		}
	}
	if _, err := c.now(); err != nil {
		return err
	}
	switch c.Expect.Decision {
	case "allow", "deny":
	case "":
		return errors.New(`expect needs "decision": "allow" or "deny"`)
	default:
		return fmt.Errorf("expect: decision is allow or deny, not %q", c.Expect.Decision)
	}
	if c.Expect.Action != "" && c.Expect.Rule == "" {
		return errors.New("expect: action needs rule")
	}
	return nil
}

// now is the time of the request.
func (c *Case) now() (time.Time, error) {
	if c.Now == "" {
		return time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC), nil
	}
	t, err := time.Parse(time.RFC3339, c.Now)
	if err != nil {
		return t, fmt.Errorf("now: %q is not a time such as 2026-01-15T12:00:00Z", c.Now)
	}
	return t, nil
}
