package translate

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// codec is what a dialect needs to take part. A function that is nil is a
// direction in which the dialect is not translated.
type codec struct {
	// readRequest reads a client's request that has passed dialects.Parse.
	readRequest func(body []byte, n *notes) (*Request, error)
	// writeRequest writes a request for a provider.
	writeRequest func(r *Request, c *Call, n *notes) ([]byte, error)
	// readAnswer reads a whole answer of a provider that is no error.
	readAnswer func(body []byte) (*Answer, error)
	// writeAnswer writes a whole answer for a client.
	writeAnswer func(a *Answer, c *Call, u llm.Usage) ([]byte, error)
	// newReader reads the events of a provider's stream, newWriter writes
	// those for a client.
	newReader func() eventReader
	newWriter func(c *Call) eventWriter
}

// eventReader turns the data of a provider's events into deltas. Events that
// report a failure never reach it.
type eventReader interface {
	// read reads the data of one event. end reports that nothing but the end
	// of the stream can follow.
	read(data []byte, emit func(Delta)) (end bool, err error)
}

// eventWriter turns deltas into a client's events, complete with their frame.
type eventWriter interface {
	write(dst []byte, d *Delta) []byte
	// end closes what is open and writes the terminal events. It is called
	// once.
	end(dst []byte, u llm.Usage) []byte
}

// codecs by dialect.
var codecs map[llm.Dialect]*codec

func init() {
	codecs = map[llm.Dialect]*codec{
		llm.Chat:            &chatCodec,
		llm.Messages:        &messagesCodec,
		llm.Responses:       &responsesCodec,
		llm.GenerateContent: &geminiCodec,
	}
}

// Can reports whether a call of the client's dialect can be translated into the
// upstream's, and its answer back.
func Can(client, upstream llm.Dialect) bool {
	if client == upstream {
		return false
	}
	if slices.Contains(conversions[:], conversion{client, upstream}) {
		return true
	}
	c, u := codecs[client], codecs[upstream]
	return c != nil && u != nil && c.readRequest != nil && c.writeAnswer != nil && c.newWriter != nil &&
		u.writeRequest != nil && u.readAnswer != nil && u.newReader != nil
}

// Options are what a call needs to know beyond its bytes.
type Options struct {
	// RequestID is the gateway's id of the request: the source of ids that the
	// client's dialect asks for and the upstream's does not have.
	RequestID string
	// Now is when the answer is dated that has no date of its own.
	Now time.Time
	// Model is the name to send.
	Model string
	// MaxTokens is the limit on output to send when the caller gave none, 0 for
	// none. DefaultMaxTokens is sent in its stead to dialects that insist on
	// one.
	MaxTokens int64
	// MaxTokensField is the member in which a chat upstream takes the limit.
	MaxTokensField string
	// IncludeUsage is whether a chat upstream may be asked for its usage.
	IncludeUsage bool
}

// DefaultMaxTokens is the limit on output tokens that is sent to a provider that
// insists on one (Anthropic) when neither the caller nor a budget gave any, and
// the model is not known: what even small models can write.
const DefaultMaxTokens = 4096

// Call is one call on its way from one dialect to another and back. It is not
// safe for concurrent use; every attempt needs its own.
type Call struct {
	Client, Upstream llm.Dialect
	Options          Options

	// request is what the client asked for, kept for the way back.
	request *Request
	// base64 is whether embeddings are wanted in base64.
	base64 bool
	// size is that of the client's request: about what the provider's will be.
	size   int
	reader eventReader
	writer eventWriter
	ended  bool
}

// New returns a Call between two dialects for which Can is true.
func New(client, upstream llm.Dialect, o Options) *Call {
	return &Call{Client: client, Upstream: upstream, Options: o}
}

// notes collects what a translation could not carry.
type notes struct{ lost []string }

