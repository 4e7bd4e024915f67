package handlers

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/klauspost/compress/zstd"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// maxBody is the contract's limit on a request body after decoding, in bytes.
const maxBody = 32 << 20

// body is the request body as handlers after us see it: the caller's bytes with
// the declared edits, and the gate before the first of them.
type body struct {
	c        *call
	ctx      context.Context
	src      io.ReadCloser
	encoding string
	ctype    string
	length   int64

	read bool  // the source was read and parsed
	err  error // why not
	// out is the body to forward, computed once for a state of the changes.
	out    []byte
	outFor string // MaxTokensField that out was made for
	reader *bytes.Reader
}

func (b *body) init(c *call, r *http.Request) {
	if c.x.Dialect.Lists() && r.Body != nil {
		// Lists of models take no body: a stock proxy would pass one on unread.
		r.Body, r.ContentLength, r.TransferEncoding, r.Trailer = http.NoBody, 0, nil, nil
		for _, name := range []string{"Content-Length", "Content-Type", "Content-Encoding", "Trailer"} {
			r.Header.Del(name)
		}
	}
	b.c, b.ctx, b.src = c, r.Context(), r.Body
	b.encoding = strings.Join(r.Header.Values("Content-Encoding"), ",")
	b.ctype = r.Header.Get("Content-Type")
	b.length = r.ContentLength
}

// Read is what a stock proxy's transport calls: the gate stands before the first
// byte (for transports that never announced a connection).
func (b *body) Read(p []byte) (int, error) {
	if !b.c.gateForProxy() {
		return 0, b.c.refused
	}
	if !b.read || b.c.x.View == nil {
		if b.src == nil {
			return 0, io.EOF
		}
		return b.src.Read(p) // a request without a view: nothing to judge in it
	}
	if b.reader == nil {
		b.reader = bytes.NewReader(b.bytes("max_tokens"))
	}
	return b.reader.Read(p)
}

// Close closes the caller's body.
func (b *body) Close() error {
	if b.src == nil {
		return nil
	}
	return b.src.Close()
}

// bytes returns the body to forward to a deployment that keeps the model name.
func (b *body) bytes(maxTokensField string) []byte {
	if b.out == nil || b.outFor != maxTokensField {
		ch := b.c.x.ChangesFor(nil)
		b.out = dialects.Outbound(b.c.x.View, &ch, llm.Deployment{MaxTokensField: maxTokensField})
		b.outFor = maxTokensField
	}
	return b.out
}

// lower makes the body say the limit on output tokens that the gate has set for
// an attempt, without changing its length, which a stock proxy has announced by
// now. A lower limit has no more digits, and JSON may end in spaces.
func (b *body) lower(a *llm.Attempt) {
	if a.MaxTokens <= 0 || b.c.x.View == nil {
		return
	}
	ch := b.c.x.ChangesFor(a)
	out := dialects.Outbound(b.c.x.View, &ch, llm.Deployment{MaxTokensField: b.outFor})
	if n := len(b.out) - len(out); n >= 0 {
		b.out = append(bytes.Clone(out), bytes.Repeat([]byte{' '}, n)...)
		b.reader = nil
	}
}

// syncBody makes the request say the length of the body that will be read from
// it. Every handler calls it before the next, since changes are declared along
// the way.
func (c *call) syncBody(r *http.Request) {
	b := &c.body
	if !b.read || b.err != nil || c.x.View == nil {
		return
	}
	b.out, b.reader = nil, nil
	n := int64(len(b.bytes("max_tokens")))
	if r.ContentLength == n && b.encoding == "" {
		return
	}
	r.ContentLength = n
	r.TransferEncoding = nil
	r.Header.Set("Content-Length", strconv.FormatInt(n, 10))
	r.Header.Del("Content-Encoding")
}

