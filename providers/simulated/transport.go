package simulated

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// Transport answers requests by a handler in the process, with true streaming:
// the header is there as soon as the handler writes or flushes, the body as it
// writes, and the handler is stopped when the request's context ends or the body
// is closed.
type Transport struct{ Handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close() // the handler has read it before it answers
	}
	ctx, cancel := context.WithCancel(req.Context())
	pr, pw := io.Pipe()
	w := &pipeWriter{header: http.Header{}, body: pw, started: make(chan struct{})}
	done := make(chan struct{})
	inner := req.WithContext(ctx)
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	stop := context.AfterFunc(ctx, func() { pw.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer close(done)
		defer stop()
		defer func() {
			// A handler gives up like a server does: the client sees the
			// connection break.
			if recover() != nil {
				w.err = io.ErrUnexpectedEOF
				pw.CloseWithError(io.ErrUnexpectedEOF)
				w.start(0)
				return
			}
			if err := context.Cause(ctx); err != nil {
				// The handler ended because it was told to: what it wrote is not
				// a whole answer.
				w.err = err
				pw.CloseWithError(err)
				w.start(0)
				return
			}
			w.start(http.StatusOK)
			pw.Close()
		}()
		t.Handler.ServeHTTP(w, inner)
	}()
	select {
	case <-w.started:
	case <-ctx.Done():
		cancel()
		<-done
		return nil, context.Cause(req.Context())
	}
	if w.status == 0 {
		cancel()
		<-done
		return nil, w.err
	}
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: &pipeBody{PipeReader: pr, cancel: cancel, done: done}, ContentLength: -1, Request: req,
	}, nil
}

// pipeWriter is the handler's side.
type pipeWriter struct {
	header, sent http.Header
	body         *io.PipeWriter
	once         sync.Once
	started      chan struct{}
	status       int
	err          error
}

func (w *pipeWriter) start(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.started)
	})
}

func (w *pipeWriter) Header() http.Header    { return w.header }
func (w *pipeWriter) WriteHeader(status int) { w.start(status) }
func (w *pipeWriter) Flush()                 { w.start(http.StatusOK) }

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.start(http.StatusOK)
	return w.body.Write(p)
}

// pipeBody is the client's side.
type pipeBody struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   chan struct{}
}

// Close stops the handler and waits for it.
func (b *pipeBody) Close() error {
	err := b.PipeReader.Close()
	b.cancel()
	<-b.done
	return err
}