// lose notes a member of the caller's request, by its path, that the upstream's
// dialect has no place for and that changes what the answer means.
func (n *notes) lose(path string) {
	if len(n.lost) < maxLost && !slices.Contains(n.lost, path) {
		n.lost = append(n.lost, path)
	}
}

// maxLost bounds how many losses are named.
const maxLost = 20

// Request translates a client's body, which has passed dialects.Parse. lost
// names the members that could not be carried, by their path; the bytes are
// valid without them. An error, always a *llm.Denial, means that no request can
// be made of it at all.
func (c *Call) Request(body []byte) (out []byte, lost []string, err error) {
	var n notes
	if cv := conversionOf(c.Client, c.Upstream); cv != nil {
		out, err = cv.request(c, body, &n)
		return out, n.lost, deny(err)
	}
	r, err := codecs[c.Client].readRequest(body, &n)
	if err != nil {
		return nil, nil, deny(err)
	}
	c.request, c.size = r, len(body)
	if c.Options.Model != "" {
		r.Model = c.Options.Model
	}
	if m := c.Options.MaxTokens; m > 0 && (r.MaxTokens == 0 || m < r.MaxTokens) {
		r.MaxTokens = m
	}
	out, err = codecs[c.Upstream].writeRequest(r, c, &n)
	return out, n.lost, deny(err)
}

// invalid is an error of the caller's request.
type invalid struct{ path, why string }

func (e *invalid) Error() string { return e.path + ": " + e.why }

// invalidf returns the error for a member that cannot be translated because of
// what it says (not because the upstream has no place for it).
func invalidf(path, format string, args ...any) error {
	return &invalid{path: path, why: fmt.Sprintf(format, args...)}
}

func deny(err error) error {
	if err == nil {
		return nil
	}
	var d *llm.Denial
	if errors.As(err, &d) {
		return d
	}
	var bad *invalid
	if errors.As(err, &bad) {
		d = llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest, "%s", bad.Error())
		d.Param = bad.path
		return d
	}
	return llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest,
		"the request cannot be translated for the model's provider; check it against the documentation of this endpoint").Because(err)
}

// Body translates a whole answer that is no error. u is what it consumed.
func (c *Call) Body(body []byte, u llm.Usage) ([]byte, error) {
	if cv := conversionOf(c.Client, c.Upstream); cv != nil {
		return cv.answer(c, body, u)
	}
	a, err := codecs[c.Upstream].readAnswer(body)
	if err != nil {
		return nil, fmt.Errorf("reading the %s answer: %w", c.Upstream, err)
	}
	return codecs[c.Client].writeAnswer(a, c, u)
}

// Event translates one event of a stream and appends what the client gets for
// it, possibly nothing, to dst. usage returns what was measured so far. Events
// by which the provider reports a failure must not be given to it.
func (c *Call) Event(dst, event []byte, usage func() llm.Usage) ([]byte, error) {
	if c.ended { // some servers add a mark of another dialect
		return dst, nil
	}
	if c.reader == nil {
		c.reader, c.writer = codecs[c.Upstream].newReader(), codecs[c.Client].newWriter(c)
	}
	d := answer.Data(event)
	if len(d) == 0 { // a comment: keep-alive
		if len(bytes.Trim(event, "\r\n")) == 0 { // or the second half of a line end
			return dst, nil
		}
		return c.writer.write(dst, &Delta{Kind: DeltaPing}), nil
	}
	end, err := c.reader.read(d, func(d Delta) { dst = c.writer.write(dst, &d) })
	if err != nil {
		return dst, fmt.Errorf("reading a %s event: %w", c.Upstream, err)
	}
	if end {
		dst = c.End(dst, usage())
	}
	return dst, nil
}

// End appends the client's terminal events once the provider's answer has come
// to its proper end. Further calls append nothing.
func (c *Call) End(dst []byte, u llm.Usage) []byte {
	if c.ended || c.writer == nil {
		return dst
	}
	c.ended = true
	return c.writer.end(dst, u)
}