// view reads and parses the body once; all later calls return the same result.
func (c *call) view() error {
	b := &c.body
	if b.read {
		return b.err
	}
	b.read = true
	if !c.x.Dialect.HasBody() {
		return nil
	}
	raw, err := b.readAll()
	if err != nil {
		b.err = err
		return err
	}
	c.x.BytesIn = int64(len(raw))
	v, d := dialects.Parse(c.x.Dialect, raw)
	if d == nil {
		d = dialects.SetPath(v, c.escapedPath)
	}
	if d != nil {
		b.err = d
		return d
	}
	c.x.View = v
	return nil
}

func (b *body) readAll() ([]byte, error) {
	if b.ctype != "" && b.ctype != "application/json" {
		mt, params, err := mime.ParseMediaType(b.ctype)
		if err != nil || (mt != "application/json" && !strings.HasSuffix(mt, "+json")) {
			return nil, llm.Deny(http.StatusUnsupportedMediaType, llm.CodeUnsupportedMedia, llm.StageRequest,
				"the body must be JSON; send Content-Type: application/json")
		}
		// Who believes another name (UTF-7) reads other words than we do.
		switch strings.ToLower(params["charset"]) {
		case "", "utf-8", "utf8", "us-ascii":
		default:
			return nil, llm.Deny(http.StatusUnsupportedMediaType, llm.CodeUnsupportedMedia, llm.StageRequest,
				"JSON is UTF-8; send the body so, without another charset in Content-Type")
		}
	}
	if b.length > maxBody && b.encoding == "" {
		return nil, tooLarge()
	}
	if b.src == nil {
		return nil, llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest, "the request has no body; send a JSON object")
	}
	src, done, err := b.decoder()
	if err != nil {
		return nil, err
	}
	defer done()
	size := b.length
	if size < 0 || b.encoding != "" {
		size = 4 << 10
	}
	// One byte more than announced, so that reading to the end needs no growth;
	// but not much before anything has come.
	buf := make([]byte, 0, min(size, 1<<20)+1)
	for {
		if len(buf) == cap(buf) {
			if len(buf) > maxBody {
				return nil, tooLarge()
			}
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if len(buf) > maxBody {
			return nil, tooLarge()
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, b.readError(err)
		}
	}
}

// decoder undoes the content encoding, or refuses it.
func (b *body) decoder() (io.Reader, func(), error) {
	nop := func() {}
	switch strings.ToLower(strings.TrimSpace(b.encoding)) {
	case "", "identity":
		return b.src, nop, nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(b.src)
		if err != nil {
			return nil, nop, b.readError(err)
		}
		return z, func() { z.Close() }, nil
	case "br":
		return brotli.NewReader(b.src), nop, nil
	case "zstd":
		z, err := zstd.NewReader(b.src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
		if err != nil {
			return nil, nop, b.readError(err)
		}
		return z, z.Close, nil
	}
	return nil, nop, llm.Deny(http.StatusUnsupportedMediaType, llm.CodeUnsupportedMedia, llm.StageRequest,
		"the body's content encoding is not supported; use identity, gzip, br or zstd")
}

// readError says what a failed read of the caller's body means.
func (b *body) readError(err error) error {
	var he caddyhttp.HandlerError
	var ne net.Error
	switch {
	case errors.As(err, &he):
		return denialOf(err)
	case errors.As(err, &ne) && ne.Timeout():
		return llm.Deny(http.StatusRequestTimeout, llm.CodeRequestTimeout, llm.StageRequest,
			"the request body did not arrive in time; send it faster").Because(err)
	case b.ctx.Err() != nil, errors.Is(err, io.ErrUnexpectedEOF) && b.encoding == "":
		return llm.Deny(499, llm.CodeClientGone, llm.StageRequest, "the client closed the request").Because(err)
	}
	if b.encoding != "" {
		return llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest, "the body cannot be decoded as its Content-Encoding says").Because(err)
	}
	return llm.Deny(http.StatusBadRequest, llm.CodeMalformed, llm.StageRequest, "the request body could not be read").Because(err)
}

func tooLarge() *llm.Denial {
	return llm.Deny(http.StatusRequestEntityTooLarge, llm.CodeTooLarge, llm.StageRequest,
		"the request body is larger than 32 MiB; send less, for example fewer or smaller images")
}
