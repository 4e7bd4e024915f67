package classify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The results that Registry.Observe is told.
const (
	ResultFlagged   = "flagged"
	ResultClear     = "clear"
	ResultCached    = "cached"
	ResultError     = "error"
	ResultTimeout   = "timeout"
	ResultCancelled = "cancelled" // the client has gone
)

// Registry is a set of classifiers. The zero value knows none. It is safe for
// concurrent use.
type Registry struct {
	all map[string]*classifier
	// Observe, if not nil, is told of every question: how it ended, how long it
	// took and why it failed. The error holds no text and no secret.
	Observe func(name, result string, took time.Duration, err error)
}

// New returns a registry of the classifiers.
func New(configs ...Config) (*Registry, error) {
	r := &Registry{all: map[string]*classifier{}}
	for _, c := range configs {
		if err := c.Check(); err != nil {
			return nil, fmt.Errorf("classifier %s: %w", c.Name, err)
		}
		if r.all[c.Name] != nil {
			return nil, fmt.Errorf("classifier %s is given twice", c.Name)
		}
		if c.Timeout == 0 {
			c.Timeout = DefaultTimeout
		}
		t := newTransport()
		k := &classifier{Config: c, protocol: protocols[c.Protocol], transport: t, client: &http.Client{
			Transport: t,
			// The texts are for the address that was configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
		if c.Cache > 0 {
			k.cache = newCache(c.Cache)
		}
		r.all[c.Name] = k
	}
	return r, nil
}

// Names implements Source.
func (r *Registry) Names() []string { return slices.Sorted(maps.Keys(r.all)) }

// Close closes idle connections. Questions may still be asked.
func (r *Registry) Close() {
	for _, c := range r.all {
		c.transport.CloseIdleConnections()
	}
}

var (
	errUnknown = errors.New("no classifier of that name")
	errLong    = errors.New("its answer is larger than 256 KiB")
)

// ErrTexts is why a question is not asked that is too long. The classifier is well.
var ErrTexts = errors.New("the texts are larger than 1 MiB")

// refused is the status of a service that does not take the question. Whoever wrote the
// texts has made it so, by their length for one, and must not gain by it.
type refused int

func (s refused) Error() string { return fmt.Sprintf("it answered with status %d", int(s)) }

// unaskable reports whether the caller's own texts are why there is no answer.
func unaskable(err error) bool {
	var s refused
	return errors.Is(err, ErrTexts) || errors.As(err, &s)
}

// Ask implements Asker.
func (r *Registry) Ask(ctx context.Context, q Question) (Verdict, error) {
	c := r.all[q.Name]
	if c == nil {
		return Verdict{}, errUnknown
	}
	if len(q.Texts) == 0 {
		return Verdict{}, nil // nothing was said
	}
	began := time.Now()
	v, cached, err := c.ask(ctx, q)
	result := ResultClear
	switch {
	case err != nil && ctx.Err() != nil:
		result = ResultCancelled
	case errors.Is(err, context.DeadlineExceeded):
		result = ResultTimeout
	case err != nil:
		result = ResultError
	case cached:
		result = ResultCached
	case v.Flagged:
		result = ResultFlagged
	}
	if r.Observe != nil {
		r.Observe(q.Name, result, time.Since(began), err)
	}
	if err != nil && c.Allow && ctx.Err() == nil && !unaskable(err) {
		return Verdict{}, nil
	}
	return v, err
}

// bare is a context without values. What a request carries (a trace of its own HTTP
// calls, for one) is not about the question to a classifier.
type bare struct{ context.Context }

// Value returns nil.
func (bare) Value(any) any { return nil }

// classifier is one of them.
type classifier struct {
	Config
	protocol  protocol
	transport *http.Transport
	client    *http.Client
	cache     *cache // nil for none
}

func (c *classifier) ask(ctx context.Context, q Question) (v Verdict, cached bool, err error) {
	size := 0
	for i := range q.Texts {
		size += len(q.Texts[i].Text)
	}
	if size > maxTexts {
		return v, false, ErrTexts
	}
	var key cacheKey
	if c.cache != nil {
		key = keyOf(q)
		if v, ok := c.cache.get(key, time.Now()); ok {
			return v, true, nil
		}
	}
	ctx, cancel := context.WithTimeout(bare{ctx}, c.Timeout)
	defer cancel()
	v, err = c.post(ctx, q)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err() // whatever it looked like
		}
		return Verdict{}, false, err
	}
	if c.cache != nil {
		c.cache.put(key, v, time.Now())
	}
	return v, false, nil
}

// post asks over the network.
func (c *classifier) post(ctx context.Context, q Question) (Verdict, error) {
	body, err := c.protocol.write(&c.Config, q)
	if err != nil {
		return Verdict{}, errors.New("the question cannot be written")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return Verdict{}, errors.New("the url cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "caddy-llm-gateway")
	if c.Key != "" {
		name, prefix := "Authorization", "Bearer "
		if c.protocol.keyHeader != "" {
			name, prefix = c.protocol.keyHeader, ""
		}
		req.Header.Set(name, prefix+c.Key)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return Verdict{}, unreached(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return Verdict{}, errors.New("its answer broke off or is no HTTP")
	case len(answer) > maxAnswer:
		return Verdict{}, errLong
	case slices.Contains([]int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}, resp.StatusCode):
		return Verdict{}, refused(resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return Verdict{}, fmt.Errorf("it answered with status %d", resp.StatusCode)
	}
	v, err := c.protocol.read(&c.Config, q.Texts, answer)
	if err != nil {
		return Verdict{}, err
	}
	return c.checked(v)
}

// unreached is the error of a call that was not answered. It holds neither the address,
// where a token may be, nor what came instead of HTTP, which may be what was sent.
func unreached(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	var network net.Error // of the operating system, names and TLS
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &network) || errors.As(err, &certificate) || errors.Is(err, io.EOF) {
		return fmt.Errorf("it cannot be reached: %w", err)
	}
	return errors.New("it does not answer in HTTP")
}

// checked holds a verdict against what any must be, and puts it in order.
func (c *classifier) checked(v Verdict) (Verdict, error) {
	if !(v.Score >= 0 && v.Score <= 1) || len(v.Categories) > maxCategories || len(v.Scores) > maxCategories {
		return Verdict{}, errNonsense
	}
	for name, s := range v.Scores {
		if len(name) > 256 || !(s >= 0 && s <= 1) {
			return Verdict{}, errNonsense
		}
	}
	for i, name := range v.Categories {
		if len(name) > 256 {
			return Verdict{}, errNonsense
		}
		v.Categories[i] = strings.ToLower(name)
	}
	slices.Sort(v.Categories)
	v.Categories = slices.Compact(v.Categories)
	if c.Threshold > 0 {
		v.Flagged = v.Score >= c.Threshold
	}
	return v, nil
}
